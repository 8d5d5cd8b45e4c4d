"""A conversation as it stands in a notebook's outputs: html and markdown, without a script, for who reads it later.

Everything that people and agents wrote is data here: html in it is shown, never obeyed; pictures are links, so a transcript
loads nothing from elsewhere. No colours are set, so it reads on dark and on light.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from ..protocol import Closing, Message, Question

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

SHOWN = 200
"""How many messages a transcript shows; an output must not outgrow its notebook."""

_BOX = "border-left:3px solid;border-color:rgba(128,128,128,.5);margin:.5em 0;padding:.1em .8em"
_QUIET = "opacity:.7;font-size:.85em"


def entries(messages: Iterable[Message]) -> list[Message]:
    """The messages in seq order. An answer stands with its question; on its own only where the question is not shown."""
    ordered = sorted({message.id: message for message in messages}.values(), key=lambda message: message.seq)
    asked = {message.id for message in ordered if message.question}
    return [message for message in ordered if message.closes is None or message.closes.question_id not in asked]


def html(title: str, messages: Iterable[Message], page_url: str | None = None) -> str:
    """The conversation as one html fragment. ``page_url``: where a browser may answer a question that is still open."""
    shown, left_out = _newest(entries(messages))
    rows = "".join(_html_message(message, page_url) for message in shown) or f'<p style="{_QUIET}">No messages yet.</p>'
    earlier = f'<p style="{_QUIET}">{escape(left_out)}</p>' if left_out else ""
    return (
        f'<section class="agentchat-transcript" aria-label="{escape(title)}">'
        f'<p style="{_QUIET}">{escape(title)}</p>{earlier}{rows}</section>'
    )


def markdown(title: str, messages: Iterable[Message], page_url: str | None = None) -> str:
    """The same as Markdown, each message under its author's line."""
    shown, left_out = _newest(entries(messages))
    blocks = [f"*{_md_word(title)}*"]
    if left_out:
        blocks.append(f"*{left_out}*")
    blocks += [_markdown_message(message, page_url) for message in shown]
    return "\n\n".join(blocks) + "\n"


def _newest(messages: Sequence[Message]) -> tuple[Sequence[Message], str]:
    left_out = len(messages) - SHOWN
    return messages[-SHOWN:], f"{left_out} earlier messages are not shown." if left_out > 0 else ""


def outcome(question: Question) -> str:
    """How the question ended and who ended it, as a sentence without its value."""
    closing = question.closing
    if closing is None:
        return "Waiting for an answer"
    told = {
        "answered": f"Answered by {closing.by_name or 'somebody'}",
        "default": "Nobody answered in time; the default was taken",
        "timed_out": "Nobody answered in time",
        "withdrawn": f"Withdrawn by {closing.by_name or 'its asker'}",
    }.get(closing.outcome, closing.outcome)
    if closing.source:
        told = f"Answered by {closing.source}"
    return f"{told}, {clock(closing.at)}" if closing.at else told


def clock(at: str) -> str:
    """``2026-11-21T06:00:00.000Z`` → ``06:00:00 UTC``; the day stands in the time element."""
    return f"{at[11:19]} UTC"


def _value(closing: Closing) -> str:
    return "" if closing.value is UNSET else str(closing.value)


# ---------------------------------------------------------------------------------------------- html


def _html_message(message: Message, page_url: str | None) -> str:
    who = (
        f'<strong>{escape(message.author_name)}</strong> <span style="{_QUIET}">{message.author_kind} · '
        f'<time datetime="{escape(message.created_at)}" title="{escape(message.created_at)}">{clock(message.created_at)}</time>'
        f"{' · edited' if message.edited_at else ''}</span>"
    )
    body = "<em>deleted</em>" if message.deleted_at else _rendered(message.content)
    asked = _html_question(message.question, page_url) if message.question else ""
    return f'<div style="{_BOX}">{who}{body}{asked}</div>'


def _html_question(question: Question, page_url: str | None) -> str:
    parts = []
    value: Any = _value(question.closing) if question.closing else None
    if question.choices:
        picked = [
            f"<li><strong>{escape(choice)}</strong> ✓</li>" if choice == value else f"<li>{escape(choice)}</li>"
            for choice in question.choices
        ]
        parts.append(f"<ul>{''.join(picked)}</ul>")
    told = escape(outcome(question))
    if value:
        told += f": <strong>{escape(value)}</strong>"
    if question.closing is None and page_url:
        told += f' · <a href="{escape(page_url)}" target="_blank" rel="noopener">Answer in the browser</a>'
    parts.append(f"<p>{told}</p>")
    return "".join(parts)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # An image would load from anywhere whenever somebody opens the notebook.
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable("image")


@lru_cache(maxsize=1024)
def _rendered(content: str) -> str:
    return str(_parser().render(content))


# ---------------------------------------------------------------------------------------------- markdown


def _markdown_message(message: Message, page_url: str | None) -> str:
    lines = [f"**{_md_word(message.author_name)}** ({message.author_kind}, {clock(message.created_at)})", ""]
    lines += ["*deleted*"] if message.deleted_at else _md_content(message.content).splitlines()
    if message.question:
        lines += ["", *_markdown_question(message.question, page_url)]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _markdown_question(question: Question, page_url: str | None) -> list[str]:
    value: Any = _value(question.closing) if question.closing else None
    lines = [f"- **{_md_word(choice)}** ✓" if choice == value else f"- {_md_word(choice)}" for choice in question.choices or ()]
    if lines:
        lines.append("")
    told = _md_word(outcome(question))
    if value:
        told += f": **{_md_word(value)}**"
    if question.closing is None and page_url:
        told += f" · [Answer in the browser]({page_url})"
    return [*lines, told]


def _md_content(content: str) -> str:
    """The author's Markdown without its power to be html: a "<" that could open a tag is written as an entity."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", content).replace("![", r"!\[")


def _md_word(text: str) -> str:
    """A name or a choice as plain text: no Markdown in it counts."""
    return re.sub(r"([\\`*_{}\[\]<>#|!&~])", r"\\\1", " ".join(text.split()))
