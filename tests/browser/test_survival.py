"""The conversation outlives its page, its cell, its kernel and its server."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from .conftest import Lab, open_notebook, shot, until

ASK = """
from jupyter_agentchat import Agent
agent = Agent("bot")
answer = agent.await_human("Go on?", choices=["yes", "no"], key="go")
print("answer:", answer)
"""


def open_question(lab: Lab) -> dict[str, Any]:
    """The one open question of the workspace."""
    found = until(lambda: lab.chat("GET", "questions").json().get("questions"), "the question")
    assert len(found) == 1, found
    return dict(found[0])


def answer(lab: Lab, question: dict[str, Any], value: str) -> int:
    path = f"channels/{question['channel_id']}/messages/{question['id']}/answer"
    return lab.chat("POST", path, json={"value": value}).status_code


def restart_kernel(page: Page) -> None:
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Restart Kernel…").click()
    page.locator(".jp-Dialog button", has_text="Restart").click()
    expect(page.locator(".jp-Dialog")).to_have_count(0)


def test_after_a_reload_the_panel_is_back_and_frees_the_cell(lab: Lab, page: Page) -> None:
    notebook = open_notebook(page, lab, lab.notebook("reload.ipynb", ASK, "open('went-on.txt', 'w').write(answer)"))
    notebook.run_all()
    button = page.get_by_role("button", name="yes", exact=True)
    expect(button).to_be_visible()
    saved = lab.root / "reload.ipynb"
    until(lambda: "vnd.agentchat" in saved.read_text(), "the panel to save its notebook")
    page.reload()
    expect(button).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    shot(page, "reloaded")
    button.click()
    expect(button).to_have_count(0)
    # What a cell prints while its page is away is lost to the page (evidence.md), so its next cell leaves a file.
    went_on = lab.root / "went-on.txt"
    until(lambda: went_on.exists() and went_on.read_text() == "yes", "the notebook to go on")


def test_interrupt_leaves_the_question_open_and_the_next_run_takes_it_up(lab: Lab, page: Page) -> None:
    notebook = open_notebook(page, lab, lab.notebook("interrupt.ipynb", ASK))
    notebook.run_all()
    button = page.get_by_role("button", name="no", exact=True)
    expect(button).to_be_visible()
    asked = open_question(lab)["id"]
    page.keyboard.press("Escape")
    page.locator(".jp-Notebook .jp-Cell").first.locator(".jp-InputPrompt").click()
    page.keyboard.press("i")
    page.keyboard.press("i")
    expect(page.locator(".jp-OutputArea-output", has_text="KeyboardInterrupt").first).to_be_visible()
    assert open_question(lab)["id"] == asked
    notebook.run_all()
    expect(button).to_have_count(1)
    assert open_question(lab)["id"] == asked, "the same question, not a second one"
    button.click()
    expect(page.get_by_text("answer: no")).to_be_visible()


def test_an_answer_that_comes_while_the_kernel_restarts_is_got_by_the_next_run(lab: Lab, page: Page) -> None:
    notebook = open_notebook(page, lab, lab.notebook("kernel.ipynb", ASK))
    notebook.run_all()
    expect(page.get_by_role("button", name="yes", exact=True)).to_be_visible()
    question = open_question(lab)
    restart_kernel(page)
    assert answer(lab, question, "yes") == 200
    notebook.run_all()
    expect(page.get_by_text("answer: yes")).to_be_visible()
    notebook.run_all()  # that answer is consumed: this run asks anew
    assert open_question(lab)["id"] != question["id"]
    page.get_by_role("button", name="no", exact=True).click()
    expect(page.get_by_text("answer: no")).to_be_visible()


def test_a_killed_server_loses_neither_the_question_nor_the_answer(lab: Lab, page: Page) -> None:
    notebook = open_notebook(page, lab, lab.notebook("killed.ipynb", ASK))
    notebook.run_all()
    expect(page.get_by_role("button", name="yes", exact=True)).to_be_visible()
    until(lambda: "vnd.agentchat" in (lab.root / "killed.ipynb").read_text(), "the panel to save its notebook")
    question = open_question(lab)
    lab.kill()
    expect(page.get_by_text("Reconnecting")).to_be_visible()
    shot(page, "server-gone")
    lab.start()
    assert open_question(lab)["id"] == question["id"]
    # The panel comes back by itself; the cell died with its kernel, and gets its answer when it runs again.
    expect(page.get_by_text("Live", exact=True)).to_be_visible(timeout=60_000)
    page.get_by_role("button", name="yes", exact=True).click()
    until(lambda: not lab.chat("GET", "questions").json()["questions"], "the answer to arrive")
    notebook = open_notebook(page, lab, "killed.ipynb")
    notebook.run_all()
    expect(page.get_by_text("answer: yes")).to_be_visible()


def test_of_two_tabs_one_wins_and_the_other_is_told_by_whom(lab: Lab, context: BrowserContext, page: Page) -> None:
    notebook = open_notebook(page, lab, lab.notebook("tabs.ipynb", ASK))
    notebook.run_all()
    expect(page.get_by_role("button", name="yes", exact=True)).to_be_visible()
    until(lambda: "vnd.agentchat" in (lab.root / "tabs.ipynb").read_text(), "the panel to save its notebook")
    other = context.new_page()
    open_notebook(other, lab, "tabs.ipynb", busy=True)
    expect(other.get_by_role("button", name="no", exact=True)).to_be_visible()
    # Both click before either hears of the other.
    for tab, choice in ((page, "yes"), (other, "no")):
        tab.evaluate(
            """choice => { window.agentchatClick = () => {
                const find = root => [...root.querySelectorAll('*')].flatMap(
                    e => [e, ...(e.shadowRoot ? find(e.shadowRoot) : [])]);
                find(document).find(e => e.tagName === 'BUTTON' && e.textContent.trim() === choice).click(); };
                const at = Date.now() - Date.now() % 1000 + 2000;
                setTimeout(window.agentchatClick, at - Date.now()); }""",
            choice,
        )
    for tab in (page, other):
        expect(tab.get_by_role("button", name="yes", exact=True)).to_have_count(0)
        expect(tab.get_by_role("log").get_by_text("chose")).to_be_visible()
    texts = [tab.get_by_role("log").inner_text() for tab in (page, other)]
    winner = next(choice for choice in ("yes", "no") if f"chose {choice}" in texts[0])
    assert f"chose {winner}" in texts[1]
    loser = other if winner == "yes" else page
    expect(loser.get_by_text("Already answered by")).to_be_visible()
    shot(loser, "too-late")
    expect(page.get_by_text(f"answer: {winner}")).to_be_visible()
