"""A human approves what would run, and that is what runs, once."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from enum import Enum
from functools import partial
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_agentchat import Agent, ArgumentsChanged, AsyncAgent, Decision, NoAnswer, Rejected
from tests.client.human import Human

pytestmark = pytest.mark.anyio
Json = Any


class Judge:
    """Answers each approval as soon as it is there; what it is shown is kept.

    ``answer``: what it says, or a function that makes it of the approval.
    """

    def __init__(self, human: Human, answer: Any = True) -> None:
        self.human, self.answer = human, answer
        self.asked: list[Json] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Judge:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            for message in self.human.questions():
                self.asked.append(message)
                said = self.answer(message["question"]["approval"]) if callable(self.answer) else self.answer
                self.human.answer(said, message["id"])

    @property
    def arguments(self) -> list[Json]:
        return [message["question"]["approval"]["arguments"] for message in self.asked]


Judging = Callable[..., Judge]


@pytest.fixture
def judging(human: Human) -> Judging:
    return lambda answer=True: Judge(human, answer)


def test_a_decision_is_true_when_a_human_approved(agent: Agent, judging: Judging) -> None:
    with judging({"approved": True, "comment": "they are old"}):
        decision = agent.approve("Delete 3 files?", {"files": ["a", "b", "c"]})
    assert decision
    assert (decision.by, decision.comment, decision.outcome) == ("Ann", "they are old", "answered")
    assert (decision.arguments, decision.edited) == ({"files": ["a", "b", "c"]}, {})
    assert decision.at is not None


def test_a_decision_is_false_when_a_human_rejected(agent: Agent, judging: Judging) -> None:
    with judging({"approved": False, "comment": "not today"}):
        decision = agent.approve("Delete?")
    assert not decision
    assert str(decision) == "'Delete?' was rejected by Ann: not today"


def test_nobody_in_time_is_a_false_decision_and_no_exception(agent: Agent) -> None:
    decision = agent.approve("Delete?", timeout=0.1)
    assert (bool(decision), decision.outcome, decision.by) == (False, "timed_out", None)
    assert agent.approve("Delete?", timeout=0.1, default=True).outcome == "default"
    assert not agent.approve("Delete?", timeout=0.1, default=False)


def test_what_the_human_edited_is_merged_into_the_arguments(agent: Agent, judging: Judging) -> None:
    with judging({"approved": True, "arguments": {"limit": 3}}) as judge:
        decision = agent.approve("Buy", {"limit": 10, "what": "paper"}, editable=["limit"])
    assert (decision.edited, decision.arguments) == ({"limit": 3}, {"limit": 3, "what": "paper"})
    assert judge.asked[0]["question"]["approval"]["schema"]["properties"] == {"limit": {"type": "integer"}}


def test_arguments_are_shown_as_json_or_by_their_repr_and_tables_beside_it(agent: Agent, judging: Judging) -> None:
    import pandas as pd

    @dataclass
    class Order:
        item: str
        on: date

    class Odd:
        def __repr__(self) -> str:
            return "odd\nthing"

    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    given = {"order": Order("ink", date(2026, 1, 2)), "odd": Odd(), "frame": pd.DataFrame({"a": [1, 2]}), "huge": 2**60}
    given |= {"nan": float("nan"), "broken": Broken()}
    with judging() as judge:
        assert agent.approve("Look", given)
    [shown] = judge.arguments
    assert shown == {
        "order": {"item": "ink", "on": "2026-01-02"}, "odd": "odd thing", "frame": "DataFrame, 2 × 1",
        "huge": str(2**60), "nan": "nan", "broken": "<Broken, whose repr fails: RuntimeError>",
    }  # fmt: skip
    [part] = judge.asked[0]["parts"]
    assert part["name"] == "frame"
    assert "application/vnd.agentchat.table+json" in part["data"]


# ------------------------------------------------------------------------------------------------ functions


def test_the_human_sees_the_final_arguments_and_the_function_runs_with_them(agent: Agent, judging: Judging) -> None:
    @agent.approves
    def send(to: str, copies: int = 2, *pages: int, **options: bool) -> Any:
        """Sends."""
        return to, copies, pages, options

    with judging() as judge:
        assert send("Ada") == ("Ada", 2, (), {})
        assert send("Ada", 1, 7, 8, fast=True) == ("Ada", 1, (7, 8), {"fast": True})
    assert judge.arguments == [
        {"to": "Ada", "copies": 2},
        {"to": "Ada", "copies": 1, "pages": [7, 8], "options": {"fast": True}},
    ]
    assert (send.__name__, send.__doc__) == ("send", "Sends.")
    assert inspect.unwrap(send)("x") == ("x", 2, (), {})


def test_edited_arguments_come_as_the_annotated_type(agent: Agent, judging: Judging) -> None:
    class Colour(Enum):
        RED = "red"
        BLUE = "blue"

    ran: list[Any] = []

    def paint(colour: Any, on: Any, mode: Any = "soft", size: Any = 1.5) -> None:
        ran.append((colour, on, mode, size))

    paint.__annotations__ = {"colour": Colour, "on": date, "mode": Literal["soft", "hard"], "size": float}
    approved = agent.approves(editable=["colour", "on", "mode", "size"])(paint)
    with judging({"approved": True, "arguments": {"colour": "blue", "on": "2026-05-01", "mode": "hard", "size": 2}}) as judge:
        approved(Colour.RED, date(2026, 1, 1))
    assert ran == [(Colour.BLUE, date(2026, 5, 1), "hard", 2.0)]
    assert judge.arguments == [{"colour": "red", "on": "2026-01-01", "mode": "soft", "size": 1.5}]


def test_an_edit_that_its_type_refuses_is_asked_again(agent: Agent, human: Human) -> None:
    from pydantic import BaseModel, field_validator

    class Order(BaseModel):
        count: int

        @field_validator("count")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("it must be even")
            return value

    def buy(order: Any) -> Any:
        return order

    buy.__annotations__ = {"order": Order}
    edits = iter([3, 4])
    with Judge(human, lambda _: {"approved": True, "arguments": {"order": {"count": next(edits)}}}) as judge:
        assert agent.approves(editable=["order"])(buy)(Order(count=2)) == Order(count=4)
    assert "it must be even" in judge.asked[1]["parts"][0]["data"]["text/plain"]


def test_a_rejected_call_raises_with_the_decision_and_runs_nothing(agent: Agent, judging: Judging) -> None:
    ran: list[int] = []
    with (
        judging({"approved": False, "comment": "too many"}),
        pytest.raises(Rejected, match="rejected by Ann: too many") as caught,
    ):
        agent.approves(ran.append)(3)
    assert ran == []
    assert isinstance(caught.value.decision, Decision)
    assert caught.value.decision.comment == "too many"


def test_a_call_that_nobody_decides_on_in_time_raises_and_runs_nothing(agent: Agent) -> None:
    ran: list[int] = []
    with pytest.raises(NoAnswer, match="timed out: nothing was run") as caught:
        agent.approves(timeout=0.1)(ran.append)(3)
    assert (ran, caught.value.outcome) == ([], "timed_out")


def test_when_says_which_calls_need_approval(agent: Agent, judging: Judging) -> None:
    @agent.approves(when=lambda amount, to="Ada": amount > 10)
    def pay(amount: int, to: str = "Ada") -> int:
        return amount

    with judging() as judge:
        assert [pay(5), pay(50)] == [5, 50]
        assert agent.approves(when=lambda amount, **_: amount > 10)(inspect.unwrap(pay))(7) == 7
        assert agent.approves(when=lambda *given: given[0] > 10)(inspect.unwrap(pay))(8) == 8
    assert judge.arguments == [{"amount": 50, "to": "Ada"}]
    with pytest.raises(TypeError, match="when: it takes 'much', and the function has 'amount', 'to'"):
        agent.approves(when=lambda much: much > 10)(pay)


def test_methods_show_no_self(agent: Agent, judging: Judging) -> None:
    class Shop:
        sold = 0

        @agent.approves(prompt=lambda self, count: f"Sell {count}?")
        def sell(self, count: int) -> int:
            self.sold += count
            return self.sold

    with judging() as judge:
        assert Shop().sell(3) == 3
    assert judge.arguments == [{"count": 3}]
    assert judge.asked[0]["content"] == "Sell 3?"


def test_always_is_asked_once_for_the_action(agent: Agent, judging: Judging) -> None:
    ran: list[int] = []
    run = agent.approves(ran.append)
    with judging({"approved": True, "always": True}) as judge:
        run(1)
        run(2)
    assert (ran, len(judge.asked)) == ([1, 2], 1)
    decision = agent.approve(judge.asked[0]["question"]["approval"]["action"])
    assert decision.by == "always approved by Ann"


def test_a_function_without_a_name_is_not_approved_for_good(agent: Agent, judging: Judging) -> None:
    with judging() as judge:
        assert agent.approves(lambda number: number)(3) == 3
        assert agent.approves(partial(divmod, 7))(4) == (1, 3)
    assert [message["question"]["approval"].get("always", False) for message in judge.asked] == [False, False]


def test_two_threads_never_share_a_decision(agent: Agent, human: Human) -> None:
    ran: list[str] = []

    @agent.approves
    def run(what: str) -> None:
        ran.append(what)

    with Judge(human, True) as judge, ThreadPoolExecutor(8) as pool:
        assert not [call.exception() for call in [pool.submit(run, "same") for _ in range(24)] if call.exception()]
    assert (len(ran), len({message["id"] for message in judge.asked})) == (24, 24)


def test_arguments_that_change_while_the_human_decides_are_not_run(agent: Agent, human: Human) -> None:
    ran: list[Any] = []
    rows = [1, 2]

    def judge(_: Json) -> bool:
        rows.append(3)
        return True

    @agent.approves
    def run(rows: list[int]) -> None:
        ran.append(rows)

    with Judge(human, judge), pytest.raises(ArgumentsChanged, match="'rows' changed"):
        run(rows)
    assert ran == []


def test_arguments_without_json_are_watched_too(agent: Agent, human: Human) -> None:
    import numpy as np

    data = np.zeros(1000)

    def judge(_: Json) -> bool:
        data[500] = 1
        return True

    with Judge(human, judge), pytest.raises(ArgumentsChanged, match="'data' changed"):
        agent.approves(lambda data: data.sum())(data)


def test_one_decision_is_used_once_whoever_waits_for_it(make_agent: Callable[..., Agent], human: Human, agent: Agent) -> None:
    """Two agents in one notebook are one asker, as two processes are: both wait for the same question."""
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(agent.approve, "Go", key="go"), pool.submit(make_agent().approve, "Go", key="go")]
        while not (asked := human.questions()):
            pass
        human.answer({"approved": True, "comment": "one"}, asked[0]["id"])
        while not (again := human.questions()):
            pass
        human.answer({"approved": True, "comment": "two"}, again[0]["id"])
        assert {call.result().comment for call in calls} == {"one", "two"}


def test_an_interrupted_call_takes_its_question_up_and_other_arguments_ask_anew(
    make_agent: Callable[..., Agent], agent: Agent, human: Human
) -> None:
    def call(one: Agent, what: int) -> Any:
        return one.approves(lambda what: what)(what)

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call, agent, 1)
        while not human.questions():
            pass
        agent.close()  # the call ends, as by an interrupt; its question stays
        assert waiting.exception() is not None
        [asked] = human.questions()
        human.answer(True, asked["id"])
        again = make_agent()
        assert call(again, 1) == 1, "what was answered meanwhile"
        other = pool.submit(call, again, 2)
        while not (now := human.questions()):
            pass
        assert now[0]["id"] != asked["id"]
        human.answer(True, now[0]["id"])
        assert other.result() == 2


def test_another_thing_shown_is_another_question(agent: Agent, human: Human) -> None:
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(agent.approve, "Publish?", show=draft) for draft in ("*one*", "*two*")]
        while len(asked := human.questions()) < 2:
            pass
        assert len({message["question"]["key"].partition("#")[0] for message in asked}) == 2
        for message in asked:
            human.answer({"approved": True, "comment": message["parts"][0]["data"]["text/plain"]}, message["id"])
        assert [call.result().comment for call in calls] == ["*one*", "*two*"]


async def test_coroutine_functions_wait_for_either_agent(agent: Agent, judging: Judging) -> None:
    async def double(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    async with AsyncAgent("research-bot") as waits:
        with judging() as judge:
            for one in (agent, waits):
                approved = one.approves(double)
                assert list(await asyncio.gather(approved(1), approved(2), approved(1))) == [2, 4, 2]
        assert len(judge.asked) == 6
        with pytest.raises(TypeError, match=r"approves: .*plain is no coroutine function.*async def"):

            @waits.approves
            def plain() -> None: ...


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        ({"editable": ["limits"]}, ValueError, "editable: 'limits' is no parameter of run; it has 'limit', 'rest', 'more'"),
        ({"editable": ["rest"]}, TypeError, r"editable: \*rest of run cannot be edited"),
        ({"editable": "limit"}, TypeError, "editable: a list of names is needed, not 'limit'"),
        ({"when": True}, TypeError, "when: a function that takes what is approved takes is needed"),
        ({"prompt": 3}, TypeError, "prompt: a function"),
    ],
)
def test_bad_use_is_told_at_decoration(agent: Agent, options: Any, error: type[Exception], told: str) -> None:
    def run(limit, *rest, **more): ...  # type: ignore[no-untyped-def]

    with pytest.raises(error, match=told):
        agent.approves(**options)(run)


def test_what_cannot_be_approved_is_told_at_decoration(agent: Agent) -> None:
    def generator() -> Any:
        yield 1

    with pytest.raises(TypeError, match="is a generator"):
        agent.approves(generator)
    with pytest.raises(TypeError, match="write it below @staticmethod"):
        agent.approves(staticmethod(len))
    with pytest.raises(TypeError, match="a function is needed"):
        agent.approves(int)
    with pytest.raises(TypeError, match="nobody knows what max takes"):
        agent.approves(max)

    def run(frame): ...  # type: ignore[no-untyped-def]

    run.__annotations__ = {"frame": "NoSuchType"}
    agent.approves(run)
    with pytest.raises(TypeError, match="annotation of run cannot be found"):
        agent.approves(editable=["frame"])(run)
    run.__annotations__ = {"frame": set[tuple[int, str]]}
    with pytest.raises((TypeError, ValueError), match="editable: 'frame' cannot be edited"):
        agent.approves(editable=["frame"])(run)


def test_bad_arguments_are_told_at_the_call_and_nobody_is_asked(agent: Agent, human: Human) -> None:
    def needs_one(a: Any) -> Any:
        return a

    bad: list[tuple[Callable[..., Any], type[Exception], str]] = [
        (lambda: agent.approve(""), ValueError, "action: it is empty"),
        (lambda: agent.approve("x" * 201), ValueError, "action: it has 201 characters"),
        (lambda: agent.approve("Go", ["a"]), TypeError, "arguments: names and their values"),  # type: ignore[arg-type]
        (lambda: agent.approve("Go", {"a": 1}, editable=["b"]), ValueError, "editable: 'b' is not among the arguments: 'a'"),
        (
            lambda: agent.approve("Go", {"a": object()}, editable=["a"]),
            TypeError,
            "editable: 'a' is <object.* has no JSON form",
        ),
        (lambda: agent.approve("Go", {"a": None}, editable=["a"]), TypeError, "editable: 'a' is None, whose form nobody knows"),
        (lambda: agent.approve("Go", {"a": "x" * 100_001}), ValueError, "arguments: .*'a' is the largest"),
        (lambda: agent.approve("Go", default="yes"), TypeError, "default: True or False"),
        (lambda: agent.approve("Go", timeout=-1), ValueError, "timeout: "),
        (lambda: agent.approve("Go", quorum=0), ValueError, "quorum: "),
        (lambda: agent.approves(editable=["a"])(lambda a: a)(object()), TypeError, "has no JSON form"),
        (agent.approves(needs_one), TypeError, "missing a required argument"),
    ]
    for wrong, error, told in bad:
        with pytest.raises(error, match=told):
            wrong()
    assert human.questions() == []
    assert not [message for message in human.messages() if message.get("question")]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1, max_size=2), inner, max_size=2),
    max_leaves=5,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.lists(JSON, max_size=3), st.integers(0, 3), st.sampled_from(["approve", "reject", "edit", "mutate"])),
        min_size=1,
        max_size=4,
    )
)
def test_it_never_runs_with_anything_else_than_what_a_human_approved(agent: Agent, human: Human, steps: list[Any]) -> None:
    import copy

    ran: list[Any] = []
    approved: list[Any] = []

    @agent.approves(editable=["limit"])
    def run(rows: list[Any], limit: int) -> None:
        ran.append(copy.deepcopy((rows, limit)))

    for rows, limit, what in steps:

        def judge(approval: Json, rows: Any = rows, what: str = what) -> Any:
            shown = approval["arguments"]
            if what == "reject":
                return False
            edited = {"limit": shown["limit"] + 1} if what == "edit" else {}
            approved.append((shown["rows"], {**shown, **edited}["limit"]))
            if what == "mutate":
                rows.append("more")
            return {"approved": True, "arguments": edited}

        before = len(approved)
        with Judge(human, judge):
            try:
                run(rows, limit)
                assert what in ("approve", "edit")
            except Rejected:
                assert what == "reject"
            except ArgumentsChanged:
                assert what == "mutate"
                del approved[before:]
        assert ran == approved
