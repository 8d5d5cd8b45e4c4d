"""A process of agents that post at a steady rate, each a reader of its channel too. Prints what it found, as JSON.

Messages are due at fixed times, whatever the server does (no coordinated omission), and a latency is counted from then. Every
reader follows the whole log of its channel; at the end what it got is compared with what was confirmed there.

The order: ``{"url", "kind": "hub" or "peer", "seats": [{"key", "channel_id"}, …], "rate", "warm_up", "seconds", "pid",
"none_bytes", "most_ms", "search_from"}``. With ``most_ms`` it then searches for the highest rate whose p99 is below.
"""

from __future__ import annotations

import gc
import json
import math
import sys
import time
from collections import Counter, defaultdict
from typing import Any

import psutil

from .lines import Frames, Line, Lines, as_delivered, dial, faults, open_websocket, pong
from .report import percentile

DRAIN = 15.0
"""Seconds after the last post in which all of it must be confirmed and delivered."""
STEP_SECONDS = 2.0
STEPS = 4
"""Tries of the search, from the first rate that is too high on."""


class Crowd:
    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._is_hub = order["kind"] == "hub"
        self._lines = Lines(self._heard)
        self._senders: list[Line] = []
        self._frames: list[Frames] = []
        self._channels = [seat["channel_id"] for seat in order["seats"]]
        self._members = Counter(self._channels)
        self._place: dict[int, int] = {}
        self._made = 0
        """Names each message, so it is not set back: the hub would say of the second that it has it already."""
        self._posted = 0
        self._due_deliveries = 0
        self._latest = 0
        self.confirmed: dict[str, list[int]] = defaultdict(list)
        self._confirmed = 0
        self.refused = 0

    def connect(self) -> None:
        for place, seat in enumerate(self._order["seats"]):
            channel_id = seat["channel_id"]
            if self._is_hub:
                line = dial(f"{self._order['url']}ws?token={seat['key']}", f"agent {place}", channel_id)
            else:
                line = open_websocket(f"{self._order['url']}ws/{channel_id}", f"agent {place}")
            self._lines.add(line)
            self._senders.append(line)
            self._frames.append(Frames(channel_id, f"{time.time_ns()}-{place}"))
            self._place[line.sock.fileno()] = place

    def _heard(self, line: Line, frame: bytes) -> None:
        if frame.startswith(b'{"type":"sent"'):
            at = frame.index(b'"seq":') + 6
            end = frame.find(b",", at)
            self.confirmed[self._channels[self._place[line.sock.fileno()]]].append(int(frame[at : end if end > 0 else -1]))
            self._confirmed += 1
        elif frame.startswith(b'{"type":"error","code":"overloaded"'):
            # Asked for more than it takes, the hub says so. That rate is too high; nothing of it was accepted.
            self.refused += 1
            self._posted -= 1
            self._due_deliveries -= self._members[self._channels[self._place[line.sock.fileno()]]]
        elif frame.startswith(b'{"type":"error"'):
            raise RuntimeError(f"{line.name}: {frame.decode()}")
        else:
            pong(line, frame)

    def post(self, rate: float, seconds: float) -> int:
        """Posts so many a second for so long; returns when it began, in nanoseconds."""
        began = time.perf_counter_ns()
        step, end = 1e9 / rate, began + seconds * 1e9
        number = 0
        while True:
            due = began + int(number * step)
            if due >= end:
                return began
            wait = (due - time.perf_counter_ns()) / 1e9
            self._lines.turn(wait)
            if time.perf_counter_ns() < due:
                continue
            place = self._made % len(self._senders)
            line = self._senders[place]
            if self._is_hub:
                line.send(self._frames[place].make(due, self._made))
            else:
                line.send(as_delivered(due, self._made + 1))
                self._confirmed += 1
            self._due_deliveries += self._members[self._channels[place]]
            self._made += 1
            self._posted += 1
            number += 1

    def drain(self, patience: float = DRAIN) -> bool:
        """Whether all that was posted is confirmed, and with everybody."""
        deadline = time.monotonic() + patience
        while not self.drained and time.monotonic() < deadline:
            self._lines.turn(0.1)
        self._lines.check()
        return self.drained

    @property
    def drained(self) -> bool:
        return self._confirmed == self._posted and self._lines.count >= self._due_deliveries

    @property
    def unconfirmed(self) -> int:
        return self._posted - self._confirmed

    def milliseconds(self, since: int) -> list[float]:
        return sorted(taken / 1e6 for line in self._lines.open.values() for taken in line.nanoseconds(since))

    def faults(self) -> dict[str, int]:
        if not self._is_hub:
            return faults([])
        for seqs in self.confirmed.values():
            seqs.sort()
        return faults((line.seqs(), self.confirmed[self._channels[place]]) for place, line in enumerate(self._senders))

    def forget(self) -> None:
        self._lines.forget()
        self.confirmed.clear()
        self._confirmed = self._posted = self._due_deliveries = self.refused = 0

    def close(self) -> None:
        self._lines.close()


def steady(crowd: Crowd, order: dict[str, Any]) -> dict[str, Any]:
    crowd.post(order["rate"], order["warm_up"])
    began = crowd.post(order["rate"], order["seconds"])
    crowd.drain()
    taken = crowd.milliseconds(began)
    return {
        "p50": percentile(taken, 50), "p99": percentile(taken, 99), "worst": taken[-1], "deliveries": len(taken),
        "unconfirmed": crowd.unconfirmed + crowd.refused, **crowd.faults(),
    }  # fmt: skip


def search(crowd: Crowd, order: dict[str, Any]) -> dict[str, Any]:
    """By halves from the rate that was ordered: up until one fails, then between the best and the worst."""
    best, failed, rate = 0.0, 0.0, float(order["search_from"])
    p99 = 0.0
    found = faults([])
    left = STEPS
    while left:
        began = crowd.post(rate, STEP_SECONDS)
        drained = crowd.drain()
        taken = math.inf if crowd.refused else percentile(crowd.milliseconds(began), 99)
        found = {name: count + found[name] for name, count in crowd.faults().items()}
        print(f"{rate:,.0f}/s: p99 {taken:.0f} ms, drained {drained}, {found}", file=sys.stderr)
        if not drained:
            break
        crowd.forget()
        if taken < order["most_ms"]:
            best, p99 = rate, taken
        else:
            failed = rate
        if failed:
            left -= 1
        rate = (best + failed) / 2 if failed else rate * 2
    return {"rate": best, "p99": p99, "unconfirmed": crowd.unconfirmed, **found}


def run(order: dict[str, Any]) -> dict[str, Any]:
    gc.disable()  # a pause of ours would be the server's latency
    crowd = Crowd(order)
    began = time.perf_counter()
    crowd.connect()
    connected = time.perf_counter() - began
    time.sleep(0.5)
    memory = psutil.Process(order["pid"]).memory_info
    try:
        idle = memory().rss
        found = steady(crowd, order)
        each, none = len(order["seats"]) * 1024, order.get("none_bytes", 0)
        found |= {"connect_seconds": connected, "idle_kib": (idle - none) / each, "kib": (memory().rss - none) / each}
        crowd.forget()
        return {**found, "search": search(crowd, order) if order.get("most_ms") else None}
    finally:
        crowd.close()


if __name__ == "__main__":
    print(json.dumps(run(json.load(sys.stdin))))
