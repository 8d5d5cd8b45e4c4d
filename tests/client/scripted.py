"""A hub that does what a test's script says, frame by frame: for refusals at a certain moment and replies that are lost."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from jupyter_agentchat import AsyncAgent

Frame = dict[str, Any]
ME = {"id": "ag_1", "kind": "agent", "name": "bot"}
CHANNEL = {"id": "ch_1", "name": "work", "last_seq": 0, "unread": 0, "members": [], "created_at": "2026-11-21T06:00:00.000Z"}


class Line:
    """One connection, already welcomed."""

    def __init__(self, hub: Scripted, socket: ServerConnection, number: int) -> None:
        self.hub, self.number = hub, number
        self._socket = socket

    async def say(self, type: str, **fields: Any) -> None:  # noqa: A002 (the wire's word)
        await self.raw(json.dumps({"type": type, **fields}))

    async def raw(self, data: str | bytes) -> None:
        await self._socket.send(data)

    async def hear(self) -> Frame:
        frame: Frame = json.loads(await self._socket.recv())
        self.hub.heard.append(frame)
        return frame

    async def close(self) -> None:
        await self._socket.close()

    async def message(self, seq: int, **fields: Any) -> None:
        """Something that Ann says."""
        said = {
            "id": f"msg_{seq}", "channel_id": "ch_1", "seq": seq, "author_id": "hu_1", "author_name": "Ann",
            "author_kind": "human", "content": str(seq), "created_at": f"2026-11-21T06:00:00.{seq % 1000:03}Z",
        }  # fmt: skip
        await self.say("new_message", message=said | fields)

    async def confirm(self, frame: Frame) -> None:
        """Keeps what was sent, once."""
        request_id = frame["request_id"]
        if frame["type"] != "send_message":
            await self.say("done", request_id=request_id)
            return
        kept = self.hub.kept
        if frame["client_id"] not in kept:
            kept[frame["client_id"]] = frame["content"]
        seq = list(kept).index(frame["client_id"]) + 1
        await self.say("sent", message_id=f"msg_{seq}", seq=seq, client_id=frame["client_id"], request_id=request_id)

    async def refuse(self, frame: Frame, code: str, **fields: Any) -> None:
        await self.say("error", code=code, message="Not now.", request_id=frame["request_id"], **fields)

    async def serve(self) -> None:
        """Confirms all that comes."""
        while True:
            frame = await self.hear()
            if frame["type"] != "signal":
                await self.confirm(frame)


Script = Callable[[Line], Awaitable[None]]


class Scripted:
    """``async with Scripted(script) as hub``; ``hub.agent()`` is its agent.

    ``heard``: every frame that came in after a welcome. ``kept``: what was said, by client_id, in the order of its coming.
    """

    def __init__(self, script: Script = Line.serve) -> None:
        self.script = script
        self.heard: list[Frame] = []
        self.kept: dict[str, str] = {}
        self.lines = 0
        self.url = ""

    def agent(self, **options: Any) -> AsyncAgent:
        return AsyncAgent(url=self.url, key="au_1", channel="ch_1", **options)

    def of(self, type: str) -> list[Frame]:  # noqa: A002 (the wire's word)
        return [frame for frame in self.heard if frame["type"] == type]

    async def until(self, true: Callable[[], Any]) -> None:
        async def look() -> None:
            while not true():  # noqa: ASYNC110 what is waited for happens in several places
                await asyncio.sleep(0.01)

        await asyncio.wait_for(look(), 20)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path == "/ws":
            return None
        if request.path != "/api/v1/channels/ch_1":
            return connection.respond(HTTPStatus.NOT_FOUND, "nothing here")
        return connection.respond(HTTPStatus.OK, json.dumps({"channel": CHANNEL}))

    async def _converse(self, socket: ServerConnection) -> None:
        self.lines += 1
        line = Line(self, socket, self.lines)
        await line.say("connected", participant=ME, protocol=1, epoch="e1", heartbeat=30)
        subscription = json.loads(await socket.recv())
        last = subscription.get("after") or 0
        await line.say("subscribed", channel_id="ch_1", last_seq=last, request_id=subscription["request_id"])
        await self.script(line)

    async def __aenter__(self) -> Scripted:
        self._server = await serve(self._converse, "127.0.0.1", 0, process_request=self._answer)
        self.url = f"http://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()
