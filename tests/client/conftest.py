"""A real hub for every test that talks to one: embedded, in a database of its own, with humans who joined by invite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_agentchat import Agent
from tests.client.human import Human


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the machine's own Jupyter is found."""
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "runtime").mkdir()
    return tmp_path


@pytest.fixture
def hub(home: Path) -> Iterator[Path]:
    """Where embedded hubs of this test stop; the value is the database."""
    from jupyter_agentchat.server import embedded

    yield home / "data" / "agentchat" / "workspace.db"
    embedded.stop_all()


@pytest.fixture
def make_agent(hub: Path) -> Iterator[Callable[..., Agent]]:
    """Agents that are closed before their hub is."""
    made: list[Agent] = []

    def make(name: str = "research-bot", **options: Any) -> Agent:
        made.append(Agent(name, **options))
        return made[-1]

    yield make
    for agent in made:
        agent.close()


@pytest.fixture
def agent(make_agent: Callable[..., Agent]) -> Agent:
    return make_agent()


@pytest.fixture
def human(agent: Agent) -> Iterator[Human]:
    with Human(agent.invite(), "Ann") as ann:
        yield ann
