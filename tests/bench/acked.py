"""Posts that are on the disk when they are confirmed, through WebSockets; beside the same through nats-py and redis-py."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from . import peers, processes, seed
from .posts import ws
from .report import Row

RUNS = 3
WARM_UP, SECONDS = 0.3, 1.0
SHAPES = ((1, 1), (1, 100), (100, 1))
"""(connections, in flight on each)"""
NATS, REDIS = "nats-py, JetStream, sync always", "redis-py, XADD, appendfsync always"


def measure(folder: Path) -> list[Row]:
    database = folder / "acked.db"
    # One agent, however many its connections: none of them reads what the others post, as no publisher of a broker does.
    (seat,) = seed.crowd(database, 1, 1)
    found: dict[tuple[str, tuple[int, int]], list[float]] = {}
    with contextlib.ExitStack() as stack:
        _, url = stack.enter_context(processes.serving(folder, database, *processes.UNLIMITED))
        brokers = {NATS: ("nats", stack.enter_context(peers.nats(folder)))}
        if peers.redis_binary():
            brokers[REDIS] = ("redis", stack.enter_context(peers.redis(folder)))
        for _ in range(RUNS):
            for shape in SHAPES:
                found.setdefault(("ours", shape), []).append(ours(url, seat, *shape))
                for name, (broker, address) in brokers.items():
                    found.setdefault((name, shape), []).append(theirs(broker, address, *shape))
    return [row for shape in SHAPES for row in rows(found, shape)]


def rows(found: dict[tuple[str, tuple[int, int]], list[float]], shape: tuple[int, int]) -> list[Row]:
    connections, in_flight = shape
    name = f"acknowledged: {connections} connection{'s' * (connections > 1)}, {in_flight} in flight"
    of = found["ours", shape]
    nats = Row(name, "/s", of, NATS, found[NATS, shape])
    assert nats.ratio is not None
    shown = [Row(name, "/s", of, NATS, found[NATS, shape], "> nats-py", nats.ratio > 1)]
    if (REDIS, shape) in found:
        shown.append(Row("              …", "/s", of, REDIS, found[REDIS, shape]))
    return shown


def ours(url: str, seat: seed.Seat, connections: int, in_flight: int) -> float:
    sender = {"url": ws(url, seat.key), "channel_id": seat.channel_id}
    return rate("senders", {"senders": [sender] * connections, "in_flight": in_flight})


def theirs(broker: str, url: str, connections: int, in_flight: int) -> float:
    return rate("brokers", {"broker": broker, "url": url, "connections": connections, "in_flight": in_flight})


def rate(module: str, order: dict[str, Any]) -> float:
    return float(processes.load(module, {**order, "warm_up": WARM_UP, "seconds": SECONDS})["rate"])
