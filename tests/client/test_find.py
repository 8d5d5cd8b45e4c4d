"""Which hub is mine, in the contract's order."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_agentchat.client import find
from jupyter_agentchat.notebook import kernel

URL, KEY = "http://hub.example:8080", "au_1"


def the_way(url: str | None = None, key: str | None = None, channel: str | None = None) -> find.Way:
    return find.find("bot", url, key, channel)


@pytest.fixture
def in_kernel(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As in a kernel that the Jupyter server 4711 started; the value is what that server wrote about itself."""
    shell = SimpleNamespace(kernel=SimpleNamespace(), user_ns={})
    monkeypatch.setattr(kernel, "shell", lambda: shell)
    monkeypatch.setattr(kernel, "kernel_id", lambda: "k-1")
    monkeypatch.setattr(kernel, "session_key", lambda: b"secret")
    monkeypatch.setenv("JPY_PARENT_PID", "4711")
    monkeypatch.setenv("JPY_SESSION_NAME", "/work/a.ipynb")
    file = home / "runtime" / "jpserver-4711.json"
    file.write_text(json.dumps({"pid": 4711, "url": "https://localhost:8888/lab-base"}))
    return file


def test_arguments_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_URL", "http://other/")
    monkeypatch.setenv("AGENTCHAT_KEY", "au_other")
    assert the_way(URL, KEY, "ch_1") == find.ByKey(f"{URL}/", KEY, "ch_1")


def test_then_the_environment_also_in_a_kernel(monkeypatch: pytest.MonkeyPatch, in_kernel: Path) -> None:
    monkeypatch.setenv("AGENTCHAT_URL", f"{URL}/")
    monkeypatch.setenv("AGENTCHAT_KEY", KEY)
    assert the_way() == find.ByKey(f"{URL}/", KEY, None)


def test_the_environments_key_is_not_shown_to_another_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_URL", URL)
    monkeypatch.setenv("AGENTCHAT_KEY", KEY)
    assert the_way(f"{URL}/") == find.ByKey(f"{URL}/", KEY, None)
    with pytest.raises(ValueError, match=r"^key: the hub at http://evil/"):
        the_way("http://evil/")


def test_half_of_a_pair_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^url:"):
        the_way(key=KEY)
    with pytest.raises(ValueError, match=r"^key:"):
        the_way(URL)
    monkeypatch.setenv("AGENTCHAT_KEY", KEY)
    assert the_way(URL) == find.ByKey(f"{URL}/", KEY, None)


def test_then_the_server_that_started_the_kernel(in_kernel: Path) -> None:
    assert the_way() == find.ByKernel("https://localhost:8888/lab-base/", "k-1", b"secret", "bot", "/work/a.ipynb", None)


@pytest.mark.parametrize(
    "written", ['{"pid": 1, "url": "http://localhost/"}', "{", "{}", '{"pid": 4711, "url": "http+unix://x"}']
)
def test_else_a_hub_of_its_own(in_kernel: Path, written: str) -> None:
    """nbclient's kernels have a parent without such a file; a crashed server's file says another pid."""
    in_kernel.write_text(written)
    way = the_way()
    assert isinstance(way, find.Embedded)
    assert way.notebook.startswith("run:"), "a session name that was inherited is somebody else's"
    assert the_way() == way, "the same within this process"


def test_a_notebook_in_vscode_is_known_by_its_file(in_kernel: Path) -> None:
    in_kernel.unlink()
    kernel.shell().user_ns["__vsc_ipynb_file__"] = "/work/b.ipynb"
    way = the_way()
    assert isinstance(way, find.Embedded)
    assert way.notebook == "/work/b.ipynb"


def test_a_script_is_known_by_its_path(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.chdir(home)
    monkeypatch.setenv("JPY_SESSION_NAME", "of-the-notebook-that-started-me.ipynb")
    monkeypatch.setattr(sys, "argv", ["work.py"])
    assert the_way() == find.Embedded("bot", f"script:{home.resolve() / 'work.py'}", None)
