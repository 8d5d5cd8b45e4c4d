"""What of a message is drawn in a transcript, before it becomes html or Markdown: parts, questions, answers, as blocks.

Everything here is data: a block says what a text is (Markdown, code, a line), the renderers see to it that nothing in it is
obeyed. ``text/html`` is never drawn; its part's ``text/plain`` is.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any, Union

from msgspec import UNSET

from ..protocol import Approval, Closing, Message, Question
from .tables import TABLE_MIME

ROWS = 30
"""How many rows of a table stand in a notebook's output."""
PICTURE = 1024 * 1024
"""Bytes of a picture that stand there; a larger one is only named."""
TEXT = 10_000
"""Characters of a text beside a message."""
ANSWERS = 200
"""How many of a batch are told one by one."""
RUN_MIME = "application/vnd.agentchat.run+json"


@dataclass(frozen=True)
class Markdown:
    text: str


@dataclass(frozen=True)
class Code:
    text: str


@dataclass(frozen=True)
class Line:
    """Plain words, with what matters most in them at their end."""

    text: str
    strong: str = ""


@dataclass(frozen=True)
class Options:
    """Choices, and which of them were taken."""

    choices: list[str]
    taken: list[str]


@dataclass(frozen=True)
class Table:
    head: list[str]
    rows: list[list[str]]
    right: list[bool] = field(default_factory=list)
    """Which columns hold numbers."""
    caption: str = ""


@dataclass(frozen=True)
class Picture:
    mime: str
    content: bytes
    name: str


Block = Union[Markdown, Code, Line, Options, Table, Picture]


# ------------------------------------------------------------------------------------------------ parts


def parts(message: Message) -> list[Block]:
    """What is shown beside a message."""
    found: list[Block] = []
    for part in message.parts or ():
        data = part.get("data")
        if isinstance(data, dict):
            found += _part(data, str(part.get("name") or ""))
    return found


def _part(data: dict[str, Any], name: str) -> list[Block]:
    if RUN_MIME in data:
        run = data[RUN_MIME]
        trace = run.get("traceback") if isinstance(run, dict) else None
        return [Code(_cut(str(trace)))] if trace else []  # the rest is the message's own words
    block = _table(data.get(TABLE_MIME), name) or _picture(data, name) or _text(data)
    if block is None:
        return []
    caption: list[Block] = [Line(name)] if name and not isinstance(block, (Table, Picture)) else []
    return [*caption, block]


def _table(table: Any, name: str) -> Table | None:
    if not isinstance(table, dict) or not isinstance(table.get("rows"), list) or not isinstance(table.get("columns"), list):
        return None
    index = table.get("index") if isinstance(table.get("index"), list) else None
    numeric = table.get("numeric") if isinstance(table.get("numeric"), list) else []
    rows = [[str(cell) for cell in row] for row in table["rows"][:ROWS] if isinstance(row, list)]
    head = [str(each) for each in table["columns"]]
    right = [bool(each) for each in numeric or ()]
    if index is not None:
        head, right = ["", *head], [False, *right]
        rows = [[str(index[place]) if place < len(index) else "", *row] for place, row in enumerate(rows)]
    shape = table.get("shape")
    caption = name
    if isinstance(shape, list) and len(shape) == 2 and all(isinstance(size, int) for size in shape):
        cut = shape[0] > len(rows) or shape[1] > len(table["columns"])
        whole = f"{shape[0]:,} × {shape[1]:,}"
        caption = name if whole in name else f"{name or 'table'}, {whole}"
        caption += f": the first {len(rows)} rows" if cut else ""
    return Table(head, rows, right, caption)


def _picture(data: dict[str, Any], name: str) -> Block | None:
    for mime in ("image/png", "image/jpeg", "image/webp", "image/gif"):
        if isinstance(data.get(mime), str):
            try:
                content = base64.b64decode(data[mime], validate=False)
            except (binascii.Error, ValueError):
                return Line(f"{name or 'picture'}: it cannot be read.")
            return _small(Picture(mime, content, name or str(data.get("text/plain") or "picture")))
    if isinstance(data.get("image/svg+xml"), str):
        return _small(Picture("image/svg+xml", data["image/svg+xml"].encode(errors="replace"), name or "picture"))
    return None


def _small(picture: Picture) -> Block:
    if len(picture.content) <= PICTURE:
        return picture
    return Line(f"{picture.name}: {len(picture.content):,} bytes, too large for a notebook's output; it is in the chat.")


def _text(data: dict[str, Any]) -> Block | None:
    for mime in ("text/x-diff", "text/markdown", "application/json", "text/plain"):
        if mime in data:
            given = data[mime]
            text = given if isinstance(given, str) and mime != "application/json" else _json(given)
            return Markdown(_cut(text)) if mime == "text/markdown" else Code(_cut(text))
    return None


# ------------------------------------------------------------------------------------------------ questions


def question(message: Message) -> list[Block]:
    """What was asked, how it stands, and the answer."""
    asked = message.question
    assert asked is not None
    closing = asked.closing
    value = UNSET if closing is None else closing.value
    found: list[Block] = []
    if asked.approval is not None:
        found += _arguments(asked.approval, value)
    if asked.choices:
        taken = value if isinstance(value, list) else [value]
        found.append(Options(asked.choices, [each for each in taken if isinstance(each, str)]))
    found += [Line(told) for told in _meanwhile(asked)]
    told = outcome(asked)
    if asked.kind == "secret" and closing is not None and closing.outcome in ("answered", "escalated"):
        found.append(Line(f"{told}: a secret, told to {message.author_name} only"))
    elif asked.approval is not None:
        found.append(Line(told, _comment(value)))
    elif isinstance(value, dict) and value:
        found += [Line(f"{told}:"), Table(["", "answer"], [[name, shown(each)] for name, each in value.items()])]
    else:
        found.append(Line(told, "" if value is UNSET else shown(value)))
    return found


def outcome(asked: Question) -> str:
    """How the question ended and who ended it, as a sentence without its value."""
    closing = asked.closing
    if closing is None:
        return "Waiting for an answer"
    by = closing.by_name or "somebody"
    did = _did(asked, closing)
    told = {
        "answered": f"{did} by {by}",
        "escalated": f"{did} by {by}, to whom it was escalated",
        "default": "Nobody answered in time; the default was taken",
        "timed_out": "Nobody answered in time",
        "withdrawn": f"Withdrawn by {closing.by_name or 'its asker'}",
    }.get(closing.outcome, closing.outcome)
    if closing.source:
        told = f"Always{closing.source[6:]}" if closing.source.startswith("always ") else f"{did} by {closing.source}"
    return f"{told}, {clock(closing.at)}" if closing.at else told


def clock(at: str) -> str:
    """``2026-11-21T06:00:00.000Z`` → ``06:00:00 UTC``; the day stands in the time element."""
    return f"{at[11:19]} UTC"


def shown(value: Any) -> str:
    """An answer in one line."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value) or "(none of them)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else _cut(_json(value, indent=None))


def _did(asked: Question, closing: Closing) -> str:
    if asked.approval is None or not isinstance(closing.value, dict):
        return "Answered"
    if not closing.value.get("approved"):
        return "Rejected"
    return "Approved for good" if closing.value.get("always") else "Approved"


def _comment(value: Any) -> str:
    return str(value.get("comment") or "") if isinstance(value, dict) else ""


def _arguments(approval: Approval, value: Any) -> list[Block]:
    """The arguments as they were shown, and beside them what a human made of them."""
    found: list[Block] = [Line("To approve:", approval.action)]
    edited = value.get("arguments") if isinstance(value, dict) else None
    edited = edited if isinstance(edited, dict) else {}
    rows = []
    for name, given in approval.arguments.items():
        rows.append([name, shown(given), *([f"{shown(edited[name])} (edited)" if name in edited else ""] if edited else [])])
    if rows:
        found.append(Table(["argument", "asked", *(["approved"] if edited else [])], rows))
    return found


def _meanwhile(asked: Question) -> list[str]:
    told = []
    if asked.to:
        told.append(f"Asked: {', '.join(asked.to)}.")
    if asked.reminded:
        told.append(f"Reminded {'once' if asked.reminded == 1 else f'{asked.reminded} times'}.")
    told += [f"Escalated to {each.to}, {clock(each.at)}." for each in asked.escalate or () if each.at]
    if asked.quorum > 1:
        votes = ", ".join(f"{vote.by_name}: {_vote(asked, vote.value)}" for vote in asked.votes or ())
        told.append(f"{asked.quorum} must agree{f' ({votes})' if votes else ''}.")
    return told


def _vote(asked: Question, value: Any) -> str:
    if asked.approval is not None and isinstance(value, dict):
        return "approves" if value.get("approved") else "rejects"
    return shown(value)


# ------------------------------------------------------------------------------------------------ batches


def batch(messages: list[Message]) -> list[Block]:
    """Many questions that were asked in one go: a line, and what was answered to each."""
    asked = [(message, message.question) for message in messages if message.question and message.question.batch]
    closed = sum(question.closing is not None for _, question in asked)
    total = max((question.batch.total for _, question in asked if question.batch), default=0)
    name = next((question.batch.name for _, question in asked if question.batch and question.batch.name), "") or "Questions"
    rows = []
    for message, question in sorted(asked, key=lambda each: each[1].batch.index if each[1].batch else 0)[-ANSWERS:]:
        closing = question.closing
        answer = "" if closing is None or closing.value is UNSET else shown(closing.value)
        if question.approval is not None and closing is not None:
            answer = f"{_did(question, closing)} {_comment(closing.value)}".strip()
        ended = "waiting" if closing is None else answer or closing.outcome.replace("_", " ")
        rows.append([" ".join(message.content.split())[:200], ended, (closing and closing.by_name) or ""])
    cut = f", the last {ANSWERS} of them" if len(asked) > ANSWERS else ""
    return [Line(f"{name}: {closed} of {total} answered{cut}"), Table(["question", "answer", "by"], rows)]


def _json(value: Any, indent: int | None = 2) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent, default=str)


def _cut(text: str) -> str:
    return text if len(text) <= TEXT else f"{text[:TEXT]}…"
