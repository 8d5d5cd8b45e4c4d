"""Durable posts a second through the WebSocket, beside bare SQLite group commit of the same rows and a bare echo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import processes
from .processes import Served
from .report import Row, ratio

RUNS = 3
WARM_UP, SECONDS = 0.4, 1.2
SENDERS = 100
AIM = 0.5


@dataclass(frozen=True)
class Case:
    name: str
    senders: Sequence[dict[str, str]]
    in_flight: int
    channels: int
    aimed: bool = False


def measure(folder: Path) -> list[Row]:
    with processes.hub(folder) as hub, processes.echo(folder) as echo:
        one = {"url": ws(hub.url, hub.key), "channel_id": hub.channel_id}
        own = [own_channel(hub, place) for place in range(SENDERS)]
        cases = [
            Case("1 sender", [one], 1, 1),
            Case(f"{SENDERS} senders in one channel", [one] * SENDERS, 1, 1, aimed=True),
            Case(f"{SENDERS} senders, each in its own channel", own, 1, SENDERS, aimed=True),
            Case(f"{SENDERS} senders in one channel, 16 in flight each", [one] * SENDERS, 16, 1),
        ]
        return [row for case in cases for row in measure_case(folder, hub, echo, case)]


def measure_case(folder: Path, hub: Served, echo: str, case: Case) -> list[Row]:
    ours, bare, echoed = [], [], []
    for run in range(RUNS):
        before = hub.last_seq(hub.channel_id)
        found = send(case.senders, case.in_flight)
        if len({one["channel_id"] for one in case.senders}) == 1 and hub.last_seq(hub.channel_id) - before < found["confirmed"]:
            raise RuntimeError(f"The log of {case.name} is shorter than what was confirmed.")
        ours.append(found["rate"])
        bare.append(group_commit(folder / f"bare-{case.name}-{run}.db", case))
        echoed.append(send([{**one, "url": echo} for one in case.senders], case.in_flight)["rate"])
    aim = f"≥ {AIM} × SQLite" if case.aimed else ""
    met = ratio(ours, bare) >= AIM if case.aimed else None
    return [
        Row(f"posts: durable, {case.name}", "/s", ours, "bare SQLite group commit, same rows", bare, aim, met),
        Row("       … beside the door's own limit", "/s", ours, "bare tornado WebSocket echo, same frames", echoed),
    ]


def ws(url: str, key: str) -> str:
    return f"{url.replace('http', 'ws', 1)}ws?token={key}"


def own_channel(hub: Served, place: int) -> dict[str, str]:
    _, key = hub.new_agent(f"sender {place}")
    made = hub.call("POST", "channels", {"name": f"channel {place}"}, key)
    return {"url": ws(hub.url, key), "channel_id": made["channel"]["id"]}


def send(senders: Sequence[dict[str, str]], in_flight: int) -> Any:
    order = {"senders": list(senders), "in_flight": in_flight, "warm_up": WARM_UP, "seconds": SECONDS}
    return processes.load("senders", order)


def group_commit(path: Path, case: Case) -> float:
    order = {
        "path": str(path), "producers": len(case.senders), "in_flight": case.in_flight, "channels": case.channels,
        "warm_up": WARM_UP, "seconds": SECONDS,
    }  # fmt: skip
    return float(processes.load("bare", order)["rate"])
