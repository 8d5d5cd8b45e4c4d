"""What all tests share: asyncio behind anyio, nothing of the machine's own Jupyter, and real servers on loopback."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.actors import Actor, Owner, Serve

_numbers = count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own hubs, Jupyter servers and proxies are not found."""
    for name in list(os.environ):
        if name.startswith(("AGENTCHAT_", "JPY_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "workspace.db"


@pytest.fixture
def url(database: Path) -> Iterator[str]:
    """A stand-alone server of this test's own: the real one, on a thread."""
    from jupyter_agentchat.server import embedded

    yield embedded.join_or_start(f"sqlite:///{database}").url
    embedded.stop_all()


@pytest.fixture
def owner(url: str) -> Owner:
    """Who bootstrapped the workspace; ``owner.agent`` is the first agent."""
    return Owner(url)


@pytest.fixture
def agent(owner: Owner) -> Actor:
    return owner.agent


@pytest.fixture(scope="session")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """A workspace in a process of its own, for all tests that need no other; each makes its own `room` in it."""
    server = Serve(tmp_path_factory.mktemp("hall") / "workspace.db")
    yield Owner(server.url)
    server.kill()


@pytest.fixture
def room(hall: Owner) -> Actor:
    """A new agent that owns a new channel with the owner of the `hall`; ``hall.channel_id`` is that channel."""
    name = f"agent {next(_numbers)}"
    agent = hall.sibling(name)
    hall.channel_id = agent.channel_id = hall.new_channel(name)
    hall.call("POST", hall.path("/members"), {"participant_id": agent.id, "role": "owner"})
    return agent


@pytest.fixture
def serve(database: Path) -> Iterator[Callable[..., Serve]]:
    """Starts ``jupyter agentchat serve`` in processes that end with the test."""
    started: list[Serve] = []

    def start(*arguments: str, store: Path = database) -> Serve:
        started.append(Serve(store, *arguments))
        return started[-1]

    yield start
    for server in started:
        server.kill()
