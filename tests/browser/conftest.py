"""A real JupyterLab and a real Chromium, both made anew: nothing of the developer's own Jupyter is seen or touched."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

expect.set_options(timeout=30_000)

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SCREENSHOTS = Path(__file__).parents[1] / "screenshots"
CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@dataclass
class Lab:
    """A Jupyter server with its own data, and the notebooks of a test."""

    home: Path
    port: int
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        return self.home / "root"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        folders = {f"JUPYTER_{name}_DIR": str(self.home / name.lower()) for name in ("DATA", "CONFIG", "RUNTIME")}
        return {**os.environ, **folders, "IPYTHONDIR": str(self.home / "ipython")}

    def start(self, *options: str) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        # No news pop-up over what is being looked at.
        settings = self.home / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True, exist_ok=True)
        settings.joinpath("notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        with open(self.home / "log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", "--ip", "127.0.0.1",
                 "--port", str(self.port), "--ServerApp.port_retries=0", f"--IdentityProvider.token={self.token}",
                 f"--ServerApp.root_dir={self.root}", *options],
                env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(lambda: self.api("GET", "api/status").status_code == 200, "the server to answer")
        until(lambda: self.chat("GET", "me").status_code == 200, "the hub to answer")

    def kill(self) -> None:
        """As the machine would: the server and its kernels, without a word."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        assert self.process
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def api(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": f"token {self.token}"}
        try:
            return requests.request(method, f"{self.url}/{path}", headers=headers, timeout=10, **more)
        except requests.ConnectionError:
            unreachable = requests.Response()
            unreachable.status_code = 599
            return unreachable

    def chat(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.api(method, f"agentchat/api/v1/{path}", **more)

    def notebook(self, name: str, *cells: str) -> str:
        """Writes a notebook of code cells and returns its name."""
        blank: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        content = {
            "cells": [{**blank, "id": f"cell-{number}", "source": source} for number, source in enumerate(cells)],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }  # fmt: skip
        (self.root / name).write_text(json.dumps(content))
        return name

    def copy(self, name: str) -> str:
        shutil.copy(NOTEBOOKS / name, self.root / name)
        return name


def until(condition: Any, what: str, seconds: float = 30) -> Any:
    """Waits for something outside the browser."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    running = Lab(tmp_path_factory.mktemp("lab"), free_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "no Chromium: `make chromium`"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM, headless=True)
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(30_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@dataclass
class Notebook:
    """An open notebook, as its user sees it."""

    page: Page

    def run_all(self) -> None:
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()

    def run_cell(self, number: int) -> None:
        self.page.locator(".jp-Notebook .jp-Cell").nth(number).locator(".jp-InputPrompt").click()
        self.page.keyboard.press("Shift+Enter")


def shot(page: Page, name: str) -> None:
    """Keeps a picture, for a person to look at."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=str(SCREENSHOTS / f"{name}.png"))


def open_notebook(page: Page, lab: Lab, name: str, *, app: str = "lab/tree", busy: bool = False) -> Notebook:
    """Opens a notebook and waits until it can be run; with `busy`, until it shows what its kernel, at work, has done."""
    page.goto(f"{lab.url}/{app}/{name}?token={lab.token}&reset")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for()
    if busy:
        return Notebook(page)
    page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(timeout=60_000)
    wait_for_kernel(lab, name)
    return Notebook(page)


def wait_for_kernel(lab: Lab, name: str) -> None:
    """The front end says idle before there is a kernel, and Run All would ask for one."""

    def is_connected() -> bool:
        sessions = lab.api("GET", "api/sessions").json()
        return any(session["path"] == name and session["kernel"]["connections"] > 0 for session in sessions)

    until(is_connected, "the notebook's kernel", 60)
