"""A process with a sender at a modest rate, a live reader, and a reader who comes back far behind. Prints JSON.

The order: ``{"url", "channel_id", "live", "late", "sender", "behind", "rate", "seconds", "resumes"}``; the three are keys.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from typing import Any

from .lines import Frames, Line, Lines, dial, open_websocket, pong
from .report import percentile

PATIENCE = 60.0


class Room:
    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._lines = Lines(self._heard)
        self._live = dial(self._ws("live"), "live reader", order["channel_id"])
        self._sender = open_websocket(self._ws("sender"), "sender")
        self._lines.add(self._live)
        self._lines.add(self._sender)
        self._frames = Frames(order["channel_id"], f"{time.time_ns()}")
        self._sent = 0
        self.lags = 0

    def _ws(self, who: str) -> str:
        return f"{self._order['url']}ws?token={self._order[who]}"

    def _heard(self, line: Line, frame: bytes) -> None:
        if frame.startswith(b'{"type":"error"'):
            raise RuntimeError(f"{line.name}: {frame.decode()}")
        if frame.startswith(b'{"type":"lagged"'):
            self.lags += 1
            self._subscribe(line, json.loads(frame)["resume_after"])
        else:
            pong(line, frame)

    def _subscribe(self, line: Line, after: int) -> None:
        line.send(json.dumps({"type": "subscribe", "channel_id": self._order["channel_id"], "after": after}).encode())

    def post(self, seconds: float, until: Line | None = None) -> list[float]:
        """Posts at the rate for so long, or until the line has caught up. What the live reader waited, in milliseconds."""
        began = time.perf_counter_ns()
        step, end, number = int(1e9 / self._order["rate"]), began + seconds * 1e9, 0
        while (now := time.perf_counter_ns()) < end and (until is None or until.count < self._order["behind"]):
            due = began + number * step
            if now < due:
                self._lines.turn((due - now) / 1e9)
                continue
            self._sent += 1
            self._sender.send(self._frames.make(due, self._sent))
            number += 1
        until = None
        settled = time.monotonic() + 0.3
        while time.monotonic() < settled:
            self._lines.turn(0.05)
        self._lines.check()
        return sorted(taken / 1e6 for taken in self._live.nanoseconds(began))

    def resume(self) -> tuple[float, list[float]]:
        """(messages a second that a reader gets who has none of them, what the live reader waited meanwhile)"""
        late = open_websocket(self._ws("late"), "late reader")
        self._lines.add(late)
        began = time.perf_counter_ns()
        self._subscribe(late, 0)
        waited = self.post(PATIENCE, until=late)
        got, behind = late.seqs(), self._order["behind"]
        if len(got) < behind or got != sorted(set(got)):
            raise RuntimeError(f"The late reader got {len(got)} messages of {behind}, in order: {got == sorted(set(got))}.")
        count = ended = 0
        for now, chunk in late.heard:
            count += len(chunk.seqs)
            ended = now
            if count >= behind:
                break
        late.sock.close()
        del self._lines.open[next(number for number, line in self._lines.open.items() if line is late)]
        return count / ((ended - began) / 1e9), waited

    def close(self) -> None:
        self._lines.close()


def run(order: dict[str, Any]) -> dict[str, Any]:
    gc.disable()  # a pause of ours would be the server's latency
    room = Room(order)
    try:
        room.post(0.5)
        before = [room.post(order["seconds"]) for _ in range(order["resumes"])]
        resumed = [room.resume() for _ in range(order["resumes"])]
        return {
            "rates": [rate for rate, _ in resumed],
            **{f"before_p{p}": [percentile(taken, p) for taken in before] for p in (50, 99)},
            **{f"during_p{p}": [percentile(taken, p) for _, taken in resumed] for p in (50, 99)},
            "lags": room.lags,
        }
    finally:
        room.close()


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
