"""What happens in the cells of a real kernel: panels, interrupts, async cells, runs without a human."""

from __future__ import annotations

from collections.abc import Callable

from tests.client.human import Human
from tests.notebooks.conftest import Cell, Kernel

PANEL = "application/vnd.agentchat.v1+json"
VIEW = "application/vnd.jupyter.widget-view+json"
AGENT = "from jupyter_agentchat import Agent, AsyncAgent\nagent = Agent('bot')\n"
ASK = "print(agent.await_human('Go on?', choices=['yes', 'no'], key='go'))"

Guest = Callable[[Cell], Human]


def test_the_asking_cell_gets_a_panel_and_goes_on_with_the_answer(kernel: Kernel, guest: Guest) -> None:
    kernel.run(AGENT + "agent.post('I *begin*.');")
    cell = kernel.start(ASK)
    kernel.until(lambda: cell.outputs)
    assert set(cell.panel) == {PANEL, VIEW, "text/html", "text/markdown", "text/plain"}
    assert "<em>begin</em>" in cell.panel["text/html"]
    assert "Answer in the browser" in cell.panel["text/html"]
    question_id = cell.panel[PANEL]["question_id"]
    guest(cell).answer("no", question_id)
    kernel.until(lambda: cell.done)
    assert cell.text.strip() == "no"
    # Closed: the panel lives on, the widget's view (which nbconvert would prefer to the transcript) is gone.
    assert set(cell.panel) == {PANEL, "text/html", "text/markdown", "text/plain"}
    assert "Answered by Ann" in cell.panel["text/html"]
    assert "**no** ✓" in cell.panel["text/markdown"]


def test_a_choice_stands_once_in_the_notebook(kernel: Kernel) -> None:
    """The panel moves to the cell that asks; where it was stays its transcript."""
    first = kernel.run(AGENT + "first = agent.ask('One?', choices=['a', 'b'])\nagain = agent.ask('Two?')")
    assert PANEL in first.panel, "one panel a cell, however many questions"
    second = kernel.run("agent.panel()")
    assert set(first.panel) == {"text/html", "text/markdown", "text/plain"}
    third = kernel.run("agent.ask('Three?');")
    assert PANEL not in second.panel
    assert {PANEL, VIEW} <= set(third.panel)


def test_a_panel_that_moves_on_leaves_its_own_part_of_the_conversation(kernel: Kernel, guest: Guest) -> None:
    kernel.run(AGENT + "agent.post('before all')")
    first = kernel.run("one = agent.ask('One?', choices=['a', 'b']); agent.post('after one');")
    second = kernel.run("two = agent.ask('Two?', choices=['c', 'd']);")
    told = first.panel["text/markdown"]
    assert [word in told for word in ("before all", "One?", "after one", "Two?")] == [True, True, True, False]
    assert "Waiting for an answer" in told
    told = second.panel["text/markdown"]
    assert [word in told for word in ("before all", "One?", "after one", "Two?")] == [False, False, False, True]
    guest(second).answer("a", kernel.run("print(one.id)").text.strip())
    waited = kernel.run("print(one.wait())")
    assert waited.text.strip() == "a"
    assert "Answered by Ann" in first.panel["text/markdown"], "the cell that asked tells the answer, wherever it was taken"
    assert "One?" not in second.panel["text/markdown"]


def test_a_question_that_is_taken_up_is_told_where_it_is_asked_again(kernel: Kernel) -> None:
    ask = "q = agent.ask('One?', key='one');"
    kernel.run(AGENT + ask)
    kernel.run("agent.ask('Two?');")
    again = kernel.run(ask)
    assert "One?" in again.panel["text/markdown"]
    assert "Two?" not in again.panel["text/markdown"]


def test_a_panel_of_the_same_cell_serves_its_question(kernel: Kernel) -> None:
    cell = kernel.run(AGENT + "from IPython.display import display\ndisplay(agent.panel())\nq = agent.ask('One?')\nprint(q.id)")
    assert {PANEL, VIEW} <= set(cell.panel)


def test_a_panel_is_a_widget_that_goes_into_a_box(kernel: Kernel) -> None:
    cell = kernel.run(
        AGENT + "import ipywidgets\npanel = agent.panel()\nbox = ipywidgets.VBox([panel])\n"
        "print(panel.channel_id == agent.channel_id, panel.question_id, panel.page_url.startswith('http'), panel.keys)"
    )
    assert cell.error is None
    assert cell.text.startswith("True None True")
    assert all(trait in cell.text for trait in ("channel_name", "connection", "_esm"))


def test_interrupt_frees_the_cell_and_the_rerun_takes_the_question_up(kernel: Kernel, guest: Guest) -> None:
    kernel.run(AGENT)
    cell = kernel.start(ASK)
    kernel.until(lambda: cell.outputs)
    kernel.interrupt()
    kernel.until(lambda: cell.done)
    assert cell.error is not None
    assert "KeyboardInterrupt" in cell.error
    again = kernel.start(AGENT + ASK)
    kernel.until(lambda: again.outputs)
    assert again.panel[PANEL]["question_id"] == cell.panel.get(PANEL, again.panel[PANEL])["question_id"]
    guest(again).answer("yes")
    kernel.until(lambda: again.done)
    assert again.text.strip() == "yes"


def test_an_async_cell_waits_and_can_be_interrupted(kernel: Kernel, guest: Guest) -> None:
    kernel.run("from jupyter_agentchat import AsyncAgent\nagent = AsyncAgent('bot')")
    cell = kernel.start("print(await agent.await_human('Go on?', choices=['yes', 'no'], key='go'))")
    kernel.until(lambda: cell.outputs)
    human = guest(cell)
    kernel.interrupt()
    kernel.until(lambda: cell.done)
    assert cell.error is not None
    again = kernel.start("print(await agent.await_human('Go on?', choices=['yes', 'no'], key='go'))")
    kernel.until(lambda: again.outputs)
    human.answer("yes")
    kernel.until(lambda: again.done)
    assert again.text.strip() == "yes"
    shown = kernel.run("await agent.panel()")
    assert PANEL in shown.panel


def test_blocking_names_work_in_a_plain_cell_and_refuse_in_a_coroutine(kernel: Kernel) -> None:
    assert kernel.run(AGENT + "%time agent.post('plain')").error is None
    cell = kernel.run("import asyncio\nasync def work():\n    agent.post('never')\nawait work()")
    assert cell.error is not None
    assert "BlockingInLoop" in cell.error
    assert "AsyncAgent" in cell.error
    # IPython runs each statement on its own: a plain one beside an await blocks no more than a plain cell does.
    assert kernel.run("await asyncio.sleep(0)\nagent.post('beside');").error is None
    assert [line.split(": ")[1] for line in kernel.run("print(agent.history())").text.splitlines()[1:]] == ["plain", "beside"]


def test_without_a_human_the_question_stops_at_once_and_says_how_to_answer(kernel: Kernel) -> None:
    kernel.run(AGENT, allow_stdin=False)
    cell = kernel.run(ASK, allow_stdin=False)
    assert cell.error is not None
    assert "NoHuman" in cell.error
    assert """AGENTCHAT_ANSWERS='{"go": "yes"}'""" in cell.error
    assert kernel.run("print(len(agent.history()))").text.strip() == "0"
    kernel.run("import os\nos.environ['AGENTCHAT_ANSWERS'] = '{\"going\": \"yes\"}'")
    near = kernel.run(ASK, allow_stdin=False)
    assert near.error is not None
    assert "the nearest: 'going'" in near.error


def test_without_a_human_the_given_answer_stands_in_the_transcript(kernel: Kernel) -> None:
    kernel.run("import os\nos.environ['AGENTCHAT_ANSWERS'] = '{\"Go on?\": \"no\"}'")
    cell = kernel.run(AGENT + ASK, allow_stdin=False)
    assert cell.text.strip() == "no"
    assert set(cell.panel) == {"text/html", "text/markdown", "text/plain"}
    assert "Answered by AGENTCHAT_ANSWERS" in cell.panel["text/html"]


def test_an_open_question_shows_its_page_to_who_has_no_panel(kernel: Kernel) -> None:
    cell = kernel.run(AGENT + "agent.ask('Go on?');")
    assert cell.panel[PANEL]["page_url"] in cell.panel["text/markdown"]
    assert "/invite/" in cell.panel[PANEL]["page_url"]


def test_an_error_shows_the_cells_own_line_and_what_happened_and_nothing_of_the_agents_insides(kernel: Kernel) -> None:
    kernel.run(AGENT + "agent.ask('Open?', key='k')")
    failing = {
        "NoAnswer": "agent.await_human('Go on?', timeout=0.1)",
        "QuestionChanged": "agent.ask('Another?', key='k')",
        "HubUnreachable": "agent.close()\nagent.post('x')",
        "Unauthenticated": "Agent(url=agent.invite_hub, key='au_wrong')",
    }
    kernel.run("agent.invite_hub = agent.invite().split('invite/')[0]")
    unauthenticated = kernel.run(failing.pop("Unauthenticated"))
    for name, cell in [*((name, kernel.run(code)) for name, code in failing.items()), ("Unauthenticated", unauthenticated)]:
        assert cell.error is not None, name
        assert name in cell.error
        assert len(cell.error.splitlines()) < 15, cell.error
        assert "site-packages" not in cell.error
    waiting = kernel.run("await AsyncAgent('bot').await_human('Go on?', timeout=0.1)")
    assert waiting.error is not None
    assert len(waiting.error.splitlines()) < 15, waiting.error


def test_without_a_human_the_default_answers(kernel: Kernel) -> None:
    cell = kernel.run(AGENT + "print(agent.await_human('Go on?', timeout=600, default='yes'))", allow_stdin=False)
    assert cell.text.strip() == "yes"
    assert "the default, in a run without a human" in cell.panel["text/html"]
