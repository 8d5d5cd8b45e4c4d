"""State is a function of the ordered commands of each partition, and of nothing else: the NATS journal stands on it."""

from __future__ import annotations

import random
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import AnyCommand, Applied, NewMember, Placed, partition_of
from jupyter_agentchat.protocol import Ask, Decided, timestamp
from jupyter_agentchat.state import apply_all, apply_each
from jupyter_agentchat.state.store import Store
from tests.unit.machine import rows

CHANNELS = ["ch_a", "ch_b"]
PEOPLE = [("ag_1", "agent", "one"), ("ag_2", "agent", "two"), ("hu_1", "human", "Ann"), ("hu_2", "human", "Ben")]

who = st.sampled_from(PEOPLE)
actor = who.map(lambda person: person[0])
channel = st.sampled_from(CHANNELS)
number = st.integers(0, 12)
client_id = st.none() | st.sampled_from(["c1", "c2"])
asks = st.builds(
    Ask,
    key=st.sampled_from([None, "k1", "k2"]),
    choices=st.sampled_from([None, ["yes", "no"]]),
    timeout=st.sampled_from([None, 0.0, 3.0]),
    to=st.sampled_from([None, ["@two"], ["owner"]]),
    decided=st.none() | st.builds(Decided, value=st.just("yes"), source=st.just("file")),
)
members = st.builds(
    lambda person, role: NewMember(person[0], person[1], person[2], role),
    who, st.sampled_from(["owner", "member", "observer"]),
)  # fmt: skip


def message(channel_id: str, place: int) -> str:
    return f"msg_{channel_id}_{place}"


def posts() -> st.SearchStrategy[Any]:
    return st.builds(
        lambda ch, who, content, client, parent, ask: c.Post(
            who, ch, "", content, None if parent is None else message(ch, parent), question=ask, client_id=client
        ),
        channel, actor, st.sampled_from(["hello", "go on?", " "]), client_id, st.none() | number, st.none() | asks,
    )  # fmt: skip


commands = st.one_of(
    posts(),
    posts(),
    st.builds(lambda ch, who, n, v, cid: c.Close(who, ch, message(ch, n), "", v, client_id=cid), channel, actor, number,
              st.sampled_from(["yes", "no", "other"]), client_id),
    st.builds(lambda ch, who, n: c.Withdraw(who, ch, message(ch, n), ""), channel, actor, number),
    st.builds(lambda ch, n: c.Expire(c.HUB, ch, message(ch, n), ""), channel, number),
    st.builds(lambda ch, who, n: c.ConsumeAnswer(who, ch, message(ch, n)), channel, actor, number),
    st.builds(lambda ch, who, n: c.Edit(who, ch, message(ch, n), "edited"), channel, actor, number),
    st.builds(lambda ch, who, n: c.Delete(who, ch, message(ch, n)), channel, actor, number),
    st.builds(lambda ch, who, n: c.Read(who, ch, n), channel, actor, number),
    st.builds(lambda ch, who, m: c.PutMember(who, ch, m), channel, actor, members),
    st.builds(lambda ch, who, other: c.DropMember(who, ch, other), channel, actor, actor),
    st.builds(lambda ch, who, archived: c.ChangeChannel(who, ch, archived=archived), channel, actor, st.booleans()),
    st.builds(lambda ch, who, n: c.Invite(who, ch, "", "", timestamp(1.8e9 + n), n % 3 + 1), channel, actor, number),
    st.builds(lambda ch, n, m: c.UseInvite(c.HUB, ch, f"hash {n}", m), channel, number, members),
    st.builds(
        lambda person, n, refuse: c.Enrol(
            c.HUB, [c.NewPerson(person[0] + str(n), person[1], person[2], person[2])],
            [c.NewCredential("", person[0] + str(n), "key", "")], ("local", f"nb{n}", f"ch_{n}"), refuse_known=refuse
        ),
        who, number, st.booleans(),
    ),
    st.builds(lambda n: c.Revoke(c.HUB, f"key_{n}"), number),
)  # fmt: skip


def stamped(drawn: list[AnyCommand], steps: list[float]) -> list[Placed]:
    """As a journal hands them out: each with its partition's next seq and a time that never falls."""
    opening: list[AnyCommand] = [
        c.FoundChannel("ag_1", ch, ch, None, [NewMember("ag_1", "agent", "one", "owner"), NewMember("hu_1", "human", "Ann")])
        for ch in CHANNELS
    ]
    seqs: dict[str, int] = {}
    now = 1.8e9
    ordered: list[Placed] = []
    for command, step in zip([*opening, *drawn], [0.0, 0.0, *steps], strict=False):
        partition = partition_of(command)
        seq = seqs[partition] = seqs.get(partition, 0) + 1
        now += step
        for field in ("message_id", "closing_id", "invite_id"):
            if getattr(command, field, None) == "":
                setattr(command, field, message(partition, seq))
        for credential in getattr(command, "credentials", []):
            credential.id, credential.hash = f"key_{seq}", f"hash {seq}"
        if isinstance(command, c.Invite):
            command.hash = f"hash {seq}"
        ordered.append((command, seq, timestamp(now)))
    return ordered


def _commit(db: sqlite3.Connection, batch: list[Placed]) -> list[Applied]:
    """As a journal does it: together, or one by one where something was sent before."""
    db.execute("BEGIN")
    try:
        applied = apply_all(db, batch)
    except sqlite3.IntegrityError:
        db.execute("ROLLBACK")
        db.execute("BEGIN")
        applied = apply_each(db, batch)
    db.execute("COMMIT")
    return applied


def state_after(ordered: list[Placed], batches: random.Random) -> tuple[dict[str, list[tuple[Any, ...]]], list[Any]]:
    """(all rows, each command's outcome) of a fresh database, committed in batches of random sizes."""
    outcomes: dict[tuple[str, int], Any] = {}
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder) / "a.db").open_writer()) as db:
        left = list(ordered)
        while left:
            batch, left = left[: (size := batches.randint(1, 9))], left[size:]
            for (command, seq, _), (outcome, refusal, _) in zip(batch, _commit(db, batch), strict=True):
                said = repr((refusal.code, refusal.message, refusal.details)) if refusal else repr(outcome)
                outcomes[partition_of(command), seq] = said
        return rows(db), [outcomes[key] for key in sorted(outcomes)]


def interleaved(ordered: list[Placed], order: random.Random) -> list[Placed]:
    """The same commands, each partition in its order, the partitions mixed otherwise: hubs follow them at different speeds."""
    queues: dict[str, list[Placed]] = {}
    for entry in ordered:
        queues.setdefault(partition_of(entry[0]), []).append(entry)
    mixed: list[Placed] = []
    while queues:
        partition = order.choice(sorted(queues))
        mixed.append(queues[partition].pop(0))
        if not queues[partition]:
            del queues[partition]
    return mixed


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(commands, max_size=60), st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=60, max_size=60), st.integers())
def test_the_same_commands_give_the_same_rows_whatever_the_batches_and_the_mix(
    drawn: list[AnyCommand], steps: list[float], seed: int
) -> None:
    ordered = stamped(drawn, steps)
    first, outcomes = state_after(ordered, random.Random(seed))
    second, again = state_after(interleaved(ordered, random.Random(seed + 1)), random.Random(seed + 2))
    assert again == outcomes
    for table, found in first.items():
        assert second[table] == found, table
