"""The wall clock is set under load: an hour back, then a day forward. Order, times and deadlines hold."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.actors import Actor, Owner, Serve, Start
from tests.faults.crowd import Crowd


@pytest.fixture
def server(database: Path) -> Iterator[Serve]:
    """Its clock goes an hour back at SIGUSR1, a day forward at SIGUSR2."""
    server = Serve(database, wrapper="clock")
    yield server
    server.kill()


def test_a_clock_that_jumps_breaks_no_promise(server: Serve, serve: Start) -> None:
    """Nor does a restart while the clock is behind the log."""
    port = str(urlsplit(server.url).port)
    crowd = Crowd(Owner(server.url))

    async def jump() -> None:
        for jump in (signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR1):
            await crowd.confirmed(100)
            os.kill(server.process.pid, jump)
        await crowd.confirmed(100)
        server.kill()
        await asyncio.to_thread(serve, "--port", port)  # a day and more behind the last message
        await crowd.confirmed(100)

    assert asyncio.run(crowd.through(jump)) == []


def closes(agent: Actor, timeout: float) -> str:
    question = agent.ask("Go on?", timeout=timeout)
    found = agent.call("GET", agent.path(f"/messages?after={question['seq']}&wait=5&limit=1"))["messages"]
    return str(found[0]["closes"]["outcome"]) if found else "still open"


def test_a_deadline_holds_when_the_clock_is_set_back(server: Serve) -> None:
    agent = Owner(server.url).agent
    assert closes(agent, 0.2) == "timed_out"
    os.kill(server.process.pid, signal.SIGUSR1)
    assert closes(agent, 0.2) == "timed_out"


def test_a_deadline_holds_when_the_hub_starts_with_a_clock_that_is_behind_its_log(server: Serve, serve: Start) -> None:
    os.kill(server.process.pid, signal.SIGUSR2)
    agent = Owner(server.url).agent
    agent.post("said tomorrow")
    server.kill()
    again = Actor(serve().url, agent.token)
    again.channel_id = agent.channel_id
    assert closes(again, 0.2) == "timed_out"
