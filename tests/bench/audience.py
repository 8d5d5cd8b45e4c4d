"""A process with one sender and a thousand readers of one channel. Prints deliveries a second and how long they took, as JSON.

So many messages are in flight: the next is sent when one is, on average, with everybody. Each reader's messages are checked.

The order: ``{"kind": "hub", "peer" or "nats", "url", "readers": [key or null, …], "sender": key, "channel_id",
"in_flight": [1, …], "warm_up", "seconds"}``; one figure each.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from typing import Any

from .lines import Frames, Line, Lines, as_delivered, dial, dial_nats, faults, open_websocket, pong
from .report import percentile

DRAIN = 20.0


class Audience:
    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._kind: str = order["kind"]
        self._url: str = order["url"]
        self._lines = Lines(self._heard)
        self._confirmed: list[int] = []
        self.first = self.sent = 0
        """What was sent before, and since what was heard was forgotten."""

    def connect(self) -> None:
        self._readers = [self._reader(place, key) for place, key in enumerate(self._order["readers"])]
        for line in self._readers:
            self._lines.add(line)
        if self._kind == "nats":
            self._sender = dial_nats(self._url, None, "sender")
        else:
            speaker = self._ws(self._order["sender"]) if self._kind == "hub" else f"{self._url}ws/room?speaker"
            self._sender = open_websocket(speaker, "sender")
        self._lines.add(self._sender)
        self._frames = Frames(self._order["channel_id"], f"{time.time_ns()}")
        until = time.monotonic() + 0.5  # greetings; a hub waits a moment for the sender's first word
        while time.monotonic() < until:
            self._lines.turn(0.05)

    def _ws(self, key: str | None) -> str:
        return f"{self._url}ws?token={key}" if self._kind == "hub" else f"{self._url}ws/room"

    def _reader(self, place: int, key: str | None) -> Line:
        if self._kind == "nats":
            return dial_nats(self._url, "room", f"reader {place}")
        return dial(self._ws(key), f"reader {place}", self._order["channel_id"] if self._kind == "hub" else None)

    def _heard(self, line: Line, frame: bytes) -> None:
        if frame.startswith(b'{"type":"sent"'):
            at = frame.index(b'"seq":') + 6
            self._confirmed.append(int(frame[at : frame.index(b",", at)]))
        elif frame.startswith((b'{"type":"error"', b'{"type":"lagged"', b"-ERR")):
            raise RuntimeError(f"{line.name}: {frame.decode()}")
        elif frame == b"PING":
            line.sock.sendall(b"PONG\r\n")
        else:
            pong(line, frame)

    def _send(self) -> None:
        self.sent += 1
        now = time.perf_counter_ns()
        if self._kind == "hub":
            self._sender.send(self._frames.make(now, self.first + self.sent))
            return
        payload = as_delivered(now, self.first + self.sent)
        self._confirmed.append(self.first + self.sent)
        if self._kind == "nats":
            self._sender.sock.sendall(b"PUB room %d\r\n%s\r\n" % (len(payload), payload))
        else:
            self._sender.send(payload)

    def keep_going(self, in_flight: int, seconds: float) -> tuple[int, float]:
        """(deliveries, seconds that it took)"""
        readers = len(self._readers)
        before, began = self._lines.count, time.perf_counter()
        while (now := time.perf_counter()) < began + seconds:
            while self.sent - self._lines.count // readers < in_flight:
                self._send()
            self._lines.turn(began + seconds - now)
        return self._lines.count - before, time.perf_counter() - began

    def drain(self) -> None:
        deadline = time.monotonic() + DRAIN
        while time.monotonic() < deadline and (
            self._lines.count < self.sent * len(self._readers) or len(self._confirmed) < self.sent
        ):
            self._lines.turn(0.1)
        self._lines.check()

    def found(self, since: int) -> dict[str, Any]:
        taken = sorted(ns / 1e6 for line in self._readers for ns in line.nanoseconds(since))
        self._confirmed.sort()
        return {
            "p50": percentile(taken, 50), "p99": percentile(taken, 99),
            **faults((line.seqs(), self._confirmed) for line in self._readers),
        }  # fmt: skip

    def measure(self, in_flight: int) -> dict[str, Any]:
        self.keep_going(in_flight, self._order["warm_up"])
        since = time.perf_counter_ns()
        count, took = self.keep_going(in_flight, self._order["seconds"])
        self.drain()
        return {"rate": count / took, **self.found(since)}

    def forget(self) -> None:
        self._lines.forget()
        self._confirmed.clear()
        self.first, self.sent = self.first + self.sent, 0

    def close(self) -> None:
        self._lines.close()


def run(order: dict[str, Any]) -> list[dict[str, Any]]:
    gc.disable()  # a pause of ours would be the server's latency
    audience = Audience(order)
    audience.connect()
    try:
        found = []
        for in_flight in order["in_flight"]:
            found.append(audience.measure(in_flight))
            audience.forget()
        return found
    finally:
        audience.close()


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
