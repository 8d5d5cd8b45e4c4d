"""The answer is of the type that was asked for; what is not is asked again, and never ends the run."""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Optional, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agentchat import Agent, AsyncAgent, InvalidAnswer
from jupyter_agentchat.client.asking import automatic_key, prepare
from jupyter_agentchat.client.form import Form
from jupyter_agentchat.client.replies import Choices
from tests.client.human import Human

pytestmark = pytest.mark.anyio


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Label:
    name: str
    colour: Colour
    size: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3
    sure: bool = False
    note: Optional[str] = field(default=None, metadata={"title": "Anything else?"})  # noqa: UP045 (as users write it)

    def __post_init__(self) -> None:
        if self.name == "nobody":
            raise ValueError("nobody is no name")


class Row(TypedDict, total=False):
    day: date
    kind: Literal["z", "a"]


class Point(NamedTuple):
    x: int
    y: float = 0.5


class Struct(msgspec.Struct):
    at: datetime
    until: time


@pytest.mark.parametrize(
    ("into", "given", "wanted"),
    [
        (bool, True, True),
        (int, 3, 3),
        (int, 3.0, 3),
        (float, 3, 3.0),
        (str, "x", "x"),
        (date, "2026-11-21", date(2026, 11, 21)),
        (datetime, "2026-11-21T10:30", datetime(2026, 11, 21, 10, 30)),
        (time, "10:30", time(10, 30)),
        (Colour, "red", Colour.RED),
        (Level, "HIGH", Level.HIGH),
        (Literal["z", "a"], "z", "z"),
        (list[int], [1, 2.0], [1, 2]),
        (list[Colour], ["blue"], [Colour.BLUE]),
        (Label, {"name": "x", "colour": "blue"}, Label("x", Colour.BLUE)),
        (Row, {"day": "2026-01-02", "kind": "a"}, {"day": date(2026, 1, 2), "kind": "a"}),
        (Point, {"x": 1}, Point(1)),
        (Path, "a/b.csv", Path("a/b.csv")),
        (Optional[Path], None, None),  # noqa: UP045
        (Struct, {"at": "2026-01-02T10:00Z", "until": "11:00"}, None),
        ({"type": "object", "properties": {"a": {"type": "integer"}}}, {"a": 2.0}, {"a": 2}),
    ],
)
def test_an_answer_becomes_the_type(into: Any, given: Any, wanted: Any) -> None:
    form = Form(into)
    made = form.convert(given)
    if wanted is not None:
        assert made == wanted
        assert type(made) is type(wanted)
    assert form.convert(form.to_json(made)) == made, "the type's own value is a default too"


def test_a_form_is_in_the_order_of_the_type_and_says_what_its_fields_say() -> None:
    schema = Form(Label).schema
    assert list(schema["properties"]) == ["name", "colour", "size", "sure", "note"]
    assert schema["properties"]["colour"]["enum"] == ["red", "blue"]
    assert schema["properties"]["note"]["title"] == "Anything else?"
    assert schema["properties"]["note"]["nullable"] is True
    assert Form(Row).schema["properties"]["kind"]["enum"] == ["z", "a"]
    assert Form(Struct).schema["properties"]["until"]["format"] == "time"
    optional = Form(Literal["z", "a"] | None).schema
    assert (optional["enum"], optional["nullable"]) == (["z", "a"], True)


def test_pydantic_models_are_forms_and_their_validators_count() -> None:
    class Model(pydantic.BaseModel):
        name: str = pydantic.Field(min_length=2, description="As it is written")
        when: date

        @pydantic.field_validator("name")
        @classmethod
        def known(cls, name: str) -> str:
            if name == "nobody":
                raise ValueError("nobody is no name")
            return name

    form = Form(Model)
    assert form.schema["properties"]["name"]["description"] == "As it is written"
    made = form.convert({"name": "ada", "when": "2026-01-02"})
    assert made == Model(name="ada", when=date(2026, 1, 2))
    assert form.to_json(made) == {"name": "ada", "when": "2026-01-02"}
    with pytest.raises(ValueError, match=r"name: .*nobody is no name"):
        form.convert({"name": "nobody", "when": "2026-01-02"})


def test_choices_give_back_the_very_object() -> None:
    marker = [1]
    assert Choices([1, "one", None, marker]).convert("[1]") is marker
    assert Choices({"the first": marker}).convert("the first") is marker
    assert Choices(Colour).convert("blue") is Colour.BLUE
    assert Choices(Level).choices == Choices(list(Level)).choices == ["LOW", "HIGH"]
    assert Choices([Colour.BLUE, "other"]).choices == ["blue", "other"]
    assert Choices([True, 1]).to_json(1) == "1", "to Python they are equal"
    assert Choices([1, 2, 3], multiple=True).convert(["3", "1"]) == [3, 1]


@given(
    st.lists(st.one_of(st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False), st.text(min_size=1)), min_size=1)
)
def test_whatever_the_choices_are_each_label_gives_its_own(values: list[Any]) -> None:
    labels = [str(value) for value in values]
    values = [value for place, value in enumerate(values) if labels[place].strip() and labels.index(labels[place]) == place][
        :100
    ]
    if not values:
        return
    choices = Choices(values)
    assert choices.choices
    for label, value in zip(choices.choices, values, strict=True):
        assert choices.convert(label) is value
        assert choices.to_json(value) == label


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"into": int, "choices": [1]}, TypeError, "into: choices are given too"),
        ({"multiple": True}, TypeError, "multiple: it needs choices"),
        ({"multiple": 1, "choices": [1]}, TypeError, "multiple: True or False"),
        ({"into": dict[str, int]}, ValueError, "into: "),
        ({"into": object}, TypeError, "into: object cannot be drawn as a form: [^\n]*Give plain values"),
        ({"into": list[Label]}, ValueError, "into: .*a list of objects cannot be drawn"),
        ({"into": {"type": "string", "pattern": "("}}, ValueError, r"into: the pattern '\(' cannot be read"),
        ({"into": Label, "default": {"name": "x"}}, ValueError, "default: it does not fit: colour: a value is needed"),
        ({"into": Label, "default": {"name": "nobody", "colour": "red"}}, ValueError, "default: .*nobody is no name"),
        ({"into": int, "default": "x"}, ValueError, "default: it does not fit"),
        ({"into": int, "default": object()}, TypeError, "default: object is no int"),
        ({"into": Label, "initial": {"nam": "x"}}, ValueError, "initial: .*nam: there is no such field"),
        ({"into": Label, "initial": [1]}, ValueError, "initial: it is not of the form's shape"),
        ({"choices": [1, 2], "default": 3}, ValueError, "default: 3 is not among the choices: '1', '2'"),
        ({"choices": [1, 2], "multiple": True, "default": 1}, TypeError, "default: a list of choices is needed"),
        ({"choices": [1, 2], "initial": 3}, ValueError, "initial: 3 is not among"),
    ],
)
def test_what_makes_no_sense_is_said_before_anyone_is_asked(wrong: dict[str, Any], error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=f"^{told}"):
        prepare("ag ch", "Which?", **wrong)


def test_what_a_form_begins_with_need_not_be_an_answer_yet() -> None:
    assert prepare("ag ch", "Which?", into=Label, initial={"name": "x"}).ask.initial == {"name": "x"}
    full = prepare("ag ch", "Which?", into=Label, default=Label("x", Colour.RED)).ask
    assert full.default == {"name": "x", "colour": "red", "size": 3, "sure": False, "note": None}


def test_the_automatic_key_knows_the_type_and_the_plain_ones_are_as_they_were() -> None:
    assert automatic_key("Which?", ["a", "b"]) == "auto:96ccb893831dcbf6"
    asked: list[dict[str, Any]] = [{}, {"into": int}, {"into": Label}, {"choices": ["a"]}, {"choices": ["a"], "multiple": True}]
    assert len({prepare("ag ch", "Which?", **each).ask.key for each in asked}) == len(asked)


def test_a_form_gives_its_type(agent: Agent, human: Human) -> None:
    question = agent.ask("Who?", into=Label, initial={"size": 4})
    [asked] = human.questions()
    assert asked["question"]["initial"] == {"size": 4}
    human.answer({"name": "Ada", "colour": "blue", "size": 4})
    assert question.wait() == question.answer == Label("Ada", Colour.BLUE, 4)


def test_several_objects_are_chosen(agent: Agent, human: Human) -> None:
    marker = {"an": "object"}
    question = agent.ask("Which?", choices={"this": marker, "that": None, "none": 3}, multiple=True)
    human.answer(["that", "this"])
    answer = question.wait()
    assert answer == [None, marker]
    assert answer[1] is marker


def test_what_does_not_become_the_type_is_asked_again_until_it_does(
    make_agent: Callable[..., Agent], agent: Agent, human: Human
) -> None:
    answers: list[Any] = []
    waiting = threading.Thread(target=lambda: answers.append(agent.await_human("Who?", into=Label, key="who")))
    waiting.start()
    human.answer({"name": "nobody", "colour": "red"}, wait_for(human, 1)["id"])
    again = wait_for(human, 1, reply=True)
    assert "nobody is no name" in again["content"]
    assert again["question"]["initial"] == {"name": "nobody", "colour": "red"}
    human.answer({"name": "Ada", "colour": "red"}, again["id"])
    waiting.join()
    assert answers == [Label("Ada", Colour.RED)]
    assert make_agent().ask("Who?", into=Label, key="who").state == "open", "both were used up"


def test_an_interrupted_run_takes_up_the_question_that_was_asked_again(make_agent: Callable[..., Agent], human: Human) -> None:
    first = make_agent()
    question = first.ask("Who?", into=Label, key="who")
    human.answer({"name": "nobody", "colour": "red"})
    with pytest.raises(TimeoutError):
        question.wait(0.5)
    first.close()
    [again] = human.questions()
    human.answer({"name": "Ada", "colour": "red"}, again["id"])
    assert make_agent().await_human("Who?", into=Label, key="who") == Label("Ada", Colour.RED)
    assert human.questions() == []


def wait_for(human: Human, count: int, *, reply: bool = False) -> dict[str, Any]:
    while len(found := [each for each in human.questions() if bool(each.get("parent_id")) is reply]) < count:
        pass
    return found[0]


def test_typed_answers_come_from_the_environment_and_are_checked(agent: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"who": {"name": "Ada", "colour": "red"}, "which": ["2"]}')
    assert agent.await_human("Who?", into=Label, key="who") == Label("Ada", Colour.RED)
    assert agent.await_human("Which?", choices=[1, 2], multiple=True, key="which") == [2]
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"who": {"name": "nobody", "colour": "red"}, "how": {"name": 3}, "which": "2"}')
    with pytest.raises(InvalidAnswer, match=r"'who'.*nobody is no name"):
        agent.await_human("Who?", into=Label, key="who")
    with pytest.raises(InvalidAnswer, match=r"'how' .*colour: a value is needed"):
        agent.await_human("How?", into=Label, key="how")
    with pytest.raises(InvalidAnswer, match=r"'which' .*no list of the choices"):
        agent.await_human("Which?", choices=[1, 2], multiple=True, key="which")


async def test_the_async_twin_asks_for_types_too_and_gathers_in_any_order(hub: object) -> None:
    import asyncio

    async with AsyncAgent("research-bot") as agent:
        with Human(await agent.invite(), "Ann") as ann:

            def answer() -> None:
                while len(questions := ann.questions()) < 3:
                    pass
                for question in reversed(questions):
                    ann.answer(int(question["content"]) ** 2, question["id"])

            answering = asyncio.create_task(asyncio.to_thread(answer))
            assert await asyncio.gather(*(agent.await_human(str(n), into=int) for n in (3, 1, 2))) == [9, 1, 4]
            await answering
