"""Agents are steered from the panel: what is asked of them, what they say to it, and what is so when they are gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.actors import Actor, Owner, Start

from .conftest import Lab, open_notebook, shot, until

AGENT = """
import os, time
from pathlib import Path
from jupyter_agentchat import Agent, Stopped
agent = Agent("trainer")
agent.panel()
"""
TRAIN = """
Path({name!r} + "-pid").write_text(str(os.getpid()))
step, lr = 0, 0.1
try:
    with agent.run("train"):
        while True:
            said = agent.checkpoint(step=step, total=100_000, loss=1 / (1 + step))
            if said:
                print("steered:", said)
            step += 1
            Path({name!r} + "-step").write_text(str(step))
            time.sleep(.01)
except Stopped as stop:
    print("stopped by", stop.by)
"""
FAIL = """
with agent.run("evaluate"):
    agent.checkpoint()
    raise ValueError("no <b>data</b>")
"""


def steps(lab: Lab, name: str) -> int:
    written = lab.root / f"{name}-step"
    return int(written.read_text() or 0) if written.exists() else 0


def advances(lab: Lab, name: str) -> None:
    at = steps(lab, name)
    until(lambda: steps(lab, name) > at + 3, "the run to go on")


def training(lab: Lab, page: Page, name: str, *more: str) -> tuple[Locator, Locator]:
    """Runs a training in a notebook. Returns: the panel, and the line of the agent in it."""
    open_notebook(page, lab, lab.notebook(f"{name}.ipynb", AGENT, TRAIN.format(name=name), *more)).run_all()
    panel = page.get_by_role("region", name=f"Agent chat: {name}").first
    line = panel.get_by_role("listitem").filter(has_text="trainer")
    expect(line.get_by_text("running since")).to_be_visible()
    return panel, line


def test_a_run_is_paused_steered_resumed_and_stopped_by_clicks(lab: Lab, page: Page) -> None:
    panel, line = training(lab, page, "train", FAIL)
    group = line.get_by_role("group", name="trainer", exact=True)
    advances(lab, "train")
    shot(page, "steering-running")

    group.get_by_role("button", name="Pause", exact=True).click()
    expect(line.get_by_text("paused", exact=False)).to_be_visible()
    expect(group.get_by_role("button", name="Resume", exact=True)).to_be_focused()
    at = steps(lab, "train")
    page.wait_for_timeout(500)
    shot(page, "steering-paused")

    group.get_by_role("button", name="Steer", exact=True).click()
    box = group.get_by_role("textbox", name="Steer trainer")
    expect(box).to_be_focused()
    box.fill("use lr=0.01")
    shot(page, "steering-text")
    assert steps(lab, "train") == at, "it stands still while paused"
    group.get_by_role("button", name="Send", exact=True).click()
    expect(box).to_have_count(0)
    expect(group.get_by_role("button", name="Steer", exact=True)).to_be_focused()

    group.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_text("steered: use lr=0.01")).to_be_visible()
    expect(line.get_by_text("running since")).to_be_visible()
    advances(lab, "train")

    group.get_by_role("button", name="Stop", exact=True).click()
    expect(group.get_by_text("Stop train?")).to_be_visible()
    page.keyboard.press("Escape")
    expect(group.get_by_role("button", name="Stop", exact=True)).to_be_focused()
    advances(lab, "train")
    group.get_by_role("button", name="Stop", exact=True).click()
    shot(page, "steering-stop")
    group.get_by_role("button", name="Yes, stop", exact=True).click()
    log = panel.get_by_role("log")
    expect(log.get_by_text("train stopped by")).to_be_visible()
    expect(page.get_by_text("stopped by Anonymous").first).to_be_visible()

    expect(log.get_by_text("evaluate failed")).to_be_visible()
    expect(log.get_by_text("no <b>data</b>").first).to_be_visible()
    log.get_by_text("Traceback", exact=True).click()
    page.wait_for_timeout(400)
    shot(page, "steering-ended")
    assert log.locator("b").count() == 0


def test_a_kernel_that_is_killed_in_a_run_is_shown_as_gone(lab: Lab, page: Page) -> None:
    _, line = training(lab, page, "killed")
    advances(lab, "killed")
    page.get_by_role("button", name="Save", exact=False).first.click()
    until(lambda: "vnd.agentchat" in (lab.root / "killed.ipynb").read_text(), "the notebook to be saved")
    os.kill(int((lab.root / "killed-pid").read_text()), signal.SIGKILL)
    gone = line.get_by_text("gone since")
    expect(gone).to_contain_text("while running train")
    expect(line.get_by_role("button")).to_have_count(0)
    page.wait_for_timeout(400)
    shot(page, "steering-gone")
    page.reload()
    expect(line.get_by_text("gone since")).to_be_visible()


# ---------------------------------------------------------------------------------------------- the page of a guest


@pytest.fixture
def owner(serve: Start) -> Owner:
    return Owner(serve().url, "trainer")


@pytest.fixture
def phone(owner: Owner, browser: Browser) -> Iterator[Page]:
    """Gil, who has come in on a narrow phone, in the dark."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, is_mobile=True, has_touch=True, color_scheme="dark"
    )  # fmt: skip
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(owner.invite()["invite_url"])
    page.get_by_role("textbox", name="Your name").fill("Gil")
    page.get_by_role("button", name="Join", exact=True).click()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    yield page
    context.close()


def report(agent: Actor, state: str, **more: object) -> None:
    agent.call("POST", agent.path("/report"), {"state": state, **more})


def intents(agent: Actor) -> list[dict[str, object]]:
    found: list[dict[str, object]] = agent.call("GET", agent.path("/intents?pending=true"))["intents"]
    return found


def test_what_is_asked_is_shown_to_everybody_until_it_is_done(owner: Owner, phone: Page) -> None:
    now = phone.get_by_role("group", name="Happening now")
    other = owner.agent.member("scout")
    with owner.agent.connect(), other.connect():
        report(owner.agent, "running", run="train")
        report(other, "running", run="crawl")
        mine, others = (now.get_by_role("group", name=name, exact=True) for name in ("trainer", "scout"))
        expect(others.get_by_role("button", name="Pause", exact=True)).to_be_visible()
        mine.get_by_role("button", name="Pause", exact=True).tap()
        expect(now.get_by_text("train · asked to pause by Gil")).to_be_visible()
        expect(now.get_by_text("crawl · running since")).to_be_visible()
        mine.get_by_role("button", name="Steer", exact=True).tap()
        phone.get_by_role("textbox", name="Steer trainer").fill("slower")
        phone.wait_for_timeout(400)
        shot(phone, "steering-phone-text")
        mine.get_by_role("button", name="Send", exact=True).tap()
        expect(now.get_by_text("a note not taken yet")).to_be_visible()
        owner.call("POST", owner.path("/intents"), {"agent_id": owner.agent.id, "kind": "stop"})
        expect(now.get_by_text("train · asked to stop by owner")).to_be_visible()
        expect(phone.get_by_role("status").filter(has_text="trainer: train · asked to stop by owner")).to_have_count(1)
        phone.wait_for_timeout(400)
        shot(phone, "steering-phone-asked")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 360
        asked = intents(owner.agent)
        assert [(each["kind"], each.get("text")) for each in asked] == [("steer", "slower"), ("stop", None)]
        report(owner.agent, "stopped", run="train", acknowledged=asked[-1]["seq"])
        expect(now.get_by_text("train · stopped")).to_be_visible()
        expect(mine).to_have_count(0)
        phone.reload()
        expect(now.get_by_text("train · stopped")).to_be_visible()
        expect(now.get_by_text("crawl · running since")).to_be_visible()


def test_what_the_hub_refuses_is_said_at_the_line_and_an_observer_has_no_buttons(owner: Owner, phone: Page) -> None:
    now = phone.get_by_role("group", name="Happening now")
    with owner.agent.connect():
        report(owner.agent, "running", run="train")
        steer = now.get_by_role("button", name="Steer", exact=True)
        expect(steer).to_be_visible()
        for who in (owner, *(owner.guest(f"guest {n}") for n in range(4))):
            for n in range(10):
                who.call("POST", owner.path("/intents"), {"agent_id": owner.agent.id, "kind": "steer", "text": f"note {n}"})
        steer.tap()
        phone.get_by_role("textbox", name="Steer trainer").fill("one too many")
        now.get_by_role("button", name="Send", exact=True).tap()
        expect(now.get_by_text("wait for trainer already")).to_be_visible()
        expect(phone.get_by_role("textbox", name="Steer trainer")).to_have_value("one too many")
        phone.wait_for_timeout(300)
        shot(phone, "steering-refused")
        gil = next(each for each in owner.call("GET", owner.path("/members"))["members"] if each["name"] == "Gil")
        owner.call("POST", owner.path("/members"), {"participant_id": gil["participant_id"], "role": "observer"})
        phone.reload()
        expect(now.get_by_text("train · running since")).to_be_visible()
        expect(now.get_by_role("button")).to_have_count(0)
