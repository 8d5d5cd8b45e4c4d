"""JupyterLab beside a script that owns the database: the panel works through the script's hub, and without the script too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from .conftest import Lab, free_port, open_notebook, until

OWNER = "from jupyter_agentchat.server.embedded import join_or_start; print(join_or_start().url, flush=True); input()"
ASK = "agent.await_human({!r}, choices=['go', 'stop'])"


def test_lab_joins_a_scripts_hub_and_takes_over_when_it_ends(tmp_path: Path, page: Page) -> None:
    lab = Lab(tmp_path / "lab", free_port())
    script = subprocess.Popen(
        [sys.executable, "-c", OWNER], env=lab.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert script.stdin is not None
    assert script.stdout is not None
    assert script.stdout.readline().startswith("http://127.0.0.1")
    lab.start()
    try:
        notebook = open_notebook(page, lab, lab.notebook(
            "beside.ipynb",
            "from jupyter_agentchat import Agent\nagent = Agent('bot')\nfirst = " + ASK.format("First?"),
            "second = " + ASK.format("Second?") + "\nprint('got', first, second)",
        ))  # fmt: skip
        notebook.run_all()
        expect(page.get_by_text("First?")).to_have_count(2)  # in the source, and in the panel
        page.get_by_role("button", name="go", exact=True).click()
        expect(page.get_by_role("log").get_by_text("Second?")).to_be_visible()
        script.stdin.close()  # the owner ends; the question is open
        script.wait(20)
        until(lambda: lab.chat("GET", "me").status_code == 200, "Lab to take over")
        page.get_by_role("button", name="stop", exact=True).click()
        expect(page.get_by_text("got go stop")).to_be_visible()
    finally:
        script.kill()
        script.wait()
        script.stdout.close()
        lab.stop()
