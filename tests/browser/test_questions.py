"""Every kind of question, as a person finds it: on the page of a guest, and in the output of a cell."""

from __future__ import annotations

import base64
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from tests.actors import Actor, Owner, Start

from .conftest import Lab, open_notebook, shot, until

TABLE = "application/vnd.agentchat.table+json"
FORM = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "description": "As it will stand in the report."},
        "size": {"type": "integer", "minimum": 1, "maximum": 100, "title": "Batch size", "default": 32},
        "rate": {"type": "number", "exclusiveMinimum": 0},
        "colour": {"type": "string", "enum": ["red", "green", "blue"]},
        "country": {"enum": ["AT", "BE", "CH", "DE", "FR", "IT", "NL"]},
        "dry": {"type": "boolean", "default": True},
        "due": {"type": "string", "format": "date"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "days": {"type": "array", "items": {"enum": ["Mon", "Tue", "Wed"]}},
        "note": {"type": ["string", "null"], "maxLength": 500},
        "home": {"type": "object", "properties": {"city": {"type": "string", "minLength": 1}}, "required": ["city"]},
    },
    "required": ["name", "size", "colour", "dry"],
}


@pytest.fixture
def owner(serve: Start) -> Owner:
    return Owner(serve().url, "research-bot")


@pytest.fixture
def agent(owner: Owner) -> Actor:
    return owner.agent


def join(page: Page, owner: Owner, name: str) -> Page:
    page.goto(owner.invite()["invite_url"])
    page.get_by_role("textbox", name="Your name").fill(name)
    page.get_by_role("button", name="Join", exact=True).click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


@pytest.fixture
def guest(owner: Owner, browser: Browser) -> Iterator[Page]:
    """Gil, on a narrow phone."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    context.set_default_timeout(30_000)
    yield join(context.new_page(), owner, "Gil")
    context.close()


@pytest.fixture
def desk(owner: Owner, browser: Browser) -> Iterator[Page]:
    """Dora, at a desk, in the dark."""
    context = browser.new_context(viewport={"width": 1000, "height": 900}, color_scheme="dark")
    context.set_default_timeout(30_000)
    yield join(context.new_page(), owner, "Dora")
    context.close()


def closing(agent: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    """How the question ended, once it has."""
    path = agent.path(f"/messages/{asked['id']}")
    found: dict[str, Any] = until(lambda: agent.call("GET", path)["message"]["question"].get("closing"), "an answer")
    return found


def answer_by(page: Page) -> Locator:
    return page.get_by_role("button", name="Answer", exact=True)


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the page is wider than its screen"


# ---------------------------------------------------------------------------------------------- forms


def test_a_form_is_filled_in_corrected_and_sent(agent: Actor, guest: Page) -> None:
    asked = agent.ask("How shall I train?", schema=FORM, initial={"rate": 0.1, "tags": ["a", "b"]})
    name = guest.get_by_label("name", exact=True)
    expect(name).to_be_visible()
    assert guest.evaluate("document.activeElement.shadowRoot?.activeElement ?? null") is None, "nothing took the focus"
    size = guest.get_by_role("spinbutton", name="Batch size size")
    expect(size).to_have_value("32")
    expect(guest.get_by_label("tags", exact=True)).to_have_value("a\nb")
    expect(guest.get_by_role("checkbox", name="dry", exact=True)).to_be_checked()
    size.fill("0")
    guest.get_by_role("checkbox", name="home", exact=True).check()
    guest.get_by_role("group", name="days", exact=True).get_by_role("checkbox", name="Tue").check()
    guest.get_by_label("country", exact=True).select_option("DE")
    answer_by(guest).click()
    expect(name).to_be_focused()
    expect(name).to_have_accessible_error_message("a value is needed")
    expect(size).to_have_accessible_error_message("0 is less than 1")
    expect(guest.get_by_role("radiogroup", name="colour", exact=True)).to_have_accessible_error_message("a value is needed")
    expect(guest.get_by_label("city", exact=True)).to_have_accessible_error_message("a value is needed")
    shot(guest, "question-form-wrong")
    fits(guest)
    name.fill("first")
    size.fill("64")
    expect(size).not_to_have_attribute("aria-invalid", "true")
    guest.get_by_role("radio", name="green", exact=True).check()
    guest.get_by_label("city", exact=True).fill("Bonn")
    guest.get_by_label("due", exact=True).fill("2026-12-24")
    name.press("Enter")
    expect(guest.get_by_text("Gil answered")).to_be_visible()
    assert closing(agent, asked)["value"] == {
        "name": "first", "size": 64, "rate": 0.1, "colour": "green", "country": "DE", "dry": True, "due": "2026-12-24",
        "tags": ["a", "b"], "days": ["Tue"], "home": {"city": "Bonn"},
    }  # fmt: skip
    shot(guest, "question-form-answered")


def test_a_form_looks_right_at_a_desk_in_the_dark(agent: Actor, desk: Page) -> None:
    agent.ask("How shall I **train**?", schema=FORM)
    desk.get_by_label("name", exact=True).fill("first")
    shot(desk, "question-form-dark")


def test_what_was_typed_into_a_form_is_there_when_the_panel_is_drawn_anew(agent: Actor, guest: Page) -> None:
    agent.ask("How shall I train?", schema=FORM)
    guest.get_by_label("name", exact=True).fill("half")
    for n in range(3):
        agent.post(f"meanwhile {n}")
    expect(guest.get_by_text("meanwhile 2")).to_be_visible()
    expect(guest.get_by_label("name", exact=True)).to_have_value("half")


def test_a_long_question_is_read_from_its_beginning_and_nothing_lies_over_it(agent: Actor, guest: Page) -> None:
    agent.ask("How shall I train?", schema=FORM)
    name, pill = guest.get_by_label("name", exact=True), guest.get_by_role("button", name="Newest messages")
    expect(name).to_be_in_viewport()
    expect(guest.get_by_text("How shall I train?")).to_be_in_viewport()
    expect(answer_by(guest)).not_to_be_in_viewport()
    guest.wait_for_timeout(300)  # in which the button would come
    expect(pill).to_have_count(0)
    agent.post("By the way")
    expect(pill).to_be_visible()
    expect(name).to_be_in_viewport()
    pill.click()
    expect(guest.get_by_text("By the way")).to_be_in_viewport()
    expect(pill).to_have_count(0)


def test_what_the_hub_finds_wrong_stands_at_its_field(owner: Owner, browser: Browser) -> None:
    """The hub's word is the last: on its way there, what is right here becomes wrong."""
    context = browser.new_context(viewport={"width": 700, "height": 800})
    try:
        page = context.new_page()
        spoilt: list[str] = []

        def spoil(socket: WebSocketRoute) -> None:
            server = socket.connect_to_server()

            def pass_on(said: str | bytes) -> None:
                wrong = str(said).replace('"size":32', '"size":1000') if not spoilt else str(said)
                spoilt.extend([wrong] if wrong != said else [])
                server.send(wrong)

            socket.on_message(pass_on)

        page.route_web_socket(re.compile("/ws"), spoil)
        asked = owner.agent.ask("How shall I train?", schema=FORM)
        join(page, owner, "Gil").get_by_label("name", exact=True).fill("first")
        page.get_by_role("radio", name="red", exact=True).check()
        answer_by(page).click()
        size = page.get_by_role("spinbutton", name="Batch size size")
        expect(size).to_have_accessible_error_message("1000 is more than 100")
        expect(page.get_by_label("name", exact=True)).to_have_value("first")
        shot(page, "question-form-refused")
        size.fill("50")
        expect(size).not_to_have_attribute("aria-invalid", "true")
        answer_by(page).click()
        assert closing(owner.agent, asked)["value"]["size"] == 50
    finally:
        context.close()


@pytest.mark.parametrize(
    ("schema", "label", "typed", "value"),
    [
        ({"type": "integer"}, "spinbutton", "42", 42),
        ({"type": "string", "format": "multiline"}, "textbox", "a\nb", "a\nb"),
        ({"type": "array", "items": {"type": "integer"}}, "textbox", "1\n2", [1, 2]),
    ],
    ids=["a number", "lines", "a list"],
)
def test_one_value_is_labelled_with_its_question(
    agent: Actor, guest: Page, schema: dict[str, Any], label: Any, typed: str, value: object
) -> None:
    asked = agent.ask("What shall it be?", schema=schema)
    guest.get_by_role(label, name="What shall it be?", exact=True).fill(typed)
    answer_by(guest).click()
    assert closing(agent, asked)["value"] == value


def test_yes_or_no_and_one_of_some_are_buttons(agent: Actor, guest: Page) -> None:
    asked = agent.ask("Go on?", schema={"type": "boolean"})
    guest.get_by_role("button", name="No", exact=True).click()
    assert closing(agent, asked)["value"] is False
    expect(guest.get_by_text("Gil answered No")).to_be_visible()
    asked = agent.ask("How many?", schema={"enum": [1, 2, 4]})
    guest.get_by_role("button", name="4", exact=True).click()
    assert closing(agent, asked)["value"] == 4


def test_several_choices_are_boxes(agent: Actor, guest: Page) -> None:
    asked = agent.ask("Which ones?", choices=["north", "east", "south"], multiple=True, initial=["east"])
    expect(guest.get_by_role("checkbox", name="east", exact=True)).to_be_checked()
    guest.get_by_role("checkbox", name="south", exact=True).check()
    guest.get_by_role("checkbox", name="north", exact=True).check()
    guest.get_by_role("checkbox", name="east", exact=True).uncheck()
    shot(guest, "question-multiple")
    answer_by(guest).click()
    assert closing(agent, asked)["value"] == ["north", "south"]
    expect(guest.get_by_text("Gil chose north, south")).to_be_visible()


# ---------------------------------------------------------------------------------------------- what is shown


def png() -> str:
    """A picture of 64 × 40, half of it red."""
    rows = b"".join(b"\0" + b"\xc0\x30\x20" * 32 + b"\x20\x60\xc0" * 32 for _ in range(40))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 64, 40, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    packed = (struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks)
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(packed)).decode()


def parts() -> list[dict[str, Any]]:
    table = {
        "columns": ["city", "people", "a column with a long name"],
        "rows": [[f"city {n}", f"{n * 1234:,}", "words " * 12] for n in range(100)],
        "index": [str(n) for n in range(100)],
        "shape": [5000, 3],
        "numeric": [False, True, False],
    }
    diff = "--- a.py\n+++ b.py\n@@ -1,2 +1,2 @@\n-old = 1\n+new = 2\n same\n"
    return [
        {"data": {TABLE: table, "text/plain": "5000 × 3"}, "name": "cities"},
        {"data": {"image/png": png(), "text/plain": "Figure"}, "name": "loss"},
        {"data": {"text/x-diff": diff, "text/plain": diff}, "name": "a.py"},
        {"data": {"application/json": {"lr": 0.1, "layers": [64, 64]}, "text/plain": "{}"}},
        {"data": {"text/markdown": "**bold** words", "text/plain": "bold words"}},
    ]


def test_what_is_shown_beside_a_question_is_drawn(agent: Actor, guest: Page, desk: Page) -> None:
    agent.post("Is this right?", question={"choices": ["yes", "no"]}, parts=parts())
    for page, name in ((guest, "question-shown"), (desk, "question-shown-dark")):
        table = page.get_by_role("region", name="cities")
        expect(table.get_by_role("columnheader", name="people")).to_be_visible()
        expect(page.get_by_text("100 of 5,000 rows")).to_be_visible()
        assert table.evaluate("e => e.scrollHeight > e.clientHeight"), "it scrolls in itself"
        picture = page.get_by_role("img", name="loss")
        assert picture.evaluate("e => e.decode().then(() => e.naturalWidth)") == 64
        expect(page.get_by_text("+new = 2")).to_be_visible()
        expect(page.locator("strong", has_text="bold")).to_be_visible()
        fits(page)
        shot(page, name)
    page = desk
    page.get_by_role("button", name="loss").click()
    expect(page.get_by_role("button", name="loss")).to_have_attribute("aria-expanded", "true")
    page.get_by_role("button", name="yes", exact=True).click()
    expect(page.get_by_text("Dora chose yes")).to_be_visible()
    expect(page.get_by_role("region", name="cities")).to_be_visible()


def test_of_many_open_questions_with_much_to_show_each_comes_with_all_of_it(
    agent: Actor, owner: Owner, browser: Browser
) -> None:
    large = "x" * 1_500_000
    for n in range(4):
        shown = [{"data": {"text/plain": f"shown {n}"}}, {"data": {"text/plain": large}, "name": "much"}]
        agent.post(f"Question {n}", question={"choices": [f"answer {n}"]}, parts=shown)
    for n in range(60):
        agent.post(f"message {n}")
    assert owner.call("GET", "questions")["without_parts"], "too much for one reply"
    context = browser.new_context(viewport={"width": 900, "height": 800})
    try:
        page = join(context.new_page(), owner, "Gil")
        for n in range(4):
            expect(page.get_by_text(f"shown {n}", exact=True)).to_have_count(1)
            expect(page.get_by_role("button", name=f"answer {n}", exact=True)).to_have_count(1)
        page.get_by_role("button", name="answer 3", exact=True).click()
        expect(page.locator(".outcome").get_by_text("Gil chose answer 3")).to_have_count(1)
    finally:
        context.close()


RUNS = "window.top.pwned = (window.top.pwned || 0) + 1; fetch('/leak')"
HOSTILE_HTML = [
    f"<script>{RUNS}</script>",
    f'<img src=x onerror="{RUNS}">',
    f'<svg onload="{RUNS}"></svg>',
    f'<body onload="{RUNS}">',
    f'<a href="javascript:{RUNS}">go</a>',
    f'<a href="data:text/html,<script>{RUNS}</script>">go</a>',
    f'<iframe srcdoc="<script>{RUNS}</script>"></iframe>',
    '<iframe src="/leak"></iframe>',
    '<img src="/leak">',
    '<img src="//leak.invalid/x">',
    '<img srcset="/leak 1x">',
    '<link rel=stylesheet href="/leak">',
    "<style>@import '/leak';</style>",
    '<div style="background: url(/leak)">x</div>',
    '<table background="/leak"><tr><td>x</table>',
    '<video poster="/leak"></video>',
    '<audio src="/leak" autoplay></audio>',
    '<object data="/leak"></object>',
    '<embed src="/leak">',
    '<form action="/leak"><button autofocus>Approve</button></form>',
    f'<input autofocus onfocus="{RUNS}">',
    f'<math><mtext><table><mglyph><style><img src=x onerror="{RUNS}">',
    f'<details open ontoggle="{RUNS}">x</details>',
    f"<svg><animate onbegin='{RUNS}' attributeName=x dur=1s></svg>",
    '<meta http-equiv="refresh" content="0;url=/leak">',
    '<base href="/leak/">',
    f'<noscript><p title="</noscript><img src=x onerror={RUNS!r}>">',
    f"<template shadowrootmode=open><script>{RUNS}</script></template>",
    "<p id=question- name=body class=panel>clobber</p>",
]
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="20" height="20"'
FRAME = '<foreignObject width="9" height="9"><iframe xmlns="http://www.w3.org/1999/xhtml" src="/leak"/></foreignObject>'
HOSTILE_SVG = [
    f'{SVG} onload="{RUNS}"><script>{RUNS}</script></svg>',
    f'{SVG}><image xlink:href="/leak" width="9" height="9"/><use href="/leak#x"/>{FRAME}</svg>',
]


def test_nothing_that_is_shown_runs_or_fetches(agent: Actor, guest: Page) -> None:
    asked: list[str] = []
    guest.on("request", lambda request: asked.append(request.url))
    shown: list[dict[str, Any]] = [{"data": {"text/html": html, "text/plain": "h"}} for html in HOSTILE_HTML]
    shown += [{"data": {"text/markdown": html, "text/plain": "m"}} for html in HOSTILE_HTML]
    shown += [{"data": {"image/svg+xml": svg, "text/plain": "s"}, "name": f"drawing {n}"} for n, svg in enumerate(HOSTILE_SVG)]
    shown += [{"data": {"image/png": '" onerror="pwned=1', "text/plain": "broken"}, "name": '"><img src=/leak>'}]
    agent.post("Look", question={"choices": ["seen"]}, parts=shown)
    log = guest.get_by_role("log")
    for n in range(len(HOSTILE_SVG)):
        picture = log.get_by_role("img", name=f"drawing {n}")
        assert picture.evaluate("e => e.decode().then(() => e.naturalWidth)") == 20, "the drawing itself is drawn"
    for link in log.get_by_role("link", name="go").all():
        assert not (link.get_attribute("href") or "").startswith(("javascript:", "data:")), "a link goes to a page, or nowhere"
    guest.get_by_role("button", name="seen", exact=True).click()
    expect(guest.get_by_text("Gil chose seen")).to_be_visible()
    guest.wait_for_timeout(500)  # in which something would run or ask
    assert guest.evaluate("window.pwned") is None
    assert [url for url in asked if "leak" in url] == []
    inside = "script, iframe, style, form, object, embed, svg, video, audio, meta, base, link, [onerror], [onload], [style]"
    assert log.locator(f".shown :is({inside})").count() == 0


# ---------------------------------------------------------------------------------------------- approvals


def approval(**more: Any) -> dict[str, Any]:
    arguments = {"path": "/data/raw", "keep": 3, "reason": "old", "files": [f"{n}.csv" for n in range(40)]}
    form = {
        "type": "object",
        "properties": {"keep": {"type": "integer", "minimum": 1}, "reason": {"type": "string"}},
        "required": ["keep", "reason"],
    }
    wanted = {"action": "delete_files", "arguments": arguments, "editable": ["keep", "reason"], "schema": form, "always": True}
    return {"kind": "approval", "approval": {**wanted, **more}}


def test_an_approval_is_edited_and_approved(agent: Actor, guest: Page) -> None:
    asked = agent.ask("Delete 40 files?", **approval())
    expect(guest.get_by_text("/data/raw")).to_be_visible()
    shot(guest, "approval")
    guest.get_by_role("button", name="Edit", exact=True).click()
    keep = guest.get_by_role("spinbutton", name="keep", exact=True)
    expect(keep).to_have_value("3")
    keep.fill("0")
    guest.get_by_role("button", name="Approve", exact=True).click()
    expect(keep).to_have_accessible_error_message("0 is less than 1")
    keep.fill("5")
    shot(guest, "approval-edit")
    fits(guest)
    guest.get_by_role("textbox", name="Comment").fill("keep some more")
    guest.keyboard.press("Enter")  # which sends a form, but approves nothing
    assert "closing" not in agent.call("GET", agent.path(f"/messages/{asked['id']}"))["message"]["question"]
    guest.get_by_role("button", name="Approve", exact=True).click()
    expect(guest.get_by_text("Gil approved")).to_be_visible()
    assert closing(agent, asked)["value"] == {"approved": True, "arguments": {"keep": 5}, "comment": "keep some more"}
    shot(guest, "approval-approved")


def test_an_approval_is_rejected_with_a_reason(agent: Actor, desk: Page) -> None:
    asked = agent.ask("Delete 40 files?", **approval(editable=[], schema=None))
    expect(desk.get_by_role("button", name="Edit", exact=True)).to_be_disabled()
    desk.get_by_role("textbox", name="Comment").fill("They are needed")
    desk.get_by_role("button", name="Reject", exact=True).click()
    expect(desk.get_by_text("Dora rejected “They are needed”")).to_be_visible()
    assert closing(agent, asked)["value"] == {"approved": False, "comment": "They are needed"}
    shot(desk, "approval-rejected-dark")


def test_always_holds_until_it_is_taken_back(agent: Actor, guest: Page) -> None:
    agent.ask("Delete 40 files?", **approval())
    guest.get_by_role("checkbox", name="Always for this notebook").check()
    guest.get_by_role("button", name="Approve", exact=True).click()
    expect(guest.get_by_text("Gil approved, always for this notebook")).to_be_visible()
    again = agent.ask("Delete 2 files?", **approval())
    assert closing(agent, again)["by_name"] == "Gil"
    expect(guest.get_by_text("Always approved by Gil")).to_be_visible()
    shot(guest, "approval-always")
    guest.get_by_role("button", name="Ask again next time").last.click()
    expect(guest.get_by_text("The next time it is asked for again.")).to_be_visible()
    agent.ask("Delete 3 files?", **approval())
    expect(guest.get_by_role("button", name="Approve", exact=True)).to_be_visible()


# ---------------------------------------------------------------------------------------------- secrets


def test_a_secret_is_nowhere_but_with_its_asker(agent: Actor, guest: Page, database: Path) -> None:
    said: list[str] = []
    guest.on("console", lambda message: said.append(message.text))
    asked = agent.ask("The password of the database?", kind="secret")
    box = guest.get_by_label("The password of the database?", exact=True)
    expect(box).to_have_attribute("type", "password")
    box.fill("hunter2-and-more")
    shot(guest, "secret")
    answer_by(guest).click()
    expect(guest.get_by_text("Gil told the asker: ••••")).to_be_visible()
    shot(guest, "secret-answered")
    taken = agent.call("POST", agent.path(f"/messages/{asked['id']}/secret"), {})
    assert taken["value"] == "hunter2-and-more"
    assert "hunter2" not in guest.get_by_role("log").evaluate("e => e.getRootNode().host.shadowRoot.innerHTML")
    assert "hunter2" not in guest.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "hunter2" not in "".join(said)
    for file in database.parent.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes(), file


# ---------------------------------------------------------------------------------------------- people and time


def test_two_must_agree_and_one_may_change_their_mind(owner: Owner, guest: Page, desk: Page) -> None:
    asked = owner.agent.ask("Ship it?", choices=["yes", "no"], quorum=2)
    expect(guest.get_by_text("2 must give the same answer")).to_be_visible()
    guest.get_by_role("button", name="no", exact=True).click()
    expect(guest.get_by_text("1 of 2 answered: Gil chose no")).to_be_visible()
    expect(guest.get_by_role("button", name="no", exact=True)).to_have_attribute("aria-pressed", "true")
    guest.get_by_role("button", name="yes", exact=True).click()
    expect(desk.get_by_text("1 of 2 answered: Gil chose yes")).to_be_visible()
    shot(guest, "question-votes")
    desk.get_by_role("button", name="yes", exact=True).click()
    expect(guest.get_by_text("Gil, Dora agreed")).to_be_visible()
    assert closing(owner.agent, asked)["value"] == "yes"


def test_a_question_is_handed_on(owner: Owner, guest: Page, desk: Page) -> None:
    asked = owner.agent.ask("Which way?", choices=["left", "right"])
    guest.get_by_role("button", name="More", exact=True).click()
    guest.get_by_role("button", name="Delegate…").click()
    guest.get_by_label("Delegate to").select_option("Dora")
    shot(guest, "question-more")
    fits(guest)
    guest.get_by_role("button", name="Delegate", exact=True).click()
    expect(guest.get_by_text("for Dora")).to_be_visible()
    expect(guest.get_by_role("button", name="left", exact=True)).to_have_count(0)
    expect(desk.get_by_text("for Dora")).to_be_visible()
    desk.get_by_role("button", name="left", exact=True).click()
    assert closing(owner.agent, asked)["by_name"] == "Dora"


def test_a_question_is_put_off_and_shown_again(agent: Actor, guest: Page, desk: Page) -> None:
    agent.ask("Which way?", choices=["left", "right"])
    guest.get_by_role("button", name="More", exact=True).click()
    guest.get_by_role("button", name="Snooze 1 h").click()
    expect(guest.get_by_text("Snoozed until")).to_be_visible()
    expect(guest.get_by_role("button", name="left", exact=True)).to_have_count(0)
    expect(desk.get_by_role("button", name="left", exact=True)).to_be_visible()
    guest.reload()
    expect(guest.get_by_text("Snoozed until")).to_be_visible()
    shot(guest, "question-snoozed")
    guest.get_by_role("button", name="Show now").click()
    expect(guest.get_by_role("button", name="left", exact=True)).to_be_visible()


def test_reminders_and_escalations_are_told(owner: Owner, guest: Page) -> None:
    owner.agent.ask("Which way?", to=["Gil"], timeout=600, default="left", remind=1, escalate=[{"after": 2, "to": "@owner"}])
    expect(guest.get_by_text("reminded 2 times")).to_be_visible()
    expect(guest.get_by_text("put to @owner as well")).to_be_visible()
    shot(guest, "question-terms")


def test_withdrawn_and_taken_back(owner: Owner, guest: Page) -> None:
    asked = owner.agent.ask("Which way?", choices=["left", "right"])
    expect(guest.get_by_role("button", name="left", exact=True)).to_be_visible()
    owner.agent.call("POST", owner.path(f"/messages/{asked['id']}/withdraw"), {})
    expect(guest.get_by_text("research-bot took the question back")).to_be_visible()
    asked = owner.agent.ask("Which way now?", choices=["north", "south"])
    owner.answer(asked, "north")
    expect(guest.get_by_text("owner chose north")).to_be_visible()
    owner.call("POST", owner.path(f"/messages/{asked['id']}/reopen"), {})
    guest.get_by_role("button", name="south", exact=True).click()
    expect(guest.locator(".outcome").get_by_text("Gil chose south")).to_be_visible()
    shot(guest, "question-reopened")


def test_an_answer_says_where_it_was_given_and_what_was_seen(owner: Owner, guest: Page) -> None:
    asked = owner.agent.ask("Which way?", choices=["left", "right"])
    guest.get_by_role("button", name="left", exact=True).click()
    closing(owner.agent, asked)
    entries = owner.call("GET", owner.path(f"/audit?message_id={asked['id']}"))["entries"]
    assert entries[0]["origin"].startswith("page · ")
    assert entries[0]["saw"] == asked["question"]["digest"]


# ---------------------------------------------------------------------------------------------- from a cell

CELL = """
from dataclasses import dataclass
from jupyter_agentchat import Agent
agent = Agent("bot")
"""
TYPED = """
@dataclass
class Plan:
    name: str
    size: int = 8
    dry: bool = True

plan = agent.await_human("How shall I train?", into=Plan)
print("typed", plan)
"""
SHOWN = """
import pandas as pd
from matplotlib.figure import Figure
frame = pd.DataFrame({"city": ["Bonn", "Ulm"], "people": [331885, 126949]})
figure = Figure((3, 2)); figure.subplots().plot([1, 3, 2])
print("shown", agent.await_human("Which cities?", choices=["Bonn", "Ulm"], multiple=True, show=[frame, figure]))
"""
APPROVED = """
decision = agent.approve("delete_files", {"path": "/data/raw", "keep": 3}, editable=["keep"], prompt="Delete 40 files?")
print("approved", bool(decision), decision.arguments, decision.comment)
decision = agent.approve("publish", {"to": "all"}, prompt="Publish it?")
print("rejected", bool(decision), decision.comment)
"""
SECRET = """
secret = agent.secret("The password of the database?")
print("secret", len(secret), repr(secret))
secret
"""


def run(lab: Lab, page: Page, name: str, cell: str) -> Locator:
    """Runs a cell. Returns: the panel that it shows."""
    open_notebook(page, lab, lab.notebook(f"{name}.ipynb", CELL + cell)).run_all()
    return page.get_by_role("region", name=f"Agent chat: {name}")


def test_a_cell_gets_the_type_that_it_asked_for(lab: Lab, page: Page) -> None:
    panel = run(lab, page, "typed", TYPED)
    name, size = panel.get_by_label("name", exact=True), panel.get_by_label("size", exact=True)
    expect(size).to_have_value("8")
    assert not name.evaluate("e => e === e.getRootNode().activeElement"), "nothing took the focus"
    size.fill("-2.5")
    name.fill("first")
    name.press("Enter")
    expect(size).to_have_accessible_error_message("-2.5 is not a whole number")
    expect(size).to_be_focused()
    shot(page, "lab-form")
    size.fill("16")
    size.press("Enter")
    expect(page.get_by_text("typed Plan(name='first', size=16, dry=True)")).to_be_visible()


def test_a_cell_shows_what_it_asks_about(lab: Lab, page: Page) -> None:
    panel = run(lab, page, "shown", SHOWN)
    expect(panel.get_by_role("cell", name="331885")).to_be_visible()
    assert panel.locator("img").evaluate("e => e.decode().then(() => e.naturalWidth)") > 100
    shot(page, "lab-shown")
    panel.get_by_role("checkbox", name="Ulm", exact=True).check()
    shot(page, "lab-shown-end")
    answer_by(page).click()
    expect(page.get_by_text("shown ['Ulm']")).to_be_visible()


def test_a_cell_runs_with_what_was_approved(lab: Lab, page: Page) -> None:
    panel = run(lab, page, "approved", APPROVED)
    panel.get_by_role("button", name="Edit", exact=True).click()
    panel.get_by_label("keep", exact=True).fill("5")
    panel.get_by_role("button", name="Approve", exact=True).click()
    expect(page.get_by_text("approved True {'path': '/data/raw', 'keep': 5}")).to_be_visible()
    expect(panel.get_by_text("Publish it?")).to_be_visible()
    shot(page, "lab-approval")
    panel.get_by_role("textbox", name="Comment").fill("Not on a Friday")
    panel.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_text("rejected False Not on a Friday")).to_be_visible()


def test_a_secret_is_in_no_notebook_and_no_database(lab: Lab, page: Page) -> None:
    panel = run(lab, page, "secret", SECRET)
    panel.get_by_label("The password of the database?", exact=True).fill("hunter2-of-the-lab")
    shot(page, "lab-secret")
    answer_by(page).click()
    expect(page.get_by_text("secret 18")).to_be_visible()
    page.keyboard.press("Control+s")  # the focus is in the panel, where it was used last
    until(lambda: "secret 18" in (lab.root / "secret.ipynb").read_text(), "the notebook to be saved")
    assert "hunter2" not in page.content()
    assert "hunter2" not in panel.evaluate("e => e.getRootNode().innerHTML")
    for file in lab.home.rglob("*"):
        assert not file.is_file() or b"hunter2" not in file.read_bytes(), file
