"""A process with one sender at a modest rate, and one reader. Prints how long each frame took, in milliseconds, as JSON.

The order: ``{"sender", "reader", "channel_id", "rate", "frames"}``; ``reader`` is absent for an echo.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

from .rows import CONTENT
from .wire import connect

WARM_UP = 40
"""Frames that are sent, and not counted."""


class Clock:
    """When each frame was sent, told apart by its client_id, and when it was heard of."""

    def __init__(self, confirmation: bytes) -> None:
        self._confirmation = confirmation
        self.sent: dict[str, float] = {}
        self.confirmed: dict[str, float] = {}
        self.delivered: dict[str, float] = {}

    def heard_by_sender(self, frame: bytes) -> None:
        now = time.perf_counter()
        if frame.startswith(self._confirmation):
            self.confirmed[json.loads(frame)["client_id"]] = now
        elif frame.startswith(b'{"type":"error"'):
            raise RuntimeError(frame.decode())

    def heard_by_reader(self, frame: bytes) -> None:
        now = time.perf_counter()
        if frame.startswith(b'{"type":"new_message"'):
            self.delivered[json.loads(frame)["message"]["client_id"]] = now

    def milliseconds(self, heard: dict[str, float]) -> list[float]:
        return [(heard[name] - at) * 1e3 for name, at in list(self.sent.items())[WARM_UP:]]


async def run(order: dict[str, Any]) -> dict[str, list[float]]:
    clock = Clock(b'{"type":"sent"' if order.get("reader") else b'{"type": "send_message"')
    sender = await connect(order["sender"], clock.heard_by_sender)
    if order.get("reader"):
        await connect(order["reader"], clock.heard_by_reader)
    await asyncio.sleep(0.3)  # a hub waits a moment for `subscribe` before it sends live events
    prefix, due = os.urandom(6).hex(), time.perf_counter()
    for number in range(order["frames"] + WARM_UP):
        name = f"{prefix}-{number}"
        frame = json.dumps({"type": "send_message", "channel_id": order["channel_id"], "content": CONTENT, "client_id": name})
        clock.sent[name] = time.perf_counter()
        sender.send(frame.encode())
        due += 1 / order["rate"]
        await asyncio.sleep(max(0, due - time.perf_counter()))
    await asyncio.sleep(0.3)
    delivered = clock.milliseconds(clock.delivered) if order.get("reader") else []
    return {"confirmed": clock.milliseconds(clock.confirmed), "delivered": delivered}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
