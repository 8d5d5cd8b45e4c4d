"""One user interface, wherever it stands: Notebook 7, a widget without the labextension, the invite page, dark, a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from .conftest import Lab, free_port, open_notebook, shot, until, wait_for_kernel

ASK = """
from jupyter_agentchat import Agent
agent = Agent("bot")
agent.post("I found **two** ways: `fast` and `safe`. <script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>")
print("answer:", agent.await_human("Which way?", choices=["fast", "safe"], timeout=600, default="safe"))
print("name:", agent.await_human("What shall I call it?"))
"""


AGENT = "from jupyter_agentchat import Agent\nagent = Agent('bot')\n"


def answer_both(page: Page) -> None:
    page.get_by_role("button", name="fast", exact=True).click()
    name = page.get_by_role("textbox", name="What shall I call it?")
    expect(name).to_be_visible()
    name.fill("Ada's way")
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.get_by_text("name: Ada's way")).to_be_visible()
    assert page.evaluate("window.pwned") is None, "what an agent wrote was run"


def test_choices_and_free_text_in_lab(lab: Lab, page: Page) -> None:
    notebook = open_notebook(page, lab, lab.notebook("both.ipynb", ASK))
    notebook.run_all()
    expect(page.get_by_role("button", name="fast", exact=True)).to_be_visible()
    shot(page, "lab-default")
    answer_both(page)
    box = page.get_by_role("textbox", name="Message both")
    box.fill("Thanks")
    box.press("Shift+Enter")
    box.type("a lot")
    box.press("Enter")
    expect(page.get_by_role("log", name="both").get_by_text("a lot")).to_be_visible()
    expect(box).to_have_value("")


def test_notebook_7(lab: Lab, page: Page) -> None:
    lab.notebook("seven.ipynb", ASK)
    page.goto(f"{lab.url}/notebooks/seven.ipynb?token={lab.token}")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    wait_for_kernel(lab, "seven.ipynb")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
    expect(page.get_by_role("log", name="seven")).to_be_visible()
    shot(page, "notebook-7")
    answer_both(page)


def test_dark(lab: Lab, browser: Browser) -> None:
    folder = lab.home / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    theme = folder / "themes.jupyterlab-settings"
    theme.write_text(json.dumps({"theme": "JupyterLab Dark"}))
    context = browser.new_context(viewport={"width": 1100, "height": 800}, color_scheme="dark")
    try:
        page = context.new_page()
        notebook = open_notebook(page, lab, lab.notebook("dark.ipynb", ASK))
        notebook.run_all()
        expect(page.get_by_role("button", name="fast", exact=True)).to_be_visible()
        shot(page, "lab-dark")
        answer_both(page)
        shot(page, "lab-dark-answered")
    finally:
        context.close()
        theme.unlink()


@pytest.fixture(scope="module")
def bare_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab with our server extension and without our labextension."""
    running = Lab(tmp_path_factory.mktemp("bare"), free_port())
    config = running.home / "config" / "labconfig"
    config.mkdir(parents=True)
    config.joinpath("page_config.json").write_text(json.dumps({"disabledExtensions": {"jupyter-agentchat": True}}))
    running.start()
    yield running
    running.stop()


def test_a_real_widget_without_the_labextension(bare_lab: Lab, page: Page) -> None:
    notebook = open_notebook(page, bare_lab, bare_lab.notebook(
        "widget.ipynb",
        "import ipywidgets\nfrom jupyter_agentchat import Agent\nagent = Agent('bot')\n"
        "panel = agent.panel()\nbox = ipywidgets.VBox([ipywidgets.Label('above'), panel, ipywidgets.Label('below')])\nbox",
        "agent.post('Hello from the widget'); print(type(panel).__mro__[1].__name__, panel.channel_name)",
        "question = agent.ask('Ready?', choices=['sure', 'later'])",
        "print('got', question.wait(30))",
    ))  # fmt: skip
    notebook.run_cell(0)
    box = page.locator(".widget-vbox")
    expect(box.get_by_text("above")).to_be_visible()
    expect(box.get_by_text("Live", exact=True)).to_be_visible()
    notebook.run_cell(1)
    expect(box.get_by_role("log", name="widget")).to_be_visible()
    expect(box.get_by_text("Hello from the widget")).to_be_visible()
    expect(page.get_by_text("Panel widget")).to_be_visible()
    notebook.run_cell(2)
    expect(page.get_by_role("button", name="sure", exact=True)).to_have_count(1)  # where the user put it, and nowhere else
    notebook.run_cell(3)
    shot(page, "widget-in-a-vbox")
    box.get_by_role("button", name="sure", exact=True).click()
    expect(page.get_by_text("got sure")).to_be_visible()


def test_the_panel_of_await_human_without_the_labextension(bare_lab: Lab, page: Page) -> None:
    notebook = open_notebook(page, bare_lab, bare_lab.notebook("plain.ipynb", ASK))
    notebook.run_all()
    answer_both(page)


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def invited(lab: Lab) -> dict[str, Any]:
    return dict(lab.chat("POST", "bootstrap", json={
        "owner_email": "owner@example.org", "owner_password": "correct horse", "agent_name": "scout",
    }).json())  # fmt: skip


def test_an_invited_guest_answers_on_a_phone(lab: Lab, phone: Page) -> None:
    made = invited(lab)
    key = {"Authorization": f"Bearer {made['api_key']}"}
    import requests

    url = f"{lab.url}/agentchat/api/v1/channels/{made['channel_id']}/messages"
    requests.post(url, json={"content": "I wait at the *gate*."}, headers=key, timeout=10)
    asked = requests.post(
        url, json={"content": "May I go in?", "question": {"choices": ["yes, please", "not now"]}}, headers=key, timeout=10
    ).json()["message"]
    phone.goto(made["invite_url"])
    name = phone.get_by_role("textbox", name="Your name")
    expect(name).to_be_visible()
    shot(phone, "invite")
    name.fill("Grace")
    phone.get_by_role("button", name="Join", exact=True).click()
    expect(phone.get_by_role("log", name="scout")).to_be_visible()
    expect(phone.get_by_text("I wait at the gate.")).to_be_visible()
    shot(phone, "guest-asked")
    phone.get_by_role("button", name="yes, please", exact=True).click()
    closed = until(
        lambda: requests.get(f"{url}/{asked['id']}", headers=key, timeout=10).json()["message"]["question"].get("closing"),
        "the answer",
    )
    assert (closed["value"], closed["by_name"]) == ("yes, please", "Grace")
    box = phone.get_by_role("textbox", name="Message scout")
    box.fill("See you")
    phone.get_by_role("button", name="Send", exact=True).click()
    expect(phone.get_by_role("log").get_by_text("See you")).to_be_visible()
    shot(phone, "guest-answered")
    phone.reload()
    expect(phone.get_by_text("See you")).to_be_visible()
    assert phone.evaluate("document.cookie").count("se_") == 0, "the session is out of reach of scripts"


def test_a_used_invite_says_whom_to_ask(lab: Lab, browser: Browser, phone: Page) -> None:
    made = invited(lab)
    phone.goto(made["invite_url"])
    phone.get_by_role("textbox", name="Your name").fill("First")
    phone.get_by_role("button", name="Join", exact=True).click()
    expect(phone.get_by_role("log")).to_be_visible()
    context = browser.new_context(viewport={"width": 360, "height": 740})
    try:
        late = context.new_page()
        late.goto(made["invite_url"])
        expect(late.get_by_text("ask scout")).to_be_visible()
        shot(late, "invite-used")
    finally:
        context.close()


def test_a_notebook_from_elsewhere_shows_its_transcript(lab: Lab, page: Page) -> None:
    name = lab.notebook("foreign.ipynb", "1")
    path = lab.root / name
    content = json.loads(path.read_text())
    content["cells"][0]["outputs"] = [{
        "output_type": "display_data",
        "metadata": {},
        "data": {
            "application/vnd.agentchat.v1+json": {"channel_id": "ch_elsewhere", "channel_name": "foreign"},
            "text/html": "<p>Ada chose <b>both</b></p><img src=x onerror='window.pwned = 3'>",
            "text/plain": "transcript",
        },
    }]  # fmt: skip
    path.write_text(json.dumps(content))
    open_notebook(page, lab, name)
    expect(page.get_by_text("This conversation is not on this server")).to_be_visible()
    expect(page.get_by_text("Ada chose both")).to_be_visible()
    shot(page, "from-elsewhere")
    assert page.evaluate("window.pwned") is None


def test_each_answer_box_is_labelled_with_its_own_question(lab: Lab, page: Page) -> None:
    cell = "agent.await_human({!r}, choices=['ok'])"
    asks = [cell.format(f"Choose {number}") for number in range(3)] + ["print('got', agent.await_human('Your name, then?'))"]
    notebook = open_notebook(page, lab, lab.notebook("labels.ipynb", AGENT + "\n".join(asks)))
    notebook.run_all()
    for number in range(3):
        expect(page.get_by_role("log").get_by_text(f"Choose {number}")).to_be_visible()
        page.get_by_role("button", name="ok", exact=True).click()
    page.get_by_role("textbox", name="Your name, then?", exact=True).fill("Ada")
    page.get_by_role("button", name="Answer", exact=True).click()
    expect(page.get_by_text("got Ada")).to_be_visible()
