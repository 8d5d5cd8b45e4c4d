"""What every engine promises: one body for all of them (`engines.ENGINES`)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from jupyter_agentchat.commands import HUB, AnyCommand, Appended, Close, Enrol, FoundChannel, NewCredential, Posted
from jupyter_agentchat.errors import AlreadyClosed, ChannelNotFound, ChatError, EmptyMessage, InternalError, StoreUnavailable
from jupyter_agentchat.protocol import Ask, timestamp
from tests.journal.engines import MEMBERS, ROOM, Run, post
from tests.unit.machine import rows

Open = Callable[[], Run]


async def test_everybody_in_a_burst_is_answered_in_the_order_of_submission(open_engine: Open) -> None:
    async with open_engine() as run:
        outcomes = await asyncio.gather(*(run.journal.submit(post(n)) for n in range(300)))
        seqs = [outcome.message.seq for outcome in outcomes]
        assert seqs == sorted(set(seqs))
        assert await run.log() == [(outcome.message.seq, f"message {n}") for n, outcome in enumerate(outcomes)]


async def test_what_was_answered_can_be_read_at_once(open_engine: Open) -> None:
    async with open_engine() as run:
        for n in range(20):
            await run.journal.submit(post(n))
            assert (await run.log())[-1][1] == f"message {n}"


async def test_the_events_are_the_log_and_come_before_the_answer_is_seen(open_engine: Open) -> None:
    async with open_engine() as run:
        await asyncio.gather(*(run.journal.submit(post(n)) for n in range(50)))
        told = [event for event in run.events if isinstance(event, Appended)]
        assert [(event.seq, event.frame.message.content) for event in told] == await run.log()  # type: ignore[union-attr] # all are new messages
        assert [event.prev_seq for event in told[1:]] == [event.seq for event in told[:-1]]


async def test_a_refusal_is_its_senders_alone_and_leaves_no_row(open_engine: Open) -> None:
    async with open_engine() as run:
        await run.journal.submit(post(0))
        before = await run.store.read(rows)
        refused = [post(1, content=" "), post(2, "ch_none"), post(3, actor="hu_eve"), post(4, parent_id="msg_none")]
        outcomes = await asyncio.gather(*map(run.journal.submit, refused), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[:3]] == [EmptyMessage, ChannelNotFound, ChannelNotFound]
        assert isinstance(outcomes[3], ChatError)
        assert await run.store.read(rows) == before
        mixed = await asyncio.gather(*map(run.journal.submit, [post(5), post(6, content=""), post(7)]), return_exceptions=True)
        assert [isinstance(outcome, Posted) for outcome in mixed] == [True, False, True]


@pytest.mark.filterwarnings("default")
async def test_a_command_that_fails_unexpectedly_fails_alone(open_engine: Open) -> None:
    async with open_engine() as run:
        twice = Enrol(HUB, credentials=[NewCredential("key_1", "ag_bot", "key", "hash")])
        bad: list[AnyCommand] = [post(100, mentions=[object()]), twice, twice]
        good: list[AnyCommand] = [post(n) for n in range(20)]
        outcomes = await asyncio.gather(*map(run.journal.submit, [*good[:10], *bad, *good[10:]]), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes[10:13] if isinstance(outcome, Exception)] == [
            InternalError,
            InternalError,
        ]
        assert all(isinstance(outcome, Posted) for outcome in outcomes[:10] + outcomes[13:])
        assert len(await run.log()) == 20


async def test_the_first_answer_wins_among_racers(open_engine: Open) -> None:
    async with open_engine() as run:
        asked = (await run.journal.submit(post(0, question=Ask(choices=["yes", "no"])))).message
        answers = [
            Close(("hu_ann", "hu_ben")[n % 2], ROOM, asked.id, f"msg_answer_{n}", ("yes", "no")[n % 2]) for n in range(40)
        ]
        outcomes = await asyncio.gather(*map(run.journal.submit, answers), return_exceptions=True)
        [winner] = [outcome for outcome in outcomes if isinstance(outcome, Posted)]
        losers = [outcome for outcome in outcomes if isinstance(outcome, AlreadyClosed)]
        assert len(losers) == 39
        assert {loser.details["by_id"] for loser in losers} == {winner.message.author_id}


async def test_who_gives_up_waiting_hurts_nobody(open_engine: Open) -> None:
    async with open_engine() as run:
        impatient = [asyncio.ensure_future(run.journal.submit(post(n))) for n in range(10)]
        await asyncio.sleep(0)
        for task in impatient:
            task.cancel()
        assert isinstance(await run.journal.submit(post(10)), Posted)
        assert (await run.log())[-1][1] == "message 10"


async def test_partitions_count_for_themselves(open_engine: Open) -> None:
    async with open_engine() as run:
        await run.journal.submit(FoundChannel(HUB, "ch_other", "other", None, MEMBERS))
        for n in range(5):
            await run.journal.submit(post(n))
        other = await run.journal.submit(post(0, "ch_other"))
        here = await run.journal.submit(post(6))
        assert other.message.seq < here.message.seq


async def test_a_restart_goes_on_where_it_ended(open_engine: Open) -> None:
    async with open_engine() as run:
        before = (await run.journal.submit(post(1))).message
    async with open_engine() as run:
        after = (await run.journal.submit(post(2))).message
        assert after.seq > before.seq
        assert [content for _, content in await run.log()] == ["message 1", "message 2"]


async def test_time_never_falls_when_the_clock_jumps_back(open_engine: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 2_000_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    async with open_engine() as run:
        first = (await run.journal.submit(post(1))).message.created_at
        now -= 3600
        second = (await run.journal.submit(post(2))).message.created_at
    async with open_engine() as run:
        third = (await run.journal.submit(post(3))).message.created_at
        now += 7200
        fourth = (await run.journal.submit(post(4))).message.created_at
    # In the journal's own time hardly any went by: it goes on from where it was.
    assert timestamp(2_000_000_000.0) <= first <= second <= third < timestamp(2_000_000_060.0)
    assert fourth == timestamp(now)


async def test_closing_drains_what_was_submitted_and_then_refuses(open_engine: Open) -> None:
    run = open_engine()
    async with run:
        waiting = [asyncio.ensure_future(run.journal.submit(post(n))) for n in range(100)]
        await asyncio.sleep(0)
        await run.journal.close()
        assert all(isinstance(outcome, Posted) for outcome in await asyncio.gather(*waiting))
        with pytest.raises(StoreUnavailable):
            await run.journal.submit(post(100))
        await run.journal.close()  # a second time is nothing
    async with open_engine() as again:
        assert len(await again.log()) == 100
