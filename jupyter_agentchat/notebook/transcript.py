"""A conversation as it stands in a notebook's outputs: html and markdown, without a script, for who reads it later.

Everything that people and agents wrote is data here: html in it is shown, never obeyed; pictures in a text are links, those
beside it are in the output itself, so a transcript loads nothing from elsewhere. No colours are set, so it reads on dark and
on light.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING

from ..protocol import Message
from . import drawn
from .drawn import Block, Code, Line, Markdown, Options, Picture, Table, clock

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

SHOWN = 200
"""How many messages a transcript shows; an output must not outgrow its notebook."""

_BOX = "border-left:3px solid;border-color:rgba(128,128,128,.5);margin:.5em 0;padding:.1em .8em"
_QUIET = "opacity:.7;font-size:.85em"


def entries(messages: Iterable[Message]) -> list[Message]:
    """The messages in seq order. An answer stands with its question; on its own only where the question is not shown, and those
    of a batch never."""
    ordered = sorted({message.id: message for message in messages}.values(), key=lambda message: message.seq)
    asked = {message.id for message in ordered if message.question}
    return [
        message
        for message in ordered
        if message.closes is None or (message.closes.question_id not in asked and message.closes.batch_id is None)
    ]


def html(title: str, messages: Iterable[Message], page_url: str | None = None) -> str:
    """The conversation as one html fragment. ``page_url``: where a browser may answer a question that is still open."""
    shown, left_out = _newest(_grouped(entries(messages)))
    rows = "".join(_html_entry(entry, page_url) for entry in shown) or f'<p style="{_QUIET}">No messages yet.</p>'
    earlier = f'<p style="{_QUIET}">{escape(left_out)}</p>' if left_out else ""
    return (
        f'<section class="agentchat-transcript" aria-label="{escape(title)}">'
        f'<p style="{_QUIET}">{escape(title)}</p>{earlier}{rows}</section>'
    )


def markdown(title: str, messages: Iterable[Message], page_url: str | None = None) -> str:
    """The same as Markdown, each message under its author's line."""
    shown, left_out = _newest(_grouped(entries(messages)))
    blocks = [f"*{_md_word(title)}*"]
    if left_out:
        blocks.append(f"*{left_out}*")
    blocks += [_markdown_entry(entry, page_url) for entry in shown]
    return "\n\n".join(blocks) + "\n"


Entry = list[Message]
"""One message; or those of a batch, which stand together."""


def _grouped(messages: Sequence[Message]) -> list[Entry]:
    """Those of one batch stand where its first one does."""
    found: list[Entry] = []
    batches: dict[str, Entry] = {}
    for message in messages:
        batch = message.question.batch if message.question else None
        if batch is None:
            found.append([message])
        elif batch.id in batches:
            batches[batch.id].append(message)
        else:
            batches[batch.id] = [message]
            found.append(batches[batch.id])
    return found


def _newest(entries: Sequence[Entry]) -> tuple[Sequence[Entry], str]:
    left_out = sum(map(len, entries[:-SHOWN]))
    return entries[-SHOWN:], f"{left_out} earlier messages are not shown." if left_out > 0 else ""


def _blocks(entry: Entry) -> list[Block]:
    """What is drawn of an entry under its author's line."""
    message = entry[0]
    if message.deleted_at:
        return []
    if message.question and message.question.batch:
        return drawn.batch(entry)
    asked = drawn.question(message) if message.question else []
    return [Markdown(message.content), *drawn.parts(message), *asked]


# ---------------------------------------------------------------------------------------------- html


def _html_entry(entry: Entry, page_url: str | None) -> str:
    message = entry[0]
    who = (
        f'<strong>{escape(message.author_name)}</strong> <span style="{_QUIET}">{message.author_kind} · '
        f'<time datetime="{escape(message.created_at)}" title="{escape(message.created_at)}">{clock(message.created_at)}</time>'
        f"{' · edited' if message.edited_at else ''}</span>"
    )
    body = "<em>deleted</em>" if message.deleted_at else "".join(map(_html_block, _blocks(entry)))
    link = ""
    if page_url and _is_open(entry):
        link = f'<p><a href="{escape(page_url)}" target="_blank" rel="noopener">Answer in the browser</a></p>'
    return f'<div style="{_BOX}">{who}{body}{link}</div>'


def _html_block(block: Block) -> str:
    if isinstance(block, Markdown):
        return _rendered(block.text)
    if isinstance(block, Code):
        return f'<pre style="white-space:pre-wrap">{escape(block.text)}</pre>'
    if isinstance(block, Line):
        strong = f": <strong>{escape(block.strong)}</strong>" if block.strong else ""
        return f"<p>{escape(block.text.removesuffix(':') if strong else block.text)}{strong}</p>"
    if isinstance(block, Options):
        items = [f"<strong>{escape(each)}</strong> ✓" if each in block.taken else escape(each) for each in block.choices]
        return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
    if isinstance(block, Picture):
        source = f"data:{block.mime};base64,{base64.b64encode(block.content).decode()}"
        return f'<p><img src="{source}" alt="{escape(block.name)}" style="max-width:100%"></p>'
    return _html_table(block)


def _html_table(table: Table) -> str:
    def row(cells: list[str], tag: str) -> str:
        sides = [*table.right, *[False] * len(cells)]
        return "".join(
            f'<{tag} style="text-align:{"right" if right else "left"}">{escape(cell)}</{tag}>'
            for cell, right in zip(cells, sides, strict=False)
        )

    body = "".join(f"<tr>{row(cells, 'td')}</tr>" for cells in table.rows)
    caption = f'<p style="{_QUIET}">{escape(table.caption)}</p>' if table.caption else ""
    return f"{caption}<table><thead><tr>{row(table.head, 'th')}</tr></thead><tbody>{body}</tbody></table>"


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    # An image would load from anywhere whenever somebody opens the notebook.
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"]).disable("image")


@lru_cache(maxsize=1024)
def _rendered(content: str) -> str:
    return str(_parser().render(content))


# ---------------------------------------------------------------------------------------------- markdown


def _markdown_entry(entry: Entry, page_url: str | None) -> str:
    message = entry[0]
    lines = [f"**{_md_word(message.author_name)}** ({message.author_kind}, {clock(message.created_at)})"]
    if message.deleted_at:
        lines += ["", "*deleted*"]
    for block in _blocks(entry):
        lines += ["", *_markdown_block(block)]
    if page_url and _is_open(entry):
        lines += ["", f"[Answer in the browser]({page_url})"]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _markdown_block(block: Block) -> list[str]:
    if isinstance(block, Markdown):
        return _md_content(block.text).splitlines()
    if isinstance(block, Code):
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", block.text)), default=0))
        return [fence, *block.text.splitlines(), fence]
    if isinstance(block, Line):
        strong = f": **{_md_word(block.strong)}**" if block.strong else ""
        return [_md_word(block.text.removesuffix(":") if strong else block.text) + strong]
    if isinstance(block, Options):
        return [f"- **{_md_word(each)}** ✓" if each in block.taken else f"- {_md_word(each)}" for each in block.choices]
    return [_markdown_picture(block)] if isinstance(block, Picture) else _markdown_table(block)


def _markdown_picture(picture: Picture) -> str:
    if picture.mime == "image/svg+xml":  # Markdown readers refuse it as data
        return f"*{_md_word(picture.name)} (a drawing)*"
    return f"![{_md_word(picture.name)}](data:{picture.mime};base64,{base64.b64encode(picture.content).decode()})"


def _markdown_table(table: Table) -> list[str]:
    def row(cells: list[str]) -> str:
        return f"| {' | '.join(_md_word(cell) for cell in cells)} |"

    sides = [*table.right, *[False] * len(table.head)][: len(table.head)]
    caption = [f"*{_md_word(table.caption)}*", ""] if table.caption else []
    rule = f"| {' | '.join('---:' if right else '---' for right in sides)} |"
    return [*caption, row(table.head), rule, *(row(cells) for cells in table.rows)]


def _is_open(entry: Entry) -> bool:
    return any(message.question and message.question.state == "open" and not message.deleted_at for message in entry)


def _md_content(content: str) -> str:
    """The author's Markdown without its power to be html: a "<" that could open a tag is written as an entity."""
    return re.sub(r"<(?=[A-Za-z/!?])", "&lt;", content).replace("![", r"!\[")


def _md_word(text: str) -> str:
    """A name or a choice as plain text: no Markdown in it counts."""
    return re.sub(r"([\\`*_{}\[\]<>#|!&~])", r"\\\1", " ".join(text.split()))
