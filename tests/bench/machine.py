"""What the figures were taken on."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from pathlib import Path
from statistics import median


def describe(folder: Path) -> str:
    """One line; ``folder`` is where the databases of this run lie."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{os.cpu_count()} cores ({platform.machine()}, load {load:.1f} at the start), "
        f"{platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"4 KiB write + fsync on this disk {fsync_seconds(folder) * 1e6:,.0f} µs (median of 300)"
    )


def fsync_seconds(folder: Path) -> float:
    path = folder / "fsync-probe"
    taken = []
    file = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        for _ in range(300):
            started = time.perf_counter()
            os.write(file, b"x" * 4096)
            os.fsync(file)
            taken.append(time.perf_counter() - started)
    finally:
        os.close(file)
        path.unlink()
    return median(taken)
