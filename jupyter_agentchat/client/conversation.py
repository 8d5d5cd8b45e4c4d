"""What an agent knows of its channel: it takes the frames that come in and remembers. No I/O, no waiting."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal
from weakref import WeakSet

from ..errors import ChatError, HubUnreachable
from ..protocol import (
    MAX_CLOCK,
    Closing,
    Connected,
    IntentFrame,
    Lagged,
    Message,
    MessageDeleted,
    MessageUpdated,
    NewMessage,
    Participant,
    Reset,
    ServerFrame,
    Subscribe,
    Subscribed,
)
from .log import Log
from .seen import Seen

if TYPE_CHECKING:
    from .find import Place
    from .question import Question

SUBSCRIPTION = "subscription"
"""The request_id of the agent's own subscription."""
CLOSINGS = 1000
"""How many closings are remembered of questions that are not known yet: one can overtake the reply to its asking."""

State = Literal["connecting", "live", "retrying", "closed"]

_log = logging.getLogger("jupyter_agentchat")


class Conversation:
    """One agent's view of one channel, since the agent joined."""

    def __init__(self) -> None:
        self.log = Log()
        self.page_url: str | None = None
        self.ended: ChatError | None = None
        self.watchers: list[Callable[[State], object]] = []
        self.on_control: Callable[[IntentFrame | Subscribed], None] = lambda frame: None
        """Called with what is wanted of this agent, and whenever the channel is live again."""
        self._state: State = "connecting"
        self._place: Place | None = None
        self._me: Participant | None = None
        self._epoch: str | None = None
        self._clock = 0
        self._taken_up: dict[str, Message] = {}
        self._questions: dict[str, WeakSet[Question]] = {}
        self._closings: OrderedDict[str, Closing] = OrderedDict()
        self._awaits_replay = False
        self._seen = Seen()
        self._newest_at = ""

    @property
    def place(self) -> Place:
        if self._place is None:
            raise HubUnreachable("This agent is not connected yet: `await agent.connect()`, or use `async with`.")
        return self._place

    @property
    def me(self) -> Participant:
        self.place  # noqa: B018 raises
        assert self._me is not None
        return self._me

    @property
    def name(self) -> str:
        return self.me.name

    @property
    def channel_id(self) -> str:
        return self.place.channel_id

    @property
    def channel_name(self) -> str:
        return self.place.channel_name

    @property
    def state(self) -> State:
        return self._state

    @state.setter
    def state(self, state: State) -> None:
        if self._state in (state, "closed"):
            return
        self._state = state
        for watcher in list(self.watchers):
            try:
                watcher(state)
            except Exception:  # the user's own code must not end the connection
                _log.exception("What watches the agent's state failed")

    def title(self) -> str:
        """Who speaks where, and how the connection is."""
        if self._place is None or self._me is None:
            return self.state
        return f"{self._me.name!r} in {self._place.channel_name!r}: {self.state}"

    def tick(self) -> int:
        """The agent's logical clock for its next message (Lamport 1978): above all that it has seen."""
        self._clock = min(self._clock + 1, MAX_CLOCK)
        return self._clock

    def merge(self, lamport: int | None) -> None:
        """A clock that was received: the agent's own goes on from there."""
        self._clock = min(max(self._clock, lamport or 0), MAX_CLOCK)

    def joined(self, place: Place) -> None:
        self._place = place

    def subscription(self) -> Subscribe:
        """Continues the channel where this agent's view of it ends."""
        return Subscribe(self.channel_id, self.log.last, self._epoch, SUBSCRIPTION)

    def receive(self, frame: ServerFrame) -> bool:
        """Takes a frame; True if the channel must be subscribed again from the cursor."""
        if isinstance(frame, NewMessage) and frame.message.channel_id == self.channel_id:
            return self._message(frame.message)
        if isinstance(frame, MessageUpdated) and frame.message.channel_id == self.channel_id:
            self.log.replace(frame.message)
            for question in self._asked(frame.message.id):
                question.update(frame.message)
            self.log.advance(frame.seq)
        elif isinstance(frame, MessageDeleted) and frame.channel_id == self.channel_id:
            self.log.delete(frame.message_id)
            self.log.advance(frame.seq)
        elif isinstance(frame, Connected):
            self._me = frame.participant
            self._epoch = self._epoch or frame.epoch
            self._awaits_replay = False
        elif isinstance(frame, Subscribed) and frame.channel_id == self.channel_id:
            self.log.start(frame.last_seq)
            self._awaits_replay = False
            self.on_control(frame)
        elif isinstance(frame, IntentFrame) and (frame.channel_id, frame.agent_id) == (self.channel_id, self.me.id):
            self.on_control(frame)
        elif isinstance(frame, Lagged) and frame.channel_id == self.channel_id:
            return True
        elif isinstance(frame, Reset) and frame.channel_id == self.channel_id:
            self._reset(frame)
        return False

    def _message(self, message: Message) -> bool:
        self.merge(message.lamport)
        last = self.log.last
        if message.prev_seq is not None and last is not None and message.prev_seq > last:
            # Something in between is missing. Until the replay has begun, what comes live is dropped: it comes again.
            again, self._awaits_replay = not self._awaits_replay, True
            return again
        if last is not None and message.seq <= last:
            return False  # a replay overlaps
        if message.id in self._seen or self.told_before_reset(message):
            self.log.advance(message.seq)  # a restored log tells again what was seen in the one before
        else:
            self._seen.add(message.id)
            self.log.append(message)
        if message.closes is not None:
            self._closed(message.closes)
        return False

    def _reset(self, frame: Reset) -> None:
        # The hub replays the new log from its beginning by itself.
        kept = self.log.messages()
        self._newest_at = kept[-1].created_at if kept else self._newest_at
        self._epoch = frame.epoch
        self.log.restart()

    def told_before_reset(self, message: Message) -> bool:
        """Whether a log that took another's place tells what the agent had from that one, too long ago to know its id."""
        return message.created_at < self._newest_at

    def end(self, error: ChatError) -> None:
        """Nothing comes any more: whoever waits is told why."""
        self.ended = self.ended or error
        self.state = "closed"
        self.log.wake()
        for question in [each for same in self._questions.values() for each in same]:
            question.changed.set()

    # ------------------------------------------------------------------------------------------ questions

    def watch(self, question: Question) -> None:
        """The question learns of its closing, also of one that came before."""
        message = question.message
        self._questions.setdefault(message.id, WeakSet()).add(question)
        if self.log.get(message.id) is None:
            self._taken_up[message.id] = message
        if message.id in self._closings:
            question.close(self._closings[message.id])

    def _closed(self, closing: Closing) -> None:
        self._closings[closing.question_id] = closing
        while len(self._closings) > CLOSINGS:
            self._closings.popitem(last=False)
        for question in self._asked(closing.question_id):
            question.close(closing)

    def _asked(self, message_id: str) -> list[Question]:
        """All that wait for this question: asked twice under one key, it is one question."""
        waiting = list(self._questions.get(message_id, ()))
        if not waiting:
            self._questions.pop(message_id, None)
        return waiting

    def transcript(self) -> list[Message]:
        """The messages since the agent joined, and every question that it took up from before."""
        return [*self._taken_up.values(), *self.log.messages()]
