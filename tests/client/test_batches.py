"""Many questions at once: each row comes back with its answer, whatever happens in between."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_agentchat import Agent, AsyncAgent, InvalidAnswer, NoAnswer
from tests.client.human import Human

pytestmark = pytest.mark.anyio
YES_NO = ["yes", "no"]
Make = Callable[..., Agent]


class Label(Enum):
    SPAM = "spam"
    HAM = "ham"


class Labeller:
    """Answers what is open, in its order: a value, or a function of the message; None leaves it open."""

    def __init__(self, human: Human, answer: Any) -> None:
        self._human, self._answer = human, answer
        self.asked: dict[str, Any] = {}
        self.most_open = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Labeller:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            questions = self._human.questions()
            self.most_open = max(self.most_open, len(questions))
            for message in questions:
                self.asked[message["id"]] = message
                value = self._answer(message) if callable(self._answer) else self._answer
                if value is not None:
                    self._human.answer(value, message["id"])


def plain(message: Any) -> str:
    text: str = message["parts"][0]["data"]["text/plain"]
    return text


def test_each_row_comes_back_with_its_answer(agent: Agent, human: Human) -> None:
    with Labeller(human, lambda message: "spam" if "win" in plain(message) else "ham") as labeller:
        found = dict(agent.ask_each(["win now", "hello", "you win"], prompt="Spam?", into=Label, undo=0))
    assert found == {"win now": Label.SPAM, "hello": Label.HAM, "you win": Label.SPAM}
    batches = [message["question"]["batch"] for message in labeller.asked.values()]
    assert [(batch["index"], batch["total"], batch["name"]) for batch in batches] == [(n, 3, "Spam?") for n in range(3)]
    assert len({batch["id"] for batch in batches}) == 1


def test_a_data_frames_rows_are_series_shown_as_small_tables(agent: Agent, human: Human) -> None:
    frame = pd.DataFrame({"text": ["a", "b"], "size": [1, 2]}, index=pd.Index(["x", "y"], name="id"))
    with Labeller(human, "yes") as labeller:
        rows = [row for row, _ in agent.ask_each(frame, choices=YES_NO, undo=0)]
    assert all(isinstance(row, pd.Series) for row in rows)
    assert [(row.name, row["text"]) for row in rows] == [("x", "a"), ("y", "b")]
    [first, _] = labeller.asked.values()
    table = first["parts"][0]["data"]["application/vnd.agentchat.table+json"]
    assert (table["index"], table["rows"]) == (["id", "text", "size"], [["x"], ["a"], ["1"]])


def test_mappings_dataclasses_and_generators_have_rows_too(agent: Agent, human: Human) -> None:
    @dataclass
    class Page:
        url: str

    with Labeller(human, "yes") as labeller:
        assert [row for row, _ in agent.ask_each({"a": 1, "b": 2}, choices=YES_NO, undo=0)] == [("a", 1), ("b", 2)]
        assert [row for row, _ in agent.ask_each([Page("/x")], choices=YES_NO, undo=0)] == [Page("/x")]
        assert [row for row, _ in agent.ask_each((n * n for n in range(3)), choices=YES_NO, undo=0)] == [0, 1, 4]
    assert [plain(message) for message in labeller.asked.values()] == ["a: 1", "b: 2", "url: /x", "0", "1", "4"]
    assert [message["question"]["batch"]["total"] for message in labeller.asked.values()][-3:] == [1, 2, 3]


def test_no_more_than_ahead_stand_open_and_a_generator_is_not_read_further(agent: Agent, human: Human) -> None:
    read: list[int] = []

    def numbers() -> Any:
        for number in count():
            read.append(number)
            yield number

    with Labeller(human, "yes") as labeller:
        rows = agent.ask_each(numbers(), choices=YES_NO, ahead=3, undo=0)
        assert [next(rows)[0] for _ in range(7)] == list(range(7))
        assert len(read) <= 7 + 3 + 3
        rows.close()  # type: ignore[attr-defined]
    assert labeller.most_open <= 3


def test_the_same_row_twice_is_asked_twice(agent: Agent, human: Human) -> None:
    answers = iter(["yes", "no", "yes"])
    with Labeller(human, lambda _: next(answers)):
        found = list(agent.ask_each(["a", "a", "a"], choices=YES_NO, undo=0))
    assert sorted(found) == [("a", "no"), ("a", "yes"), ("a", "yes")]


def test_one_that_times_out_does_not_touch_the_others_and_is_asked_again(agent: Agent, human: Human) -> None:
    with Labeller(human, lambda message: None if plain(message) == "b" else "yes"):
        found = dict(agent.ask_each(["a", "b", "c"], choices=YES_NO, undo=0, timeout=1.0))
    assert isinstance(found["b"], NoAnswer)
    assert (found["b"].outcome, found["a"], found["c"]) == ("timed_out", "yes", "yes")


def test_an_answer_that_its_type_refuses_is_asked_again(agent: Agent, human: Human) -> None:
    from pydantic import BaseModel, field_validator

    class Even(BaseModel):
        number: int

        @field_validator("number")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("it must be even")
            return value

    with Labeller(human, lambda message: {"number": 4 if "must be even" in message["content"] else 3}):
        assert [answer for _, answer in agent.ask_each(["a", "b"], into=Even, undo=0)] == [Even(number=4)] * 2


def test_left_early_it_goes_on_with_what_was_answered(make_agent: Make, agent: Agent, human: Human) -> None:
    rows = [f"row {number}" for number in range(12)]
    with Labeller(human, lambda message: "yes" if int(plain(message)[4:]) < 5 else None):
        for done, _ in enumerate(agent.ask_each(rows, choices=YES_NO, ahead=8, undo=0), 1):
            if done == 3:
                break
        agent.close()
        while len([1 for message in human.messages() if message.get("closes")]) < 5:
            time.sleep(0.01)
    asked_before = {message["id"] for message in human.messages() if message.get("question")}
    with Labeller(human, "no") as labeller:
        found = dict(make_agent().ask_each(rows, choices=YES_NO, ahead=8, undo=0))
    assert found == {row: "yes" if number < 5 else "no" for number, row in enumerate(rows)}
    asked = {message["id"] for message in human.messages() if message.get("question")}
    assert len(asked) == 12, "nothing was asked twice"
    assert set(labeller.asked) & asked_before, "the open ones were taken up"


def test_run_to_its_end_it_asks_anew(agent: Agent, human: Human) -> None:
    for value in ("yes", "no"):
        with Labeller(human, value):
            assert [answer for _, answer in agent.ask_each(["a", "b"], choices=YES_NO, undo=0)] == [value] * 2


def test_rows_that_came_meanwhile_are_asked_and_the_others_are_not(make_agent: Make, agent: Agent, human: Human) -> None:
    with Labeller(human, "yes"):
        assert (
            len([next(rows) for rows in [agent.ask_each(["a", "b"], choices=YES_NO, key="labels", undo=0)] for _ in "ab"]) == 2
        )
    with Labeller(human, "no"):
        found = dict(make_agent().ask_each(["new", "b", "a"], choices=YES_NO, key="labels", undo=0))
    assert found == {"a": "yes", "b": "yes", "new": "no"}


def test_what_is_taken_back_in_time_is_not_given(agent: Agent, human: Human) -> None:
    rows = agent.ask_each(["a"], choices=YES_NO, undo=1.0)
    given: list[Any] = []
    thread = threading.Thread(target=lambda: given.extend(rows))
    thread.start()
    while not (asked := human.questions()):
        time.sleep(0.01)
    human.answer("no", asked[0]["id"])
    human.reopen(asked[0]["id"])
    human.answer("yes", asked[0]["id"])
    thread.join()
    assert given == [("a", "yes")]


async def test_the_async_agent_asks_in_the_same_words(agent: Agent, human: Human) -> None:
    async with AsyncAgent("research-bot") as waits:
        with Labeller(human, "yes"):
            assert [pair async for pair in waits.ask_each(["a", "b"], choices=YES_NO, undo=0)] == [("a", "yes"), ("b", "yes")]
        with pytest.raises(TypeError, match=r"ask_each: .*write `async for"):
            for _ in waits.ask_each(["a"]):  # type: ignore[attr-defined]
                pass


def test_progress_is_told_in_the_agents_status(agent: Agent, human: Human) -> None:
    with Labeller(human, "yes"):
        list(agent.ask_each(["a", "b"], prompt="Spam?", choices=YES_NO, undo=0))
    agent.flush()
    wanted = {"text": "Spam?", "done": 2, "total": 2}
    while not wanted.items() <= (human.status(agent.me.id).get("progress") or {}).items():
        time.sleep(0.01)


def test_answers_may_be_known_beforehand(agent: Agent, human: Human, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"Is a good?": "yes", "Is b good?": "no"}')
    found = dict(agent.ask_each(["a", "b"], prompt=lambda row: f"Is {row} good?", choices=YES_NO))
    assert found == {"a": "yes", "b": "no"}
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"Is a good?": "perhaps"}')
    with pytest.raises(InvalidAnswer, match="perhaps"):
        list(agent.ask_each(["a", "b"], prompt=lambda row: f"Is {row} good?", choices=YES_NO))


def test_a_row_may_be_shown_otherwise(agent: Agent, human: Human, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("within the file")
    with Labeller(human, "yes") as labeller:
        assert list(agent.ask_each([str(tmp_path / "a.txt")], choices=YES_NO, undo=0))
        assert list(agent.ask_each(["a.txt"], choices=YES_NO, undo=0, show=lambda row: tmp_path / row))
    assert [
        plain(message).endswith(what)
        for message, what in zip(labeller.asked.values(), ["a.txt", "within the file"], strict=True)
    ] == [True] * 2


@pytest.mark.parametrize(
    ("items", "options", "error", "told"),
    [
        (3, {}, TypeError, "items: a DataFrame, a list, a dict or another iterable is needed, not int"),
        ("abc", {}, TypeError, "items: .* not str"),
        (["a"], {"ahead": 0}, ValueError, "ahead: 0; give 1 to 1,000"),
        (["a"], {"ahead": "all"}, TypeError, "ahead: a whole number is needed, not str"),
        (["a"], {"undo": -1}, ValueError, "undo: -1; give 0 to 3,600"),
        (["a"], {"total": 0}, ValueError, "total: 0"),
        (["a"], {"choices": ["x"], "into": bool}, TypeError, "into: choices are given too"),
        (["a"], {"into": dict[str, int]}, (TypeError, ValueError), "into: "),
        (["a"], {"choices": ["x"], "default": "y"}, ValueError, "default: 'y'"),
        (["a"], {"prompt": 3}, TypeError, "prompt: a function of a row is needed, not 3"),
        (["a"], {"show": "row"}, TypeError, "show: a function of a row"),
        (["a"], {"key": "k" * 151}, ValueError, "key: it has 151 characters, the limit is 150"),
        (["a"], {"timeout": -1}, ValueError, "timeout: "),
    ],
)
def test_bad_use_is_told_at_the_call(agent: Agent, human: Human, items: Any, options: Any, error: Any, told: str) -> None:
    with pytest.raises(error, match=told):
        agent.ask_each(items, **options)
    assert human.questions() == []


def test_a_row_that_cannot_be_asked_is_named(agent: Agent) -> None:
    with pytest.raises(TypeError, match=r"items\[1\]: prompt: a string is needed, not int"):
        list(agent.ask_each(["a", 7], prompt=lambda row: row, choices=YES_NO))
