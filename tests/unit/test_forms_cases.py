"""The hub and the browser find the same things wrong, in the same words.

`labextension/test/forms.test.ts` runs this table too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from jupyter_agentchat import forms

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parents[1] / "forms_cases.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["what"]))
def test_the_hub_finds_what_the_table_says(case: dict[str, Any]) -> None:
    field = case["field"]
    assert forms.normal(field) == field, "the table holds forms in their normal form, which is what a browser gets"
    for each in case["values"]:
        assert forms.problems(field, each["value"]) == each["problems"], each["value"]
