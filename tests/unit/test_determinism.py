"""State is a function of the ordered commands of each partition, and of nothing else: the NATS journal stands on it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import AnyCommand, NewMember, Placed, partition_of
from jupyter_agentchat.protocol import Ask, AskApproval, AskBatch, AskEscalation, Decided, timestamp
from jupyter_agentchat.state.digest import digest
from jupyter_agentchat.state.store import Store
from tests.actors import CLI, Owner, Start
from tests.unit.replay import commit, follow

CHANNELS = ["ch_a", "ch_b"]
PEOPLE = [("ag_1", "agent", "one"), ("ag_2", "agent", "two"), ("hu_1", "human", "Ann"), ("hu_2", "human", "Ben")]

who = st.sampled_from(PEOPLE)
actor = who.map(lambda person: person[0])
channel = st.sampled_from(CHANNELS)
number = st.integers(0, 12)
client_id = st.none() | st.sampled_from(["c1", "c2"])
client_ids_of_streams = st.sampled_from(["c1", "c2"])
asks = (
    st.builds(
        Ask,
        key=st.sampled_from([None, "k1", "k2"]),
        choices=st.sampled_from([None, ["yes", "no"]]),
        timeout=st.sampled_from([None, 0.0, 3.0]),
        to=st.sampled_from([None, ["@two"], ["owner"]]),
        decided=st.none() | st.builds(Decided, value=st.just("yes"), source=st.just("file")),
    )
    | st.builds(
        Ask,
        key=st.sampled_from([None, "k1", "k2"]),
        timeout=st.sampled_from([None, 30.0]),
        to=st.sampled_from([None, None, ["@two", "@ann"]]),
        schema=st.sampled_from([None, {"type": ["string", "null"], "enum": ["yes", "no"], "title": "Well?", "default": "yes"}]),
        remind=st.sampled_from([None, 1.0]),
        escalate=st.sampled_from([None, [AskEscalation(1.0, "@ben")]]),
        quorum=st.sampled_from([1, 1, 2]),
        batch=st.sampled_from([None, AskBatch("b1", 0, 2), AskBatch("b2", 1, 2)]),
    )
    | st.builds(
        Ask,
        key=st.sampled_from([None, "k3"]),
        kind=st.just("approval"),
        approval=st.sampled_from([AskApproval("drop", {"n": 1, "x": [1.0, {"b": 2, "a": 1}]}, ["n"], always=True)]),
        quorum=st.sampled_from([1, 1, 2]),
    )
)
members = st.builds(
    lambda person, role: NewMember(person[0], person[1], person[2], role),
    who, st.sampled_from(["owner", "member", "observer"]),
)  # fmt: skip


def sent(command: AnyCommand, client_id: str | None, window: float) -> AnyCommand:
    command.client_id, command.window = client_id, window
    return command


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
              st.sampled_from(["yes", "no", "other", "always", True, {"approved": True, "arguments": {"n": 2}}]), client_id),
    st.builds(lambda ch, who, n: c.Reopen(who, ch, message(ch, n), ""), channel, actor, number),
    st.builds(lambda ch, who, n, to: c.HandOn(who, ch, message(ch, n), to), channel, actor, number,
              st.sampled_from([["@ann"], ["@two", "member"]])),
    st.builds(lambda ch, who, n, s: c.PutOff(who, ch, message(ch, n), s), channel, actor, number, st.sampled_from([0.0, 5.0])),
    st.builds(lambda ch, who, b: c.EndBatch(who, ch, b), channel, actor, st.sampled_from(["b1", "b2"])),
    st.builds(lambda ch, who, n: c.RevokeStanding(who, ch, f"ok_{ch}_{n}"), channel, actor, number),
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
    st.builds(lambda ch, n, m: c.UseInvite(c.HUB, ch, f"hash {ch} {n}", m), channel, number, members),
    st.builds(
        lambda person, n, refuse: c.Enrol(
            c.HUB, [c.NewPerson(person[0] + str(n), person[1], person[2], person[2])],
            [c.NewCredential("", person[0] + str(n), "key", "")], ("local", f"nb{n}", f"ch_{n}"), refuse_known=refuse
        ),
        who, number, st.booleans(),
    ),
    st.builds(lambda n: c.Revoke(c.HUB, f"key_{n}"), number),
    st.builds(lambda ch, who, agent, kind, text, cid: c.Intend(who, ch, "", agent, kind, text, client_id=cid),
              channel, actor, actor, st.sampled_from(["pause", "resume", "stop", "steer"]), st.sampled_from([None, "look"]),
              client_id),
    st.builds(lambda ch, who, state, done, cid: c.ReportRun(who, ch, state, "train", done, client_id=cid),
              channel, actor, st.sampled_from(["running", "paused", "failed"]), st.none() | number, client_id),
    st.builds(lambda ch, who, stream: c.BreakOff(c.HUB, ch, "", who, stream, "half"), channel, actor, client_ids_of_streams),
    st.builds(lambda ch, who, stream: c.MakeWhole(c.HUB, ch, who, stream), channel, actor, client_ids_of_streams),
)  # fmt: skip


client_ids, windows = st.sampled_from([None, "c1", "c2", "c3"]), st.sampled_from([1.0, 20.0])
plain = st.builds(lambda who, ch, n: c.Post(who, ch, "", f"hello {n}"), st.sampled_from(["ag_1", "hu_1"]), channel, number)
repeated = st.builds(sent, commands | plain, client_ids, windows)
"""Under a few client_ids, so that many come again, within the window and after it."""


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
        for field in ("message_id", "closing_id", "invite_id", "intent_id"):
            if getattr(command, field, None) == "":
                setattr(command, field, message(partition, seq))
        for credential in getattr(command, "credentials", []):
            credential.id, credential.hash = f"key_{seq}", f"hash {seq}"
        if isinstance(command, c.Invite):
            command.hash = f"hash {partition} {seq}"
        ordered.append((command, seq, timestamp(now)))
    return ordered


def state_after(ordered: list[Placed], batches: random.Random) -> tuple[dict[str, str], list[Any]]:
    """(digest, each command's outcome) of a fresh database, by a hub that commits in batches of random sizes."""
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder) / "a.db").open_writer()) as db:
        outcomes = follow(db, ordered, batches)
        return digest(db), [outcomes[key] for key in sorted(outcomes)]


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


drawn_lists = st.lists(repeated, min_size=30, max_size=60)
step_lists = st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=60, max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn_lists, step_lists, st.integers())
def test_the_same_commands_give_the_same_rows_whatever_the_batches_the_mix_and_the_sweeping(
    drawn: list[AnyCommand], steps: list[float], seed: int
) -> None:
    ordered = stamped(drawn, steps)
    first, outcomes = state_after(ordered, random.Random(seed))
    second, again = state_after(interleaved(ordered, random.Random(seed + 1)), random.Random(seed + 2))
    assert again == outcomes
    assert second == first


@pytest.mark.parametrize("batches", [[3, 1, 1, 1], [3, 1, 2], [4, 2], [6]])
def test_a_post_sent_again_gives_what_it_gave_though_it_would_be_refused_by_now(database: Path, batches: list[int]) -> None:
    said = [c.Post("ag_1", "ch_a", "", "hello", client_id="c1") for _ in range(2)]
    archived = c.ChangeChannel("ag_1", "ch_a", archived=True)
    ordered = stamped([said[0], archived, said[1], c.Post("ag_1", "ch_a", "", "other")], [0.0] * 4)
    with closing(Store(database).open_writer()) as db:
        outcomes: list[Any] = []
        for size in batches:
            batch, ordered = ordered[:size], ordered[size:]
            outcomes += [refusal.code if refusal else outcome for outcome, refusal, _ in commit(db, batch)]
    assert (outcomes[4].message.seq, outcomes[4].created, outcomes[5:]) == (outcomes[2].message.seq, False, ["forbidden"])


OTHERS = [sys.executable, *map(str, Path(__file__).parents[2].glob(".venv-3.*/bin/python"))]
"""This Python, and those that `make pythons` has set up."""


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(repeated, min_size=40, max_size=60), step_lists, st.integers())
def test_another_process_comes_to_the_same_rows_without_a_clock_and_without_chance(
    drawn: list[AnyCommand], steps: list[float], seed: int
) -> None:
    ordered = stamped(drawn, steps)
    here, _ = state_after(ordered, random.Random(seed))
    commands_as_sent = msgspec.json.encode(ordered)
    for number, python in enumerate(OTHERS):
        there = subprocess.run(
            [python, "-m", "tests.unit.replay", str(seed + 1)], input=commands_as_sent, capture_output=True, check=True,
            cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONHASHSEED": str(number + 1)},
        )  # fmt: skip
        assert msgspec.json.decode(there.stdout) == here, python


def test_the_digest_tells_where_two_states_differ(tmp_path: Path) -> None:
    digests = []
    for name in ("same", "again", "other"):
        with closing(Store(tmp_path / f"{name}.db").open_writer()) as db:
            opening = stamped([], [])
            said = c.Post("ag_1", "ch_a", "msg_1", "hello" if name != "other" else "hello!", client_id="c1")
            follow(db, [*opening, (said, 2, timestamp(1.8e9))], random.Random(len(name)))
            digests.append(digest(db))
    assert digests[0] == digests[1]
    assert {place for place in digests[0] if digests[0][place] != digests[2][place]} == {"ch_a/messages"}


def test_the_command_prints_the_digest_while_a_hub_is_at_work(serve: Start, database: Path) -> None:
    agent = Owner(serve().url).agent
    agent.post("hello")

    def told(*arguments: str, status: int = 0) -> str:
        done = subprocess.run([*CLI, "digest", *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout or done.stderr

    store = f"sqlite:///{database}"
    before = json.loads(told("--store", store, "--json"))
    assert told("--store", store) == "".join(f"{value}  {place}\n" for place, value in before.items())
    agent.post("hello again")
    after = json.loads(told("--store", store, "--json"))
    changed = {place.removeprefix(agent.channel_id) for place in before if after[place] != before[place]}
    assert changed == {"/messages", "/channels", "/partitions"}
    assert "nowhere.db" in told("--store", "sqlite:///nowhere.db", status=1)
