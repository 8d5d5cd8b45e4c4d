"""What all tests share: asyncio behind anyio, nothing of the machine's own Jupyter, and real servers on loopback."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.actors import Actor, Owner, Serve


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
