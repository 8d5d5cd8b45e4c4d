"""Cells that a human steers, in real kernels, with the hub in a process of its own: so that it outlives the kernel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.actors import PATIENCE, Actor, Json, Owner, Start
from tests.notebooks.conftest import Cell, Kernel

AGENT = "from jupyter_agentchat import Agent, AsyncAgent, Stopped\nagent = Agent()\n"
LOOP = """
import itertools
for step in itertools.count():
    if said := agent.checkpoint(step=step):
        break
print("said", said)
"""


@pytest.fixture
def owner(serve: Start, monkeypatch: pytest.MonkeyPatch) -> Owner:
    owner = Owner(serve("--Limits.presence_grace=0.5").url)
    monkeypatch.setenv("AGENTCHAT_URL", owner.url)
    monkeypatch.setenv("AGENTCHAT_KEY", str(owner.agent.token))
    return owner


@pytest.fixture
def kernel(owner: Owner) -> Iterator[Kernel]:
    running = Kernel()
    yield running
    running.stop()


def want(owner: Owner, kind: str, text: str | None = None) -> None:
    body: Json = {"agent_id": owner.agent.id, "kind": kind, **({"text": text} if text else {})}
    owner.call("POST", owner.path("/intents"), body)


def status(owner: Actor) -> Json:
    [agent] = owner.call("GET", f"status?channel_id={owner.channel_id}")["agents"]
    return agent


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.02)


def is_at_work(owner: Owner) -> None:
    """The cell has come to its checkpoints."""
    until(lambda: "step" in (status(owner).get("status") or {}).get("text", ""))


def is_in(owner: Owner, state: str) -> None:
    until(lambda: status(owner).get("control", {}).get("state") == state)


def ended(kernel: Kernel, cell: Cell) -> Cell:
    kernel.until(lambda: cell.done)
    return cell


def test_a_paused_cell_waits_and_goes_on(kernel: Kernel, owner: Owner) -> None:
    cell = kernel.start(AGENT + LOOP)
    is_at_work(owner)
    want(owner, "pause")
    is_in(owner, "paused")
    want(owner, "steer", "go to bed")
    assert not cell.done
    want(owner, "resume")
    assert ended(kernel, cell).text == "said go to bed\n"


def test_a_stop_ends_the_cell_and_says_by_whom(kernel: Kernel, owner: Owner) -> None:
    cell = kernel.start(AGENT + 'with agent.run("train"):\n    while True:\n        agent.checkpoint(step=1)')
    is_at_work(owner)
    want(owner, "stop", "wrong data")
    error = ended(kernel, cell).error or ""
    assert "Stopped: " in error
    assert "stopped this agent: wrong data" in error
    assert "steering.py" not in error  # the user's own lines, none of ours
    is_in(owner, "stopped")
    assert owner.history()[-1]["content"].startswith("Run **train** stopped by ")
    assert kernel.run('print("next", agent.checkpoint())').text == "next None\n"


def test_an_interrupt_ends_the_wait_of_a_paused_cell_at_once(kernel: Kernel, owner: Owner) -> None:
    cell = kernel.start(AGENT + 'with agent.run("train"):\n    while True:\n        agent.checkpoint(step=1)')
    is_at_work(owner)
    want(owner, "pause")
    is_in(owner, "paused")
    kernel.interrupt()
    assert "KeyboardInterrupt" in (ended(kernel, cell).error or "")
    is_in(owner, "stopped")
    assert "interrupted after" in owner.history()[-1]["content"]
    # What paused that run holds no other.
    assert kernel.run('with agent.run("test"):\n    print(agent.checkpoint())').text == "None\n"


def test_an_async_cell_is_steered_and_interrupted_alike(kernel: Kernel, owner: Owner) -> None:
    kernel.run("from jupyter_agentchat import AsyncAgent\nagent = AsyncAgent()\nawait agent.checkpoint()")
    loop = "async with agent.run('train'):\n    while not (said := await agent.checkpoint(step=1)): pass\nprint('said', said)"
    cell = kernel.start(f"import asyncio\n{loop.replace('pass', 'await asyncio.sleep(0)')}")
    is_at_work(owner)
    want(owner, "pause")
    is_in(owner, "paused")
    want(owner, "steer", "hurry")
    want(owner, "resume")
    assert ended(kernel, cell).text == "said hurry\n"
    want(owner, "pause")
    cell = kernel.start("async with agent.run('test'):\n    await agent.checkpoint()")
    is_in(owner, "paused")
    kernel.interrupt()
    assert ended(kernel, cell).error
    is_in(owner, "stopped")


def test_a_kernel_that_is_killed_in_a_run_is_gone_and_its_run_is_over_when_it_is_back(kernel: Kernel, owner: Owner) -> None:
    kernel.start(AGENT + 'with agent.run("train"):\n    while True:\n        agent.checkpoint(step=1)')
    is_at_work(owner)
    is_in(owner, "running")
    kernel.kill()
    until(lambda: not status(owner).get("online"))
    left = status(owner)
    assert (left["control"]["state"], left["control"]["run"]) == ("running", "train")
    assert left["seen_at"] > left["control"]["at"]
    kernel.restart()
    kernel.run(AGENT + "agent.checkpoint()\nagent.flush()")
    assert status(owner)["control"]["state"] == "failed"
    assert owner.history()[-1]["content"] == "Run **train** failed: its process ended without a word."
