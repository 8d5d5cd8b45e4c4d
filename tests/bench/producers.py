"""The journal alone: so many producers submit posts to a LocalJournal on a real file, each waits for its outcome.

The order: ``{"path", "producers", "sync_seconds", "warm_up", "seconds"}``. Prints the rate and what a command waited, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from jupyter_agentchat.commands import Event, Post
from jupyter_agentchat.journal.local import LocalJournal
from jupyter_agentchat.protocol import new_id

from . import seed
from .report import percentile
from .rows import CONTENT
from .slow_disk import SlowStore


async def run(order: dict[str, Any]) -> dict[str, Any]:
    path = Path(order["path"])
    seats = seed.crowd(path, order["producers"], 1)
    store = SlowStore(path)
    store.seconds = order["sync_seconds"]
    journal = LocalJournal(store)
    applied = 0

    def on_applied(events: list[Event]) -> None:
        nonlocal applied
        applied += len(events)

    await journal.start(on_applied)
    taken: list[float] = []

    async def produce(place: int, seat: seed.Seat) -> None:
        number = 0
        while True:
            number += 1
            started = time.perf_counter()
            await journal.submit(Post(seat.agent_id, seat.channel_id, new_id("msg"), CONTENT, client_id=f"{place}-{number}"))
            taken.append(time.perf_counter() - started)

    tasks = [asyncio.create_task(produce(place, seat)) for place, seat in enumerate(seats)]
    await asyncio.sleep(order["warm_up"])
    taken.clear()
    started = time.perf_counter()
    await asyncio.sleep(order["seconds"])
    done, took, waited = len(taken), time.perf_counter() - started, sorted(taken)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await journal.close()
    store.close()
    return {"rate": done / took, "p50": percentile(waited, 50) * 1e3, "p99": percentile(waited, 99) * 1e3, "applied": applied}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(run(json.load(sys.stdin)))))
