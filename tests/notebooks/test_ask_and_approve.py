"""The notebook about questions and approvals, run without its human, and with one who decides otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tests.notebooks.conftest import ROOT
from tests.notebooks.test_quickstart import execute

pytest.importorskip("matplotlib")

NOTEBOOK = ROOT / "notebooks" / "02_ask_and_approve.ipynb"


def read() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]


def test_it_is_shipped_without_outputs() -> None:
    notebook = read()
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)
    assert notebook.metadata.kernelspec.name == "python3"


def test_it_runs_through_by_its_defaults(home: Path) -> None:
    outputs = execute(read(), home)
    wish, reasons, described, decision = (
        outputs[cell][-1].data["text/plain"] for cell in ("form", "each", "approve", "decide")
    )
    assert wish == "Cleaning(limit=12.0, method='interpolate')"
    assert reasons.count("'sensor'") == 6
    assert "365.0" in described, "none is left out"
    assert "rejected by the default, in a run without a human" in decision
    shown = outputs["form"][0].data["text/html"]
    assert "data:image/png;base64" in shown
    assert "<table" in shown


def test_its_human_may_decide_otherwise(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "cleaning": {"limit": 12, "method": "drop"},
        "What happened here?": "weather",
        "Run `write_clean`?": {"approved": True, "arguments": {"name": "mine.csv"}, "comment": "my name for it"},
    }
    monkeypatch.setenv("AGENTCHAT_ANSWERS", json.dumps(answers))
    outputs = execute(read(), home)
    assert "'weather'" in outputs["each"][-1].data["text/plain"]
    assert "mine.csv" in outputs["approve"][0].data["text/markdown"]
    monkeypatch.setenv("AGENTCHAT_ANSWERS", json.dumps({**answers, "Run `write_clean`?": False}))
    with pytest.raises(CellExecutionError, match=r"Rejected.*write_clean.* was rejected by AGENTCHAT_ANSWERS"):
        execute(read(), home)
