"""What is settled before a question goes out: that it makes sense, its key, and whether its answer is known already.

All of it happens in the thread and the cell that ask.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakValueDictionary

import msgspec
from msgspec import UNSET, structs

from ..errors import InvalidAnswer, QuestionChanged
from ..notebook import answers, kernel, parts
from ..protocol import Ask
from . import times
from .replies import Reply, Text, is_unicode, reply_of


@dataclass(eq=False)
class Claim:
    """A key that this execution of a cell has in use: asking the same again beside it is another question (``#2``).

    The next execution (the cell is run again) takes the question up instead.
    """

    key: str
    cell: str | None
    released: bool = False


@dataclass
class Asking:
    """A question, ready to be sent: what is shown beside it (``parts``), and what type its answer has."""

    prompt: str
    ask: Ask
    claim: Claim
    parts: list[dict[str, Any]] | None = None
    reply: Reply = field(default_factory=Text)
    parent_id: str | None = None


_claims: WeakValueDictionary[tuple[str, str], Claim] = WeakValueDictionary()
_claiming = threading.Lock()


def prepare(
    asker: str,
    prompt: str,
    *,
    choices: Any = None,
    multiple: bool = False,
    into: Any = None,
    initial: Any = UNSET,
    show: Any = None,
    key: str | None = None,
    timeout: float | timedelta | datetime | None = None,
    default: Any = UNSET,
    remind: float | timedelta | None = None,
    escalate: Any = None,
    to: str | Sequence[str] | None = None,
    quorum: int = 1,
) -> Asking:
    """The question, ready to be sent. ``asker``: who asks where, as one string.

    Raises:
        TypeError, ValueError: an argument makes no sense; the message begins with its name.
        NoHuman, InvalidAnswer, InvalidRequest: see `notebook.answers.decided`.
    """
    prompt = check_prompt(prompt, key)
    reply = reply_of(choices, multiple, into)
    if default is not UNSET:
        with _named("default"):
            default = _encodable(reply.to_json(default))
    if initial is not UNSET:
        with _named("initial"):
            initial = _encodable(reply.begins(initial))
    people = addressing(to, quorum)
    clock = timing(timeout, remind, escalate)
    shown = parts.snapshot(show, "show") if show is not None else None
    ask = Ask(
        None, reply.choices, default=default, multiple=reply.multiple, schema=reply.schema, initial=initial, **people, **clock
    )
    automatic = automatic_key(prompt, ask.choices, ask.multiple, ask.schema, shown=shown)
    return addressed(asker, Asking(prompt, ask, Claim("", None), shown or None, reply), key, automatic=automatic)


def check_prompt(prompt: Any, key: Any) -> str:
    """The prompt. Raises: TypeError, ValueError if it, or the key, is none."""
    if key is not None:
        _text("key", key, 200)
    return _text("prompt", prompt)


def addressed(asker: str, asking: Asking, key: str | None, *, automatic: str | None = None) -> Asking:
    """With its key, and with its answer where that is known already. ``automatic``: the key where none is given."""
    ask = asking.ask
    asking.claim = claimed(asker, key, automatic or automatic_key(asking.prompt, ask.choices, ask.multiple, ask.schema))
    ask.key = asking.claim.key
    ask.decided = answers.decided(asking.prompt, ask)
    if ask.decided is not None:
        try:
            asking.reply.convert(ask.decided.value)
        except ValueError as error:
            given = f"{ask.decided.source} answers {ask.key!r} with {ask.decided.value!r}"
            raise InvalidAnswer(f"{given}, which does not fit: {error}") from error
    return asking


def follow_up(asking: Asking, number: int, parent_id: str, given: Any, wrong: str) -> Asking:
    """The same once more, for what was given is not of the type: it begins with that. The hub takes it up under its key when
    the first is asked again (after an interrupt)."""
    ask = structs.replace(asking.ask, key=f"{(asking.ask.key or '')[:180]}~{number}", initial=given, decided=None)
    prompt = f"{asking.prompt}\n\n*What was given cannot be taken:* {wrong}"
    return replace(asking, prompt=prompt, ask=ask, parent_id=parent_id)


def timing(timeout: Any, remind: Any, escalate: Any) -> dict[str, Any]:
    """The fields of an `Ask` that say when. Raises: TypeError, ValueError; the message begins with the argument's name."""
    within = None if timeout is None else times.timeout_of(timeout)
    every = None if remind is None else times.reminding(remind, within)
    further = None if escalate is None else times.escalations(escalate, within)
    return {"timeout": within, "remind": every, "escalate": further or None}


def addressing(to: str | Sequence[str] | None, quorum: int) -> dict[str, Any]:
    """The fields of an `Ask` that say who. Raises: TypeError, ValueError; the message begins with the argument's name."""
    names = None if to is None else _texts("to", [to] if isinstance(to, str) else to, 200)
    given: Any = quorum
    if isinstance(given, bool) or not isinstance(given, int):
        raise TypeError(f"quorum: a whole number is needed, not {type(given).__name__}.")
    if not 1 <= quorum <= 100:
        raise ValueError(f"quorum: {quorum}; give how many people must agree, 1 to 100.")
    return {"to": names or None, "quorum": quorum}


@contextmanager
def changed_here(asking: Asking) -> Iterator[None]:
    """A hub's `QuestionChanged` says how to get rid of the open question, also from another kernel than the one that asked."""
    try:
        yield
    except QuestionChanged as error:
        key = asking.ask.key
        how = f"From here it is withdrawn by asking it in its own words: `agent.ask(…, key={key!r}).withdraw()`."
        raise QuestionChanged(f"{error.message} {how}", **error.details) from None


def automatic_key(
    prompt: str,
    choices: list[str] | None,
    multiple: bool = False,
    schema: dict[str, Any] | None = None,
    kind: str = "ask",
    shown: list[dict[str, Any]] | None = None,
) -> str:
    """``auto:`` and 16 hex digits of what is asked and shown: the same in every process. In a loop that shows one picture after
    the other in the same words, a re-run must not take the answer about one for another."""
    asked: list[Any] = [kind, prompt, choices]
    if multiple or schema is not None or shown:
        asked += [multiple, schema]
    if shown:
        asked.append(hashlib.sha256(msgspec.json.encode(shown, order="sorted")).hexdigest())
    told = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))
    return f"auto:{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def claimed(asker: str, key: str | None, automatic: str) -> Claim:
    cell = kernel.cell()
    if key is not None:
        return Claim(key, cell)
    base = key = automatic
    occurrence = 1
    with _claiming:
        while (held := _claims.get((asker, key))) is not None and held.cell == cell and not held.released:
            occurrence += 1
            key = f"{base}#{occurrence}"
        claim = _claims[asker, key] = Claim(key, cell)
    return claim


def _text(name: str, value: Any, longest: int | None = None) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: a string is needed, not {type(value).__name__}.")
    if not value.strip():
        raise ValueError(f"{name}: it is empty; give some text.")
    if not is_unicode(value):
        raise ValueError(f"{name}: it holds a lone surrogate, which is not text; give valid Unicode.")
    if longest is not None and len(value) > longest:
        raise ValueError(f"{name}: it has {len(value)} characters, the limit is {longest}.")
    return value


def _texts(name: str, values: Any, longest: int) -> list[str]:
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{name}: a list of strings is needed, not {type(values).__name__}.")
    texts = [_text(f"{name}[{place}]", value, longest) for place, value in enumerate(values)]
    double = {text for text in texts if texts.count(text) > 1}
    if double:
        raise ValueError(f"{name}: {', '.join(map(repr, sorted(double)))} is given more than once.")
    return texts


def _encodable(value: Any) -> Any:
    try:
        msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise ValueError("it holds a lone surrogate, which is not text; give valid Unicode.") from None
    return value


@contextmanager
def _named(name: str) -> Iterator[None]:
    """What is wrong with an argument's value begins with the argument's name."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from error
