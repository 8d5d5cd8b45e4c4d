"""What humans want of this agent (pause, resume, stop, steer), and what it tells of its runs."""

from __future__ import annotations

import asyncio
import logging
import operator
import time
import traceback
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from ..errors import ChatError, Stopped
from ..protocol import Intent, ListIntents, ReadStatus, RunState, SendMessage, SendReport, SignalKind
from .signals import EVERY, Pace, activity
from .waits import changed

if TYPE_CHECKING:
    from .link import Link

RUN_MIME = "application/vnd.agentchat.run+json"
HEARD = 200
"""Intents that wait here at most, of an agent that stopped asking for them."""
FIRST_LOOK = 5.0
"""Seconds that a first checkpoint waits to learn what was wanted before."""
SIGN_OF_LIFE = 5.0
"""Seconds between two signs of a run whose checkpoints tell no values."""
TRACEBACK = 20_000
"""Characters of one, the last."""

_log = logging.getLogger("jupyter_agentchat")

Said = tuple[SignalKind, dict[str, Any]]
Ends = Literal["finished", "failed", "stopped"]


class Steering:
    """All of it happens on the agent's event loop; only ``attention`` and ``pace`` are looked at from other threads.

    ``attention``: a checkpoint must look, because something is wanted, or because nobody looked yet.
    """

    def __init__(self, link: Link) -> None:
        self.attention = True
        self.pace = Pace()
        self.later: dict[str, Any] | None = None
        """A checkpoint's values that came too soon to be told: told a moment later, unless others are by then. Not held longer,
        for they may be large."""
        self._trails = False
        self.run: str | None = None
        self._link = link
        self._looking: asyncio.Task[None] | None = None
        self._heard: dict[int, Intent] = {}
        self._done = 0
        """Up to which intent all was done."""
        self._holds: Intent | None = None
        """The pause or stop that holds now."""
        self._texts: list[str] = []
        self._told: tuple[RunState, str | None, int] = ("idle", None, 0)
        self._alive_at = 0.0
        self._lines: dict[SignalKind, dict[str, Any]] = {}
        """What checkpoints of this run said last."""
        self._moved = asyncio.Event()

    # ------------------------------------------------------------------ what the connection hears

    def hear(self, intent: Intent) -> None:
        """An intent for this agent; one that is known already changes nothing."""
        if self._looking is None or intent.seq <= self._done:
            return  # who never looked asks for all of them at its first checkpoint
        self._heard[intent.seq] = intent
        if len(self._heard) > HEARD:
            del self._heard[min(self._heard)]
        self.attention = True
        self.wake()

    def subscribed(self) -> None:
        """Live again: what was wanted meanwhile is told to nobody who does not ask."""
        if self._looking is not None and self._looking.done():
            self._looking = asyncio.ensure_future(self._look())

    def wake(self) -> None:
        """Whoever is paused looks up."""
        self._moved.set()
        # Another one for the next time: cleared, it could take the wake-up from who is about to wait.
        self._moved = asyncio.Event()

    async def _look(self) -> None:
        conversation = self._link.conversation
        try:
            wanted = ListIntents(conversation.channel_id, conversation.me.id, after=self._done, pending=True)
            for intent in (await self._link.call("list_intents", wanted)).intents:
                self.hear(intent)
        except ChatError as error:
            _log.warning("What is wanted of this agent cannot be known now: %s", error)
        self._settle()

    async def _first_look(self) -> None:
        await self._bury_the_dead()
        await self._look()

    async def _bury_the_dead(self) -> None:
        """A run that a killed process of this agent left behind is over: it could not say so itself."""
        conversation = self._link.conversation
        try:
            agents = (await self._link.call("status", ReadStatus(conversation.channel_id))).agents
        except ChatError:
            return
        mine = next((agent for agent in agents if agent.participant_id == conversation.me.id), None)
        left = mine and mine.control
        if not mine or not left or left.state not in ("running", "paused") or mine.connections > 1 or self.run is not None:
            return  # with another connection, another process may be at it
        if left.run is not None:
            why = "its process ended without a word"
            self._link.say_at_once(_message(left.run, "failed", None, why, None))
        self._report("failed", left.run)

    # ------------------------------------------------------------------ checkpoints

    async def attend(self) -> str | None:
        """Waits while paused; the texts that were sent.

        Raises:
            Stopped: a human stopped the agent.
            HubUnreachable, ChannelNotFound: it was closed, or taken out of its channel, while it was paused.
        """
        await self._link.connected()
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._first_look())
        while True:
            moved = self._moved  # before the look: taken after it, a wake-up would be lost
            # What came meanwhile is known from this look: to do the newest first would be to have done the older ones too.
            if not self._looking.done() and self._link.conversation.state == "live":
                await _within(FIRST_LOOK, self._looking)
            self._take()
            if self._holds is None:
                break
            if self._holds.kind == "stop":
                self._report("stopped", self.run)
                raise self._stop(self._holds)
            if self._link.conversation.ended is not None:
                raise self._link.conversation.ended
            self._report("paused", self.run)
            await changed(moved)
        texts, self._texts = self._texts, []
        self._go_on()
        self._settle()
        return "\n".join(texts) or None

    def _go_on(self) -> None:
        state, run, _ = self._told
        if self.run is not None:
            state, run = "running", self.run
        elif state == "paused":
            state, run = "idle", None
        self._report(state, run)  # outside any run what was said of the last one still holds

    def _take(self) -> None:
        """What was heard, in its order: a resume takes back the pause or stop before it, and a stop needs no pause."""
        for seq in sorted(self._heard):
            intent = self._heard.pop(seq)
            self._done = seq
            if intent.kind == "steer":
                self._texts.append(intent.text or "")
            elif intent.kind == "resume":
                self._holds = None
            elif intent.kind == "stop" or self._holds is None:
                self._holds = intent

    def _stop(self, wanted: Intent) -> Stopped:
        if self.run is None:
            self._holds = None  # else a loop outside any run could never begin again
            self._settle()
        reason = f": {wanted.text}" if wanted.text else "."
        return Stopped(f"{wanted.by_name} stopped this agent{reason}", by=wanted.by_name)

    def _settle(self) -> None:
        self.attention = bool(self._heard or self._holds or self._texts or self._looking is None)

    def tell(self, said: Said | None) -> None:
        """What a checkpoint says; without values, now and then a sign of life."""
        signals = self._link.signals
        if not self._trails:
            self._trails = True
            self._link.later(1.5 * EVERY, self._trail)
        if said is not None:
            signals.say(*said)
            self._lines[said[0]] = said[1]
        elif self.run is not None and time.monotonic() - self._alive_at > SIGN_OF_LIFE:
            self._alive_at = time.monotonic()
            signals.say("status", signals.last("status") or self._lines.setdefault("status", {"text": self.run}))

    def _trail(self) -> None:
        """The last values before a long step. Later than the pace, so that nothing comes too soon after the last trail."""
        self._trails = False
        values, self.later = self.later, None
        if values:
            self.tell(said_of(self.run, values))

    def _wipe(self) -> None:
        """The lines that checkpoints wrote end with the run."""
        signals, lines = self._link.signals, self._lines
        self._lines = {}
        if (said := lines.get("status")) and signals.last("status") == said:
            signals.say("status", {"text": ""})
        if (said := lines.get("progress")) and signals.last("progress") == said:
            signals.say("progress", {**said, "ended": True})

    def _report(self, state: RunState, run: str | None) -> None:
        told = (state, run, self._done)
        if told == self._told:
            return
        self._told = told
        channel_id = self._link.conversation.channel_id
        self._link.send_at_once(SendReport(channel_id, state, run, self._done or None))

    # ------------------------------------------------------------------ runs

    def begin(self, name: str) -> None:
        """Raises: RuntimeError while another run goes on."""
        if self.run is not None:
            raise RuntimeError(
                f"The run {self.run!r} is not over: one agent has one run at a time. End it, or make"
                f" another agent for {name!r}."
            )
        self.run = name
        self.attention = True
        self._link.say_at_once(_message(name, "started", None, None, None))
        self._report("running", name)

    def end(self, ends: Ends, seconds: float, why: str | None, trace: str | None) -> None:
        """The run is over; so a stop that came too late has what it wanted, and a pause that held it holds no longer."""
        self._trail()
        run, self.run = self.run, None
        if run is None:
            return
        if any(intent.kind == "stop" for intent in self._heard.values()):
            self._take()
        self._holds = None
        self._wipe()
        self._link.say_at_once(_message(run, ends, seconds, why, trace))
        self._report(ends, run)
        self._settle()


async def _within(seconds: float, task: asyncio.Task[None]) -> None:
    event = asyncio.Event()
    task.add_done_callback(lambda _: event.set())
    await changed(event, seconds)


# ------------------------------------------------------------------------------------------------ what is said


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


def _message(
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
