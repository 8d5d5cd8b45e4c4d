"""What an agent shows and does not say: status, progress, typing, and messages in the making."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from jupyter_agentchat import Agent, AsyncAgent
from jupyter_agentchat.errors import InvalidRequest
from tests.actors import Owner
from tests.client.human import Human
from tests.client.scripted import Frame, Line, Scripted

pytestmark = pytest.mark.anyio


def shown(hub: Scripted, kind: str) -> list[Frame]:
    return [frame.get("data", {}) for frame in hub.of("signal") if frame["kind"] == kind]


async def test_a_status_says_what_and_how_far() -> None:
    async with Scripted() as hub, hub.agent() as agent:
        await agent.status("thinking")
        await hub.until(lambda: shown(hub, "status"))
        await agent.status("scraping", done=42, total=100)
        await agent.typing()
        await agent.status("x" * 600)
        await hub.until(lambda: len(hub.of("signal")) == 4)
        assert shown(hub, "progress") == [{"text": "scraping", "done": 42, "total": 100}]
        assert shown(hub, "typing") == [{}]
        assert shown(hub, "status")[0] == {"text": "thinking"}
        assert len(shown(hub, "status")[1]["text"]) == 500


async def test_what_is_no_text_ends_neither_the_signals_nor_the_posts() -> None:
    async with Scripted() as hub, hub.agent() as agent:
        await agent.status("reading \udcff.csv")
        await hub.until(lambda: shown(hub, "status"))
        assert shown(hub, "status") == [{"text": "reading ?.csv"}]
        with pytest.raises(InvalidRequest, match="lone surrogate"):
            await agent.post("\ud800")
        await agent.status("on")
        await hub.until(lambda: len(shown(hub, "status")) == 2)


@pytest.mark.parametrize("wrong", [{"done": "4"}, {"done": float("nan")}, {"total": 10**400}, {"text": 3}])
async def test_a_status_that_makes_no_sense_is_an_error_that_names_what(wrong: dict[str, Any]) -> None:
    agent = AsyncAgent(url="http://127.0.0.1:9/", key="au_1")
    with pytest.raises((TypeError, ValueError), match=f"^{next(iter(wrong))}"):
        await agent.status(**{"text": "scraping", **wrong})


async def test_track_gives_every_item_and_tells_seldom_but_always_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    async with Scripted() as hub, hub.agent() as agent:
        assert [item async for item in agent.track(range(20_000), "counting")] == list(range(20_000))
        await hub.until(
            lambda: shown(hub, "progress")[-1:] == [{"text": "counting", "done": 20_000, "total": 20_000, "ended": True}]
        )
        assert len(shown(hub, "progress")) < 100
    assert capsys.readouterr() == ("", "")


async def test_track_takes_what_has_no_length_and_what_comes_asynchronously() -> None:
    async def pages() -> AsyncIterator[int]:
        for page in range(3):
            yield page

    async with Scripted() as hub, hub.agent() as agent:
        assert [page async for page in agent.track(pages())] == [0, 1, 2]
        await hub.until(lambda: shown(hub, "progress")[-1:] == [{"text": "working", "done": 3, "total": 3, "ended": True}])
        assert [page async for page in agent.track((n for n in range(2)), total=2)] == [0, 1]
        await hub.until(lambda: shown(hub, "progress")[-1:] == [{"text": "working", "done": 2, "total": 2, "ended": True}])


async def test_a_loop_that_breaks_off_says_how_far_it_came() -> None:
    async with Scripted() as hub, hub.agent() as agent:
        tracked = agent.track(range(10))
        async for item in tracked:
            if item == 4:
                break
        await tracked.aclose()  # type: ignore[attr-defined]  # a generator, and the loop's end would close it later
        await hub.until(lambda: shown(hub, "progress")[-1:] == [{"text": "working", "done": 4, "total": 10, "ended": True}])


async def test_what_an_agent_does_is_told_to_the_hub_that_comes_back_and_what_it_typed_is_not() -> None:
    lose = asyncio.Event()

    async def once_lost(line: Line) -> None:
        if line.number == 1:
            await lose.wait()
            return
        await line.serve()

    async with Scripted(once_lost) as hub, hub.agent() as agent:
        lose.set()
        await hub.until(lambda: agent.state == "retrying")
        await agent.status("in the dark")
        await agent.typing()
        await agent.post("back")
        await hub.until(lambda: shown(hub, "status") == [{"text": "in the dark"}])
        assert shown(hub, "typing") == []


async def test_a_stream_is_seen_growing_and_posted_once() -> None:
    async with Scripted() as hub, hub.agent() as agent:
        async with agent.stream() as stream:
            await stream.write("Hel")
            await hub.until(lambda: shown(hub, "stream"))
            await stream.write("lo")
        assert stream.message
        assert (stream.message.content, stream.text) == ("Hello", "Hello")
        assert shown(hub, "stream")[0] == {"id": stream.message.client_id, "text": "Hel"}
        assert hub.kept == {stream.message.client_id: "Hello"}
        async with agent.stream():
            pass
        assert len(hub.kept) == 1, "nothing was said"


async def test_many_tokens_are_few_signals_and_a_long_text_shows_its_end() -> None:
    async with Scripted() as hub, hub.agent() as agent:
        async with agent.stream() as stream:
            await stream.write("a" * 20_000)
            for _ in range(20_000):
                await stream.write("b")
        assert len(shown(hub, "stream")) < 100
        assert all(len(data["text"]) <= 10_000 for data in shown(hub, "stream"))
        assert [len(content) for content in hub.kept.values()] == [40_000]


async def test_a_stream_that_an_exception_ends_is_posted_and_says_so() -> None:
    async with Scripted() as hub, hub.agent() as agent:
        with suppress(KeyError):
            async with agent.stream() as stream:
                await stream.write("So far")
                raise KeyError("x")
            pytest.fail("the error was swallowed")
        assert await agent.flush(20)
        assert list(hub.kept.values()) == ["So far\n\n*(broken off: KeyError)*"]


def test_the_blocking_agent_streams_tracks_and_says_what_it_does(agent: Agent, human: Human) -> None:
    """Through a real hub."""
    assert list(agent.track(["a", "b"], "reading")) == ["a", "b"]
    agent.typing()
    agent.status("writing")
    with agent.stream() as stream:
        for token in ("One ", "after ", "another"):
            stream.write(token)
    assert stream.message
    with suppress(ZeroDivisionError):
        with agent.stream() as stream:
            stream.write("Then")
            1 / 0  # noqa: B018
        pytest.fail("the error was swallowed")
    assert agent.flush(20)
    said = [message["content"] for message in human.messages()]
    assert said == ["One after another", "Then\n\n*(broken off: ZeroDivisionError)*"]
    with pytest.raises(TypeError, match=r"^text"):
        agent.status(3)  # type: ignore[arg-type]


def test_a_signal_from_any_thread_never_waits_and_after_the_end_nothing_happens(agent: Agent) -> None:
    def chatter() -> None:
        for number in range(1000):
            agent.status(str(number))

    thread = threading.Thread(target=chatter)
    thread.start()
    thread.join()
    agent.close()
    agent.status("too late")
    agent.typing()


def test_others_see_what_the_agent_shows(owner: Owner) -> None:
    """Through a real hub, on another participant's connection."""
    with owner.connect() as watcher, Agent(url=owner.url, key=owner.agent.token) as agent:
        agent.status("reading", done=1, total=3)
        assert watcher.until("signal", kind="progress")["data"] == {"text": "reading", "done": 1, "total": 3}
        agent.typing()
        watcher.until("signal", kind="typing")
        with agent.stream() as stream:
            stream.write("Hello")
            assert watcher.until("signal", kind="stream")["data"]["text"] == "Hello"
        assert stream.message
        assert watcher.until("new_message")["message"]["client_id"] == stream.message.client_id
