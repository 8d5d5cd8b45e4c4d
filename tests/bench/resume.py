"""A reader that comes back 100,000 messages behind: how fast it gets them, and what a live reader feels of it."""

from __future__ import annotations

from pathlib import Path

from . import processes, seed
from .report import Row, at_least

BEHIND = 100_000
RATE, SECONDS, RESUMES = 200, 2.0, 3
AIM = 20_000.0


def measure(folder: Path) -> list[Row]:
    database = folder / "resume.db"
    live, late, sender = seed.crowd(database, 3, 1)
    seed.messages(database, sender, BEHIND)
    with processes.serving(folder, database, *processes.UNLIMITED) as (_, url):
        order = {
            "url": url.replace("http", "ws", 1), "channel_id": sender.channel_id, "live": live.key, "late": late.key,
            "sender": sender.key, "behind": BEHIND, "rate": RATE, "seconds": SECONDS, "resumes": RESUMES,
        }  # fmt: skip
        found = processes.load("latecomer", order)
    name = f"resume: {BEHIND:,} messages behind"
    return [
        at_least(name, "/s", found["rates"], AIM),
        Row("resume: a live reader meanwhile, p50", "ms", found["during_p50"], "before", found["before_p50"]),
        Row("resume: a live reader meanwhile, p99", "ms", found["during_p99"], "before", found["before_p99"]),
    ]
