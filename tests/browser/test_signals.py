"""What is so right now, as the panel shows it: who types, what agents do and are about to say, who is here."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.actors import Actor, Owner, Socket, Start

from .conftest import Lab, open_notebook, shot, until

AGENT = """
import time
from pathlib import Path
from jupyter_agentchat import Agent
agent = Agent("research-bot")
def wait_for(name):
    while not Path(name).exists(): time.sleep(.02)
agent.panel()
"""
TRACK = """
agent.status("comparing shops")
for n in agent.track(range(100), "scraping"):
    if n == 41: time.sleep(.2)
    if n == 42: wait_for({0!r} + "-scraped")
agent.status("")
"""
STREAM = """
with agent.stream() as stream:
    stream.write("Two ways stand out:\\n\\n- **fast**, in `12 s`\\n- **safe** <img src=x onerror='window.pwned = 1'>")
    wait_for({0!r} + "-written")
"""
ASK = "print('got', agent.await_human('Which way?', choices=['fast', 'safe']))"


def at_work(lab: Lab, page: Page, name: str) -> Locator:
    """Runs an agent in a notebook up to the middle of its work. Returns: the panel."""
    cells = [AGENT, TRACK.format(name) + STREAM.format(name), f"wait_for('{name}-read')\n{ASK}"]
    notebook = open_notebook(page, lab, lab.notebook(f"{name}.ipynb", *cells))
    notebook.run_all()
    panel = page.get_by_role("region", name=f"Agent chat: {name}")
    bar = panel.get_by_role("progressbar", name="research-bot: scraping")
    expect(bar).to_have_attribute("aria-valuenow", "42")
    return panel


def answer(panel: Locator, choice: str) -> None:
    """Leaves no open question to the tests of this Lab that come after."""
    button = panel.get_by_role("button", name=choice, exact=True)
    button.click()
    expect(button).to_have_count(0)


def focused(page: Page) -> str:
    """The role or tag of what has the focus, in whatever shadow it is."""
    found: str = page.evaluate(
        """() => { let e = document.activeElement;
        while (e?.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
        return e?.getAttribute('role') ?? e?.tagName ?? ''; }"""
    )
    return found


def test_a_cell_at_work_is_seen_and_what_it_streams_becomes_its_message_in_place(lab: Lab, page: Page) -> None:
    panel = at_work(lab, page, "working")
    had_focus = focused(page)
    line = panel.get_by_role("listitem").filter(has_text="research-bot")
    expect(line).to_contain_text("comparing shops · scraping 42 of 100")
    bar = panel.get_by_role("progressbar")
    assert (bar.get_attribute("aria-valuemin"), bar.get_attribute("aria-valuemax")) == ("0", "100")
    expect(panel.get_by_role("group", name="Happening now")).to_have_attribute("aria-live", "off")
    expect(panel.get_by_text("2 here", exact=True)).to_be_visible()
    page.wait_for_timeout(400)
    shot(page, "signals-progress")

    (lab.root / "working-scraped").touch()
    log = panel.get_by_role("log")
    draft = log.get_by_role("article", name="research-bot is writing")
    expect(draft.locator("strong").first).to_have_text("fast")
    expect(draft).to_have_attribute("aria-live", "off")
    page.wait_for_timeout(400)
    shot(page, "signals-draft")
    place = "e => e.getBoundingClientRect().top - e.closest('[role=log]').getBoundingClientRect().top"
    stood = draft.locator(".markdown").evaluate(place)

    (lab.root / "working-written").touch()
    expect(draft).to_have_count(0)
    message = log.get_by_role("article", name="research-bot, agent")
    expect(message).to_have_count(1)
    expect(message.locator("strong").first).to_have_text("fast")
    assert abs(message.locator(".markdown").evaluate(place) - stood) < 1, "the message is not where its draft was"
    expect(bar).to_have_count(0)  # it was complete
    assert page.evaluate("window.pwned") is None, "what an agent streamed was run"
    assert focused(page) == had_focus, "nothing takes the focus by itself"
    (lab.root / "working-read").touch()
    answer(panel, "safe")


def test_dark(lab: Lab, browser: Browser) -> None:
    folder = lab.home / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    theme = folder / "themes.jupyterlab-settings"
    theme.write_text(json.dumps({"theme": "JupyterLab Dark"}))
    context = browser.new_context(viewport={"width": 1100, "height": 800}, color_scheme="dark")
    try:
        page = context.new_page()
        panel = at_work(lab, page, "night")
        page.wait_for_timeout(400)
        shot(page, "signals-progress-dark")
        (lab.root / "night-scraped").touch()
        expect(panel.get_by_role("article", name="research-bot is writing")).to_be_visible()
        page.wait_for_timeout(400)
        shot(page, "signals-draft-dark")
        for name in ("night-written", "night-read"):
            (lab.root / name).touch()
        answer(panel, "safe")
    finally:
        context.close()
        theme.unlink()


def test_an_asker_that_is_gone_is_said_at_its_question_and_so_that_it_is_back(lab: Lab, page: Page) -> None:
    name = "gone"
    notebook = open_notebook(page, lab, lab.notebook(f"{name}.ipynb", AGENT, ASK))
    notebook.run_all()
    expect(page.get_by_role("button", name="safe", exact=True)).to_be_visible()
    away = page.get_by_text("research-bot is not connected now; your answer waits for it.")
    expect(away).to_have_count(0)
    kernel = next(each["kernel"]["id"] for each in lab.api("GET", "api/sessions").json() if each["path"] == f"{name}.ipynb")
    assert lab.api("POST", f"api/kernels/{kernel}/restart").status_code == 200
    expect(away).to_be_visible()
    page.wait_for_timeout(400)
    shot(page, "signals-asker-gone")
    notebook.run_all()
    expect(away).to_have_count(0)
    page.get_by_role("button", name="safe", exact=True).first.click()
    expect(page.get_by_text("got safe")).to_be_visible()


def test_the_way_to_an_open_question_leads_there_however_far_back_it_is(lab: Lab, page: Page) -> None:
    work = "agent.ask('What was it again?', choices=['this', 'that'])\nfor n in range(130): agent.post(f'message {n}')"
    cells = [AGENT.replace("agent.panel()", ""), work]
    open_notebook(page, lab, lab.notebook("back.ipynb", *cells)).run_all()
    log = page.get_by_role("log", name="back")
    expect(log.get_by_text("message 129", exact=True)).to_have_count(1)
    until(lambda: "vnd.agentchat" in (lab.root / "back.ipynb").read_text(), "the panel to save its notebook")
    page.reload()
    button = page.get_by_role("button", name="that", exact=True)
    expect(log.get_by_text("message 129", exact=True)).to_have_count(1)

    def is_there() -> None:
        expect(button).to_be_in_viewport()
        page.wait_for_timeout(500)  # in which earlier messages would come in
        expect(button).to_be_in_viewport()

    is_there()
    log.evaluate("log => log.scrollTo(0, log.scrollHeight)")
    page.get_by_role("button", name="Open question", exact=True).click()
    is_there()
    log.evaluate("log => log.scrollTo(0, 0)")
    is_there()
    page.get_by_role("button", name="Load earlier messages").click()
    expect(log.get_by_text("message 35", exact=True)).to_have_count(1)
    page.get_by_role("button", name="Open question", exact=True).click()
    is_there()
    answer(log, "that")


# ---------------------------------------------------------------------------------------------- the page of a guest


@pytest.fixture
def owner(serve: Start) -> Owner:
    return Owner(serve().url, "research-bot")


@pytest.fixture
def guest(owner: Owner, browser: Browser) -> Iterator[Page]:
    """Gil, who has come in on a phone."""
    context = browser.new_context(viewport={"width": 390, "height": 740}, is_mobile=True, has_touch=True)
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(owner.invite()["invite_url"])
    page.get_by_role("textbox", name="Your name").fill("Gil")
    page.get_by_role("button", name="Join", exact=True).click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    yield page
    context.close()


def says(socket: Socket, who: Actor, kind: str, **data: object) -> None:
    assert socket.ask("signal", channel_id=who.channel_id, kind=kind, data=data)["type"] == "done"


def test_who_types_is_told_to_the_others_and_not_to_who_types(owner: Owner, guest: Page) -> None:
    with owner.connect() as ann, owner.agent.connect() as bot:
        box = guest.get_by_role("textbox", name="Message research-bot")
        box.press_sequentially("Hello, every", delay=20)
        assert bot.until("signal", kind="typing")["data"] == {}
        before = guest.get_by_role("log").bounding_box()
        says(ann, owner, "typing")
        expect(guest.get_by_text("owner is typing…", exact=True)).to_be_visible()
        expect(guest.get_by_text("Gil is typing")).to_have_count(0)
        assert guest.get_by_role("log").bounding_box() == before, "the line had its place"
        assert [frame for frame in bot.before_pong() if frame.get("participant_id") != owner.id] == [], "told once"
        guest.wait_for_timeout(300)
        shot(guest, "signals-typing")
        owner.post("Here I am.")
        expect(guest.get_by_text("is typing…")).to_have_count(0)
        expect(box).to_have_value("Hello, every")


def test_many_agents_at_work_fit_a_phone(owner: Owner, guest: Page) -> None:
    members = [owner.agent, *(owner.agent.member(f"scout-{n}") for n in range(6))]
    sockets = [member.connect() for member in members]
    try:
        says(sockets[0], owner, "status", text="A long story about <b>what</b> I do, " * 6)
        says(sockets[0], owner, "progress", text="reading", done=3, total=8)
        for n, socket in enumerate(sockets[1:]):
            says(socket, owner, "progress", text=f"counting the {n} of them", done=n)
        now = guest.get_by_role("group", name="Happening now")
        expect(now.get_by_role("listitem")).to_have_count(3)
        expect(now.get_by_text("3 of 8")).to_be_visible()
        assert now.locator("b").count() == 0
        more = now.get_by_role("button", name="and 4 more")
        guest.wait_for_timeout(400)
        shot(guest, "signals-many")
        more.click()
        expect(now.get_by_role("listitem")).to_have_count(7)
        guest.wait_for_timeout(400)
        shot(guest, "signals-many-all")
        width = guest.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
    finally:
        for socket in sockets:
            socket.__exit__()


def test_a_reader_who_has_scrolled_up_stays_while_a_text_grows_and_one_at_the_end_follows(owner: Owner, guest: Page) -> None:
    log = guest.get_by_role("log")
    for n in range(40):
        owner.agent.post(f"message {n}")
    expect(log.get_by_text("message 39")).to_be_in_viewport()
    with owner.agent.connect() as bot:
        paragraphs = ""
        for n in range(12):
            paragraphs += f"paragraph {n}\n\n"
            says(bot, owner, "stream", id="c_long", text=paragraphs)
            guest.wait_for_timeout(60)
        expect(log.get_by_text("paragraph 11")).to_be_in_viewport()
        log.evaluate("log => log.scrollTo(0, 300)")
        guest.wait_for_timeout(200)
        says(bot, owner, "stream", id="c_long", text=paragraphs * 3)
        says(bot, owner, "status", text="writing")
        expect(log.get_by_text("paragraph 11")).to_have_count(3)
        assert log.evaluate("log => log.scrollTop") == 300
        owner.agent.post(paragraphs * 3, client_id="c_long")
        expect(log.get_by_role("article", name="research-bot is writing")).to_have_count(0)
        assert log.evaluate("log => log.scrollTop") == 300


def test_who_answers_by_keyboard_goes_on_from_the_log(owner: Owner, guest: Page) -> None:
    owner.agent.ask("Go on?", choices=["yes", "no"])
    guest.get_by_role("button", name="yes", exact=True).focus()
    guest.keyboard.press("Enter")
    expect(guest.get_by_text("Gil chose yes")).to_be_visible()
    assert focused(guest) == "log"
    owner.agent.ask("Your name?")
    box = guest.get_by_role("textbox", name="Your name?")
    expect(box).to_be_visible()
    assert focused(guest) == "log"
    box.press_sequentially("Gil")
    box.press("Enter")
    expect(guest.get_by_text("Gil answered Gil")).to_be_visible()
    assert focused(guest) == "log"
