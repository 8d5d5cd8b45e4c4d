"""``AGENTCHAT_ANSWERS``: what the human would say, for a run without one.

Inline JSON (an object) or the path of a JSON file, from a question's key or text to its answer.
"""

from __future__ import annotations

import difflib
import json
import os
import shlex
from typing import Any

from msgspec import UNSET

from .. import forms
from ..errors import InvalidAnswer, InvalidRequest, NoHuman
from ..protocol import Ask, Decided
from . import kernel

VARIABLE = "AGENTCHAT_ANSWERS"
HEADLESS_DEFAULT = "the default, in a run without a human"


def decided(prompt: str, ask: Ask) -> Decided | None:
    """The answer that ``AGENTCHAT_ANSWERS`` holds for this question, where nobody could answer else its default; None if a
    human is to be asked.

    Raises:
        NoHuman: nobody sits in front of this kernel, there is no default, and the variable does not say what they would answer.
        InvalidAnswer: what it says does not answer the question.
        InvalidRequest: it is not a JSON object, or names a file that cannot be read.
    """
    answers = read()
    key = ask.key or ""
    found = next((name for name in (key, prompt) if name in answers), None)
    if found is not None:
        return Decided(_checked(found, answers[found], ask), VARIABLE)
    if kernel.headless():
        if ask.default is not UNSET:
            return Decided(ask.default, HEADLESS_DEFAULT)
        raise NoHuman(_how_to_answer(prompt, ask, list(answers)))
    return None


def read() -> dict[str, Any]:
    """The whole variable; empty if it is not set."""
    value = os.environ.get(VARIABLE, "").strip()
    if not value:
        return {}
    source = "its inline JSON"
    if not value.startswith("{"):
        source = f"the file {value!r}"
        try:
            with open(value, encoding="utf-8") as file:
                value = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidRequest(
                f"{VARIABLE} names {source}, which cannot be read: {error}. Give a JSON file, or the JSON object itself."
            ) from error
    try:
        answers = json.loads(value)
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"{VARIABLE}: {source} is not valid JSON: {error}.") from error
    if not isinstance(answers, dict):
        raise InvalidRequest(f'{VARIABLE}: {source} is not a JSON object: write {{"key or question": "answer"}}.')
    return answers


def _checked(name: str, value: Any, ask: Ask) -> Any:
    """As the hub would take it."""
    told, wrong = f"{VARIABLE} answers {name!r} with {value!r}", ""
    if ask.kind == "secret":
        told, wrong = f"{VARIABLE} answers {name!r}", "" if isinstance(value, str) and value else "with what is not a text"
    elif ask.approval is not None:
        wrong = _decision_problem(value)
    elif ask.choices is not None:
        wrong = _choice_problem(value, ask.choices, ask.multiple)
    elif ask.schema is not None:
        problems = forms.problems(ask.schema, value)
        wrong = f"which does not fit: {forms.told(problems)[:-1]}" if problems else ""
    elif not isinstance(value, str) or not value.strip():
        raise InvalidAnswer(f"{told}: this question is answered by a non-empty string.")
    if wrong:
        raise InvalidAnswer(f"{told}, {wrong}.", choices=ask.choices)
    return value


def _choice_problem(value: Any, choices: list[str], multiple: bool) -> str:
    among = f"which is not among the choices: {', '.join(map(repr, choices))}"
    if not multiple:
        return "" if isinstance(value, str) and value in choices else among
    if not isinstance(value, list):
        return f"which is no list of the choices: {', '.join(map(repr, choices))}"
    wrong = [each for each in value if not isinstance(each, str) or each not in choices]
    return f"and {wrong[0]!r} is not among the choices: {', '.join(map(repr, choices))}" if wrong else ""


def _decision_problem(value: Any) -> str:
    if isinstance(value, bool) or value in ("approve", "reject", "always"):
        return ""
    if isinstance(value, dict) and isinstance(value.get("approved"), bool):
        return ""
    return 'which does not decide: give true, false, or {"approved": true, "arguments": {…}}'


def example(ask: Ask) -> Any:
    """Some answer, as JSON: what somebody would write into the variable."""
    if ask.approval is not None:
        return True
    if ask.choices is not None:
        return ask.choices[:1] if ask.multiple else ask.choices[0]
    return "…" if ask.schema is None else _filled(ask.schema)


def _filled(field: dict[str, Any]) -> Any:
    kind = field["type"]
    if "default" in field:
        return field["default"]
    if "enum" in field:
        return field["enum"][0]
    if kind == "object":
        return {name: _filled(each) for name, each in field["properties"].items()}
    if kind == "array":
        return [_filled(field["items"])]
    dated = {"date": "2026-01-31", "date-time": "2026-01-31T12:00:00Z", "time": "12:00:00"}
    return {"boolean": True, "integer": 1, "number": 1.5}.get(kind, dated.get(field.get("format", ""), "…"))


def _how_to_answer(prompt: str, ask: Ask, names: list[str]) -> str:
    # An automatic key is a hash: the question's own text is what a person would write.
    key = ask.key or ""
    given = json.dumps({prompt if key.startswith("auto:") else key: example(ask)}, ensure_ascii=False)
    lines = [
        f"Nobody can answer {prompt!r}: this notebook runs without a human.",
        f"Say what they would answer, by key or question, inline or in a file: {VARIABLE}={shlex.quote(given)}.",
    ]
    if ask.choices:
        lines.append(f"The choices are {', '.join(map(repr, ask.choices))}.")
    if ask.kind != "secret":
        lines.append("A `default=` would answer too.")
    if names:
        near = difflib.get_close_matches(key, names, 3, 0.4) or difflib.get_close_matches(prompt, names, 3, 0.4) or names[:3]
        lines.append(f"{VARIABLE} has no such entry; the nearest: {', '.join(map(repr, near))}.")
    return " ".join(lines)
