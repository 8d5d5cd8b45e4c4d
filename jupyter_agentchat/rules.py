"""The rules, as pure checks. ``state`` calls them inside the transaction; a door may call them earlier, never instead."""

from __future__ import annotations

import json
from typing import Any, get_args

from .errors import EmptyMessage, Forbidden, InvalidRequest, MessageTooLarge
from .protocol import MAX_CLOCK, MAX_MESSAGE_BYTES, Kind, Question, Role

MAX_PARTS_BYTES = 4 * MAX_MESSAGE_BYTES
MAX_DEPTH = 64
MAX_LEAP = 2**40
ROLES = frozenset(get_args(Role))


def check_content(content: str) -> None:
    """Raises: EmptyMessage for white space only; MessageTooLarge past 1 MiB of UTF-8; InvalidRequest for what is not text."""
    if not content.strip():
        raise EmptyMessage("The message is empty: give it a content of at least one visible character.")
    try:
        # A character takes at most 4 bytes: most messages need no encoding to be known small enough.
        size = len(content.encode()) if len(content) * 4 > MAX_MESSAGE_BYTES or not content.isascii() else len(content)
    except UnicodeEncodeError as error:
        raise InvalidRequest("The content holds a lone surrogate, which is not text: send valid Unicode.") from error
    if size > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(
            f"The message has {size:,} bytes, the limit is {MAX_MESSAGE_BYTES:,}: post a part of it, or a file.",
            limit_bytes=MAX_MESSAGE_BYTES,
        )


def check_parts(parts: list[dict[str, Any]] | None) -> None:
    """Raises: MessageTooLarge past 4 MiB of JSON; InvalidRequest for more than 64 levels."""
    if parts:
        check_depth(parts, "The message's parts")
    if parts and len(json.dumps(parts)) > MAX_PARTS_BYTES:
        raise MessageTooLarge(
            f"The message's parts exceed {MAX_PARTS_BYTES:,} bytes: post fewer, or smaller ones.", limit_bytes=MAX_PARTS_BYTES
        )


def check_depth(value: Any, what: str) -> None:
    """JSON is read by recursion: what was written where the stack was short must be readable where it is long."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level if node for child in _children(node)]
        if not level:
            return
    raise InvalidRequest(f"{what}: nested deeper than {MAX_DEPTH} levels; send it flatter.")


def _children(node: Any) -> list[Any]:
    return list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []


def check_clock(lamport: int, clock: int) -> None:
    """One message must not use up the clock of a channel. Raises: InvalidRequest."""
    if lamport > clock + MAX_LEAP:
        raise InvalidRequest(
            f"lamport {lamport:,} is far beyond this channel's clock, {clock:,}: send your last known clock + 1, or none."
        )


def tick(lamport: int | None, clock: int, parent: int | None = None) -> int:
    """The logical clock of a message (Lamport 1978): its sender's own where that was sent, else the channel's next. Always
    above that of the message it answers; the clock stops at `MAX_CLOCK`."""
    if lamport is None:
        return min(clock + 1, MAX_CLOCK)
    return lamport if parent is None else min(max(lamport, parent + 1), MAX_CLOCK)


def check_may_write(role: Role) -> None:
    if role == "observer":
        raise Forbidden("An observer of this channel reads only: ask an owner for the role of a member.")


def check_may_manage(role: Role, what: str) -> None:
    if role != "owner":
        raise Forbidden(f"Only an owner of this channel may {what}.")


def check_may_answer(question: Question, asker_id: str, participant_id: str, kind: Kind, name: str, role: Role) -> None:
    """Humans answer what is put to everybody; who is named in ``to`` (or has that role) answers what is put to them; who asks
    answers nothing."""
    check_may_write(role)
    if participant_id == asker_id:
        raise Forbidden("Who asks a question does not answer it: withdraw it instead.")
    if is_named(question.to, kind, name, role):
        return
    if question.to:
        raise Forbidden(f"This question was put to {', '.join(question.to)}, not to {name}.")
    if kind == "agent" and not is_named(escalated_to(question), kind, name, role):
        raise Forbidden("An agent answers only a question that was put to it by name (to=).")


def check_may_hand_on(question: Question, asker_id: str, participant_id: str, kind: Kind, name: str, role: Role) -> None:
    """Who may answer; and a human who owns the channel, whoever it was put to: else a guest could hand it to somebody who never
    answers, or is gone, and nobody could get it back."""
    if kind == "human" and role == "owner" and participant_id != asker_id:
        return
    check_may_answer(question, asker_id, participant_id, kind, name, role)


def is_named(to: list[str] | None, kind: Kind, name: str, role: Role) -> bool:
    """By name, or a human by the word for their role."""
    asked = {bare(who) for who in to or ()}
    # Who merely calls themself "owner" is not meant by a question to the owner.
    return name.casefold() in asked - ROLES or (kind == "human" and role in asked)


def escalated_to(question: Question) -> list[str]:
    """Whom the escalations name that have happened."""
    return [each.to for each in question.escalate or () if each.at is not None]


def bare(name: str) -> str:
    """A name as names are compared: ``@Ann`` is ``ann``."""
    return name.removeprefix("@").casefold()


def check_may_steer(kind: Kind, role: Role) -> None:
    """Humans who may write steer a channel's agents; an agent only where it owns the channel."""
    check_may_write(role)
    if kind == "agent" and role != "owner":
        raise Forbidden("An agent steers others only in a channel that it owns: ask a human of this channel.")
