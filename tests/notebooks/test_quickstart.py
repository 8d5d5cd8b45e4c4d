"""What a new user opens first, run without its human."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.notebooks.conftest import ROOT

QUICKSTART = ROOT / "notebooks" / "01_quickstart.ipynb"


def execute(notebook: Any, folder: Path) -> dict[str, list[Any]]:
    client: Any = NotebookClient(notebook, timeout=100, resources={"metadata": {"path": str(folder)}})
    client.execute()
    return {cell.id: cell.get("outputs", []) for cell in notebook.cells}


def read() -> Any:
    return nbformat.read(QUICKSTART, as_version=4)  # type: ignore[no-untyped-call]


def test_it_is_shipped_without_outputs() -> None:
    notebook = read()
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)
    assert notebook.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("inline", [True, False])
def test_it_runs_through_with_the_answer_given(home: Path, monkeypatch: pytest.MonkeyPatch, inline: bool) -> None:
    answers = '{"contact": "top one"}'
    if not inline:
        (home / "answers.json").write_text(answers)
        answers = str(home / "answers.json")
    monkeypatch.setenv("AGENTCHAT_ANSWERS", answers)
    outputs = execute(read(), home)
    assert outputs["use-answer"][0].data["text/plain"] == "['Ada']"
    for cell in ("ask", "history"):
        [output] = outputs[cell]
        assert "Answered by AGENTCHAT_ANSWERS" in output.data["text/html"]
        assert "**top one** ✓" in output.data["text/markdown"]
        assert not any(mime.startswith("application/") for mime in output.data)
    assert "I contact" in outputs["history"][0].data["text/markdown"]


def test_it_stops_at_once_without_and_says_how_to_answer(home: Path) -> None:
    with pytest.raises(CellExecutionError, match="AGENTCHAT_ANSWERS"):
        execute(read(), home)


def test_a_wrong_answer_names_the_key_the_value_and_the_choices(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"contact": "nobody"}')
    with pytest.raises(CellExecutionError, match=r"'contact' with 'nobody'.*'all three', 'top one'"):
        execute(read(), home)
