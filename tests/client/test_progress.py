"""Progress in tqdm's habit: what a program written for tqdm calls is there, and does what it did."""

from __future__ import annotations

import gc
import inspect
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import tqdm

from jupyter_agentchat import Agent
from jupyter_agentchat.client.progress import Bar, Bars
from tests.client.human import Human
from tests.client.test_steering import until

NAMES = [
    "update", "close", "clear", "refresh", "display", "unpause", "reset", "set_description", "set_description_str",
    "set_postfix", "set_postfix_str",
]  # fmt: skip
"""What programs call of a bar; how it draws itself on a terminal is its own affair."""
DUNDERS = ["__iter__", "__len__", "__bool__", "__contains__", "__reversed__", "__enter__", "__exit__"]


@pytest.fixture
def shown(agent: Agent, human: Human) -> Callable[[], dict[str, Any]]:
    """What humans are shown of the agent's progress, once it is on its way."""

    def look() -> dict[str, Any]:
        agent.flush()
        found: dict[str, Any] = human.status(agent.me.id).get("progress") or {}
        found.pop("at", None)
        return found

    return look


@pytest.mark.parametrize("name", NAMES)
def test_a_bar_takes_what_tqdms_takes(name: str) -> None:
    theirs = inspect.signature(getattr(tqdm.tqdm, name)).parameters
    ours = inspect.signature(getattr(Bar, name)).parameters
    assert [(each.name, each.kind) for each in ours.values()] == [(each.name, each.kind) for each in theirs.values()]


def test_it_is_made_as_tqdms_is_whatever_that_is_told_about_drawing(agent: Agent, capsys: pytest.CaptureFixture[str]) -> None:
    assert all(hasattr(Bar, name) for name in DUNDERS)
    # Every argument that tqdm knows, by its name and with its default; and the first of them by their place.
    known = list(inspect.signature(tqdm.tqdm.__init__).parameters.values())[1:]
    options = {each.name: each.default for each in known if each.kind is each.POSITIONAL_OR_KEYWORD}
    assert list(agent.tqdm(**options | {"iterable": [1, 2]})) == [1, 2]
    assert list(agent.tqdm([1, 2], "reading", 2, True, None, 80, unit="B", of_tomorrow=1)) == [1, 2]
    assert list(agent.tqdm.trange(2, 6, 2, desc="x")) == [2, 4]
    assert capsys.readouterr() == ("", "")
    agent.tqdm.write("said")
    assert capsys.readouterr().out == "said\n"
    ours, theirs = inspect.signature(Bars.write).parameters, inspect.signature(tqdm.tqdm.write).parameters
    assert list(ours) == list(theirs)


def test_it_behaves_as_tqdms(agent: Agent) -> None:
    def behaviour(make: Callable[..., Any]) -> list[Any]:
        bar = make([3, 4, 5], desc="x")
        seen: list[Any] = [len(bar), bool(bar), 4 in bar, bar.total]
        bar = make(total=10)
        bar.update()
        bar.update(4)
        seen += [bar.n, bar.total, len(bar), bool(bar), bool(make(total=0))]
        bar.reset(total=3)
        seen += [bar.n, bar.total]
        bar.close()
        bar.close()
        with make(total=2, initial=1) as inside:
            seen.append(inside.n)
        for item in (again := make(range(5))):
            if item == 3:
                break
        seen += [again.n <= 3, len(make(iter([1, 2]))), list(make([], disable=True)), make([1], disable=True).update()]
        with pytest.raises(TypeError):
            bool(make())
        with pytest.raises(TypeError):
            len(make(n for n in "abc"))
        return seen

    ours = behaviour(agent.tqdm)
    assert list(reversed(agent.tqdm([3, 4, 5]))) == [5, 4, 3]  # tqdm's gives them forwards
    assert ours == behaviour(lambda *given, **options: tqdm.tqdm(*given, **{"file": io.StringIO(), **options}))


def test_humans_see_what_it_is_about_and_that_it_ended(agent: Agent, shown: Callable[[], dict[str, Any]]) -> None:
    for _ in (bar := agent.tqdm(range(3), desc="scraping")):
        bar.set_postfix(loss=0.123456, phase="warm up")
    until(lambda: shown() == {
        "text": "scraping: loss=0.1235, phase=warm up", "done": 3, "total": 3, "ended": True,
    })  # fmt: skip
    with agent.tqdm(desc="bytes", unit="B", unit_scale=True) as bar:
        bar.update(512)
    until(lambda: shown() == {"text": "bytes", "done": 512, "total": 512, "ended": True})


def test_a_bar_within_another_says_in_which(agent: Agent, shown: Callable[[], dict[str, Any]]) -> None:
    for _ in agent.tqdm(range(2), desc="epochs"):
        inner: Bar[Any] = agent.tqdm(total=5, desc="batches")
        inner.update(2)
        until(lambda: shown().get("text", "").startswith("epochs"))
        inner.refresh()
        until(lambda: shown() == {"text": "epochs 0/2 > batches", "done": 2, "total": 5})
        inner.close()
        break
    until(lambda: shown() == {"text": "epochs", "total": 2, "done": 0, "ended": True})


def test_a_bar_that_is_dropped_has_ended(agent: Agent, shown: Callable[[], dict[str, Any]]) -> None:
    bar: Bar[Any] = agent.tqdm(total=5, desc="dropped")
    bar.update(2)
    del bar
    gc.collect()
    until(lambda: shown() == {"text": "dropped", "done": 2, "total": 5, "ended": True})


def test_track_ends_its_line_however_it_ends(agent: Agent, shown: Callable[[], dict[str, Any]]) -> None:
    for item in agent.track((n for n in range(100)), "unknown length"):
        if item == 2:
            break
    until(lambda: shown() == {"text": "unknown length", "done": 2, "ended": True})
    assert list(agent.track((n for n in range(5)), "to its end")) == [0, 1, 2, 3, 4]
    until(lambda: shown() == {"text": "to its end", "done": 5, "total": 5, "ended": True})

    def breaks() -> Iterator[int]:
        yield 1
        raise OSError("the file ends")

    with pytest.raises(OSError, match="the file ends"):
        list(agent.track(breaks(), "breaks", total=9))
    until(lambda: shown().get("text") == "breaks" and shown()["ended"])


@pytest.mark.parametrize("wrong", [{"total": "many"}, {"text": 5}, {"items": 5}])
def test_track_refuses_what_makes_no_sense_before_the_first_item(agent: Agent, wrong: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        list(agent.track(**{"items": [1], **wrong}))


@pytest.mark.parametrize("how", ["track", "tqdm", "update", "checkpoint"])
def test_how_far_it_is_is_told_also_while_one_item_takes_long(
    agent: Agent, shown: Callable[[], dict[str, Any]], how: str
) -> None:
    """Of the quick ones before it, which came too soon to be told each, the last is."""
    bar: Bar[Any] = agent.tqdm(total=100, disable=how != "update")
    items: Any = agent.track(range(100)) if how == "track" else agent.tqdm(range(100)) if how == "tqdm" else range(100)
    for item in items:
        if item == 42:
            until(lambda: shown().get("done") == (42 if how != "checkpoint" else 41))
            break
        bar.update()
        if how == "checkpoint":
            agent.checkpoint(step=item, total=100)
