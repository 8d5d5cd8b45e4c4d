"""Who acts in the tests: participants over HTTP and WebSocket with nothing but requests and websocket-client, and servers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
import websocket

PATIENCE = 20.0
"""Seconds after which a test gives up; nothing in a passing test waits that long."""
PASSWORD = "correct horse"

Json = Any


class Refused(AssertionError):
    """A call was answered with another status than the test expected."""


class Actor:
    """One participant: a key or a session as Bearer, or a browser that holds cookies.

    Args:
        url: where the hub is, ends in ``/``.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.token = token
        self.http = requests.Session()
        self.http.trust_env = False
        if token:
            self.http.headers["Authorization"] = f"Bearer {token}"
        self.channel_id = ""
        self.id = ""

    def send(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.http.request(method, self.url + path, timeout=PATIENCE, **options)

    def call(self, method: str, path: str, body: Json = None, *, status: int | tuple[int, ...] = (200, 201)) -> Json:
        """The reply of ``api/v1/…``. A browser's session sends its XSRF token along, as its page would."""
        headers = {}
        if self.token is None and "_xsrf" in self.http.cookies:
            headers["X-XSRFToken"] = self.http.cookies["_xsrf"]
        response = self.send(method, f"api/v1/{path}", json=body, headers=headers)
        if response.status_code not in (status if isinstance(status, tuple) else (status,)):
            raise Refused(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return response.json()

    def refused(self, method: str, path: str, body: Json = None) -> tuple[int, str]:
        """(status, code) of the refusal."""
        reply = self.call(method, path, body, status=tuple(range(400, 600)))
        return self.last_status(reply), reply["error"]["code"]

    @staticmethod
    def last_status(reply: Json) -> int:
        from jupyter_agentchat.errors import tree

        return tree()[reply["error"]["code"]].status

    def path(self, rest: str = "", channel_id: str | None = None) -> str:
        return f"channels/{channel_id or self.channel_id}{rest}"

    def post(self, content: str, *, channel_id: str | None = None, **fields: Any) -> Json:
        return self.call("POST", self.path("/messages", channel_id), {"content": content, **fields})["message"]

    def ask(self, content: str, *, channel_id: str | None = None, **question: Any) -> Json:
        return self.post(content, channel_id=channel_id, question=question)

    def answer(self, question: Json, value: Json) -> Json:
        return self.call("POST", f"channels/{question['channel_id']}/messages/{question['id']}/answer", {"value": value})[
            "message"
        ]

    def history(self, **query: Any) -> list[Json]:
        found: list[Json] = self.call("GET", self.path(f"/messages?{'&'.join(f'{k}={v}' for k, v in query.items())}"))[
            "messages"
        ]
        return found

    def invite(self, **fields: Any) -> Json:
        return self.call("POST", "invites", {"channel_id": self.channel_id, **fields})

    def guest(self, name: str) -> Actor:
        """Somebody new who comes in by this participant's invite."""
        joined = Actor(self.url).call("POST", f"invites/{self.invite()['token']}/accept", {"name": name})
        guest = Actor(self.url, joined["session_token"])
        guest.channel_id, guest.id = joined["channel_id"], joined["participant"]["id"]
        return guest

    def sibling(self, name: str) -> Actor:
        """Another agent of the same owner, in no channel yet."""
        made = self.call("POST", "agents", {"name": name})
        sibling = Actor(self.url, made["api_key"])
        sibling.id, sibling.channel_id = made["agent"]["id"], self.channel_id
        return sibling

    def member(self, name: str, role: str = "member") -> Actor:
        """Another agent of the same owner, added to this channel."""
        sibling = self.sibling(name)
        self.call("POST", self.path("/members"), {"participant_id": sibling.id, "role": role})
        return sibling

    def new_channel(self, name: str) -> str:
        found: str = self.call("POST", "channels", {"name": name})["channel"]["id"]
        return found

    def connect(self, **options: Any) -> Socket:
        return Socket(f"{self.url.replace('http', 'ws', 1)}ws?token={self.token}", **options)


class Owner(Actor):
    """Bootstraps a workspace and signs in."""

    EMAIL = "owner@example.org"

    def __init__(self, url: str, agent_name: str = "research-bot") -> None:
        nobody = Actor(url)
        made = nobody.call("POST", "bootstrap", self.bootstrap(agent_name))
        session = nobody.call("POST", "login", {"email": self.EMAIL, "password": PASSWORD})
        super().__init__(url, session["session_token"])
        self.made = made
        self.id, self.channel_id = session["participant"]["id"], made["channel_id"]
        self.agent = Actor(url, made["api_key"])
        self.agent.id, self.agent.channel_id = made["agent_id"], made["channel_id"]

    @classmethod
    def bootstrap(cls, name: str, **more: Any) -> Json:
        return {
            "owner_email": cls.EMAIL, "owner_password": PASSWORD, "agent_name": name,
            "agent_description": "finds things",
        } | more  # fmt: skip


class Socket:
    """A WebSocket of websocket-client. ``with`` closes it."""

    def __init__(self, url: str, **options: Any) -> None:
        self.ws = websocket.create_connection(url, timeout=PATIENCE, http_no_proxy=["*"], **options)
        self.connected = self.next()
        assert self.connected["type"] == "connected"

    def say(self, type: str, **fields: Any) -> None:  # noqa: A002 (the wire's word)
        self.ws.send(json.dumps({"type": type, **fields}))

    def next(self, *, presence: bool = False) -> Json:
        """The next frame; who comes and goes is told when it happens, so only to who asks for it."""
        while True:
            frame = json.loads(self.ws.recv())
            if presence or (frame["type"], frame.get("kind")) != ("signal", "presence"):
                return frame

    def until(self, type: str, **fields: Any) -> Json:  # noqa: A002 (the wire's word)
        """The next frame of that type with those fields; what comes before is dropped."""
        while True:
            frame = self.next(presence=True)
            if frame["type"] == type and all(frame.get(name) == value for name, value in fields.items()):
                return frame

    def ask(self, type: str, **fields: Any) -> Json:  # noqa: A002 (the wire's word)
        """Says it and returns its reply; what comes before is dropped."""
        self.say(type, request_id="r", **fields)
        while True:
            frame = self.next()
            if frame.get("request_id") == "r":
                return frame

    def before_pong(self) -> list[Json]:
        """Everything that the server sent until it read our ping: how to say "nothing came" without a sleep."""
        self.say("ping", request_id="done")
        frames: list[Json] = []
        while (frame := self.next()) != {"type": "pong", "request_id": "done"}:
            frames.append(frame)
        return frames

    def messages(self, count: int) -> list[Json]:
        return [self.until("new_message")["message"] for _ in range(count)]

    def close_code(self) -> int:
        """Reads to the end; the code that the server closed with."""
        while True:
            opcode, data = self.ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")

    def __enter__(self) -> Socket:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError, websocket.WebSocketException):
            self.ws.close(timeout=1)
        self.ws.shutdown()  # type: ignore[no-untyped-call] # websocket-client has no types


CLI = [sys.executable, "-c", "from jupyter_agentchat.cli import main; main()"]


class Serve:
    """``jupyter agentchat serve`` in a process of its own; ``wrapper``: its disk or clock fails (tests/faults/wrapped.py)."""

    def __init__(self, database: Path, *arguments: str, wrapper: str | None = None) -> None:
        command = [sys.executable, "-m", "tests.faults.wrapped", wrapper] if wrapper else CLI
        free_port = [] if "--port" in arguments else ["--port", "0"]
        self.process = subprocess.Popen(
            [*command, "serve", "--store", f"sqlite:///{database}", *free_port, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        found = re.search(r"http://\S+", self.said)
        self.url = found[0] if found else ""

    def kill(self) -> None:
        """kill -9, as often as you like."""
        self.process.kill()
        self.process.communicate()

    def end(self) -> tuple[int, str]:
        """Ctrl-C's gentler sister. Returns: (exit status, what it wrote to stderr)."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, errors


Start = Callable[..., Serve]
