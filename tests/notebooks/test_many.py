"""Approvals and many questions in a real kernel: interrupted, restarted, run again."""

from __future__ import annotations

import pytest

from tests.actors import Owner, Start
from tests.notebooks.conftest import Kernel

AGENT = "from jupyter_agentchat import Agent, AsyncAgent\nagent = Agent()\n"
CLEAN = """
ran = []

@agent.approves(editable=["limit"])
def clean(rows, limit=3):
    ran.append((rows, limit))
    return limit
"""
EACH = """
labels = {}
for row, label in agent.ask_each([f"row {n}" for n in range(6)], choices=["yes", "no"], undo=0):
    labels[row] = label
print(sorted(labels.items()))
"""


@pytest.fixture
def owner(serve: Start, monkeypatch: pytest.MonkeyPatch) -> Owner:
    """The kernel's hub is a server that outlives it, as Jupyter's does; this is its human."""
    owner = Owner(serve().url)
    monkeypatch.setenv("AGENTCHAT_URL", owner.url)
    monkeypatch.setenv("AGENTCHAT_KEY", str(owner.agent.token))
    return owner


def asked(owner: Owner, count: int) -> list[dict[str, object]]:
    while len(found := owner.call("GET", "questions")["questions"]) < count:
        pass
    return sorted(found, key=lambda message: message["seq"])


def closed(owner: Owner) -> int:
    return len([message for message in owner.history(limit=1000) if message.get("closes")])


def questions(owner: Owner) -> int:
    return len([message for message in owner.history(limit=1000) if message.get("question")])


def test_an_interrupted_call_is_taken_up_by_the_rerun_and_runs_once(owner: Owner, kernel: Kernel) -> None:
    kernel.run(AGENT + CLEAN)
    cell = kernel.start("print(clean([1, 2]))")
    [question] = asked(owner, 1)
    kernel.interrupt()
    kernel.until(lambda: cell.done)
    assert "KeyboardInterrupt" in (cell.error or "")
    owner.answer(question, {"approved": True, "arguments": {"limit": 5}})
    again = kernel.run("print(clean([1, 2]), ran)")
    assert again.text.strip() == "5 [([1, 2], 5)]", again.error


def test_a_restarted_kernel_gets_the_approval_that_came_meanwhile_and_asks_anew_for_the_next(
    owner: Owner, kernel: Kernel
) -> None:
    kernel.run(AGENT + CLEAN)
    kernel.start("clean([1, 2])")
    [question] = asked(owner, 1)
    kernel.restart()
    owner.answer(question, True)
    assert kernel.run(AGENT + CLEAN + "print(clean([1, 2]))").text.strip() == "3"
    cell = kernel.start("print(clean([1, 2]))")
    [anew] = asked(owner, 1)
    assert anew["id"] != question["id"]
    owner.answer(anew, {"approved": False, "comment": "once is enough"})
    kernel.until(lambda: cell.done)
    assert "Rejected: 'clean' was rejected by" in (cell.error or "")
    assert "once is enough" in (cell.error or "")


def test_an_async_cell_approves_too_and_can_be_interrupted(owner: Owner, kernel: Kernel) -> None:
    kernel.run(
        "from jupyter_agentchat import AsyncAgent\nagent = AsyncAgent()\n"
        "@agent.approves\nasync def clean(rows):\n    return len(rows)\n"
    )
    cell = kernel.start("print(await clean([1, 2]))")
    [question] = asked(owner, 1)
    kernel.interrupt()
    kernel.until(lambda: cell.done)
    assert cell.error is not None
    cell = kernel.start("print(await clean([1, 2]))")
    owner.answer(question, True)
    kernel.until(lambda: cell.done)
    assert cell.text.strip() == "2", cell.error


@pytest.mark.parametrize("how", ["interrupt", "restart"])
def test_many_questions_go_on_where_they_were(owner: Owner, kernel: Kernel, how: str) -> None:
    kernel.run(AGENT)
    cell = kernel.start(EACH)
    for question in asked(owner, 6)[:2]:
        owner.answer(question, "yes")
    if how == "interrupt":
        kernel.interrupt()
        kernel.until(lambda: cell.done)
        assert "KeyboardInterrupt" in (cell.error or "")
    else:
        kernel.restart()
    owner.answer(asked(owner, 4)[0], "yes")
    again = kernel.start(AGENT + EACH if how == "restart" else EACH)
    for question in asked(owner, 3):
        owner.answer(question, "no")
    kernel.until(lambda: again.done)
    assert again.text.strip() == str([(f"row {n}", "yes" if n < 3 else "no") for n in range(6)]), again.error
    assert (questions(owner), closed(owner)) == (6, 6), "nothing was asked twice"
    once_more = kernel.start(EACH)
    assert len(asked(owner, 6)) == 6
    kernel.interrupt()
    kernel.until(lambda: once_more.done)
