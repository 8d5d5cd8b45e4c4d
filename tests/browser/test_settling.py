"""A click answers what the reader aimed at, also where questions come and go under their pointer."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.actors import Actor, Owner, Start


@pytest.fixture
def owner(serve: Start) -> Owner:
    return Owner(serve().url, "research-bot")


@pytest.fixture
def guest(owner: Owner, page: Page) -> Page:
    page.clock.install()
    page.goto(owner.invite()["invite_url"])
    page.get_by_role("textbox", name="Your name").fill("Gil")
    page.get_by_role("button", name="Join", exact=True).click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


def stop_the_clock(page: Page) -> None:
    """On the page, no time passes from here on: what counts is not how fast this machine is."""
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))


def delete(agent: Actor, what: str) -> dict[str, Any]:
    asked: dict[str, Any] = agent.ask(f"Delete {what}?", choices=["Yes, delete it", "No, keep it"])
    return asked


def state(agent: Actor, asked: dict[str, Any]) -> str:
    found: str = agent.call("GET", agent.path(f"/messages/{asked['id']}"))["message"]["question"]["state"]
    return found


def over_yes(page: Page) -> tuple[float, float]:
    """Where a pointer is that rests on the first question's first choice, once the click on it would count."""
    button = page.get_by_role("button", name="Yes, delete it").first
    expect(page.locator("[data-settling]")).to_have_count(0)
    box = button.bounding_box()
    assert box
    return box["x"] + 20, box["y"] + 10


def under(page: Page, at: tuple[float, float]) -> str:
    """The question that stands there, whether it would take a click or not."""
    for card in page.locator(".question.open").all():
        box = card.bounding_box()
        if box and box["x"] <= at[0] <= box["x"] + box["width"] and box["y"] <= at[1] <= box["y"] + box["height"]:
            return card.locator(".markdown").first.inner_text()
    return ""


def test_a_question_that_comes_under_the_pointer_takes_no_click_at_first(owner: Owner, guest: Page) -> None:
    agent = owner.agent
    for line in range(30):
        agent.post(f"line {line}")
    cache = delete(agent, "the cache")
    at = over_yes(guest)
    guest.mouse.move(*at)
    stop_the_clock(guest)
    for what in ("the models", "the data"):
        delete(agent, what)
    database = delete(agent, "the database")
    guest.locator(".question.open", has_text="the database").wait_for()
    aimed = under(guest, at)
    assert aimed not in ("", "Delete the cache?"), "another stands there now"
    guest.mouse.click(*at)
    agent.post("settled")
    expect(guest.get_by_text("settled")).to_be_visible()
    assert {state(agent, cache), state(agent, database)} == {"open"}
    assert guest.locator(".outcome").count() == 0, "none of them was answered"
    guest.clock.run_for(1000)
    guest.get_by_role("button", name="No, keep it").last.click()
    expect(guest.locator(".outcome").get_by_text("Gil chose No, keep it")).to_be_visible()


def test_an_answer_further_down_names_its_question(owner: Owner, guest: Page) -> None:
    agent = owner.agent
    cache, database = delete(agent, "the cache"), delete(agent, "the database")
    guest.get_by_role("button", name="Yes, delete it").nth(1).wait_for()
    guest.get_by_role("button", name="Yes, delete it").first.click()
    expect(guest.get_by_text("Delete the cache? Gil chose Yes, delete it")).to_be_visible()
    assert [state(agent, asked) for asked in (cache, database)] == ["answered", "open"]


def test_what_is_shown_anew_takes_no_click_at_first_and_says_that_it_changed(owner: Owner, guest: Page) -> None:
    agent = owner.agent

    def show(text: str) -> dict[str, Any]:
        question = {"key": "send", "choices": ["Yes, send it", "No"]}
        asked: dict[str, Any] = agent.post("Send this?", question=question, parts=[{"data": {"text/plain": text}}])
        return asked

    asked = show("the first draft")
    button = guest.get_by_role("button", name="Yes, send it")
    button.wait_for()
    expect(guest.locator("[data-settling]")).to_have_count(0)
    stop_the_clock(guest)
    assert show("another draft")["id"] == asked["id"]
    guest.get_by_text("another draft").wait_for()
    expect(guest.get_by_text("research-bot has changed what is asked or shown here")).to_be_visible()
    box = button.bounding_box()
    assert box
    guest.mouse.click(box["x"] + 20, box["y"] + 10)
    agent.post("settled")
    expect(guest.get_by_text("settled")).to_be_visible()
    assert state(agent, asked) == "open"
    guest.clock.run_for(1000)
    button.click()
    expect(guest.locator(".outcome").get_by_text("Gil chose Yes, send it")).to_be_visible()


def test_who_is_at_a_button_that_somebody_else_takes_away_goes_on_from_there(owner: Owner, guest: Page) -> None:
    asked = delete(owner.agent, "the cache")
    guest.get_by_role("button", name="No, keep it").focus()
    owner.answer(asked, "Yes, delete it")
    expect(guest.get_by_role("log")).to_be_focused()
    batch = {"id": "b1", "total": 2, "name": "Animals"}
    animals = [owner.agent.ask(f"Animal {n}", choices=["cat", "dog"], batch={**batch, "index": n}) for n in range(2)]
    inbox = guest.get_by_role("group", name="Animals")
    inbox.get_by_role("button", name="dog", exact=True).focus()
    owner.answer(animals[0], "cat")
    expect(inbox).to_be_focused()


def test_what_was_typed_is_still_there_when_somebody_else_answers(owner: Owner, guest: Page) -> None:
    asked = owner.agent.ask("What shall it be called?")
    guest.get_by_label("What shall it be called?").fill("A careful title")
    owner.answer(asked, "Report")
    expect(guest.get_by_text("You had begun to write: A careful title")).to_be_visible()
