"""The notebook of a long run: it trains to its end with nobody there, and obeys who is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.actors import Owner, Start
from tests.notebooks.conftest import ROOT
from tests.notebooks.test_quickstart import execute

pytest.importorskip("matplotlib")

LONG_RUN = ROOT / "notebooks" / "03_steer_a_long_run.ipynb"


def read() -> Any:
    return nbformat.read(LONG_RUN, as_version=4)  # type: ignore[no-untyped-call]


def test_it_is_shipped_without_outputs() -> None:
    notebook = read()
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)
    assert notebook.metadata.kernelspec.name == "python3"


def test_it_runs_to_its_end_with_nobody_there(home: Path) -> None:
    outputs = execute(read(), home)
    said = outputs["history"][0].data["text/markdown"]
    assert "Run **train** started." in said
    assert "Run **train** finished after" in said
    assert "are told right; the last rate was 0.3." in said


def test_somebody_changes_the_rate_while_it_runs(home: Path, serve: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Owner(serve().url, "trainer")
    monkeypatch.setenv("AGENTCHAT_URL", owner.url)
    monkeypatch.setenv("AGENTCHAT_KEY", str(owner.agent.token))
    # Wanted before there is a run: its first checkpoint gets it.
    body = {"agent_id": owner.agent.id, "kind": "steer", "text": "halve the rate, please"}
    owner.call("POST", owner.path("/intents"), body)
    execute(read(), home)
    said = [message["content"] for message in owner.history()]
    assert "I go on with the rate **0.15**." in said
    assert "the last rate was 0.15." in said[-1]
    assert [part["data"].keys() & {"image/png"} for part in owner.history()[-1]["parts"]] == [{"image/png"}]
