"""What importing costs a kernel: fresh interpreters with and without, by turns."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from .processes import environment
from .report import Row, at_most

RUNS = 9
AIM_MS = 150.0
STATEMENTS = ("import jupyter_agentchat", "from jupyter_agentchat import Agent")


def measure(folder: Path) -> list[Row]:
    seconds: dict[str, list[float]] = {statement: [] for statement in ("pass", *STATEMENTS)}
    for run in range(RUNS + 1):
        for statement, taken in seconds.items():
            took = interpreter(statement, folder)
            if run:  # the first one writes and reads the compiled files
                taken.append(took)
    bare = seconds["pass"]
    return [row(statement, seconds[statement], bare) for statement in STATEMENTS]


def row(statement: str, with_it: list[float], bare: list[float]) -> Row:
    added = [total - without for total, without in zip(with_it, bare, strict=True)]
    return at_most(f"import: {statement}, added", "ms", added, AIM_MS, "a bare interpreter", bare)


def interpreter(statement: str, folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, cwd=folder, env=environment())
    return (time.perf_counter() - started) * 1e3
