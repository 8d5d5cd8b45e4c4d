"""Typed answers, things shown and interrupts in the cells of real kernels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.client.human import Human
from tests.notebooks.conftest import Cell, Kernel

PANEL = "application/vnd.agentchat.v1+json"
Guest = Callable[[Cell], Human]

SETUP = """
from dataclasses import dataclass
from jupyter_agentchat import Agent, AsyncAgent

@dataclass
class Label:
    name: str
    sure: bool = False

    def __post_init__(self):
        if self.name == 'nobody':
            raise ValueError('nobody is no name')

"""
SYNC = "agent = Agent('bot')\nprint(agent.await_human('Who?', into=Label, key='who'))"
ASYNC = "agent = AsyncAgent('bot')\nprint(await agent.await_human('Who?', into=Label, key='who'))"


@pytest.mark.parametrize("ask", [SYNC, ASYNC])
def test_a_cell_gets_the_type_it_asked_for_after_an_interrupt_and_a_wrong_answer(
    kernel: Kernel, guest: Guest, ask: str
) -> None:
    kernel.run(SETUP)
    cell = kernel.start(ask)
    kernel.until(lambda: cell.outputs)
    human = guest(cell)
    [first] = human.questions()
    kernel.interrupt()
    kernel.until(lambda: cell.done)
    assert cell.error is not None
    human.answer({"name": "nobody"}, first["id"])  # while nobody waits
    again = kernel.start(ask)
    kernel.until(human.questions)
    [second] = human.questions()
    assert "nobody is no name" in second["content"]
    kernel.interrupt()
    kernel.until(lambda: again.done)
    human.answer({"name": "Ada", "sure": True}, second["id"])
    last = kernel.run(ask)
    assert last.error is None
    assert last.text.strip() == "Label(name='Ada', sure=True)"
    asked_anew = kernel.start(ask)
    kernel.until(human.questions)
    kernel.interrupt()
    kernel.until(lambda: asked_anew.done)


def test_another_kernel_of_the_notebook_takes_up_what_is_open_and_what_was_answered(home: Path, guest: Guest) -> None:
    named = f"__vsc_ipynb_file__ = {str(home / 'work.ipynb')!r}\n{SETUP}agent = Agent('bot')\n"
    first = Kernel()
    try:
        first.run(named)
        cell = first.run("q = agent.ask('Who?', into=Label, key='who'); r = agent.ask('Open?', key='open'); print(r.id)")
        human = guest(cell)
        who = next(question for question in human.questions() if question["content"] == "Who?")
        human.answer({"name": "Ada"}, who["id"])
    finally:
        first.stop()
    second = Kernel()
    try:
        second.run(named)
        answered = second.run("print(agent.await_human('Who?', into=Label, key='who'))")
        assert answered.text.strip() == "Label(name='Ada', sure=False)"
        cell_again = second.start("q = agent.ask('Open?', key='open'); print(q.id); print(q.wait())")
        second.until(lambda: cell_again.outputs)
        with Human(cell_again.panel[PANEL]["page_url"], "Bob") as bob:
            bob.answer("still")
        second.until(lambda: cell_again.done)
        assert cell_again.text.split() == [cell.text.strip(), "still"]
    finally:
        second.stop()


def test_what_is_shown_stands_in_the_notebook_as_it_was(kernel: Kernel, guest: Guest) -> None:
    kernel.run(
        SETUP + "import pandas as pd, matplotlib\nmatplotlib.use('agg')\nimport matplotlib.pyplot as plt\n"
        "agent = Agent('bot')\ndf = pd.DataFrame({'who': ['<b>Ada</b>'], 'size': [1.5]})\n"
        "fig, ax = plt.subplots()\nax.plot([1, 2])"
    )
    cell = kernel.start("print(agent.await_human('Go on?', choices=['yes', 'no'], show=[df, fig]))")
    kernel.until(lambda: cell.outputs)
    human = guest(cell)
    [asked] = human.questions()
    assert [sorted(part["data"])[0] for part in asked["parts"]] == ["application/vnd.agentchat.table+json", "image/png"]
    human.answer("yes")
    kernel.until(lambda: cell.done)
    assert "&lt;b&gt;Ada&lt;/b&gt;</td>" in cell.panel["text/html"]
    assert '<img src="data:image/png;base64,' in cell.panel["text/html"]
    assert kernel.run("print(plt.fignum_exists(fig.number))").text.strip() == "True"


def test_a_cell_whose_last_line_is_a_secret_does_not_show_it(kernel: Kernel, guest: Guest) -> None:
    kernel.run(SETUP + "agent = Agent('bot')")
    cell = kernel.start("password = agent.secret('db password')\npassword")
    kernel.until(lambda: cell.outputs)
    guest(cell).answer("hunter2hunter2")
    kernel.until(lambda: cell.done)
    assert cell.text == "<Secret>"
    assert "hunter2" not in str(cell)
    assert kernel.run("print(len(password))").text.strip() == "14"
    failing = kernel.run("def connect(password):\n    raise ValueError('no')\nconnect(password)")
    assert failing.error is not None
    assert "hunter2" not in failing.error


def test_wrong_use_in_a_running_loop_says_what_to_write_instead(kernel: Kernel) -> None:
    kernel.run(SETUP + "agent = Agent('bot')")
    for name in ("secret('x')", "ask('x', into=int)", "post(3)"):
        cell = kernel.run(f"async def work():\n    agent.{name}\nawait work()")
        assert cell.error is not None
        assert "BlockingInLoop" in cell.error, name
        assert "AsyncAgent" in cell.error
