"""Many questions at once: a window of them stands open, and each row comes back with its answer as soon as that is final."""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import json
import math
import operator
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence, Sized
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, structs

from ..errors import NoAnswer
from ..notebook import parts, stage
from ..protocol import Ask, AskBatch, FinishBatch, Message
from . import rows, snapshot
from .asking import Asking, Claim, addressed, addressing, claimed, timing
from .replies import Reply, reply_of
from .signals import Pace
from .steps import Handing, Out
from .waits import changed

if TYPE_CHECKING:
    from .aio import AsyncAgent
    from .question import Question

MOST_AHEAD = 1000
LONGEST_UNDO = 3600.0
LONGEST_KEY = 150
"""Characters: a row's own digest comes behind it."""
LONGEST_NAME = 200
AT_ONCE = 100
"""Questions that are sent together."""
NEVER = math.inf

Row = tuple[Any, Any]
"""A row, and what is shown of it."""


@dataclass(frozen=True)
class Plan:
    """What `AsyncAgent.ask_each` was given, checked."""

    rows: Iterator[Row]
    total: int | None
    prompt: str | Callable[[Any], str]
    show: Callable[[Any], Any] | None
    ask: Ask
    reply: Reply
    key: str | None
    automatic: str
    ahead: int
    undo: float

    @classmethod
    def of(
        cls, items: Any, *, prompt: str | Callable[[Any], str] | None, choices: Any, multiple: bool, into: Any, initial: Any,
        show: Callable[[Any], Any] | None, key: str | None, total: int | None, ahead: int, undo: float,
        timeout: float | timedelta | datetime | None, default: Any, to: str | Sequence[str] | None,
    ) -> Plan:  # fmt: skip
        """Raises: TypeError, ValueError: an argument makes no sense; the message begins with its name."""
        coming, length = rows.rows_of(items)
        reply = reply_of(choices, multiple, into)
        functions: dict[str, Any] = {"prompt": None if isinstance(prompt, str) else prompt, "show": show}
        for name, function in functions.items():
            if function is not None and (not callable(function) or inspect.iscoroutinefunction(function)):
                raise TypeError(f"{name}: a function of a row is needed, not {snapshot.short(function)}.")
        ask = Ask(
            None, reply.choices, multiple=reply.multiple, schema=reply.schema,
            default=default if default is UNSET else _fitting("default", reply.to_json, default),
            initial=initial if initial is UNSET else _fitting("initial", reply.begins, initial),
            **addressing(to, 1), **timing(timeout, None, None),
        )  # fmt: skip
        if prompt is None:
            prompt = (reply.schema or {}).get("title") or "Your answer?"
        told = [
            prompt if isinstance(prompt, str) else getattr(prompt, "__qualname__", ""),
            ask.choices,
            ask.multiple,
            ask.schema,
        ]
        told.append(snapshot.digest(items) if isinstance(items, Sized) else "")
        return cls(
            coming, length if total is None else _number("total", total, 1, 2**53, int),
            prompt, show, ask, reply, None if key is None else _text("key", key, LONGEST_KEY), f"auto:{_hash(told)}",
            int(_number("ahead", ahead, 1, MOST_AHEAD, int)), _number("undo", undo, 0, LONGEST_UNDO, float),
        )  # fmt: skip

    @property
    def name(self) -> str:
        """What the humans see of the whole."""
        told = self.prompt if isinstance(self.prompt, str) else self.key or "Questions"
        return told if len(told) <= LONGEST_NAME else f"{told[: LONGEST_NAME - 1]}…"

    def keyed(self, key: str) -> Iterator[tuple[int, Row, str]]:
        """Each row with its question's key, which is made of what the row holds: in a run with rows added, removed or moved
        each finds its own question. The same row twice is two questions."""
        seen: Counter[str] = Counter()
        for index, row in enumerate(self.rows):
            held = rows.digest(row[1])[:16]
            seen[held] += 1
            yield index, row, f"{key}/{held}{f'#{seen[held]}' if seen[held] > 1 else ''}"

    def asking(self, asker: str, batch: str, index: int, row: Row, key: str) -> Asking:
        """A row's question."""
        try:
            prompt = self.prompt if isinstance(self.prompt, str) else _text("prompt", self.prompt(row[0]))
            shown = self._shown(row)
        except (TypeError, ValueError) as error:
            raise type(error)(f"items[{index}]: {error}") from error
        ask = structs.replace(self.ask, batch=AskBatch(batch, index, max(self.total or 0, index + 1), self.name))
        return addressed(asker, Asking(prompt, ask, Claim("", None), shown or None, self.reply), key)

    def _shown(self, row: Row) -> list[dict[str, Any]]:
        if self.show is not None:
            return parts.snapshot(self.show(row[0]), "show")
        part = rows.part(row[1])
        return [part] if part else parts.snapshot([row[1]], "items")


def conduct(agent: AsyncAgent, plan: Plan) -> Handing:
    """Asks, and hands out ``(row, answer)``. Ended early, it leaves its questions open for the next run."""
    yield agent.connect
    claim = claimed(agent.asker(), plan.key, plan.automatic)
    window = _Window(agent, plan.undo)
    coming = plan.keyed(claim.key)
    pace, done, more, shown = Pace(), 0, True, False
    try:
        while more or window.items:
            settled = (yield window.settled) if window.items else []
            # Before what is settled is handed out: whoever takes it may work on it for long, and the humans go on meanwhile.
            while more and (room := min(plan.ahead - len(window.items), AT_ONCE)) > 0:
                asked = [
                    (row[0], plan.asking(agent.asker(), claim.key, index, row, key)) for index, row, key in islice(coming, room)
                ]
                more = len(asked) == room
                posed = yield partial(window.pose, asked)
                if posed and not shown:
                    stage.asked(agent.conversation, posed[0])
                    shown = True
            for row, answer in settled:
                yield Out((row, answer))
                done += 1
                if pace.due():
                    yield partial(agent.status, plan.name, done=done, total=plan.total)
        if done:
            yield partial(agent.status, plan.name, done=done, total=plan.total)
            yield partial(agent.call, "finish_batch", FinishBatch(agent.channel_id, claim.key))
    finally:
        claim.released = True
        agent.soon(window.end)
        if shown:
            stage.closed(agent.conversation)


class _Bell(asyncio.Event):
    """Rings another one too: so a wait for any of many questions costs the same however many they are."""

    def __init__(self, other: asyncio.Event) -> None:
        super().__init__()
        self._other = other

    def set(self) -> None:
        super().set()
        self._other.set()


@dataclass(eq=False)
class _Item:
    row: Any
    question: Question
    convert: Callable[[Any], Any]
    due: float = NEVER
    """When its answer is final (monotonic)."""
    taking: asyncio.Task[Any] | None = None


class _Window:
    """The questions that are open, or whose answer may still be taken back. It lives on the agent's event loop."""

    def __init__(self, agent: AsyncAgent, undo: float) -> None:
        self.items: list[_Item] = []
        self._agent = agent
        self._undo = undo
        self._news = asyncio.Event()

    async def pose(self, asked: list[tuple[Any, Asking]]) -> list[Message]:
        """Asks them all, in their order."""
        if any(asking.ask.decided is None for _, asking in asked):
            await self._agent.page()  # once, before many questions make sure of it at the same time
        posed = await asyncio.gather(*(self._agent.pose(asking) for _, asking in asked))
        for (row, asking), question in zip(asked, posed, strict=True):
            question.changed = _Bell(self._news)
            # Closed already: answered before this run, or by what stands in for a human.
            self.items.append(_Item(row, question, asking.reply.convert, NEVER if question.state == "open" else 0.0))
        return [question.message for question in posed]

    async def settled(self) -> list[tuple[Any, Any]]:
        """Waits until there are final answers, and takes them."""
        while True:
            self._news.clear()  # before the look: after it, a wake-up would be lost
            now = time.monotonic()
            for item in self.items:
                if item.taking is None and self._due(item, now) <= now:
                    item.taking = asyncio.ensure_future(item.question.take())
                    item.taking.add_done_callback(lambda _: self._news.set())
            if done := [item for item in self.items if item.taking is not None and item.taking.done()]:
                found = [(item.row, _result(item.taking)) for item in done]
                self.items = [item for item in self.items if item not in done]
                return found
            if self._agent.conversation.ended is not None:
                raise self._agent.conversation.ended
            next_due = min((item.due for item in self.items if item.taking is None), default=NEVER)
            await changed(self._news, None if next_due == NEVER else max(0.0, next_due - now))

    def _due(self, item: _Item, now: float) -> float:
        asked = item.question.message.question
        closing = None if asked is None else asked.closing
        if closing is None:  # also: its answer was taken back
            item.due = NEVER
        elif item.due == NEVER:
            by_hand = closing.source is None and closing.outcome in ("answered", "escalated")
            item.due = now + self._undo if by_hand and _fits(item.convert, closing.value) else now
        return item.due

    def end(self) -> None:
        """Nobody waits for the rest."""
        for item in self.items:
            if item.taking is not None:
                item.taking.cancel()


def _result(taking: asyncio.Task[Any] | None) -> Any:
    assert taking is not None
    try:
        return taking.result()
    except NoAnswer as error:
        return error


def _fits(convert: Callable[[Any], Any], value: Any) -> bool:
    """Whether the answer becomes its type; one that does not is asked again when it is taken."""
    try:
        convert(value)
    except ValueError:
        return False
    return True


# ------------------------------------------------------------------------------------------------ what was given


def _fitting(name: str, convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from error


def _text(name: str, text: Any, longest: int | None = None) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name}: a string is needed, not {type(text).__name__}.")
    if not text.strip():
        raise ValueError(f"{name}: it is empty; give some text.")
    if longest is not None and len(text) > longest:
        raise ValueError(f"{name}: it has {len(text)} characters, the limit is {longest}.")
    return text


def _number(name: str, value: Any, least: float, most: float, kind: type) -> Any:
    if isinstance(value, bool) or not (hasattr(value, "__index__") or (kind is float and hasattr(value, "__float__"))):
        raise TypeError(f"{name}: a {'whole ' if kind is int else ''}number is needed, not {type(value).__name__}.")
    if not least <= value <= most:
        raise ValueError(f"{name}: {value}; give {least:,} to {most:,}.")
    return operator.index(value) if kind is int else float(value)


def _hash(told: list[Any]) -> str:
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]
