"""A process of senders: each keeps so many frames in flight, for so long. Prints what was confirmed, as JSON.

The order: ``{"senders": [{"url", "channel_id"}, …], "in_flight", "warm_up", "seconds"}``.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from .rows import CONTENT
from .wire import Socket, connect


class Sender:
    """Sends on as soon as a frame is confirmed. An echo confirms what it was sent; a hub says ``sent``."""

    def __init__(self, name: str, channel_id: str) -> None:
        head = {"type": "send_message", "channel_id": channel_id, "content": CONTENT, "client_id": name}
        self._before, self._after = (part.encode() for part in json.dumps(head).split(name))
        self._name = name.encode()
        self._made = 0
        self.confirmed = 0
        self.stopped = False
        self.refused: bytes | None = None

    async def start(self, url: str, in_flight: int) -> None:
        self._connected = asyncio.Event()
        self._socket: Socket = await connect(url, self._heard)
        if "token=" in url:  # a hub greets
            await self._connected.wait()
        self._socket.send(*(self._next() for _ in range(in_flight)))

    def _next(self) -> bytes:
        self._made += 1
        return b"%s%s-%d%s" % (self._before, self._name, self._made, self._after)

    def _heard(self, frame: bytes) -> None:
        if frame.startswith((b'{"type":"sent"', b'{"type": "send_message"')):
            self.confirmed += 1
            if not self.stopped:
                self._socket.send(self._next())
        elif frame.startswith(b'{"type":"connected"'):
            self._connected.set()
        elif frame.startswith(b'{"type":"error"'):
            self.refused = frame

    @property
    def waits(self) -> bool:
        return self.confirmed < self._made and self._socket.lost is None and self.refused is None

    def check(self) -> None:
        if self.refused or self._socket.lost:
            raise RuntimeError(f"A sender failed: {self.refused!r} {self._socket.lost}")

    def close(self) -> None:
        self._socket.close()


async def run(order: dict[str, Any]) -> dict[str, Any]:
    senders = [Sender(f"{os.urandom(6).hex()}-{place}", one["channel_id"]) for place, one in enumerate(order["senders"])]
    await asyncio.gather(*(s.start(one["url"], order["in_flight"]) for s, one in zip(senders, order["senders"], strict=True)))
    await asyncio.sleep(order["warm_up"])
    before, started = sum(sender.confirmed for sender in senders), time.perf_counter()
    await asyncio.sleep(order["seconds"])
    done, took = sum(sender.confirmed for sender in senders) - before, time.perf_counter() - started
    for sender in senders:
        sender.stopped = True
    while any(sender.waits for sender in senders):  # noqa: ASYNC110 (an event would cost a sender something at each frame)
        await asyncio.sleep(0.01)
    for sender in senders:
        sender.check()
        sender.close()
    return {"rate": done / took, "confirmed": sum(sender.confirmed for sender in senders)}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
