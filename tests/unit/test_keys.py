"""Keys, by a model: an open question is taken up, an answer is given out once, one of a batch until the batch is finished."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from jupyter_agentchat import commands as c
from jupyter_agentchat.errors import AlreadyClosed, AlreadyUsed, ChatError, Forbidden, NotFound, QuestionChanged
from jupyter_agentchat.protocol import Ask, AskBatch
from tests.unit.machine import ANN, BEN, BOT, ROOM, Room

keys = st.sampled_from(["k1", "k2"])
wordings = st.sampled_from([{}, {}, {}, {}, {}, {"choices": ["yes", "no"]}, {"quorum": 2}])


@dataclass
class Known:
    id: str
    wording: dict[str, Any]
    state: str = "open"
    used: int = 0


class Keys(RuleBasedStateMachine):
    """One asker, in as many processes as there are client_ids; none of them knows more than the hub tells it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.room = Room(Path(self.folder.name) / "a.db")
        self.known: dict[str, list[Known]] = {"k1": [], "k2": []}
        self.given: dict[str, str] = {}
        """Which process took the answer of which question, outside of batches."""
        self.takes = 0

    def teardown(self) -> None:
        self.room.db.close()
        self.folder.cleanup()

    def newest(self, key: str) -> Known | None:
        return self.known[key][-1] if self.known[key] else None

    def state_of(self, there: Known) -> str:
        ((state,),) = self.room.query("SELECT state FROM questions WHERE message_id = ?", there.id)
        return str(state)

    @staticmethod
    def batch(key: str) -> AskBatch | None:
        return AskBatch("b", 0, 1) if key == "k2" else None

    @rule(key=keys, wording=wordings, timeout=st.sampled_from([None, None, None, None, 5.0]))
    def ask(self, key: str, wording: dict[str, Any], timeout: float | None) -> None:
        """A cell is run again, a kernel was restarted, another process asks: it is all the same to the hub."""
        command = self.room.posting("Go on?", question=Ask(key, timeout=timeout, batch=self.batch(key), **wording))
        takeable = [
            each for each in self.known[key]
            if each.state in ("open", "answered") and each.used < (2 if self.batch(key) else 1)
        ]  # fmt: skip
        there = takeable[-1] if takeable else None
        if there and there.state == "open" and there.wording != wording:
            self.room.refuses(QuestionChanged, command)
            return
        message = self.room.do(command).message
        if there and there.wording == wording:
            assert message.id == there.id, "what is open, or answered and not used, is taken up"
        else:
            assert message.id == command.message_id, "what was used, timed out or read otherwise is asked anew"
            self.known[key].append(Known(message.id, wording))

    @rule(key=keys, who=st.sampled_from([ANN, BEN]), value=st.sampled_from(["yes", "no"]))
    def answer(self, key: str, who: str, value: str) -> None:
        there = self.newest(key)
        if there is None or there.used:  # or Hypothesis seldom gets as far as what is to be seen here
            self.ask(key, {}, None)
            there = self.newest(key)
        assert there
        command = c.Close(who, ROOM, there.id, self.room.new_id(), value)
        if there.state != "open":
            self.room.refuses(AlreadyClosed, command)
            return
        self.room.do(command)
        there.state = self.state_of(there)

    @rule(key=keys, process=st.integers(0, 2))
    def take(self, key: str, process: int) -> None:
        """A process of the asker takes the answer, by a client_id of its own each time."""
        there = self.newest(key)
        if there is None:
            return
        self.takes += 1
        command = c.ConsumeAnswer(BOT, ROOM, there.id, client_id=f"{process} {self.takes}")
        if there.state == "open":
            self.room.refuses(NotFound, command)
        elif there.used > (1 if self.batch(key) else 0):
            self.room.refuses(AlreadyUsed, command)
        else:
            self.room.do(command)
            self.room.do(command)  # its reply was lost
            there.used = 1
            if not self.batch(key):
                assert there.id not in self.given, "an answer is given out once"
                self.given[there.id] = f"{process}"

    @rule(key=keys, who=st.sampled_from([ANN, BEN]))
    def take_back(self, key: str, who: str) -> None:
        there = self.newest(key)
        if there is None or there.state != "answered":
            return
        ((by_id,),) = self.room.query("SELECT json_extract(closing, '$.by_id') FROM questions WHERE message_id = ?", there.id)
        command = c.Reopen(who, ROOM, there.id, self.room.new_id())
        if by_id != who:
            self.room.refuses(Forbidden, command)
        elif there.used:
            self.room.refuses(AlreadyUsed, command)
        else:
            try:
                self.room.do(command)
            except ChatError as refusal:
                assert "was over" in refusal.message  # noqa: PT017 (either is right, and the clock says which)
            else:
                there.state = "open"

    @rule(seconds=st.sampled_from([1.0, 5.0]), key=keys)
    def time_goes_by(self, seconds: float, key: str) -> None:
        self.room.now += seconds
        there = self.newest(key)
        if there is not None:
            self.room.do(c.Expire(c.HUB, ROOM, there.id, self.room.new_id()))
            there.state = self.state_of(there)

    @rule()
    def finish_the_batch(self) -> None:
        if not self.known["k2"]:
            self.room.refuses(NotFound, c.EndBatch(BOT, ROOM, "b"))
            return
        self.room.do(c.EndBatch(BOT, ROOM, "b"))
        for each in self.known["k2"]:
            if each.state != "open":
                each.used = 2


TestKeys = Keys.TestCase
TestKeys.settings = settings(
    max_examples=50, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
