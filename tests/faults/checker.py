"""The checker: what everybody sent and saw, and what stands in the log at the end, against the promises of contract.md §5.

It knows nothing of the hub. A history is written down by who lived it (`crowd.py`), so a hub that lies to one of them is found
out by what it told the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Json = Any


@dataclass(slots=True)
class Attempt:
    """One message that somebody sent, however often. ``acks``: every (message id, seq) that was told for it."""

    client_id: str
    content: str
    parent_id: str | None = None
    question: bool = False
    acks: list[tuple[str, int]] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Change:
    """An edit by the author of a message, or its deletion (``content`` is empty)."""

    message_id: str
    content: str
    confirmed: bool = False


@dataclass(slots=True)
class Closing:
    """Somebody tried to close a question. ``won``: the ids of closing messages told; ``lost_to``: the ids of who was first."""

    question_id: str
    client_id: str | None
    won: list[str] = field(default_factory=list)
    lost_to: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Sender:
    """What one participant did over one door, in its order."""

    participant_id: str
    attempts: list[Attempt] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)


@dataclass(slots=True)
class Came:
    """A reader came, or came back, with this cursor."""

    cursor: int


@dataclass(slots=True)
class Reader:
    """What one reader saw, in its order: `Came`, then frames as they were received.

    Args:
        whole: gets edits and deletions too (WebSocket, SSE), and was there until the end of the log.
    """

    name: str
    whole: bool = True
    seen: list[Came | Json] = field(default_factory=list)

    def messages(self) -> Iterator[Json]:
        return (frame["message"] for frame in self.seen if not isinstance(frame, Came) and frame["type"] == "new_message")


def came_to(seen: Came | Json) -> int:
    """The cursor after it."""
    if isinstance(seen, Came):
        return seen.cursor
    return int(seen["message"]["seq"] if seen["type"] == "new_message" else seen["seq"])


FIXED = ("id", "seq", "author_id", "client_id", "parent_id", "lamport", "created_at", "closes")
"""What nobody may change about a message once it is there."""


def check(log: Reader, senders: Iterable[Sender], readers: Iterable[Reader]) -> list[str]:
    """What was broken, in words; nothing if every promise was kept.

    Args:
        log: a reader who came after everything, with the cursor 0.
    """
    senders = list(senders)
    stored = {message["id"]: message for message in log.messages()}
    broken = [*_the_log(log, stored), *_who_sent(senders, stored), *_what_became(senders, log), *_closings(senders, stored)]
    for reader in [log, *readers]:
        broken += [f"{reader.name}: {fault}" for fault in _who_read(reader, stored, _contents(senders))]
    return broken


def _the_log(log: Reader, stored: dict[str, Json]) -> Iterator[str]:
    """Promises 2 and 3 in the log itself: one order, each client_id once, causes before effects, clocks that rise."""
    listed = list(log.messages())
    by_client_id: dict[tuple[str, str], str] = {}
    for before, message in zip([None, *listed], listed, strict=False):
        if before and before["seq"] >= message["seq"]:
            yield f"{message['id']} stands at {message['seq']}, behind {before['seq']}: out of order"
        if before and before["created_at"] > message["created_at"]:
            yield f"{message['id']} is of {message['created_at']}, earlier than the one before it"
        if message.get("client_id"):
            first = by_client_id.setdefault((message["author_id"], message["client_id"]), message["id"])
            if first != message["id"]:
                yield f"{message['client_id']} of {message['author_id']} is there twice: {first}, {message['id']}"
        parent = stored.get(message.get("parent_id") or message["id"])
        if parent is None:
            yield f"{message['id']} answers {message['parent_id']}, which is not in the log"
        elif parent is not message and parent["seq"] >= message["seq"]:
            yield f"{message['id']} comes before {parent['id']}, which it answers"
        elif parent is not message and not (parent.get("lamport") or 0) < (message.get("lamport") or 0):
            yield f"the clock of {message['id']} ({message.get('lamport')}) is not above its parent's ({parent.get('lamport')})"
    if len(stored) != len(listed):
        yield f"the log holds {len(listed) - len(stored)} messages twice"


def _who_sent(senders: list[Sender], stored: dict[str, Json]) -> Iterator[str]:
    """Promises 1 and 3: what was acknowledged is there, as it was said and where it was told; all in its sender's order."""
    found = {(message["author_id"], message.get("client_id")): message for message in stored.values()}
    for sender in senders:
        last = 0
        for attempt in sender.attempts:
            message = found.get((sender.participant_id, attempt.client_id))
            if message is None:
                if attempt.acks:
                    yield f"{attempt.client_id} was acknowledged as {attempt.acks[0]}, and is lost"
                continue
            if any(ack != (message["id"], message["seq"]) for ack in attempt.acks):
                yield f"{attempt.client_id} is {message['id']} at {message['seq']}, but was told as {attempt.acks}"
            if message.get("parent_id") != attempt.parent_id:
                yield f"{attempt.client_id} answers {message.get('parent_id')}, and was sent to answer {attempt.parent_id}"
            # What was refused for a time was sent again later, behind what had been under way with it.
            if not attempt.refusals:
                if message["seq"] < last:
                    yield f"{attempt.client_id} overtook what the same sender had sent before"
                last = message["seq"]


def _contents(senders: list[Sender]) -> dict[str, set[str]]:
    """By message id, all that it may ever have read."""
    contents: dict[str, set[str]] = {}
    for sender in senders:
        for attempt in sender.attempts:
            for message_id, _ in attempt.acks:
                contents.setdefault(message_id, set()).add(attempt.content)
        for change in sender.changes:
            contents.setdefault(change.message_id, set()).add(change.content)
    return contents


def _what_became(senders: list[Sender], log: Reader) -> Iterator[str]:
    """The last confirmed change of a message holds, or one that its author sent later and heard nothing of."""
    at_the_end: dict[str, str] = {}
    for frame in log.seen:
        if isinstance(frame, Came):
            continue
        if frame["type"] == "message_deleted":
            at_the_end[frame["message_id"]] = ""
        else:
            at_the_end[frame["message"]["id"]] = frame["message"]["content"]
    for sender in senders:
        possible = {id_: {attempt.content} for attempt in sender.attempts for id_, _ in attempt.acks}
        for change in sender.changes:
            if change.confirmed:
                possible[change.message_id] = set()
            possible.setdefault(change.message_id, set()).add(change.content)
        for message_id, contents in possible.items():
            if message_id in at_the_end and at_the_end[message_id] not in contents:
                yield f"{message_id} reads {at_the_end[message_id]!r}, and should be one of {contents}"


def _closings(senders: list[Sender], stored: dict[str, Json]) -> Iterator[str]:
    """Promise 6: a question closes once, the winner is in the log, the losers were told who that is."""
    closed: dict[str, Json] = {}
    for message in stored.values():
        if "closes" in message:
            closes: Json = message["closes"]
            first: Json = closed.setdefault(closes["question_id"], message)
            if first is not message:
                yield f"{closes['question_id']} was closed twice: by {first['id']} and {message['id']}"
    for sender in senders:
        for closing in sender.closings:
            winner = closed.get(closing.question_id)
            if (closing.won or closing.lost_to) and winner is None:
                yield f"{closing.question_id} was told closed, and no closing is in the log"
            elif winner and any(won != winner["id"] for won in closing.won):
                yield f"{sender.participant_id} was told to have closed {closing.question_id}, but {winner['id']} did"
            elif winner and any(who != winner["author_id"] for who in closing.lost_to):
                yield f"{sender.participant_id} was told that {closing.lost_to} closed it, but {winner['author_id']} did"
            if closing.won and closing.lost_to:
                yield f"{sender.participant_id} was told first one and then the other about {closing.question_id}"


def _who_read(reader: Reader, stored: dict[str, Json], contents: dict[str, set[str]]) -> Iterator[str]:
    """Promises 2 and 4: this reader saw the log's order, without a gap, without a double, and nothing that was not there."""
    cursor = 0
    for frame in reader.seen:
        if isinstance(frame, Came):
            if frame.cursor > cursor and cursor:
                yield f"came back with {frame.cursor}, past what it had seen ({cursor})"
            cursor = frame.cursor
            continue
        message = frame.get("message")
        seq = came_to(frame)
        if seq <= cursor:
            yield f"{frame['type']} at {seq} again, or late: the cursor was at {cursor}"
        # A change that was changed again is not replayed: so what stands before may lie before the cursor.
        if frame["type"] == "new_message" and message.get("prev_seq", cursor) > cursor:
            yield f"a gap: {message['id']} follows {message['prev_seq']}, and the cursor was at {cursor}"
        if message:
            yield from _as_stored(message, stored, contents)
        cursor = max(cursor, seq)
    yield from _all_of_it(reader, stored, contents)


def _all_of_it(reader: Reader, stored: dict[str, Json], contents: dict[str, set[str]]) -> Iterator[str]:
    first = next((came.cursor for came in reader.seen if isinstance(came, Came)), 0)
    seen = [message["id"] for message in reader.messages()]
    known = set(seen)
    due = [id_ for id_, message in stored.items() if message["seq"] > first]
    if not reader.whole:  # a page leaves out what was deleted meanwhile
        due = [id_ for id_ in due if id_ in known or "" not in contents.get(id_, ())]
    if seen != due:
        missed = [id_ for id_ in due if id_ not in known]
        yield f"saw {len(seen)} messages of {len(due)}: missed {missed[:5]}" if missed else "saw another order than the log's"
    last_edit: dict[str, str] = {}
    for frame in reader.seen:
        if not isinstance(frame, Came) and frame["type"] == "message_updated":
            # Every edit has words of its own (crowd.py), so the same ones twice are one edit applied twice.
            id_, words = frame["message"]["id"], frame["message"]["content"]
            if last_edit.get(id_) == words:
                yield f"an edit of {id_} was applied twice"
            last_edit[id_] = words


def _as_stored(message: Json, stored: dict[str, Json], contents: dict[str, set[str]]) -> Iterator[str]:
    truth = stored.get(message["id"])
    if truth is None:
        yield f"{message['id']} was shown, and is not in the log"
        return
    for name in FIXED:
        if message.get(name) != truth.get(name):
            yield f"{name} of {message['id']} is {message.get(name)!r}, in the log {truth.get(name)!r}"
    if message["id"] in contents and message["content"] not in contents[message["id"]]:
        yield f"{message['id']} read {message['content']!r}, which nobody said"
