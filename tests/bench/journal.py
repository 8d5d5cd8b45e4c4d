"""The journal alone, with 256 producers, on this disk and on one whose fsync takes 1 ms more; bare SQLite beside it."""

from __future__ import annotations

from pathlib import Path

from . import processes
from .report import Row, at_least, at_most

PRODUCERS, RUNS = 256, 3
WARM_UP, SECONDS = 0.4, 1.5
SYNC_SECONDS = (0.0, 0.001)
AIM, AIM_MS = 20_000.0, 25.0


def measure(folder: Path) -> list[Row]:
    return [row for sync in SYNC_SECONDS for row in rows(folder, sync)]


def rows(folder: Path, sync: float) -> list[Row]:
    order = {"producers": PRODUCERS, "sync_seconds": sync, "warm_up": WARM_UP, "seconds": SECONDS}
    ours, bare = [], []
    for run in range(RUNS):
        ours.append(processes.load("producers", {**order, "path": str(folder / f"journal-{sync}-{run}.db")}))
        alone = {**order, "path": str(folder / f"bare-{sync}-{run}.db"), "in_flight": 1, "channels": 1}
        bare.append(processes.load("bare", alone))
    name = f"journal alone: {PRODUCERS} producers, " + (f"fsync + {sync * 1e3:.0f} ms" if sync else "this disk")
    limit = "bare SQLite group commit, same rows"
    rates, limits = [one["rate"] for one in ours], [one["rate"] for one in bare]
    taken, limit_taken = [one["p99"] for one in ours], [one["p99"] for one in bare]
    if not sync:
        return [Row(name, "/s", rates, limit, limits), Row(f"{name}, p99", "ms", taken, limit, limit_taken)]
    return [
        at_least(name, "/s", rates, AIM, limit, limits),
        at_most(f"{name}, p99", "ms", taken, AIM_MS, limit, limit_taken),
    ]
