"""What is settled before a question goes out: that it makes sense, its key, and whether its answer is known already.

All of it happens in the thread and the cell that ask.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from msgspec import UNSET

from ..errors import QuestionChanged
from ..notebook import answers, kernel
from ..protocol import Ask

LONGEST_TIMEOUT = 10 * 365 * 86400.0


@dataclass(eq=False)
class Claim:
    """A key that this execution of a cell has in use: asking the same again beside it is another question (``#2``).

    The next execution (the cell is run again) takes the question up instead.
    """

    key: str
    cell: str | None
    released: bool = False


@dataclass(frozen=True)
class Asking:
    prompt: str
    ask: Ask
    claim: Claim


_claims: WeakValueDictionary[tuple[str, str], Claim] = WeakValueDictionary()
_claiming = threading.Lock()


def prepare(
    asker: str,
    prompt: str,
    *,
    choices: Sequence[str] | None,
    key: str | None,
    timeout: float | None,
    default: Any,
    to: str | Sequence[str] | None,
) -> Asking:
    """The question, ready to be sent. ``asker``: who asks where, as one string.

    Raises:
        TypeError, ValueError: an argument makes no sense; the message begins with its name.
        NoHuman, InvalidAnswer, InvalidRequest: see `notebook.answers.decided`.
    """
    prompt = _text("prompt", prompt)
    chosen = None if choices is None else _texts("choices", choices, 500)
    if chosen is not None and not 1 <= len(chosen) <= 100:
        raise ValueError(f"choices: {len(chosen)} are given; give 1 to 100, or none for a free answer.")
    if default is not UNSET:
        if chosen is not None and default not in chosen:
            raise ValueError(f"default: {default!r} is not among the choices: {', '.join(map(repr, chosen))}.")
        if chosen is None:
            _text("default", default)
    if timeout is not None:
        _seconds(timeout)
    asked = None if to is None else _texts("to", [to] if isinstance(to, str) else to, 200)
    claim = _claim(asker, _text("key", key, 200) if key is not None else None, prompt, chosen)
    decided = answers.decided(prompt, claim.key, chosen, default)
    return Asking(prompt, Ask(claim.key, chosen, timeout, default, asked or None, decided), claim)


@contextmanager
def changed_here(asking: Asking) -> Iterator[None]:
    """A hub's `QuestionChanged` says how to get rid of the open question, also from another kernel than the one that asked."""
    try:
        yield
    except QuestionChanged as error:
        key = asking.ask.key
        how = f"From here it is withdrawn by asking it in its own words: `agent.ask(…, key={key!r}).withdraw()`."
        raise QuestionChanged(f"{error.message} {how}", **error.details) from None


def automatic_key(prompt: str, choices: list[str] | None) -> str:
    """``auto:`` and 16 hex digits of what is asked: the same in every process."""
    told = json.dumps(["ask", prompt, choices], ensure_ascii=False, separators=(",", ":"))
    return f"auto:{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def _claim(asker: str, key: str | None, prompt: str, choices: list[str] | None) -> Claim:
    cell = kernel.cell()
    if key is not None:
        return Claim(key, cell)
    base = key = automatic_key(prompt, choices)
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


def _seconds(timeout: Any) -> None:
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout: seconds as a number are needed, not {type(timeout).__name__}.")
    if not math.isfinite(timeout) or not 0 < timeout <= LONGEST_TIMEOUT:
        raise ValueError(f"timeout: {timeout} seconds; give a positive number up to ten years, or None to wait for ever.")
