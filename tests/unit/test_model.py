"""The state machine beside a naive model of it: the same outcome or refusal, and the same to read, after every step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec import UNSET

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import NewMember
from jupyter_agentchat.errors import ChatError
from jupyter_agentchat.protocol import Ask, AskBatch, Closing, Message, MessageDeleted, MessageUpdated, Participant, timestamp
from jupyter_agentchat.state import read, receipts
from tests.unit.machine import ANN, BEN, BOT, EVE, ROOM, WATCHER, Room
from tests.unit.model import Asked, Channel, Invited, Refusal, Said, Seat

WINDOW = 5.0
NAMES = {
    BOT: ("agent", "bot"),
    ANN: ("human", "Ann"),
    BEN: ("human", "Ben"),
    WATCHER: ("human", "Watcher"),
    EVE: ("agent", "Eve"),
}

people = st.sampled_from([BOT, BOT, BOT, ANN, ANN, BEN, WATCHER, EVE])
client_ids = st.sampled_from([None, None, "c1", "c2"])
NOWHERE = 9
places = st.integers(0, NOWHERE)
"""Which message is meant, counted from the newest: old ones soon matter to nobody."""
contents = st.sampled_from(["hello", "hello", "go on?", "go on?", " "])
asks = st.builds(
    lambda key, choices, to, default, quorum, batch: (key, choices, to, default, quorum, batch),
    st.sampled_from(["k1", "k2"]), st.sampled_from([None, ["yes", "no"]]),
    st.sampled_from([None, None, ["@ann", "Ben"], ["@bot", "Eve"], ["owner"]]),
    st.sampled_from([None, None, "yes", "yes", "other"]), st.sampled_from([1, 1, 2, 4]),
    st.sampled_from([None, None, "b1", "b2"]),
)  # fmt: skip
roles = st.sampled_from(["owner", "member", "observer"])

SHOWN = (c.Post, c.Close, c.Withdraw, c.Edit, c.Reopen, c.HandOn, c.ConsumeAnswer)
"""What gives a message as it is now, also when sent again: to members only."""


class Conversation(RuleBasedStateMachine):
    """One channel, and everybody who may or may not do something in it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.room = Room(Path(self.folder.name) / "a.db")
        self.model = Channel({
            BOT: Seat(*NAMES[BOT], "owner"), ANN: Seat(*NAMES[ANN], "member"),
            BEN: Seat(*NAMES[BEN], "member"), WATCHER: Seat(*NAMES[WATCHER], "observer"),
        })  # fmt: skip

    def teardown(self) -> None:
        self.room.db.close()
        self.folder.cleanup()

    # ------------------------------------------------------------------ one step on both

    def both(self, command: c.AnyCommand, about: str, client_id: str | None, modelled: Callable[[], Any]) -> None:
        """``about``: what a client_id stands for; another command under the same one is a conflict."""
        command.client_id, command.window = client_id, WINDOW
        known = self.model.receipts.get((command.actor, client_id)) if client_id else None
        if known and known[1] > self.room.now + 1e-6:
            expected = self.told_again(command, known[2]) if known[0] == about else Refusal("conflict")
        else:
            try:
                expected = modelled()
            except Refusal as refusal:
                expected = refusal
            else:
                if client_id:
                    self.model.receipts[command.actor, client_id] = about, self.room.now + WINDOW, expected
        try:
            outcome = self.room.do(command)
        except ChatError as refusal:
            outcome = refusal
        if isinstance(outcome, ChatError) or isinstance(expected, Refusal):
            assert getattr(outcome, "code", outcome) == str(expected), (outcome, expected)
        elif isinstance(outcome, c.Posted):
            assert (outcome.message.id, outcome.created) == expected
        elif isinstance(outcome, Message):
            assert outcome.id == expected
        elif isinstance(outcome, Closing):
            assert f"{outcome.question_id} {outcome.outcome}" == expected
        else:
            assert outcome == expected

    def told_again(self, command: c.AnyCommand, first: Any) -> Any:
        if isinstance(command, SHOWN) and command.actor not in self.model.members:
            return Refusal("channel_not_found")
        return (first[0], False) if isinstance(first, tuple) else first

    @property
    def seq(self) -> int:
        """Where the next command will stand."""
        return self.room.seqs[ROOM] + 1

    def at(self, place: int, *, asked: bool = False) -> str:
        """The id of a message, of a question if so wished; or of none."""
        found = [said.id for said in self.model.log if said.asked or not asked]
        return found[-1 - place % len(found)] if found and place != NOWHERE else "msg_nowhere"

    def said(self, who: str, content: str, **fields: Any) -> Said:
        return Said(self.room.new_id(), self.seq, who, content, 0, self.room.now, **fields)

    # ------------------------------------------------------------------ the steps

    @rule(seconds=st.sampled_from([0.001, 1.0, WINDOW, 11.0]))
    def time_goes_by(self, seconds: float) -> None:
        self.room.now += seconds

    @rule(
        who=people,
        content=contents,
        parent=st.none() | places,
        lamport=st.sampled_from([0, 0, 3, 40, 2**41]),
        client_id=client_ids,
    )
    def post(self, who: str, content: str, parent: int | None, lamport: int, client_id: str | None) -> None:
        said = self.said(who, content, parent=None if parent is None else self.at(parent), client_id=client_id)
        said.lamport = lamport
        command = c.Post(who, ROOM, said.id, content, said.parent, lamport or None)
        self.both(command, "post", client_id, lambda: self.model.post(who, said, None, None))

    @rule(who=people, content=contents, ask=asks, timeout=st.sampled_from([None, 2.0, 5.0]), client_id=client_ids)
    def ask(self, who: str, content: str, ask: Any, timeout: float | None, client_id: str | None) -> None:
        key, choices, to, default, quorum, batch = ask
        said = self.said(who, content, client_id=client_id)
        one_of = None if batch is None else AskBatch(batch, 0, 1)
        asked = Ask(key, choices, timeout, UNSET if default is None else default, to, quorum=quorum, batch=one_of)
        command = c.Post(who, ROOM, said.id, content, question=asked)
        modelled = Asked(key, choices, to, default, None, quorum, batch)
        self.both(command, "post", client_id, lambda: self.model.post(who, said, modelled, timeout))

    @rule(who=people, place=places, content=contents, client_id=client_ids)
    def edit(self, who: str, place: int, content: str, client_id: str | None) -> None:
        id_, seq = self.at(place), self.seq
        command = c.Edit(who, ROOM, id_, content)
        self.both(command, f"edit {id_}", client_id, lambda: self.model.edit(who, id_, content, seq))

    @rule(who=people, place=places, client_id=client_ids)
    def delete(self, who: str, place: int, client_id: str | None) -> None:
        id_, seq = self.at(place), self.seq
        self.both(c.Delete(who, ROOM, id_), f"delete {id_}", client_id, lambda: self.model.delete(who, id_, seq))

    @rule(who=people, place=places, value=st.sampled_from(["yes", "yes", "yes", "no", "whatever"]), client_id=client_ids)
    def answer(self, who: str, place: int, value: str, client_id: str | None) -> None:
        id_, said = self.at(place, asked=place > 0), self.said(who, value, client_id=client_id)
        command = c.Close(who, ROOM, id_, said.id, value)
        self.both(command, f"close {id_}", client_id, lambda: self.model.answer(who, id_, value, said))

    @rule(who=people, place=places, client_id=client_ids)
    def withdraw(self, who: str, place: int, client_id: str | None) -> None:
        id_, said = self.at(place, asked=place > 0), self.said(who, "I take this question back.")
        command = c.Withdraw(who, ROOM, id_, said.id)
        self.both(command, f"withdraw {id_}", client_id, lambda: self.model.withdraw(who, id_, said))

    @rule(place=places)
    def expire(self, place: int) -> None:
        id_, said = self.at(place, asked=place > 0), self.said("hub", "Nobody answered in time.")
        self.both(c.Expire(c.HUB, ROOM, id_, said.id), f"expire {id_}", None, lambda: self.model.expire(id_, said))

    @rule(who=people, place=places, client_id=client_ids)
    def consume(self, who: str, place: int, client_id: str | None) -> None:
        id_ = self.at(place, asked=place > 0)
        self.both(c.ConsumeAnswer(who, ROOM, id_), f"consume {id_}", client_id, lambda: self.model.consume(who, id_))

    @rule(who=people, place=places, client_id=client_ids)
    def reopen(self, who: str, place: int, client_id: str | None) -> None:
        id_, said = self.at(place, asked=place > 0), self.said(who, "I take my answer back.", client_id=client_id)
        command = c.Reopen(who, ROOM, id_, said.id)
        self.both(command, f"reopen {id_}", client_id, lambda: self.model.reopen(who, id_, said))

    @rule(who=people, place=places, to=st.sampled_from([["@ann"], ["@ben", "@bot"], ["member"]]), client_id=client_ids)
    def hand_on(self, who: str, place: int, to: list[str], client_id: str | None) -> None:
        id_, seq, now = self.at(place, asked=place > 0), self.seq, self.room.now
        command = c.HandOn(who, ROOM, id_, to)
        self.both(command, f"hand_on {id_}", client_id, lambda: self.model.hand_on(who, id_, to, seq, now))

    @rule(who=people, batch=st.sampled_from(["b1", "b2"]), client_id=client_ids)
    def end_batch(self, who: str, batch: str, client_id: str | None) -> None:
        command = c.EndBatch(who, ROOM, batch)
        self.both(command, f"end_batch {batch}", client_id, lambda: self.model.end_batch(who, batch))

    @rule(who=people, seq=st.integers(0, 60))
    def read_up_to(self, who: str, seq: int) -> None:
        self.both(c.Read(who, ROOM, seq), "read", None, lambda: self.model.read(who, seq))

    @rule(who=st.sampled_from([BOT, ANN]), other=people, role=roles, client_id=client_ids)
    def put_member(self, who: str, other: str, role: Any, client_id: str | None) -> None:
        kind, name = NAMES[other]
        command = c.PutMember(who, ROOM, NewMember(other, kind, name, role))  # type: ignore[arg-type] # a Kind
        self.both(command, "put_member", client_id, lambda: self.model.put(who, other, Seat(kind, name, role)))

    @rule(who=people, other=st.sampled_from([ANN, BEN, EVE]), client_id=client_ids)
    def drop_member(self, who: str, other: str, client_id: str | None) -> None:
        command = c.DropMember(who, ROOM, other)
        self.both(command, f"drop_member {other}", client_id, lambda: self.model.drop(who, other))

    @rule(who=st.sampled_from([BOT, ANN]), archived=st.sampled_from([True, False, False, False]))
    def archive(self, who: str, archived: bool) -> None:
        def modelled() -> None:
            self.model.owner(who)
            self.model.archived = archived
            self.model.archived_by = who if archived else self.model.archived_by

        self.both(c.ChangeChannel(who, ROOM, archived=archived), "change_channel", None, modelled)

    @rule(who=st.sampled_from([BOT, ANN]), uses=st.integers(1, 2), seconds=st.sampled_from([3.0, 100.0]))
    def invite(self, who: str, uses: int, seconds: float) -> None:
        hash_, until = f"hash {len(self.model.invites)}", self.room.now + seconds

        def modelled() -> None:
            self.model.owner(who)
            self.model.invites[hash_] = Invited(until, uses)

        self.both(c.Invite(who, ROOM, self.room.new_id(), hash_, timestamp(until), uses), "invite", None, modelled)

    @rule(number=st.integers(0, 3), who=people, guest=st.booleans())
    def join(self, number: int, who: str, guest: bool) -> None:
        kind, name = NAMES[who]
        who, now = (f"guest {who}", self.room.now) if guest else (who, self.room.now)  # a guest may choose a name that is taken
        command = c.UseInvite(c.HUB, ROOM, f"hash {number}", NewMember(who, kind, name))  # type: ignore[arg-type] # a Kind
        self.both(command, "use_invite", None, lambda: self.model.join(f"hash {number}", who, Seat(kind, name, "member"), now))

    @rule()
    def forget(self) -> None:
        receipts.sweep(self.room.db, timestamp(self.room.now))

    # ------------------------------------------------------------------ what there is to read

    @initialize(after=st.integers(0, 30))
    def start(self, after: int) -> None:
        self.after = after
        for key in ("k1", "k2"):
            self.ask(BOT, "go on?", (key, ["yes", "no"], None, None, 1, None), None, None)
            self.post(ANN, "hello", None, 0, None)

    @invariant()
    def members_are_the_same(self) -> None:
        found = {m.participant_id: (m.kind, m.name, m.role, m.read_seq) for m in read.members(self.room.db, ROOM)}
        assert found == {who: (m.kind, m.name, m.role, m.read_seq) for who, m in self.model.members.items()}

    @invariant()
    def pages_and_unread_counts_are_the_same(self) -> None:
        for who, seat in self.model.members.items():
            messages, last_seq, more = read.page(self.room.db, ROOM, who, after=self.after, before=None, limit=5)
            expected = [said for said in self.model.log if said.seq > self.after and not said.deleted]
            assert [self.shown(message) for message in messages] == [self.modelled(said) for said in expected[:5]]
            assert (last_seq, more) == (self.model.last_seq, len(expected) > 5)
            unread = [said for said in self.model.log if said.seq > seat.read_seq and said.author != who and not said.deleted]
            assert read.channel(self.room.db, ROOM, who).unread == len(unread)
            open_ = {said.id for said in self.model.log if said.asked and said.asked.state == "open"
                     and self.model.may_answer(who, said)}  # fmt: skip
            reader = Participant(who, seat.kind, seat.name)  # type: ignore[arg-type] # a Kind
            assert {message.id for message in read.open_questions(self.room.db, reader, None)[0]} == open_

    @invariant()
    def the_log_behind_a_cursor_is_the_same(self) -> None:
        entries, _ = read.log_after(self.room.db, ROOM, self.after, 1000)
        told = [(said.seq, "new", said) for said in self.model.log if said.seq > self.after]
        told += [
            (said.changed_seq, "deleted" if said.deleted else "updated", said)
            for said in self.model.log if said.changed_seq is not None and said.changed_seq > self.after
        ]  # fmt: skip
        told.sort(key=lambda entry: entry[0])
        assert [entry.seq for entry in entries] == [seq for seq, _, _ in told]
        for entry, (_, kind, said) in zip(entries, told, strict=True):
            if isinstance(entry.frame, MessageDeleted):
                assert (kind, entry.frame.message_id) == ("deleted", said.id)
            else:
                assert kind == ("updated" if isinstance(entry.frame, MessageUpdated) else "new")
                assert self.shown(entry.frame.message) == self.modelled(said)

    @staticmethod
    def shown(message: Message) -> Any:
        asked = message.question
        closing = asked.closing if asked else None
        return (
            message.id, message.seq, message.author_id, message.content, message.lamport, message.parent_id, message.client_id,
            message.created_at, bool(message.edited_at), bool(message.deleted_at),
            message.closes and (message.closes.question_id, message.closes.outcome),
            asked and (asked.key, asked.state, asked.choices, asked.to, None if asked.default is UNSET else asked.default,
                       asked.deadline_at, closing and closing.by_id, asked.quorum,
                       {vote.by_id: vote.value for vote in asked.votes or ()}),
        )  # fmt: skip

    @staticmethod
    def modelled(said: Said) -> Any:
        asked = said.asked
        return (
            said.id, said.seq, said.author, said.content, said.lamport, said.parent, said.client_id,
            timestamp(said.at), said.edited, said.deleted, said.closes,
            asked and (asked.key, asked.state, asked.choices, asked.to, asked.default,
                       None if asked.deadline is None else timestamp(asked.deadline), asked.by, asked.quorum, asked.votes),
        )  # fmt: skip


TestConversation = Conversation.TestCase
TestConversation.settings = settings(
    max_examples=60, stateful_step_count=80, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
