"""What people and agents wrote is data: a transcript shows it and obeys none of it."""

from __future__ import annotations

import base64
from html.parser import HTMLParser
from typing import Any

import pytest
from markdown_it import MarkdownIt
from msgspec import UNSET

from jupyter_agentchat import History
from jupyter_agentchat.notebook import drawn, transcript
from jupyter_agentchat.notebook.drawn import RUN_MIME
from jupyter_agentchat.notebook.tables import TABLE_MIME
from jupyter_agentchat.protocol import Approval, Batch, Closing, Escalation, Message, Question, Vote

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
            if tag == "img":
                source = attributes.pop("src") or ""
                assert source.startswith(("data:image/png;base64,", "data:image/svg+xml;base64,")), source
                assert set(attributes) <= {"alt", "style"}
                continue
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


def everything(attack: str) -> list[Message]:
    """Whatever a message can carry, with the attack wherever a text may be."""
    png = base64.b64encode(b"\x89PNG" + attack.encode()).decode()
    table = {"columns": [attack], "rows": [[attack]], "index": [attack], "shape": [500, 1], "numeric": [True]}
    data: list[dict[str, Any]] = [
        {TABLE_MIME: table, "text/plain": attack},
        {"image/png": png, "text/plain": attack},
        {"image/svg+xml": f"<svg onload='alert(1)'>{attack}</svg>"},
        {"text/x-diff": attack},
        {"text/markdown": attack},
        {"text/html": attack, "text/plain": attack},
        {"application/json": {attack: attack}},
        {RUN_MIME: {"name": attack, "state": "failed", "error": attack, "traceback": attack}},
        {TABLE_MIME: attack},
        {"image/png": 3},
    ]
    shown = message(attack, parts=[{"data": each, "name": attack} for each in data])
    approval = Approval(attack, {attack: attack, "n": 1}, ["n"])
    decision = {"approved": True, "comment": attack, "arguments": {"n": attack}}
    approved = Question("k", "answered", kind="approval", approval=approval, closing=closed(2, decision, attack))
    approved.to, approved.quorum, approved.votes = [attack], 2, [Vote("hu_1", attack, AT, decision)]
    approved.escalate, approved.reminded = [Escalation(3, attack, AT)], 2
    form = Question("k", "answered", schema={"type": "object"}, closing=closed(3, {attack: attack}, attack))
    several = Question("k", "answered", choices=[attack, "b"], multiple=True, closing=closed(4, [attack], attack))
    many = [
        message(attack, 5 + place, question=Question("k", "answered", batch=Batch("b", place, 3, attack), closing=end))
        for place, end in enumerate([closed(5, attack, attack), closed(6, {attack: 1}, attack)])
    ]
    asked = [message(attack, 2 + place, question=each) for place, each in enumerate([approved, form, several])]
    return [shown, *asked, *many]


def closed(seq: int, value: Any, by: str, source: str | None = None) -> Closing:
    return Closing(f"msg_{seq}", "answered", value, "hu_1", by, AT, source)


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_is_shown_or_answered_is_obeyed(attack: str) -> None:
    messages = everything(attack)
    Tags(transcript.html(attack, messages)).check()
    Tags(MarkdownIt("commonmark", {"html": True}).enable("table").render(transcript.markdown(attack, messages))).check()


def test_what_is_shown_and_answered_is_told() -> None:
    told = transcript.markdown("t", everything("word"))
    for each in (
        "500 × 1: the first 1 rows",
        "![word](data:image/png;base64,",
        "To approve: **word**",
        "| n | 1 | word (edited) |",
        "Approved by word, 06:00:00 UTC: **word**",
        "2 must agree (word: approves).",
        "Reminded 2 times.",
        "Escalated to word, 06:00:00 UTC.",
        "- **word** ✓",
        "word: 2 of 3 answered",
    ):
        assert each in told, each
    html = transcript.html("t", everything("word"))
    assert '<td style="text-align:left">word (edited)</td>' in html
    assert html.count("<img ") == 2


def test_a_secret_is_told_to_its_asker_only() -> None:
    asked = message("The password?", question=Question("k", "answered", kind="secret", closing=closed(1, UNSET, "Ann")))
    assert "Answered by Ann, 06:00:00 UTC: a secret, told to Ann only" in transcript.html("t", [asked])


def test_a_standing_approval_says_whose_it_is() -> None:
    approval = Question("k", "answered", kind="approval", approval=Approval("Send"))
    approval.closing = closed(1, {"approved": True}, "Ada", "always approved by Ada")
    assert "Always approved by Ada, 06:00:00 UTC" in transcript.markdown("t", [message("Send?", question=approval)])


def test_the_answers_of_a_batch_stand_in_its_one_table_and_nowhere_else() -> None:
    closing = closed(1, "a", "Ann")
    closing.batch_id = "b"
    answer = message("a", 9, closes=closing)
    first = message("One?", 1, question=Question("k", "answered", batch=Batch("b", 0, 2, "Labels"), closing=closing))
    second = message("Two?", 3, question=Question("k", "open", batch=Batch("b", 1, 2, "Labels")))
    told = transcript.markdown("t", [first, message("in between", 2), second, answer], "http://127.0.0.1/invite/t")
    assert told.count("Labels: 1 of 2 answered") == 1
    assert told.index("| Two? | waiting |") < told.index("in between")
    assert told.count("Answer in the browser") == 1
    assert transcript.entries([answer]) == []


def test_a_picture_that_is_too_large_for_an_output_is_named() -> None:
    large = base64.b64encode(b"x" * (drawn.PICTURE + 1)).decode()
    told = transcript.html("t", [message("m", parts=[{"data": {"image/png": large}, "name": "big.png"}])])
    assert "big.png: 1,048,577 bytes" in told
    assert len(told) < 2000


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
