"""How long a post takes to be durable, and to be with a reader, beside a bare echo and a bare commit one after the other."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from jupyter_agentchat.protocol import new_id, timestamp
from jupyter_agentchat.state.store import Store

from . import processes
from .bare import AUTHOR, INSERT
from .posts import ws
from .report import Row, at_most, percentile
from .rows import CONTENT

RUNS = 3
RATE = 200
FRAMES = 400
AIM_MS = 5.0
LIMIT = "bare tornado echo + bare SQLite commit"


def measure(folder: Path) -> list[Row]:
    found: list[dict[str, list[float]]] = []
    with processes.hub(folder) as hub, processes.echo(folder) as echo:
        reader_id, reader_key = hub.new_agent("reader")
        hub.call("POST", f"channels/{hub.channel_id}/members", {"participant_id": reader_id})
        order = {"channel_id": hub.channel_id, "rate": RATE, "frames": FRAMES}
        for run in range(RUNS):
            ours = processes.load("steady", {**order, "sender": ws(hub.url, hub.key), "reader": ws(hub.url, reader_key)})
            echoed = processes.load("steady", {**order, "sender": echo})
            found.append({**ours, "echoed": echoed["confirmed"], "committed": commits(folder / f"bare-{run}.db")})
    return [row for percent in (50, 95, 99) for row in rows(found, percent)]


def rows(found: list[dict[str, list[float]]], percent: float) -> list[Row]:
    of: dict[str, list[float]] = {name: [percentile(run[name], percent) for run in found] for name in found[0]}
    limit = [echoed + committed for echoed, committed in zip(of["echoed"], of["committed"], strict=True)]
    durable, delivered = f"latency: post → durable, p{percent}", f"latency: post → delivered, p{percent}"
    return [
        Row(durable, "ms", of["confirmed"], LIMIT, limit),
        at_most(delivered, "ms", of["delivered"], AIM_MS, LIMIT, limit)
        if percent == 50
        else Row(delivered, "ms", of["delivered"], LIMIT, limit),
    ]


def commits(path: Path) -> list[float]:
    """Milliseconds of single commits with fsync, at the same rate."""
    db = Store(path).open_writer()
    taken = []
    for number in range(FRAMES):
        started = time.perf_counter()
        commit(db, number)
        taken.append((time.perf_counter() - started) * 1e3)
        time.sleep(max(0.0, 1 / RATE - (time.perf_counter() - started)))
    db.close()
    return taken


def commit(db: sqlite3.Connection, number: int) -> None:
    at = timestamp(time.time())
    db.execute("BEGIN IMMEDIATE")
    db.execute(INSERT, ("ch_bench", number, new_id("msg"), *AUTHOR, CONTENT, at, f"client {number}"))
    db.execute("COMMIT")
