"""A thousand open questions: to pose them, to list them, and to draw them as one inbox in a real browser."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

from jupyter_agentchat import Agent, HubUnreachable

from . import click, processes
from .processes import Served
from .report import Row, at_most

QUESTIONS, FEW, RUNS, LISTS, LOADS = 1000, 100, 5, 11, 5
AIM_DRAWN_MS = 2000.0
CHOICES = ["spam", "ham", "unsure"]
DRAWN = """
async () => {
  const find = root => root.querySelector('[role=progressbar]') ||
    [...root.querySelectorAll('*')].map(each => each.shadowRoot && find(each.shadowRoot)).find(Boolean);
  while (!find(document)) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now();
}
"""
"""Milliseconds from the beginning of the page's loading to the frame in which an inbox stands."""


def measure(folder: Path) -> list[Row]:
    found: dict[int, list[tuple[float, float]]] = {FEW: [], QUESTIONS: []}
    drawn: dict[int, list[float]] = {}
    for run in range(RUNS):
        for count, taken in found.items():
            place = folder / f"{count}-{run}"
            place.mkdir()
            with processes.hub(place) as hub, open_questions(hub, count) as seconds:
                taken.append((seconds, listing(hub, count)))
                if run == 0:
                    drawn[count] = drawing(hub)
    (few, few_listed), (many, many_listed) = (tuple(zip(*found[count], strict=True)) for count in (FEW, QUESTIONS))
    times = QUESTIONS // FEW
    few, few_listed = tuple(one * times for one in few), tuple(one * times for one in few_listed)
    return [
        Row(f"inbox: ask_each poses {QUESTIONS:,}", "s", many, f"{times} × {FEW}", few),
        Row(f"inbox: GET questions, {QUESTIONS:,} open", "ms", many_listed, f"{times} × {FEW}", few_listed),
        at_most(
            f"inbox: page load → inbox of {QUESTIONS:,} stands", "ms", drawn[QUESTIONS], AIM_DRAWN_MS, f"of {FEW}", drawn[FEW]
        ),
    ]  # fmt: skip


@contextmanager
def open_questions(hub: Served, count: int) -> Iterator[float]:
    """Poses them by `ask_each` and keeps them open; the value is the seconds until the last was durable."""
    agent = Agent(url=hub.url, key=hub.key)
    before = hub.last_seq(hub.channel_id)
    rows = agent.ask_each([f"message {number}" for number in range(count)], choices=CHOICES, ahead=count)

    def ask() -> None:
        with suppress(HubUnreachable):  # closed: that is the end
            next(rows)

    asking = threading.Thread(target=ask)
    started = time.perf_counter()
    asking.start()
    try:
        while hub.last_seq(hub.channel_id) < before + count:
            time.sleep(0.002)
        yield time.perf_counter() - started
    finally:
        agent.close()
        asking.join()


def listing(hub: Served, count: int) -> float:
    """Milliseconds, the median."""
    token = hub.call("POST", "invites", {"channel_id": hub.channel_id})["token"]
    session = hub.call("POST", f"invites/{token}/accept", {"name": "Ann"}, key="")["session_token"]
    taken = []
    for _ in range(LISTS):
        started = time.perf_counter()
        questions = hub.call("GET", "questions", key=session)["questions"]
        taken.append((time.perf_counter() - started) * 1e3)
        if len(questions) != count:
            raise RuntimeError(f"{len(questions)} questions are open, not {count}")
    return median(taken)


def drawing(hub: Served) -> list[float]:
    """Milliseconds of each load of a guest's page."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("inbox: no Chromium is installed: see CONTRIBUTING.md, or name the other benches.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=click.CHROMIUM, headless=True)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        page.goto(hub.call("POST", "invites", {"channel_id": hub.channel_id})["invite_url"])
        page.get_by_label("Your name").fill("Bob")
        page.get_by_role("button", name="Join").click()
        page.get_by_role("progressbar").first.wait_for()
        taken = []
        for _ in range(LOADS):
            page.reload()
            taken.append(float(page.evaluate(DRAWN)))
        browser.close()
    return taken
