"""What people and agents wrote is data: a transcript shows it and obeys none of it."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from markdown_it import MarkdownIt

from jupyter_agentchat import History
from jupyter_agentchat.notebook import transcript
from jupyter_agentchat.protocol import Closing, Message, Question

AT = "2026-11-21T06:00:00.000Z"
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](https://evil.example/pixel.png)",
    "<https://a.example/\"onmouseover='alert(1)'>",
    '"><svg onload=alert(1)>',
    "</section><style>*{display:none}</style>",
    "```\n</pre><script>alert(1)</script>\n```",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<!-- <b> --><iframe srcdoc='<script>alert(1)</script>'>",
    "[x]: javascript:alert(1)\n[x]",
]


def message(content: str, seq: int = 1, **fields: object) -> Message:
    message = Message(f"msg_{seq}", "ch_1", seq, "hu_1", "Ann", "human", content, AT)
    for name, value in fields.items():
        setattr(message, name, value)
    return message


class Tags(HTMLParser):
    """What a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def check(self) -> None:
        plain = {"section", "p", "div", "strong", "em", "span", "time", "ul", "ol", "li", "a", "code", "pre", "blockquote"}
        allowed = plain | {"table", "thead", "tbody", "tr", "th", "td", "s", "h1", "br", "hr"}
        for tag, attributes in self.found:
            assert tag in allowed, tag
            assert not [name for name in attributes if name.startswith("on") or name in ("src", "srcdoc")], attributes
            assert not (attributes.get("href") or "").lower().startswith(("javascript:", "data:", "vbscript:"))


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_word_of_a_message_becomes_html(attack: str) -> None:
    closing = Closing("msg_1", "answered", attack, "hu_1", attack, AT, None)
    asked = message(attack, question=Question("k", "answered", choices=[attack, "b"], closing=closing))
    asked.author_name = attack
    Tags(transcript.html(attack, [asked], "https://hub.example/invite/t")).check()
    # And the markdown one, in a reader that obeys html, as nbconvert's does.
    Tags(MarkdownIt("commonmark", {"html": True}).render(transcript.markdown(attack, [asked]))).check()


def test_markdown_is_rendered() -> None:
    shown = transcript.html("t", [message("**bold** and `code`\n\n| a |\n| --- |\n| 1 |")])
    assert "<strong>bold</strong>" in shown
    assert "<code>code</code>" in shown
    assert "<td>1</td>" in shown


def question(state: str, closing: Closing | None) -> Message:
    asked = message("Which?", 1, question=Question("k", "open", choices=["a", "b"], closing=closing))
    assert asked.question
    asked.question.state = state  # type: ignore[assignment]
    return asked


@pytest.mark.parametrize(
    ("closing", "told"),
    [
        (None, "Waiting for an answer"),
        (Closing("msg_1", "answered", "a", "hu_1", "Ann", AT), "Answered by Ann, 06:00:00 UTC"),
        (
            Closing("msg_1", "answered", "a", "ag_1", "bot", AT, "AGENTCHAT_ANSWERS"),
            "Answered by AGENTCHAT_ANSWERS, 06:00:00 UTC",
        ),
        (Closing("msg_1", "default", "b", "ag_1", "bot", AT), "Nobody answered in time; the default was taken, 06:00:00 UTC"),
        (Closing("msg_1", "timed_out", at=AT), "Nobody answered in time, 06:00:00 UTC"),
        (Closing("msg_1", "withdrawn", by_name="bot", at=AT), "Withdrawn by bot, 06:00:00 UTC"),
    ],
)
def test_a_question_says_how_it_ended(closing: Closing | None, told: str) -> None:
    asked = question(closing.outcome if closing else "open", closing)
    assert told in transcript.html("t", [asked])
    assert told.replace("_", r"\_") in transcript.markdown("t", [asked])


def test_an_answer_stands_with_its_question_and_alone_where_that_is_not_shown() -> None:
    closing = Closing("msg_1", "answered", "a", "hu_1", "Ann", AT)
    answer = message("a", 2, closes=closing)
    assert transcript.entries([answer, question("answered", closing)]) == [question("answered", closing)]
    assert transcript.entries([answer]) == [answer]


def test_the_page_is_linked_while_the_question_is_open() -> None:
    page = "http://127.0.0.1:1/invite/t"
    assert page in transcript.html("t", [question("open", None)], page)
    closing = Closing("msg_1", "answered", "a", "hu_1", "Ann", AT)
    assert page not in transcript.html("t", [question("answered", closing)], page)


def test_a_long_conversation_shows_its_end_and_says_so() -> None:
    shown = transcript.html("t", [message(f"number {n}", n) for n in range(1, 301)])
    assert "100 earlier messages are not shown" in shown
    assert "number 300" in shown
    assert "number 100<" not in shown


def test_a_history_shows_as_a_transcript() -> None:
    history = History([message("**hi**")])
    assert "<strong>hi</strong>" in history._repr_html_()
    assert "**hi**" in history._repr_markdown_()
    assert repr(history) == f"1 message\n     1 {AT[:19]} Ann: **hi**"
