"""What telling costs the loop that tells: a checkpoint when nobody wants anything, and an item of `track` beside tqdm's."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from .report import Row, at_most

RUNS = 7
CALLS = 300_000
ITEMS = 1_000_000
AIM_US = 5.0


def measure(folder: Path) -> list[Row]:
    import tqdm

    from jupyter_agentchat import Agent
    from jupyter_agentchat.server import embedded

    os.environ["AGENTCHAT_STORE"] = f"sqlite:///{folder / 'workspace.db'}"
    try:
        with Agent("bench") as agent:
            agent.checkpoint()  # the first one asks what was wanted before
            told, bare, silent = [], [], []
            for _ in range(RUNS):
                told.append(calls(lambda step: agent.checkpoint(step=step, loss=0.5)))
                silent.append(calls(lambda step: agent.checkpoint()))
                bare.append(calls(lambda step: None))
            tracked, twins, theirs, plain = [], [], [], []
            for _ in range(RUNS):
                tracked.append(items(agent.track(range(ITEMS), "bench")))
                twins.append(items(agent.tqdm(range(ITEMS), desc="bench")))
                theirs.append(items(tqdm.tqdm(range(ITEMS), desc="bench", file=io.StringIO())))
                plain.append(items(range(ITEMS)))
    finally:
        embedded.stop_all()
        del os.environ["AGENTCHAT_STORE"]
    limit = sorted(theirs)[RUNS // 2]
    return [
        at_most("checkpoint(step=, loss=), nobody wants anything", "us", told, AIM_US, "an empty function", bare),
        at_most("checkpoint(), the same", "us", silent, AIM_US, "an empty function", bare),
        at_most("track, an item", "ns", tracked, limit, "tqdm", theirs),
        at_most("agent.tqdm, an item", "ns", twins, limit, "tqdm", theirs),
        Row("a bare loop, an item", "ns", plain, "tqdm", theirs),
    ]


def calls(function: Callable[[int], object]) -> float:
    """Microseconds a call."""
    started = time.perf_counter()
    for step in range(CALLS):
        function(step)
    return (time.perf_counter() - started) / CALLS * 1e6


def items(given: Iterable[int]) -> float:
    """Nanoseconds an item."""
    started = time.perf_counter()
    for _ in given:
        pass
    return (time.perf_counter() - started) / ITEMS * 1e9
