"""What humans want of this agent (pause, resume, stop, steer), and what it tells of its runs."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from ..errors import ChatError, Stopped
from ..protocol import Intent, ListIntents, ReadStatus, RunState, SendReport, SignalKind
from .runs import Ends, Said, message_of, said_of
from .signals import EVERY, Pace
from .waits import changed

if TYPE_CHECKING:
    from .link import Link

HEARD = 200
"""Intents that wait here at most, of an agent that stopped asking for them."""
FIRST_LOOK = 5.0
"""Seconds that a first checkpoint waits to learn what was wanted before."""
SIGN_OF_LIFE = 5.0
"""Seconds between two signs of a run whose checkpoints tell no values."""

_log = logging.getLogger("jupyter_agentchat")


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
            self._link.say_at_once(message_of(left.run, "failed", None, why, None))
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
        self._link.say_at_once(message_of(name, "started", None, None, None))
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
        self._link.say_at_once(message_of(run, ends, seconds, why, trace))
        self._report(ends, run)
        self._settle()


async def _within(seconds: float, task: asyncio.Task[None]) -> None:
    event = asyncio.Event()
    task.add_done_callback(lambda _: event.set())
    await changed(event, seconds)
