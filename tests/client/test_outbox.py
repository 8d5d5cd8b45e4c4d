"""What an agent sent and the hub has not confirmed: bounded, in order, not lost and not doubled."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import pytest

from jupyter_agentchat import Agent, AsyncAgent, OutboxFull
from jupyter_agentchat.client import link, outbox
from jupyter_agentchat.client.outbox import Entry, Outbox
from jupyter_agentchat.errors import EmptyMessage, Forbidden, HubUnreachable, MessageTooLarge
from tests.actors import Owner, Serve
from tests.client.scripted import Line, Scripted

pytestmark = pytest.mark.anyio


def numbers(count: int) -> list[str]:
    return [*map(str, range(count))]


def test_an_agent_over_its_rate_waits_and_its_user_sees_neither_refusal_nor_disorder(serve: Callable[..., Serve]) -> None:
    server = serve("--Limits.rate=200", "--Limits.burst=50")
    owner = Owner(server.url)
    with Agent(url=server.url, key=owner.agent.token) as agent:
        for number in range(150):
            agent.post(str(number), wait=False)
        assert agent.flush(20)
        assert [message.content for message in agent.history()] == numbers(150)


@pytest.mark.parametrize("code", ["rate_limited", "overloaded", "store_unavailable"])
async def test_a_refusal_that_says_when_pauses_all_and_sends_it_again_in_order(code: str) -> None:
    """As the hub does: from the first refusal on it refuses everything until the time is over."""
    refused_until: list[float] = []

    async def busy(line: Line) -> None:
        while True:
            frame = await line.hear()
            if frame["content"] == "5" and not refused_until:
                refused_until.append(time.monotonic() + 0.05)
            if refused_until and time.monotonic() < refused_until[0]:
                await line.refuse(frame, code, retry_after=0.05)
            else:
                await line.confirm(frame)

    async with Scripted(busy) as hub, hub.agent() as agent:
        posted = await asyncio.wait_for(asyncio.gather(*[agent.post(number) for number in numbers(20)]), 20)
        assert list(hub.kept.values()) == numbers(20)
        assert [message.seq for message in posted] == list(range(1, 21))
        assert len(hub.heard) > 20, "some were refused"


async def test_after_a_lost_connection_what_was_not_confirmed_comes_first_under_the_same_ids() -> None:
    async def deaf_at_first(line: Line) -> None:
        if line.number == 1:
            for _ in range(10):
                await line.hear()
            return
        await line.serve()

    async with Scripted(deaf_at_first) as hub, hub.agent() as agent:
        for number in numbers(10):
            await agent.post(number, wait=False)
        await hub.until(lambda: agent.state == "retrying")
        for later in range(10, 15):
            await agent.post(str(later), wait=False)
        assert await agent.flush(20)
        first, second = hub.heard[:10], hub.heard[10:]
        assert [frame["content"] for frame in second] == numbers(15)
        assert [frame["client_id"] for frame in second[:10]] == [frame["client_id"] for frame in first]
        assert [frame["lamport"] for frame in second] == sorted(frame["lamport"] for frame in second)


async def silent(line: Line) -> None:
    """Takes everything and confirms it when the test says so: by the number of the connection's script."""
    while True:
        await line.hear()


class Held:
    """A hub that confirms nothing until it is let."""

    def __init__(self) -> None:
        self.let = asyncio.Event()

    async def __call__(self, line: Line) -> None:
        frames = [await line.hear()]
        hearing = asyncio.ensure_future(line.hear())
        letting = asyncio.ensure_future(self.let.wait())
        try:
            while not letting.done():
                await asyncio.wait([hearing, letting], return_when=asyncio.FIRST_COMPLETED)
                if hearing.done():
                    frames.append(hearing.result())
                    hearing = asyncio.ensure_future(line.hear())
            for frame in frames:
                await line.confirm(frame)
            await line.confirm(await hearing)
            await line.serve()
        finally:
            hearing.cancel()
            letting.cancel()


async def test_a_full_outbox_makes_the_sender_wait_in_turn() -> None:
    held = Held()
    async with Scripted(held) as hub, hub.agent(outbox_messages=3) as agent:
        posting = [asyncio.ensure_future(agent.post(number, wait=False)) for number in numbers(8)]
        await hub.until(lambda: len(hub.heard) == 3)
        assert [post.done() for post in posting] == [True] * 3 + [False] * 5
        held.let.set()
        await asyncio.gather(*posting)
        assert await agent.flush(20)
        assert list(hub.kept.values()) == numbers(8)


async def test_a_small_message_does_not_overtake_a_large_one_that_waits_for_room() -> None:
    held = Held()
    async with Scripted(held) as hub, hub.agent(outbox_bytes=3000) as agent:
        posting = [asyncio.ensure_future(agent.post(said, wait=False)) for said in ("a" * 1500, "b" * 2000, "c")]
        await hub.until(lambda: len(hub.heard) == 1)
        assert [post.done() for post in posting] == [True, False, False]
        held.let.set()
        await asyncio.gather(*posting)
        assert await agent.flush(20)
        assert [said[0] for said in hub.kept.values()] == ["a", "b", "c"]


async def test_who_would_rather_not_wait_is_told_the_limit_and_the_way_out() -> None:
    async with Scripted(silent) as hub, hub.agent(outbox_messages=2, when_full="raise") as agent:
        await agent.post("one", wait=False)
        await agent.post("two", wait=False)
        with pytest.raises(OutboxFull, match=r'outbox_messages=2.*agent\.flush\(\).*when_full="wait"'):
            await agent.post("three", wait=False)
        aio_close(agent)


async def test_a_message_larger_than_the_outbox_is_refused_whatever_is_in_it() -> None:
    async with Scripted() as hub, hub.agent(outbox_bytes=1000) as agent:
        with pytest.raises(MessageTooLarge, match=r"outbox_bytes=\d+"):
            await agent.post("x" * 1000)
        await agent.post("fits")


async def test_what_nobody_could_take_is_said_at_once() -> None:
    async with Scripted() as hub, hub.agent() as agent:
        with pytest.raises(EmptyMessage):
            await agent.post(" ", wait=False)
        with pytest.raises(MessageTooLarge, match="1048576"):
            await agent.post("x" * 1048577, wait=False)
        assert not hub.heard


def aio_close(agent: AsyncAgent) -> None:
    """What is in the outbox is meant to be lost: no waiting for it, no warning."""
    agent._outbox.end(HubUnreachable("The test ends."))


async def test_closing_waits_for_a_while_and_warns_of_what_was_not_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link, "CLOSE_GRACE", 0.1)
    async with Scripted(silent) as hub:
        agent = hub.agent()
        for number in numbers(5):
            await agent.post(f"step {number}", wait=False)
        assert not await agent.flush(0.05)
        with pytest.warns(RuntimeWarning, match=r"^5 messages .* 'step 0', 'step 1', 'step 2' and 2 more\. .*flush"):
            await agent.close()


async def test_closing_delivers_what_it_can() -> None:
    async with Scripted() as hub:
        async with hub.agent() as agent:
            for number in numbers(50):
                await agent.post(number, wait=False)
        assert list(hub.kept.values()) == numbers(50)


async def test_a_refusal_that_will_not_pass_is_the_senders_and_stops_nobody_else() -> None:
    async def strict(line: Line) -> None:
        while True:
            frame = await line.hear()
            await (line.refuse(frame, "forbidden") if frame["content"] == "bad" else line.confirm(frame))

    async with Scripted(strict) as hub, hub.agent() as agent:
        bad, good = await asyncio.gather(agent.post("bad"), agent.post("good"), return_exceptions=True)
        assert isinstance(bad, Forbidden)
        assert not isinstance(good, BaseException)
        assert list(hub.kept.values()) == ["good"]


async def test_no_more_than_the_window_is_in_flight() -> None:
    box = Outbox()
    entries = [Entry(str(n), b"x", asyncio.get_running_loop().create_future()) for n in range(outbox.IN_FLIGHT + 10)]
    for entry in entries:
        await box.put(entry)
    assert [box.take() for _ in entries] == [*entries[: outbox.IN_FLIGHT], *[None] * 10]
    box.remove("7")
    assert box.take() is entries[outbox.IN_FLIGHT]
    box.again()
    assert [box.take() for _ in range(8)] == [*entries[:7], entries[8]], "from the first, without what was confirmed"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"messages": 0}, "outbox_messages: 0"),
        ({"size": 1.5}, "outbox_bytes: 1.5"),
        ({"when_full": "drop"}, "when_full: 'drop'"),
    ],
)
def test_a_limit_that_is_none_is_an_error_that_names_it(wrong: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=f"^{told}"):
        Outbox(**wrong)  # type: ignore[arg-type]
