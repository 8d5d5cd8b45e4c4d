"""A kernel that a real Jupyter server started: it proves itself, and humans of that server answer it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from tests.notebooks.conftest import PATIENCE, Cell, Kernel

PANEL = "application/vnd.agentchat.v1+json"
TOKEN = "tests-only-token"


class Server:
    """``jupyter server`` under a base url, with or without the extension."""

    def __init__(self, home: Path, *, extension: bool = True, options: tuple[str, ...] = ()) -> None:
        config = home / "config"
        config.mkdir(exist_ok=True)
        enabled = {"ServerApp": {"jpserver_extensions": {"jupyter_agentchat": extension}}}
        (config / "jupyter_server_config.json").write_text(json.dumps(enabled))
        self._log = (home / "server.log").open("w")
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0"),
                *("--ServerApp.base_url=/lab-base/", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={home}"),
                *options,
            ],
            env={**os.environ, "JUPYTER_CONFIG_DIR": str(config)},
            stdout=self._log,
            stderr=self._log,
        )
        self.runtime = home / "runtime"
        self.http = httpx.Client(trust_env=False, verify=False, headers={"Authorization": f"token {TOKEN}"}, timeout=PATIENCE)
        self.url = ""
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise AssertionError((home / "server.log").read_text())

    def _answers(self) -> bool:
        """Whether it listens; its file is there a moment before it does."""
        try:
            self.url = json.loads((self.runtime / f"jpserver-{self._process.pid}.json").read_text())["url"]
            return self.http.get(f"{self.url}api/status").is_success
        except (OSError, ValueError, httpx.TransportError):
            return False

    def notebook(self, path: str) -> KernelOfServer:
        asked = {"path": path, "type": "notebook", "name": path, "kernel": {"name": "python3"}}
        session = self.http.post(f"{self.url}api/sessions", json=asked).raise_for_status().json()
        return KernelOfServer(self.runtime / f"kernel-{session['kernel']['id']}.json")

    def call(self, method: str, path: str, **body: Any) -> Any:
        return self.http.request(method, f"{self.url}agentchat/api/v1/{path}", json=body or None).raise_for_status().json()

    def stop(self) -> None:
        self.http.close()
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._log.close()


class KernelOfServer(Kernel):
    def __init__(self, connection_file: Path) -> None:
        self._client = BlockingKernelClient(connection_file=str(connection_file))
        self._client.load_connection_file()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)
        self.cells: dict[str, Cell] = {}

    def stop(self) -> None:
        self._client.stop_channels()


@pytest.fixture
def server(home: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    running = Server(home, **getattr(request, "param", {}))
    yield running
    running.stop()


@pytest.fixture
def notebook(server: Server) -> Iterator[KernelOfServer]:
    kernel = server.notebook("work.ipynb")
    yield kernel
    kernel.stop()


AGENT = "from jupyter_agentchat import Agent\nagent = Agent('bot')\n"


def test_the_kernel_proves_itself_and_a_human_of_the_server_answers(server: Server, notebook: KernelOfServer) -> None:
    cell = notebook.start(AGENT + "print(agent.await_human('Go on?', choices=['yes', 'no']))")
    notebook.until(lambda: cell.outputs)
    data = cell.panel[PANEL]
    assert "page_url" not in data, "the notebook's own page answers"
    assert data["channel_name"] == "work"
    [question] = server.call("GET", "questions")["questions"]
    assert question["id"] == data["question_id"]
    server.call("POST", f"channels/{data['channel_id']}/messages/{question['id']}/answer", value="no")
    notebook.until(lambda: cell.done)
    assert cell.text.strip() == "no"
    again = notebook.run(AGENT + "print(agent.channel_id, len(agent.history()))")
    assert again.text.split() == [data["channel_id"], "2"], "the same agent, in the same channel"


@pytest.mark.parametrize("server", [{"extension": False}], indirect=True)
def test_a_server_without_the_extension_leaves_it_to_an_embedded_hub(server: Server, notebook: KernelOfServer) -> None:
    cell = notebook.run(AGENT + "agent.ask('Go on?');print(agent.state)")
    assert cell.text.strip() == "live", cell.error
    assert "/invite/" in cell.panel[PANEL]["page_url"]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to sign a certificate")
def test_a_server_on_this_machine_may_have_signed_its_own_certificate(home: Path) -> None:
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=elsewhere",
        "-keyout",
        "k.pem",
        "-out",
        "c.pem",
    ]
    subprocess.run(made, cwd=home, check=True, capture_output=True)
    server = Server(home, options=(f"--ServerApp.certfile={home}/c.pem", f"--ServerApp.keyfile={home}/k.pem"))
    notebook = server.notebook("work.ipynb")
    try:
        cell = notebook.run(AGENT + "agent.post('sealed')\nprint(agent.state, len(agent.history()))")
        assert cell.text.strip() == "live 1", cell.error
        assert server.url.startswith("https://")
        assert len(server.call("GET", "agents")["agents"]) == 1
    finally:
        notebook.stop()
        server.stop()


def test_a_wrong_proof_is_refused(server: Server, notebook: KernelOfServer) -> None:
    cell = notebook.run(
        "import jupyter_agentchat.notebook.kernel as k\nk.session_key = lambda: b'guessed'\n"
        "from jupyter_agentchat import Agent\nAgent('bot')"
    )
    assert cell.error is not None
    assert "Forbidden" in cell.error
    assert server.call("GET", "agents")["agents"] == []
