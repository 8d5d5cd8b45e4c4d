"""What a channel is, said once more and simply: dictionaries and lists, no SQL, nothing of the package but its words.

It is slow and naive on purpose. `test_model.py` compares the state machine with it, step by step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

LEAP = 2**40
"""How far a sender's clock may be ahead of the channel's."""


class Refusal(Exception):
    """The code that the refusal should have."""


@dataclass
class Seat:
    kind: str
    name: str
    role: str
    read_seq: int = 0


@dataclass
class Asked:
    key: str
    choices: list[str] | None
    to: list[str] | None
    default: Any
    deadline: float | None
    quorum: int = 1
    batch: str | None = None
    timeout: float | None = None
    asked_to: list[str] | None = None
    votes: dict[str, str] = field(default_factory=dict)
    state: str = "open"
    by: str | None = None
    consumed: int = 0
    """1: taken, 2: and its batch is finished."""


@dataclass
class Said:
    id: str
    seq: int
    author: str
    content: str
    lamport: int
    at: float
    parent: str | None = None
    client_id: str | None = None
    asked: Asked | None = None
    closes: tuple[str, str] | None = None
    edited: bool = False
    deleted: bool = False
    changed_seq: int | None = None


@dataclass
class Invited:
    until: float
    left: int


@dataclass
class Channel:
    members: dict[str, Seat]
    log: list[Said] = field(default_factory=list)
    invites: dict[str, Invited] = field(default_factory=dict)
    archived: bool = False
    archived_by: str = ""
    last_seq: int = 0
    clock: int = 0
    receipts: dict[tuple[str, str], tuple[str, float, Any]] = field(default_factory=dict)
    """(actor, client_id) → what it was about, until when it holds, what it gave."""

    # ------------------------------------------------------------------ small questions

    def seat(self, who: str) -> Seat:
        if who not in self.members:
            raise Refusal("channel_not_found")
        return self.members[who]

    def owner(self, who: str) -> None:
        if self.seat(who).role != "owner":
            raise Refusal("forbidden")

    def writer(self, who: str) -> Seat:
        seat = self.seat(who)
        if seat.role == "observer" or self.archived:
            raise Refusal("forbidden")
        return seat

    def find(self, id_: str | None) -> Said | None:
        return next((said for said in self.log if said.id == id_), None)

    def question(self, id_: str) -> Said:
        said = self.find(id_)
        if said is None:
            raise Refusal("not_found")
        if said.asked is None:
            raise Refusal("not_a_question")
        return said

    def may_answer(self, who: str, question: Said) -> bool:
        assert question.asked
        return who != question.author and self.is_asked(self.seat(who), question.asked.to)

    @staticmethod
    def is_asked(seat: Seat, to: list[str] | None) -> bool:
        if seat.role == "observer":
            return False
        if not to:
            return seat.kind == "human"
        names = {name.lstrip("@").lower() for name in to}
        return seat.name.lower() in names - {"owner", "member", "observer"} or (seat.kind == "human" and seat.role in names)

    def check_people(self, asker: str, to: list[str] | None, quorum: int, at: float, voted: int = 0) -> None:
        """Everybody in ``to`` is there, and they are enough."""
        others = [seat for who, seat in self.members.items() if who != asker and seat.role != "observer"]
        known = {seat.name.lower() for seat in others} | {"owner", "member"}
        if any(name.lstrip("@").lower() not in known for name in to or []):
            raise Refusal("invalid_request")
        there = voted + sum(self.is_asked(seat, to) for seat in others)
        if not to or "member" in to:
            there += sum(invite.left for invite in self.invites.values() if invite.until > at)
        if (not to or "owner" in to) and not any(m.kind == "human" and m.role == "owner" for m in self.members.values()):
            there += 1
        if quorum > max(1, there):
            raise Refusal("invalid_request")

    # ------------------------------------------------------------------ what happens

    def add(self, said: Said) -> Said:
        said.lamport = said.lamport or self.clock + 1
        self.clock = max(self.clock, said.lamport)
        self.last_seq = said.seq
        self.log.append(said)
        return said

    def post(self, who: str, said: Said, ask: Asked | None, timeout: float | None) -> tuple[str, bool]:
        """(the message's id, whether it is new). ``said.lamport`` is the sender's clock, 0 for none."""
        self.writer(who)
        if not said.content.strip():
            raise Refusal("empty_message")
        if said.lamport > self.clock + LEAP:
            raise Refusal("invalid_request")
        parent = self.find(said.parent)
        if said.parent and parent is None:
            raise Refusal("invalid_request")
        if ask:
            if ask.default is not None and ask.choices and ask.default not in ask.choices:
                raise Refusal("invalid_request")
            if known := self.take_up(who, said, ask, timeout):
                return known.id, False
            self.check_people(who, ask.to, ask.quorum, said.at)
            ask.deadline = None if timeout is None else said.at + timeout
            ask.timeout, ask.asked_to = timeout, ask.to
            said.asked = ask
        if said.lamport and parent:
            said.lamport = max(said.lamport, parent.lamport + 1)
        return self.add(said).id, True

    def take_up(self, who: str, said: Said, ask: Asked, timeout: float | None) -> Said | None:
        earlier = [
            old for old in self.log
            if old.asked and old.author == who and old.asked.key == ask.key
            and old.asked.consumed < (2 if old.asked.batch else 1)
            and old.asked.state in {"open", "answered", "default"}
        ]  # fmt: skip
        if not earlier:
            return None
        old = earlier[-1]
        assert old.asked
        before = (old.content, old.asked.choices, old.asked.asked_to, old.asked.quorum)
        if before != (said.content, ask.choices, ask.to, ask.quorum):
            if old.asked.state == "open":
                raise Refusal("question_changed")
            return None
        if old.asked.state == "open":
            deadline, default = old.asked.deadline, ask.default if ask.default is not None else old.asked.default
            if timeout is not None and timeout != old.asked.timeout:
                old.asked.timeout, deadline = timeout, said.at + timeout
            if (deadline, default) != (old.asked.deadline, old.asked.default):
                old.asked.deadline, old.asked.default = deadline, default
                old.changed_seq = self.last_seq = said.seq
        return old

    def own(self, who: str, id_: str) -> Said:
        self.writer(who)
        said = self.find(id_)
        if said is None or said.deleted:
            raise Refusal("not_found")
        if said.author != who:
            raise Refusal("forbidden")
        if said.asked or said.closes:
            raise Refusal("invalid_request")
        return said

    def edit(self, who: str, id_: str, content: str, seq: int) -> str:
        if not content.strip():
            raise Refusal("empty_message")
        said = self.own(who, id_)
        said.content, said.edited = content, True
        said.changed_seq = self.last_seq = seq
        return id_

    def delete(self, who: str, id_: str, seq: int) -> None:
        said = self.own(who, id_)
        said.content, said.deleted = "", True
        said.changed_seq = self.last_seq = seq

    def _close(self, question: Said, outcome: str, closing: Said) -> tuple[str, bool]:
        assert question.asked
        question.asked.state, question.asked.by = outcome, closing.author
        closing.parent, closing.closes = question.id, (question.id, outcome)
        return self.add(closing).id, True

    def answer(self, who: str, id_: str, value: str, closing: Said) -> tuple[str, bool]:
        self.seat(who)
        if self.archived:
            raise Refusal("forbidden")
        question = self.question(id_)
        assert question.asked
        if not self.may_answer(who, question):
            raise Refusal("forbidden")
        if question.asked.state != "open":
            raise Refusal("already_closed")
        if value not in question.asked.choices if question.asked.choices else not value.strip():
            raise Refusal("invalid_answer")
        if question.asked.quorum > 1:
            question.asked.votes[who] = value
            if sum(vote == value for vote in question.asked.votes.values()) < question.asked.quorum:
                question.changed_seq = self.last_seq = closing.seq
                return question.id, False
        return self._close(question, "answered", closing)

    def reopen(self, who: str, id_: str, opening: Said) -> tuple[str, bool]:
        self.writer(who)
        question = self.question(id_)
        asked = question.asked
        assert asked
        if asked.state == "open":
            raise Refusal("conflict")
        if asked.state != "answered" or asked.by != who:
            raise Refusal("forbidden")
        if asked.consumed:
            raise Refusal("already_used")
        if asked.deadline is not None and asked.deadline <= opening.at + 1e-6:
            raise Refusal("conflict")
        asked.state, asked.by = "open", None
        asked.votes.pop(who, None)
        opening.parent, opening.closes = id_, (id_, "reopened")
        return self.add(opening).id, True

    def hand_on(self, who: str, id_: str, to: list[str], seq: int, at: float) -> tuple[str, bool]:
        self.seat(who)
        if self.archived:
            raise Refusal("forbidden")
        question = self.question(id_)
        asked = question.asked
        assert asked
        if not self.may_answer(who, question):
            raise Refusal("forbidden")
        if asked.state != "open":
            raise Refusal("already_closed")
        voted = [self.members.get(voter) for voter in asked.votes]
        others = sum(voter is None or not self.is_asked(voter, to) for voter in voted)
        self.check_people(question.author, to, asked.quorum, at, others)
        asked.to = to
        question.changed_seq = self.last_seq = seq
        return id_, False

    def end_batch(self, who: str, batch: str) -> None:
        self.seat(who)
        found = [said.asked for said in self.log if said.asked and said.author == who and said.asked.batch == batch]
        if not found:
            raise Refusal("not_found")
        for asked in found:
            if asked.state != "open":
                asked.consumed = 2

    def withdraw(self, who: str, id_: str, closing: Said) -> tuple[str, bool]:
        self.seat(who)
        question = self.question(id_)
        assert question.asked
        if question.author != who:
            raise Refusal("forbidden")
        if question.asked.state != "open":
            raise Refusal("already_closed")
        return self._close(question, "withdrawn", closing)

    def expire(self, id_: str, closing: Said) -> tuple[str, bool] | None:
        question = self.question(id_)
        asked = question.asked
        assert asked
        closing.author = question.author
        if asked.state != "open":
            return None
        if self.archived:
            closing.content = "The channel was archived, so nobody can answer any more."
            if self.archived_by in self.members:
                closing.author = self.archived_by
            return self._close(question, "withdrawn", closing)
        if asked.deadline is None or asked.deadline > closing.at + 1e-6:
            return None
        closing.content = "Nobody answered in time."
        if asked.default is not None:
            closing.content = f"Nobody answered in time, so I go on with: {asked.default}"
        return self._close(question, "timed_out" if asked.default is None else "default", closing)

    def consume(self, who: str, id_: str) -> str:
        self.seat(who)
        question = self.question(id_)
        assert question.asked
        if question.author != who:
            raise Refusal("forbidden")
        if question.asked.state == "open":
            raise Refusal("not_found")
        if question.asked.consumed > (1 if question.asked.batch else 0):
            raise Refusal("already_used")
        question.asked.consumed = 1
        return f"{id_} {question.asked.state}"

    def put(self, who: str, other: str, seat: Seat) -> None:
        self.owner(who)
        if other in self.members:
            self.members[other].role = seat.role
        else:
            self.members[other] = seat

    def drop(self, who: str, other: str) -> None:
        self.seat(who)
        if who != other:
            self.owner(who)
        if other not in self.members:
            raise Refusal("not_found")
        del self.members[other]

    def read(self, who: str, seq: int) -> None:
        seat = self.seat(who)
        seat.read_seq = max(seat.read_seq, min(seq, self.last_seq))

    def join(self, hash_: str, who: str, seat: Seat, at: float) -> None:
        if hash_ not in self.invites:
            raise Refusal("not_found")
        invite, inside = self.invites[hash_], who in self.members
        if (invite.until <= at or invite.left == 0 or self.archived) and not inside:
            raise Refusal("invite_gone")
        if inside:
            return
        if any(member.name.lower() == seat.name.lower() for member in self.members.values()):
            raise Refusal("name_taken")
        invite.left -= 1
        self.members[who] = seat
