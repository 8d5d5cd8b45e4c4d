"""A batch of questions, as the people who label see it: one inbox, answered by keys, the last answer taken back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.actors import Actor, Owner, Start

from .conftest import Lab, open_notebook, shot, until

LABEL = """
from jupyter_agentchat import Agent
agent = Agent("research-bot")
rows = ["a red apple", "a green pear", "a blue plum", "a yellow lemon", "a brown nut", "a white onion"]
answers = {}
for row, answer in agent.ask_each(rows, prompt="Fruit or not?", choices=["fruit", "vegetable", "neither"], undo=2):
    answers[row] = answer
print("labels:", ",".join(answers[row] for row in rows))
"""


def batch(agent: Actor, index: int, total: int, **more: Any) -> Any:
    """One question of a batch, with a row of a table beside it."""
    row = {"columns": ["legs", "sound"], "rows": [["4", f"sound {index}"]], "index": [str(index)], "shape": [1, 2]}
    part = {"data": {"application/vnd.agentchat.table+json": row, "text/plain": f"animal {index}"}}
    ask: dict[str, Any] = {"choices": ["cat", "dog"], "batch": {"id": "b1", "index": index, "total": total, "name": "Animals"}}
    return agent.post(f"Which is picture **{index}**?", question=ask | more, parts=[part])


@pytest.fixture
def owner(serve: Start) -> Owner:
    return Owner(serve().url, "research-bot")


@pytest.fixture
def guest(owner: Owner, browser: Browser) -> Iterator[Page]:
    """Gil, who has come in on a narrow phone."""
    context = browser.new_context(viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True)
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(owner.invite()["invite_url"])
    page.get_by_role("textbox", name="Your name").fill("Gil")
    page.get_by_role("button", name="Join", exact=True).click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    yield page
    context.close()


def inbox(page: Page | Locator) -> Locator:
    return page.get_by_role("log").get_by_role("group", name="done")


def test_six_rows_are_labelled_by_keys_and_one_answer_is_taken_back(lab: Lab, page: Page) -> None:
    open_notebook(page, lab, lab.notebook("label.ipynb", LABEL)).run_all()
    box = inbox(page)
    bar = box.get_by_role("progressbar")
    expect(bar).to_have_attribute("aria-valuemax", "6")
    expect(box.get_by_role("button", name="fruit", exact=True)).to_be_visible()
    page.wait_for_timeout(300)
    shot(page, "batch-lab")
    expect(page.get_by_role("log").get_by_role("article")).to_have_count(1)
    box.focus()
    for key, done in (("1", "1"), ("1", "2"), ("2", "3")):
        page.keyboard.press(key)
        expect(bar).to_have_attribute("aria-valuenow", done)
    page.keyboard.press("u")  # a plum is no vegetable
    expect(bar).to_have_attribute("aria-valuenow", "2")
    expect(box.get_by_role("article", name="Question 3 of 6 by research-bot")).to_be_visible()
    page.keyboard.press("1")
    expect(bar).to_have_attribute("aria-valuenow", "3")
    for key in ("1", "3", "2"):
        done = str(int(bar.get_attribute("aria-valuenow") or 0) + 1)
        page.keyboard.press(key)
        expect(bar).to_have_attribute("aria-valuenow", done)
    expect(page.get_by_text("labels: fruit,fruit,fruit,fruit,neither,vegetable")).to_be_visible()
    expect(box.get_by_text("All 6 are done.")).to_be_visible()
    box.get_by_text("6 answers").click()
    expect(box.get_by_role("listitem")).to_have_count(6)
    page.wait_for_timeout(300)
    shot(page, "batch-lab-done")
    page.keyboard.press("Escape")
    box.get_by_role("button", name="Undo", exact=True).click()
    expect(box.get_by_text("research-bot has gone on with your last answer: it can no longer be taken back.")).to_be_visible()


def test_an_inbox_on_a_phone_shows_one_question_at_a_time_and_nothing_else_of_the_batch(owner: Owner, guest: Page) -> None:
    owner.agent.post("I need your eyes.")
    for index in range(5):
        batch(owner.agent, index, 200)
    owner.agent.post("Thank you.")
    box = inbox(guest)
    expect(box).to_have_count(1)
    expect(box.get_by_text("0 of 200")).to_be_visible()
    expect(box.get_by_role("article")).to_have_count(1)
    guest.wait_for_timeout(300)
    shot(guest, "batch-phone")
    for n in range(3):
        box.get_by_role("article", name=f"Question {n + 1} of 200").get_by_role("button", name="dog", exact=True).tap()
        guest.wait_for_timeout(400)  # sooner it would be a double click
    expect(box.get_by_text("3 of 200")).to_be_visible()
    assert guest.get_by_role("log").get_by_text("Gil chose").count() == 0, "the closings are drawn nowhere"
    box.get_by_role("button", name="Undo", exact=True).tap()
    expect(box.get_by_text("2 of 200")).to_be_visible()
    expect(box.get_by_role("article", name="Question 3 of 200")).to_be_visible()
    box.get_by_role("button", name="Next open question").tap()
    expect(box.get_by_role("article", name="Question 4 of 200")).to_be_visible()
    guest.reload()
    expect(box.get_by_text("2 of 200")).to_be_visible()
    box.get_by_text("2 answers").tap()
    guest.wait_for_timeout(300)
    shot(guest, "batch-phone-answers")
    assert guest.evaluate("document.documentElement.scrollWidth") <= 360


def test_what_another_answers_goes_on_by_itself_and_a_key_that_was_meant_for_it_counts_for_nothing(
    owner: Owner, guest: Page
) -> None:
    asked = [batch(owner.agent, index, 4) for index in range(4)]
    box = inbox(guest)
    expect(box.get_by_role("article", name="Question 1 of 4")).to_be_visible()
    box.focus()
    # The key comes with the change itself, before anybody could have read what is asked now.
    box.evaluate(
        """box => new MutationObserver((_, observer) => {
            if (!box.querySelector('[aria-label^="Question 2"]')) return;
            observer.disconnect();
            setTimeout(() => box.dispatchEvent(new KeyboardEvent('keydown', { key: '1', bubbles: true })));
        }).observe(box, { subtree: true, childList: true, attributes: true })"""
    )
    owner.answer(asked[0], "dog")
    expect(box.get_by_role("article", name="Question 2 of 4")).to_be_visible()
    guest.wait_for_timeout(800)
    expect(box.get_by_text("1 of 4")).to_be_visible()
    guest.keyboard.press("2")
    expect(box.get_by_text("2 of 4")).to_be_visible()
    answered = {
        message["closes"]["question_id"]: message["closes"]["value"] for message in owner.history() if message.get("closes")
    }
    assert answered == {asked[0]["id"]: "dog", asked[1]["id"]: "dog"}


def test_forms_of_a_batch_are_filled_in_without_leaving_the_keyboard(owner: Owner, guest: Page) -> None:
    schema = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "legs": {"type": "integer"}},
        "required": ["name", "legs"],
    }
    for index in range(3):
        batch(owner.agent, index, 3, choices=None, schema=schema)
    box = inbox(guest)
    box.get_by_role("textbox", name="name").focus()
    for n in range(3):
        expect(box.get_by_role("article", name=f"Question {n + 1} of 3")).to_be_visible()
        guest.keyboard.type(f"bird {n}")
        guest.keyboard.press("Tab")
        guest.keyboard.type("2")
        if n == 1:
            guest.emulate_media(color_scheme="dark")
            guest.wait_for_timeout(200)
            shot(guest, "batch-form-dark")
        guest.keyboard.press("Enter")
    expect(box.get_by_text("All 3 are done.")).to_be_visible()
    expected = [{"name": f"bird {n}", "legs": 2} for n in range(3)]
    until(lambda: [each["closes"]["value"] for each in owner.history() if each.get("closes")] == expected, "the answers")
    box.get_by_text("3 answers").tap()
    guest.wait_for_timeout(200)
    shot(guest, "batch-form-done")


def test_of_a_long_batch_a_page_that_comes_late_draws_no_closing_that_it_does_not_understand(owner: Owner, guest: Page) -> None:
    asked = [batch(owner.agent, index, 100) for index in range(30)]
    for index in range(30):
        owner.answer(asked[index], "cat")
        asked.append(batch(owner.agent, 30 + index, 100))
    guest.reload()
    expect(inbox(guest).get_by_text("30 of 100")).to_be_visible()
    expect(inbox(guest).get_by_role("article", name="Question 31 of 100")).to_be_visible()
    assert guest.get_by_role("log").get_by_text("owner").count() == 0
    expect(inbox(guest)).to_have_count(1)


def test_a_thousand_open_questions_are_one_card_that_answers_at_once(serve: Start, browser: Browser) -> None:
    owner = Owner(serve("--Limits.rate=100000", "--Limits.burst=100000").url, "research-bot")
    with owner.agent.connect() as bot:
        for index in range(1000):
            ask = {"choices": ["cat", "dog"], "batch": {"id": "b1", "index": index, "total": 1000, "name": "Animals"}}
            bot.ask("send_message", channel_id=owner.channel_id, content=f"Picture {index}?", question=ask)
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    page = context.new_page()
    page.goto(owner.invite()["invite_url"])
    page.get_by_role("textbox", name="Your name").fill("Gil")
    page.get_by_role("button", name="Join", exact=True).click()
    box = inbox(page)
    expect(box.get_by_text("0 of 1000")).to_be_visible()
    assert page.get_by_role("log").evaluate("log => log.querySelectorAll('*').length") < 100, "what is not shown is not drawn"
    page.wait_for_timeout(800)  # in which no key counts, for the first one has just changed as more of them were loaded
    box.focus()
    took = box.evaluate(
        """async box => {
            const card = () => box.querySelector("article").ariaLabel;
            const began = performance.now();
            for (let n = 0; n < 50; n += 1) {
                const before = card();
                let frames = 0;
                box.dispatchEvent(new KeyboardEvent("keydown", { key: "2", bubbles: true }));
                while (card() === before && frames++ < 100) await new Promise(requestAnimationFrame);
            }
            return (performance.now() - began) / 50;
        }"""
    )
    print(f"an answer in an inbox of 1,000, until the next is drawn: {took:.1f} ms")
    expect(box.get_by_text("50 of 1000")).to_be_visible()
    until(lambda: len([each for each in owner.history(limit=1000, after=1000) if each.get("closes")]) == 50, "the answers")
    context.close()


def test_a_double_click_answers_one_question(owner: Owner, page: Page) -> None:
    page.goto(owner.invite()["invite_url"])
    page.get_by_role("textbox", name="Your name").fill("Gil")
    page.get_by_role("button", name="Join", exact=True).click()
    for index in range(3):
        batch(owner.agent, index, 3)
    box = inbox(page)
    expect(box.get_by_role("article", name="Question 1 of 3")).to_be_visible()
    page.wait_for_timeout(700)
    box.get_by_role("button", name="cat", exact=True).dblclick()
    until(lambda: any(each.get("closes") for each in owner.history()), "the answer")
    page.wait_for_timeout(500)
    expect(box.get_by_role("article", name="Question 2 of 3")).to_be_visible()
    assert len([each for each in owner.history() if each.get("closes")]) == 1
    box.get_by_role("button", name="dog", exact=True).click()
    expect(box.get_by_role("article", name="Question 3 of 3")).to_be_visible()


def test_keys_act_only_within_the_inbox(owner: Owner, guest: Page) -> None:
    batch(owner.agent, 0, 2)
    expect(inbox(guest).get_by_role("article", name="Question 1 of 2")).to_be_visible()
    assert inbox(guest).evaluate("box => box.getRootNode().activeElement === null"), "nothing takes the focus by itself"
    text = guest.get_by_role("textbox", name="Message research-bot")
    text.press_sequentially("1u2")
    expect(text).to_have_value("1u2")
    guest.get_by_role("log").focus()
    guest.keyboard.press("1")
    guest.wait_for_timeout(300)
    expect(inbox(guest).get_by_text("0 of 2")).to_be_visible()
    assert [message for message in owner.history() if message.get("closes")] == []
