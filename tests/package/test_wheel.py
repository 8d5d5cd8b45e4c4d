"""The wheel is all that a user installs: nothing to enable, no Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of what git tracks: no bundle was built in it."""
    copy = tmp_path_factory.mktemp("checkout")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    yield copy
    shutil.rmtree(copy, ignore_errors=True)


def path_without_node(folder: Path) -> str:
    """A PATH with everything but Node and its relatives: links, for Node stands beside what is needed."""
    folder.mkdir()
    for place in reversed(os.environ["PATH"].split(os.pathsep)):
        for program in sorted(Path(place).glob("*")) if Path(place).is_dir() else ():
            if program.name not in {"node", "nodejs", "npm", "npx", "yarn", "corepack", "jlpm"}:
                link = folder / program.name
                link.unlink(missing_ok=True)
                link.symlink_to(program)
    return str(folder)


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the checkout on a PATH without Node."""
    path = path_without_node(tmp_path_factory.mktemp("path") / "bin")
    assert shutil.which("node", path=path) is None
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(out), str(checkout)],
        env={**os.environ, "PATH": path},
        check=True,
    )
    return next(out.glob("*.whl"))


def test_the_wheel_built_without_node_has_the_front_end_and_nothing_heavy(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "jupyter_agentchat/static/page.js",
        "jupyter_agentchat/static/widget.js",
        "jupyter_agentchat/py.typed",
        "data/share/jupyter/labextensions/jupyter-agentchat/package.json",
        "data/share/jupyter/labextensions/jupyter-agentchat/install.json",
        "data/etc/jupyter/jupyter_server_config.d/jupyter_agentchat.json",
    ):
        assert any(name.endswith(wanted) for name in names), wanted
    assert not [name for name in names if "node_modules" in name or name.startswith(("tests/", "labextension/"))]
    assert wheel.stat().st_size < 2_000_000


def test_an_installed_wheel_needs_nothing_to_be_enabled(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "user", with_pip=True)
    python = tmp_path / "user" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", str(wheel), "jupyterlab>=4.6,<5"], check=True)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("JUPYTER")}
    clean |= {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("DATA", "CONFIG", "RUNTIME")}
    said = subprocess.run(
        [python, "-m", "jupyter", "server", "extension", "list"], env=clean, capture_output=True, text=True, check=True
    )
    assert "jupyter_agentchat" in said.stderr + said.stdout
    assert "jupyter_agentchat 0.1.0" in said.stderr + said.stdout
    said = subprocess.run(
        [python, "-m", "jupyter", "labextension", "list"], env=clean, capture_output=True, text=True, check=True
    )
    listed = next(line for line in (said.stderr + said.stdout).splitlines() if "jupyter-agentchat" in line)
    assert "enabled" in listed
    assert "OK" in listed
    command = tmp_path / "user" / "bin" / "jupyter-agentchat"
    assert (
        subprocess.run([command, "--version"], env=clean, capture_output=True, text=True, check=True).stdout.strip() == "0.1.0"
    )
