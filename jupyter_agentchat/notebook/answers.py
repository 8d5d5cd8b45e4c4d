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

from ..errors import InvalidAnswer, InvalidRequest, NoHuman
from ..protocol import Decided
from . import kernel

VARIABLE = "AGENTCHAT_ANSWERS"
HEADLESS_DEFAULT = "the default, in a run without a human"


def decided(prompt: str, key: str, choices: list[str] | None, default: Any = UNSET) -> Decided | None:
    """The answer that ``AGENTCHAT_ANSWERS`` holds for this question, where nobody could answer else its default; None if a
    human is to be asked.

    Raises:
        NoHuman: nobody sits in front of this kernel, there is no default, and the variable does not say what they would answer.
        InvalidAnswer: what it says does not answer the question.
        InvalidRequest: it is not a JSON object, or names a file that cannot be read.
    """
    answers = read()
    found = next((name for name in (key, prompt) if name in answers), None)
    if found is not None:
        _check(found, answers[found], choices)
        return Decided(answers[found], VARIABLE)
    if kernel.headless():
        if default is not UNSET:
            return Decided(default, HEADLESS_DEFAULT)
        raise NoHuman(_how_to_answer(prompt, key, choices, list(answers)))
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


def _check(name: str, value: Any, choices: list[str] | None) -> None:
    if choices is not None and value not in choices:
        raise InvalidAnswer(
            f"{VARIABLE} answers {name!r} with {value!r}, which is not among the choices: {', '.join(map(repr, choices))}.",
            choices=choices,
        )
    if choices is None and (not isinstance(value, str) or not value.strip()):
        raise InvalidAnswer(f"{VARIABLE} answers {name!r} with {value!r}: this question is answered by a non-empty string.")


def _how_to_answer(prompt: str, key: str, choices: list[str] | None, names: list[str]) -> str:
    # An automatic key is a hash: the question's own text is what a person would write.
    example = json.dumps({prompt if key.startswith("auto:") else key: choices[0] if choices else "…"}, ensure_ascii=False)
    lines = [
        f"Nobody can answer {prompt!r}: this notebook runs without a human.",
        f"Say what they would answer, by key or question, inline or in a file: {VARIABLE}={shlex.quote(example)}.",
    ]
    if choices:
        lines.append(f"The choices are {', '.join(map(repr, choices))}.")
    lines.append("A `default=` would answer too.")
    if names:
        near = difflib.get_close_matches(key, names, 3, 0.4) or difflib.get_close_matches(prompt, names, 3, 0.4) or names[:3]
        lines.append(f"{VARIABLE} has no such entry; the nearest: {', '.join(map(repr, near))}.")
    return " ".join(lines)
