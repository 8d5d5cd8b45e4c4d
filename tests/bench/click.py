"""From the click on a choice, in a real browser, to `await_human` having returned in the kernel.

A real JupyterLab, a real Chromium, one cell that asks again and again. The click's time is the DOM event's own, the other
end's is the kernel's clock: one machine, and what the browser's clock is off is measured and taken out. The limit is a
bare WebSocket round trip from the same page: browser → server → browser, where the answer goes browser → server → kernel.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from . import processes
from .report import Row, at_most

CLICKS, WARM_UP = 25, 3
AIM_MS = 15.0
TOKEN = "bench"
CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip

CELL = """
import json, time
from jupyter_agentchat import Agent
agent, freed = Agent("bench"), []
for number in range({count}):
    agent.await_human(f"Question {{number}}?", choices=[f"yes {{number}}", f"no {{number}}"], timeout=60)
    freed.append(time.time())
with open("freed.json", "w") as file:
    json.dump(freed, file)
print("all", "answered")
"""

LISTEN = """
window.clicked = [];
addEventListener('click', event => window.clicked.push(performance.timeOrigin + event.timeStamp), true);
"""

PING = """
async count => {
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/agentchat/ws');
  const heard = type => new Promise((resolve, reject) => {
    socket.onmessage = message => { if (JSON.parse(message.data).type === type) resolve(); };
    socket.onclose = () => reject(new Error('closed'));
  });
  await heard('connected');
  const taken = [];
  for (let number = 0; number < count; number += 1) {
    const started = performance.now();
    const pong = heard('pong');
    socket.send('{"type":"ping"}');
    await pong;
    taken.push(performance.now() - started);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  socket.onclose = null;
  socket.close();
  return taken;
}
"""


def measure(folder: Path) -> list[Row]:
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        raise SystemExit("click: no Chromium is installed: see CONTRIBUTING.md, or name the other benches.")
    (folder / "click.ipynb").write_text(json.dumps(notebook()))
    with lab(folder) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM, headless=True)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(60_000)
        page.add_init_script(LISTEN)
        clicked = click_all(page, url)
        freed = json.loads((folder / "freed.json").read_text())
        round_trips = page.evaluate(PING, CLICKS + WARM_UP)[WARM_UP:]
        browser.close()
    taken = [at * 1e3 - click for at, click in zip(freed, clicked, strict=True)][WARM_UP:]
    limit = "bare WebSocket ping → pong, same page"
    return [
        at_most("click → unblocked, median of clicks", "ms", taken, AIM_MS, limit, round_trips),
        Row("click → unblocked, the worst", "ms", [max(taken)], limit, [max(round_trips)]),
    ]


def click_all(page: Page, url: str) -> list[float]:
    """When each click was made, by the kernel's clock, in milliseconds."""
    page.goto(f"{url}lab/tree/click.ipynb?token={TOKEN}&reset")
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
    has_kernel(url)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
    clicked = []
    for number in range(CLICKS + WARM_UP):
        button = page.get_by_role("button", name=f"yes {number}", exact=True)
        button.wait_for()
        page.wait_for_timeout(100)  # what the question's own arrival sets going is over
        # Held down as long as a finger does: pressed and let go in no time, the click would wait for Lab to select the cell.
        button.click(delay=60)
        clicked.append(page.evaluate("window.clicked.at(-1)"))
    page.get_by_text("all answered", exact=True).wait_for()
    off = clock_offset(page)
    return [at - off for at in clicked]


def clock_offset(page: Page) -> float:
    """Milliseconds that the page's clock is ahead of ours; the quickest of many looks is off by the least."""
    looks = []
    for _ in range(30):
        before = time.time() * 1e3
        there = float(page.evaluate("performance.timeOrigin + performance.now()"))
        after = time.time() * 1e3
        looks.append((after - before, there - (before + after) / 2))
    return min(looks)[1]


def has_kernel(url: str) -> None:
    """The indicator says idle before there is a kernel, and Run All would ask for one."""
    deadline = time.monotonic() + processes.PATIENCE
    while not any(session["kernel"]["connections"] for session in processes.call(f"{url}api/sessions?token={TOKEN}", "GET")):
        if time.monotonic() > deadline:
            raise RuntimeError("The notebook got no kernel.")
        time.sleep(0.1)


@contextlib.contextmanager
def lab(folder: Path) -> Iterator[str]:
    settings = folder / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
    port, log = processes.free_port(), folder / "lab.log"
    command = [
        sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip=127.0.0.1", f"--port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
    ]  # fmt: skip
    with processes.process(command, log, processes.isolated(folder)) as serving:
        url = f"http://127.0.0.1:{port}/"
        processes.until_answers(f"{url}api/status", TOKEN, serving, log)
        yield url


def notebook() -> dict[str, object]:
    cell: dict[str, object] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "id": "cell-0"}
    return {
        "cells": [{**cell, "source": CELL.format(count=CLICKS + WARM_UP).strip()}],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
