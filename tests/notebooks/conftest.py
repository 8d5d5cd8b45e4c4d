"""Real kernels, started as a front end starts them, with an embedded hub inside and nothing of the machine's own Jupyter."""

from __future__ import annotations

import queue
import re
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager

from tests.client.human import Human

ROOT = Path(__file__).parents[2]
PATIENCE = 60


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


@dataclass
class Cell:
    """One execution: its outputs by display id (an update changes them, as in a front end), and how it ended."""

    msg_id: str
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    text: str = ""
    error: str | None = None
    done: bool = False

    @property
    def panel(self) -> dict[str, Any]:
        [bundle] = self.outputs.values()
        return bundle


class Kernel:
    """A kernel and its front end."""

    def __init__(self) -> None:
        self._manager = KernelManager(kernel_name="python3")
        self._manager.start_kernel()
        self._client = self._manager.blocking_client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=PATIENCE)
        self.cells: dict[str, Cell] = {}

    def start(self, code: str, *, allow_stdin: bool = True) -> Cell:
        msg_id = self._client.execute(code, allow_stdin=allow_stdin)
        cell = self.cells[msg_id] = Cell(msg_id)
        return cell

    def run(self, code: str, *, allow_stdin: bool = True) -> Cell:
        cell = self.start(code, allow_stdin=allow_stdin)
        self.until(lambda: cell.done)
        return cell

    def interrupt(self) -> None:
        self._manager.interrupt_kernel()

    def kill(self) -> None:
        """kill -9."""
        self._manager.signal_kernel(signal.SIGKILL)

    def restart(self) -> None:
        """As a front end does for a kernel that died."""
        self._manager.restart_kernel(now=True)
        self._client.wait_for_ready(timeout=PATIENCE)

    def until(self, true: Callable[[], Any]) -> None:
        """Takes what the kernel sends until this holds."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"in vain: {self.cells}"
            try:
                self._take(self._client.get_iopub_msg(timeout=0.5))
            except queue.Empty:
                continue

    def _take(self, message: dict[str, Any]) -> None:
        cell = self.cells.get(message["parent_header"].get("msg_id", ""))
        kind, content = message["msg_type"], message["content"]
        display_id = content.get("transient", {}).get("display_id", message["header"]["msg_id"])
        if kind == "update_display_data":
            for other in self.cells.values():
                if display_id in other.outputs:
                    other.outputs[display_id] = content["data"]
        elif cell is None:
            return
        elif kind in ("display_data", "execute_result"):
            if "text/markdown" in content["data"]:
                cell.outputs[display_id] = content["data"]
            else:
                cell.text += content["data"]["text/plain"]
        elif kind == "stream":
            cell.text += content["text"]
        elif kind == "error":
            cell.error = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(content["traceback"]))
        elif kind == "status" and content["execution_state"] == "idle":
            cell.done = True

    def stop(self) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel()


@pytest.fixture
def kernel(home: Path) -> Iterator[Kernel]:
    running = Kernel()
    yield running
    running.stop()


@pytest.fixture
def guest() -> Iterator[Callable[[Cell], Human]]:
    """Follows the link in a cell's panel, as a human would."""
    guests: list[Human] = []

    def join(cell: Cell) -> Human:
        page_url = cell.panel["application/vnd.agentchat.v1+json"]["page_url"]
        guests.append(Human(page_url, "Ann"))
        return guests[-1]

    yield join
    for each in guests:
        each.__exit__()
