"""The processes that a bench starts: each in its own, on loopback, ended by who started it."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

PATIENCE = 60.0

UNLIMITED = ("--Limits.rate=1e9", "--Limits.burst=1000000000", "--Limits.connections=100000")
"""What the disk and the processor can do is measured, not where a participant is told to slow down."""


@dataclass(frozen=True)
class Served:
    """A hub that was bootstrapped: ``url`` ends in /, ``key`` is its first agent's."""

    url: str
    key: str
    channel_id: str
    pid: int = 0

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
        return call(f"{self.url}api/v1/{path}", method, body, key or self.key)

    def new_agent(self, name: str) -> tuple[str, str]:
        """(its id, its key)"""
        made = self.call("POST", "agents", {"name": name})
        return made["agent"]["id"], made["api_key"]

    def last_seq(self, channel_id: str, key: str | None = None) -> int:
        return int(self.call("GET", f"channels/{channel_id}", key=key)["channel"]["last_seq"])


def call(url: str, method: str, body: dict[str, Any] | None = None, key: str | None = None) -> Any:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    request = urllib.request.Request(url, None if body is None else json.dumps(body).encode(), headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
        return json.load(reply)


def environment() -> dict[str, str]:
    """As an installed package finds it: compiled. Where PYTHONDONTWRITEBYTECODE is set, a checkout compiles at each start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


@contextlib.contextmanager
def process(
    command: list[str], log: Path, env: dict[str, str] | None = None, executable: str | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Runs while the block does. What it says on stderr is in ``log``."""
    with log.open("a") as stderr:
        running = subprocess.Popen(
            command,
            executable=executable,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**environment(), **(env or {})},
        )
        try:
            yield running
        finally:
            running.terminate()
            try:
                running.wait(15)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()
            if running.stdout:
                running.stdout.close()


def first_line(running: subprocess.Popen[str], log: Path) -> str:
    assert running.stdout
    line = running.stdout.readline()
    if not line:
        raise RuntimeError(f"{running.args!r} ended before it was ready: {log.read_text()[-2000:]}")
    return line


@contextlib.contextmanager
def serving(folder: Path, database: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A real ``jupyter agentchat serve``: the process, and its URL (ends in /)."""
    log = folder / "serve.log"
    command = [sys.executable, "-m", "jupyter", "agentchat", "serve", "--port=0", f"--store=sqlite:///{database}", *options]
    with process(command, log, isolated(folder)) as running:
        yield running, first_line(running, log).split(" is at ")[1].split()[0]


@contextlib.contextmanager
def hub(folder: Path) -> Iterator[Served]:
    """On a new database."""
    with serving(folder, folder / "hub.db", *UNLIMITED) as (running, url):
        made = call(
            f"{url}api/v1/bootstrap", "POST",
            {"owner_email": "bench@example.org", "owner_password": "correct horse", "agent_name": "bench"},
        )  # fmt: skip
        yield Served(url, made["api_key"], made["channel_id"], running.pid)


@contextlib.contextmanager
def echo(folder: Path) -> Iterator[str]:
    """A bare tornado WebSocket echo server: its ws:// URL."""
    log = folder / "echo.log"
    with process([sys.executable, "-m", f"{__package__}.echo"], log) as echoing:
        yield first_line(echoing, log).strip()


def load(module: str, order: dict[str, Any], patience: float = 120.0) -> Any:
    """Runs one of this package's load generators; it takes its order as JSON on stdin and prints what it found.

    Args:
        patience: seconds after which it is ended, with a TimeoutExpired.
    """
    done = subprocess.run(
        [sys.executable, "-m", f"{__package__}.{module}"], input=json.dumps(order), capture_output=True, text=True,
        timeout=patience, check=False, env=environment(),
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{module} failed: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def resident_bytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss)


def isolated(folder: Path) -> dict[str, str]:
    """Jupyter's directories, away from those of the user."""
    names = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    return {variable: str(folder / name) for variable, name in names.items()}


def until_answers(url: str, token: str, serving: subprocess.Popen[str], log: Path) -> None:
    """Polls a server that is starting, every 2 ms."""
    request = urllib.request.Request(url, headers={"Authorization": f"token {token}"})
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(request, timeout=5):
                return
        except urllib.error.HTTPError:
            raise
        except OSError:
            if serving.poll() is not None:
                raise RuntimeError(f"The server ended: {log.read_text()[-2000:]}") from None
            time.sleep(0.002)
    raise RuntimeError(f"{url} did not answer within {PATIENCE} s")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
