"""A page of 100 messages, where the channel has a thousand of them and where it has a million."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from . import processes, seed
from .report import Row, percentile

SIZES = (1_000, 10_000, 100_000, 1_000_000)
PAGES, WARM_UP, RUNS = 60, 10, 3
QUERIES = {"newest": f"before={2**53}", "before= in the middle": "before={}", "after= in the middle": "after={}"}
"""A seq is near the message's number: the channel's other commands were few."""
AIM = 1.5
"""Flat: the slowest size takes at most so many times what the quickest takes, in the same run."""


def measure(folder: Path) -> list[Row]:
    database = folder / "pages.db"
    seats = seed.crowd(database, len(SIZES), len(SIZES))
    for size, seat in zip(SIZES, seats, strict=True):
        seed.messages(database, seat, size)
    found: dict[tuple[str, int], list[float]] = {}
    with processes.serving(folder, database, *processes.UNLIMITED) as (_, url):
        for _ in range(RUNS):
            for name, query in QUERIES.items():
                channels = [pages(url, seat, query.format(size // 2)) for size, seat in zip(SIZES, seats, strict=True)]
                taken = list(zip(*channels, strict=True))  # a page of each by turns: what disturbs one disturbs all
                for size, of_size in zip(SIZES, zip(*taken, strict=True), strict=True):
                    found.setdefault((name, size), []).append(percentile(of_size[WARM_UP:], 50))
    return [row for name in QUERIES for row in rows(name, {size: found[name, size] for size in SIZES})]


def rows(name: str, found: dict[int, list[float]]) -> list[Row]:
    least, most = SIZES[0], SIZES[-1]
    flat = [max(run) / min(run) for run in zip(*found.values(), strict=True)]
    return [
        *(Row(f"page of 100, {name}: of {size:,}", "ms", found[size], f"of {least:,}", found[least]) for size in SIZES[1:]),
        Row(
            f"page of 100, {name}: slowest ÷ quickest, {least:,} to {most:,}",
            "×",
            flat,
            aim=f"≤ {AIM}",
            met=median(flat) <= AIM,
        ),
    ]


def pages(url: str, seat: seed.Seat, query: str) -> Iterator[float]:
    """Milliseconds of each page, over one connection."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port)
    headers = {"Authorization": f"Bearer {seat.key}"}
    for _ in range(PAGES + WARM_UP):
        started = time.perf_counter()
        connection.request("GET", f"/api/v1/channels/{seat.channel_id}/messages?limit=100&{query}", headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        if reply.status != 200 or body.count(b'"seq":') != 100:
            raise RuntimeError(f"{query}: {reply.status}, {len(body)} bytes: not a page of 100")
        yield (time.perf_counter() - started) * 1e3
    connection.close()
