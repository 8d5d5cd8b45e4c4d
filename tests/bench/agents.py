"""A thousand connected agents in a hundred channels for a minute: what is lost, what it takes, what a connection costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import peers, processes, seed
from .report import Row, at_most, none_of

AGENTS, CHANNELS, RATE = 1000, 100, 500
SECONDS, LIMIT_SECONDS = 60.0, 6.0
AIM_MS, AIM_KIB = 50.0, 60.0
SEARCH_MS = 250.0
SEARCH_FROM = 1000.0


def measure(folder: Path) -> list[Row]:
    found = crowd(folder, AGENTS, CHANNELS, RATE, SECONDS, searching=True)
    with peers.broadcast(folder, "tornado") as (url, pid):
        bare = ask_peer(url, pid, AGENTS, CHANNELS, RATE, LIMIT_SECONDS)
    name, limit = f"agents: {AGENTS:,} in {CHANNELS} channels, {RATE}/s for {SECONDS:.0f} s", "bare tornado broadcast, no log"
    return [
        none_of(f"{name}: lost + doubled + out of order, of {found['deliveries']:,}", found),
        Row("agents: post → delivered, p50", "ms", [found["p50"]], limit, [bare["p50"]]),
        at_most("agents: post → delivered, p99", "ms", [found["p99"]], AIM_MS, limit, [bare["p99"]]),
        Row("agents: post → delivered, the worst", "ms", [found["worst"]], limit, [bare["worst"]]),
        at_most("agents: memory of a connection, connected", "KiB", [found["idle_kib"]], AIM_KIB, limit, [bare["idle_kib"]]),
        at_most("agents: memory of a connection, after the minute", "KiB", [found["kib"]], AIM_KIB, limit, [bare["kib"]]),
        Row(
            f"agents: highest durable rate with p99 < {SEARCH_MS:.0f} ms (each to 10 readers)", "/s", [found["search"]["rate"]]
        ),
        none_of("agents: lost + doubled + out of order at these rates", found["search"]),
    ]


def crowd(folder: Path, agents: int, channels: int, rate: float, seconds: float, *, searching: bool = False) -> Any:
    """What `crowd` found at a new hub; with ``searching`` also the highest rate."""
    database = folder / f"crowd-{agents}.db"
    seats = seed.crowd(database, agents, channels)
    with processes.serving(folder, database, *processes.UNLIMITED) as (running, url):
        found = [{"key": seat.key, "channel_id": seat.channel_id} for seat in seats]
        return ask(url, running.pid, "hub", found, rate, seconds, SEARCH_MS if searching else None)


def ask_peer(url: str, pid: int, agents: int, channels: int, rate: float, seconds: float) -> Any:
    """What `crowd` found at a bare broadcast."""
    return ask(url, pid, "peer", [{"channel_id": str(n % channels)} for n in range(agents)], rate, seconds, None)


def ask(url: str, pid: int, kind: str, seats: list[dict[str, str]], rate: float, seconds: float, most_ms: float | None) -> Any:
    order = {
        "url": url.replace("http", "ws", 1), "kind": kind, "pid": pid, "rate": rate, "warm_up": 1.0, "seconds": seconds,
        "search_from": max(rate, SEARCH_FROM),
    }  # fmt: skip
    # What a process needs once, whoever comes, is no connection's: ten agents were there before it is weighed.
    processes.load("crowd", {**order, "seats": seats[:10], "rate": 100.0, "seconds": 0.5})
    order |= {"seats": seats, "most_ms": most_ms, "none_bytes": processes.resident_bytes(pid)}
    return processes.load("crowd", order, seconds + 240)
