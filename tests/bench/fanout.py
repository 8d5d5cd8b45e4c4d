"""One channel with a thousand readers: deliveries a second, by messages in flight, beside those who only pass on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import peers, processes, seed
from .report import Row, at_least, none_of

RUNS = 3
READERS = 1000
IN_FLIGHT = (1, 8, 32, 64)
WARM_UP, SECONDS = 0.3, 1.0
AIM, AIM_MS = 300_000.0, 100.0
OURS = "ours"

Found = dict[str, list[dict[str, Any]]]


def measure(folder: Path) -> list[Row]:
    found: dict[int, Found] = {in_flight: {} for in_flight in IN_FLIGHT}
    with everybody(folder, READERS) as orders:
        for _ in range(RUNS):
            for name, order in orders.items():
                for in_flight, one in zip(IN_FLIGHT, ask(order, IN_FLIGHT), strict=True):
                    found[in_flight].setdefault(name, []).append(one)
    ours = [one for names in found.values() for one in names[OURS]]
    return [
        *(row for in_flight in IN_FLIGHT for row in rows(in_flight, found[in_flight])),
        best(found),
        none_of("fan-out: lost + doubled + out of order, in all", *ours),
    ]


def rows(in_flight: int, found: Found) -> list[Row]:
    name = f"fan-out: {READERS:,} readers, {in_flight} in flight"
    rates = [Row(name, "/s", column(found, OURS, "rate"), peer, column(found, peer, "rate")) for peer in found if peer != OURS]
    peer = "NATS core"
    taken = Row(f"{name}: post → delivered, p99", "ms", column(found, OURS, "p99"), peer, column(found, peer, "p99"))
    return [*rates, taken]


def best(found: dict[int, Found]) -> Row:
    """The most deliveries whose p99 is within the aim, and the same of the quickest peer."""
    rates: dict[str, list[float]] = {}
    for in_flight in IN_FLIGHT:
        for name, runs in found[in_flight].items():
            rate = column(found[in_flight], name, "rate")
            in_time = sum(one["p99"] < AIM_MS for one in runs) * 2 > len(runs)
            if in_time and sum(rate) > sum(rates.get(name, [0.0])):
                rates[name] = rate
    ours = rates.pop(OURS, [0.0] * RUNS)
    peer = max(rates, key=lambda name: sum(rates[name]), default="")
    limit = rates.get(peer, [])
    return at_least(f"fan-out: the best with p99 < {AIM_MS:.0f} ms", "/s", ours, AIM, f"{peer}, the same way", limit)


def column(found: Found, name: str, figure: str) -> list[float]:
    return [one[figure] for one in found[name]]


def ask(order: dict[str, Any], in_flight: Sequence[int]) -> Any:
    return processes.load("audience", {**order, "in_flight": in_flight, "warm_up": WARM_UP, "seconds": SECONDS})


@contextlib.contextmanager
def everybody(folder: Path, readers: int) -> Iterator[dict[str, dict[str, Any]]]:
    """The hub and its peers, all of them up: what `audience` is to be told to load each."""
    with (
        ours(folder, readers) as order,
        peers.broadcast(folder, "tornado") as (tornado, _),
        peers.broadcast(folder, "websockets") as (websockets, _),
        peers.nats(folder) as nats,
    ):
        bare = {"readers": [None] * readers, "sender": None, "channel_id": ""}
        yield {
            OURS: order,
            "bare tornado broadcast": {**bare, "kind": "peer", "url": tornado},
            "websockets broadcast": {**bare, "kind": "peer", "url": websockets},
            "NATS core": {**bare, "kind": "nats", "url": nats},
        }


@contextlib.contextmanager
def ours(folder: Path, readers: int) -> Iterator[dict[str, Any]]:
    database = folder / f"audience-{readers}.db"
    sender, *seats = seed.crowd(database, readers + 1, 1)
    with processes.serving(folder, database, *processes.UNLIMITED) as (_, url):
        yield {
            "kind": "hub", "url": url.replace("http", "ws", 1), "readers": [seat.key for seat in seats],
            "sender": sender.key, "channel_id": sender.channel_id,
        }  # fmt: skip
