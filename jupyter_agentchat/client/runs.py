"""Runs: what is said of them, and the block that begins and ends one."""

from __future__ import annotations

import asyncio
import operator
import time
import traceback
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from ..errors import Stopped
from ..protocol import SendMessage, SignalKind
from .signals import activity

if TYPE_CHECKING:
    from .link import Link

RUN_MIME = "application/vnd.agentchat.run+json"
TRACEBACK = 20_000
"""Characters of one, the last."""

Said = tuple[SignalKind, dict[str, Any]]
Ends = Literal["finished", "failed", "stopped"]


def checked_name(name: str) -> str:
    """Raises: TypeError, ValueError for what is no name of a run: 1 to 200 characters on one line that can be seen."""
    if not isinstance(name, str):
        raise TypeError(f"name: a string is needed, not {type(name).__name__}.")
    if not name.strip() or len(name) > 200 or not name.isprintable():
        raise ValueError(f"name: {name!r:.60}; give 1 to 200 characters on one line.")
    return name


def said_of(run: str | None, values: dict[str, Any]) -> Said | None:
    """The signal for a checkpoint's values: with ``step`` and ``total`` a bar, else a line. What makes no bar is a line too: a
    run must not end for what is only shown."""
    if not values:
        return None
    if values.get("total") is not None and values.get("step") is not None:
        others = {name: value for name, value in values.items() if name not in ("step", "total")}
        with suppress(TypeError, ValueError):
            return activity(_line(run, others), values["step"], values["total"])
    return activity(_line(run, values), None, None)


def _line(run: str | None, values: dict[str, Any]) -> str:
    words = ", ".join(f"{name} {shown(value)}" for name, value in values.items())
    return ": ".join(filter(None, (run, words))) or "working"


def shown(value: Any) -> str:
    """A value in few characters; what cannot be shown must not end the run."""
    try:
        if isinstance(value, (str, bool)) or value is None:
            return str(value)[:100]
        if hasattr(value, "__index__"):
            return str(operator.index(value))
        return f"{float(value):.4g}"
    except Exception:
        return f"{value!r:.60}" if isinstance(value, (list, tuple, dict)) else type(value).__name__


def duration(seconds: float) -> str:
    """``80 ms``, ``1.8 s``, ``12 s``, ``3 min 5 s``, ``2 h 10 min``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def plain(text: str) -> str:
    """Text on one line in which Markdown sees no markup."""
    return "".join(f"\\{each}" if each in "\\`*[]<>" else each for each in " ".join(text.split()))


def message_of(
    run: str, state: Literal["started"] | Ends, seconds: float | None, why: str | None, trace: str | None
) -> SendMessage:
    took = "" if seconds is None else f" after {duration(seconds)}"
    said = f"{why}{took}" if state == "stopped" else f"{state}{took}{f': {why}' if why else ''}"
    data: dict[str, Any] = {"name": run, "state": state}
    for field, value in (("seconds", None if seconds is None else round(seconds, 3)), ("error", why), ("traceback", trace)):
        if value is not None:
            data[field] = value
    text = f"Run {run} {said}.{f'{chr(10) * 2}{trace}' if trace else ''}"
    shown_as = {RUN_MIME: data, "text/plain": text}
    return SendMessage("", f"Run **{plain(run)}** {plain(said)}{'' if said.endswith('.') else '.'}", parts=[{"data": shown_as}])


class Ending:
    """How a run's block was left."""

    def __init__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.state: Ends = "finished"
        self.why: str | None = None
        self.traceback: str | None = None
        if kind is None:
            return
        if isinstance(error, Stopped):
            self.state, self.why = "stopped", f"stopped by {error.by}" if error.by else "stopped"
        elif issubclass(kind, (KeyboardInterrupt, asyncio.CancelledError)):
            self.state, self.why = "stopped", "interrupted"
        elif issubclass(kind, GeneratorExit):
            self.state, self.why = "stopped", "left early"
        else:
            self.state = "failed"
            words = _words_of(error)
            self.why = _clean(f"{kind.__name__}: {words}" if words else kind.__name__)[:500]
            self.traceback = _clean("".join(traceback.format_exception(kind, error, trace))[-TRACEBACK:])


def _words_of(error: BaseException | None) -> str:
    try:
        return str(error).strip()
    except Exception:  # of the user's own making
        return ""


def _clean(text: str) -> str:
    """Without lone surrogates, which cannot be sent."""
    return text.encode("utf-8", "replace").decode()


class Run:
    """What `AsyncAgent.run` gives: ``async with agent.run("train") as run: …``."""

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self._name = checked_name(name)
        self._began_at: float | None = None

    def __repr__(self) -> str:
        return f"<Run {self._name!r}>"

    @property
    def name(self) -> str:
        """As it was given."""
        return self._name

    def __enter__(self) -> NoReturn:
        raise TypeError("This run is an AsyncAgent's: write `async with agent.run(…):`.")

    def __exit__(self, *_: object) -> None:
        """Never called; it makes Python call `__enter__`, which says what to write."""

    async def __aenter__(self) -> Run:
        await self._link.connected()
        self._link.steering.begin(self._name)
        self._began_at = time.monotonic()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Nothing is awaited: whatever broke the run off must not break this off too.
        self.finish(Ending(kind, error, trace))

    def soon(self, ending: Ending) -> None:
        """As `finish`, from any thread."""
        self._link.soon(partial(self.finish, ending))

    def finish(self, ending: Ending) -> None:
        """Says how it ended, without waiting for the hub."""
        if self._began_at is not None:
            seconds = time.monotonic() - self._began_at
            self._began_at = None
            self._link.steering.end(ending.state, seconds, ending.why, ending.traceback)
