"""What is wrong with a question is said before anyone is asked."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from jupyter_agentchat import InvalidAnswer
from jupyter_agentchat.client.asking import automatic_key, prepare
from jupyter_agentchat.errors import InvalidRequest
from jupyter_agentchat.notebook import answers
from jupyter_agentchat.protocol import Ask

GOOD: dict[str, Any] = {"choices": ["a", "b"], "key": None, "timeout": None, "default": "a", "to": None}


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"prompt": " "}, ValueError, "prompt: it is empty"),
        ({"prompt": 3}, TypeError, "prompt: a string is needed, not int"),
        ({"choices": []}, ValueError, "choices: 0 are given"),
        ({"choices": "ab"}, TypeError, "choices: a list of strings or other objects is needed, not str"),
        ({"choices": {"a", "b"}}, TypeError, "choices: a list of strings or other objects is needed, not set"),
        ({"choices": [object(), "a"]}, TypeError, r"choices\[0\]: a object has no text to show"),
        ({"choices": ["\ud800", "a"]}, ValueError, r"choices\[0\]: it holds a lone surrogate"),
        ({"prompt": "\ud800"}, ValueError, "prompt: it holds a lone surrogate"),
        ({"show": {"a": "\ud800"}}, ValueError, "show: dict holds a lone surrogate"),
        ({"show": "\ud800"}, ValueError, "show: text holds a lone surrogate"),
        ({"initial": "\ud800", "choices": None, "default": UNSET}, ValueError, "initial: it holds a lone surrogate"),
        ({"choices": {1: "a"}}, TypeError, "choices: 1 is no label"),
        ({"choices": [1, "1"], "default": 1}, ValueError, "choices: '1' is given more than once"),
        ({"choices": ["a", "a"]}, ValueError, "choices: 'a' is given more than once"),
        ({"choices": ["a", ""]}, ValueError, r"choices\[1\]: it is empty"),
        ({"choices": [str(n) for n in range(101)]}, ValueError, "choices: 101 are given"),
        ({"default": "c"}, ValueError, "default: 'c' is not among the choices: 'a', 'b'"),
        ({"choices": None, "default": None}, TypeError, "default: a string is needed"),
        ({"timeout": 0}, ValueError, "timeout: 0 seconds"),
        ({"timeout": float("nan")}, ValueError, "timeout: nan seconds"),
        ({"timeout": "60"}, TypeError, "timeout: seconds as a number"),
        ({"timeout": True}, TypeError, "timeout: seconds as a number"),
        ({"timeout": timedelta(0)}, ValueError, "timeout: 0.0 seconds"),
        ({"timeout": datetime(2020, 1, 1)}, ValueError, "timeout: 2020-01-01 00:00:00 is past"),
        ({"timeout": datetime(2020, 1, 1, tzinfo=timezone.utc)}, ValueError, "timeout: 2020-01-01 .* is past"),
        ({"remind": 0.5}, ValueError, "remind: 0.5 seconds; give 1 or more"),
        ({"remind": 10, "timeout": 5}, ValueError, "remind: every 10 seconds is longer than the timeout, 5"),
        ({"escalate": "@lead"}, TypeError, "escalate: a list like"),
        ({"escalate": [300]}, TypeError, r"escalate\[0\]: \(seconds, name\) is needed"),
        ({"escalate": [(0, "@lead")]}, ValueError, r"escalate\[0\]: 0 seconds"),
        ({"escalate": [(5, "@lead")], "timeout": 5}, ValueError, r"escalate\[0\]: after 5 seconds, and the question ends"),
        ({"escalate": [(5, 3)]}, TypeError, r"escalate\[0\]: a name is needed"),
        ({"escalate": [(5, " ")]}, ValueError, r"escalate\[0\]: the name ' ' is empty"),
        ({"quorum": 0}, ValueError, "quorum: 0; give how many"),
        ({"quorum": 1.5}, TypeError, "quorum: a whole number"),
        ({"quorum": True}, TypeError, "quorum: a whole number"),
        ({"key": ""}, ValueError, "key: it is empty"),
        ({"key": "k" * 201}, ValueError, "key: it has 201 characters"),
        ({"key": 7}, TypeError, "key: a string is needed"),
        ({"to": [""]}, ValueError, r"to\[0\]: it is empty"),
        ({"to": 5}, TypeError, "to: a list of strings"),
    ],
)
def test_bad_input_is_an_error_that_begins_with_the_arguments_name(
    wrong: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=f"^{told}"):
        prepare("ag ch", **{"prompt": "Which?", **GOOD, **wrong})


def test_a_good_question_is_taken_as_it_is() -> None:
    asking = prepare("ag ch", "Which?", choices=("a", "b"), key="k", timeout=5, default="b", to="@ann")
    ask = asking.ask
    assert (asking.prompt, ask.choices, ask.key, ask.timeout, ask.default, ask.to) == (
        "Which?",
        ["a", "b"],
        "k",
        5,
        "b",
        ["@ann"],
    )


def test_times_are_seconds_a_timedelta_or_a_moment() -> None:
    asked = prepare("ag ch", "Which?", timeout=timedelta(minutes=1), remind=timedelta(seconds=5), escalate=[(9, ["@a", "@b"])])
    assert (asked.ask.timeout, asked.ask.remind) == (60, 5)
    assert [(each.after, each.to) for each in asked.ask.escalate or ()] == [(9, "@a"), (9, "@b")]
    for moment in (datetime.now() + timedelta(hours=1), datetime.now(timezone.utc) + timedelta(hours=1)):
        timeout = prepare("ag ch", "Which?", timeout=moment).ask.timeout
        assert timeout is not None
        assert 3590 < timeout <= 3600


def test_the_automatic_key_is_the_same_in_every_process_and_differs_by_what_is_asked() -> None:
    assert automatic_key("Which?", ["a", "b"]) == "auto:96ccb893831dcbf6"
    keys = {automatic_key(*what) for what in [("Which?", None), ("Which?", ["a"]), ("Which?", ["b"]), ("Which", None)]}
    assert len(keys) == 4


def decided(prompt: str = "Which?", key: str = "which", choices: list[str] | None = None) -> Any:
    found = answers.decided(prompt, Ask(key, choices))
    return found and found.value


def test_an_answer_is_found_by_key_before_question(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"which": "by key", "Which?": "by question"}')
    assert decided() == "by key"
    assert decided(key="auto:1") == "by question"
    path = home / "answers.json"
    path.write_text(json.dumps({"which": "from a file"}))
    monkeypatch.setenv("AGENTCHAT_ANSWERS", str(path))
    assert decided() == "from a file"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("{not json", "inline JSON is not valid JSON"),
        ("/no/such/file.json", "'/no/such/file.json', which cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, value: str, told: str) -> None:
    monkeypatch.setenv("AGENTCHAT_ANSWERS", value)
    with pytest.raises(InvalidRequest, match=told):
        decided()


def test_a_file_that_is_no_object_is_named(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    path = home / "answers.json"
    path.write_text("[1]")
    monkeypatch.setenv("AGENTCHAT_ANSWERS", str(path))
    with pytest.raises(InvalidRequest, match=r"answers\.json' is not a JSON object"):
        decided()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidRequest, match="cannot be read"):
        decided()


def test_an_answer_that_does_not_fit_names_key_value_and_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"which": 3}')
    with pytest.raises(InvalidAnswer, match=r"'which' with 3.*'a', 'b'"):
        decided(choices=["a", "b"])
    with pytest.raises(InvalidAnswer, match="'which' with 3: this question is answered by a non-empty string"):
        decided()


def test_without_a_human_the_default_answers_and_says_so(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setattr("jupyter_agentchat.notebook.kernel.headless", lambda: True)
    decided_by_default = prepare("ag ch", "Which?", **GOOD).ask.decided
    assert decided_by_default
    assert (decided_by_default.value, decided_by_default.source) == ("a", answers.HEADLESS_DEFAULT)
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"Which?": "b"}')
    decided_by_answers = prepare("ag ch", "Which?", **GOOD).ask.decided
    assert decided_by_answers
    assert (decided_by_answers.value, decided_by_answers.source) == ("b", "AGENTCHAT_ANSWERS")
