"""Questions over HTTP and WebSocket: what makes no sense is refused in words, secrets reach their asker alone, and races."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.actors import Actor, Owner, Serve, Start

SECRET = "correct-horse-battery-staple"
"""What must not be found anywhere."""
FORM = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}


def path_of(question: Any, rest: str = "") -> str:
    return f"channels/{question['channel_id']}/messages/{question['id']}{rest}"


def refusal(actor: Actor, path: str, body: Any) -> tuple[int, str, str]:
    reply = actor.send("POST", f"api/v1/{path}", json=body)
    return reply.status_code, reply.json()["error"]["code"], reply.json()["error"]["message"]


def laughing(fields: int) -> dict[str, Any]:
    return {
        "$defs": {"A": {"type": "string", "description": "x" * 100_000}}, "type": "object",
        "properties": {f"p{n}": {"$ref": "#/$defs/A"} for n in range(fields)},
    }  # fmt: skip


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown person": ({"to": ["@reviewer"]}, "nobody called '@reviewer'"),
    "an unknown escalation": ({"escalate": [{"after": 5, "to": "@lead"}]}, "nobody called '@lead'"),
    "an escalation after the deadline": ({"timeout": 5, "escalate": [{"after": 6, "to": "@owner"}]}, "ends after"),
    "a reminder after the deadline": ({"timeout": 5, "remind": 6}, "longer than the timeout"),
    "a quorum of more than there are": ({"quorum": 50}, "quorum: 50 must give the same answer, and only"),
    "a schema that cannot be drawn": (
        {"schema": {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object"}}}}},
        "schema.a[]: a list of objects",
    ),
    "a keyword that cannot be drawn": (
        {"schema": {"type": "object", "properties": {"a": {"type": "string", "contentEncoding": "base64"}}}},
        "schema.a: 'contentEncoding' of a string",
    ),
    "a default that does not fit": ({"schema": FORM, "default": {"n": 0}}, "n: 0 is less than 1"),
    "a reference to a server": ({"schema": {"$ref": "http://127.0.0.1:1/x.json"}}, "leads nowhere within the schema"),
    "a recursion": ({"schema": {"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}}, "contains itself"),
    "a deep form": ({"schema": deep(20)}, "deeper than 3"),
    "a deeper form": ({"schema": deep(200)}, "nested deeper than 64"),
    "a hundred thousand fields": (
        {"schema": {"type": "object", "properties": {f"p{n}": {} for n in range(20_000)}}}, "more than 200 fields",
    ),
    "a huge enum": ({"schema": {"enum": [str(n) for n in range(20_000)]}}, "1 to 100 values"),
    "a form that grows": ({"schema": laughing(200)}, "larger than"),
    "a form that is long": ({"schema": {"type": "string", "examples": ["x" * 600_000]}}, "longer than"),
    "an approval of nothing": ({"kind": "approval"}, "what shall be approved"),
    "a secret with a default": ({"kind": "secret", "default": SECRET}, "has no default"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_sense_is_refused_in_words_and_the_hub_goes_on(hall: Owner, room: Actor, name: str) -> None:
    question, words = BAD[name]
    before = room.history()
    status, code, message = refusal(room, room.path("/messages"), {"content": "?", "question": question})
    assert (status, code) == (400, "invalid_request")
    assert words in message
    assert len(message) < 3000
    assert SECRET not in message
    assert room.history() == before
    with room.connect() as socket:
        told = socket.ask("send_message", channel_id=room.channel_id, content="?", question=question)
        assert (told["type"], told["code"]) == ("error", "invalid_request")
        assert words in told["message"]


def test_a_pattern_that_would_run_for_ever_costs_the_hub_nothing(hall: Owner, room: Actor) -> None:
    question = room.ask("Which?", schema={"type": "string", "pattern": "^(a+)+$"})
    assert hall.answer(question, "a" * 50_000 + "!")["closes"]["value"].endswith("!")


def test_a_typed_answer_that_does_not_fit_is_refused_with_its_places(hall: Owner, room: Actor) -> None:
    question = room.ask("How many?", schema=FORM)
    reply = hall.call("POST", path_of(question, "/answer"), {"value": {"n": "many"}}, status=422)
    assert reply["error"]["problems"] == {"n": "'many' is not a whole number"}
    with hall.connect() as socket:
        told = socket.ask("answer", message_id=question["id"], value={"m": 1})
        assert told["problems"] == {"m": "there is no such field", "n": "a value is needed"}
        assert socket.ask("answer", message_id=question["id"], value={"n": 3}, via="test")["type"] == "sent"
    assert room.call("GET", path_of(question))["message"]["question"]["closing"]["value"] == {"n": 3}


def test_who_is_not_asked_who_asks_and_who_saw_something_else_do_not_answer(hall: Owner, room: Actor) -> None:
    gil = room.guest("Gil")
    hers = room.ask("You?", to=["@owner"])
    assert gil.refused("POST", path_of(hers, "/answer"), {"value": "yes"}) == (403, "forbidden")
    assert gil.refused("POST", path_of(hers, "/delegate"), {"to": ["@gil"]}) == (403, "forbidden")
    own = gil.ask("Me?")
    assert gil.refused("POST", path_of(own, "/answer"), {"value": "yes"}) == (403, "forbidden")
    shown = room.post("Right?", question={}, parts=[{"data": {"text/plain": "42"}}])
    wrong = {"value": "yes", "saw": hers["question"]["digest"]}
    assert gil.refused("POST", path_of(shown, "/answer"), wrong) == (409, "conflict")
    with gil.connect() as socket:
        told = socket.ask("answer", message_id=shown["id"], value="yes", saw=shown["question"]["digest"], via="a panel")
        assert told["type"] == "sent"
    (entry,) = room.call("GET", room.path(f"/audit?message_id={shown['id']}"))["entries"]
    assert (entry["action"], entry["by_name"], entry["saw"]) == ("answered", "Gil", shown["question"]["digest"])
    assert entry["origin"].startswith("a panel · 127.")
    assert gil.refused("GET", room.path("/audit")) == (403, "forbidden")


def test_reminders_escalations_and_deadlines_are_told_live_by_the_hub(hall: Owner, room: Actor) -> None:
    room.guest("Gil")
    with room.connect() as socket:
        socket.ask("subscribe", channel_id=room.channel_id)
        question = socket.ask(
            "send_message", channel_id=room.channel_id, content="Go on?",
            question={"to": ["@owner"], "escalate": [{"after": 0.2, "to": "@Gil"}], "timeout": 0.5, "default": "no"},
        )["message"]  # fmt: skip
        update = socket.until("message_updated")["message"]
        assert (update["id"], update["question"]["to"]) == (question["id"], ["@owner", "@Gil"])
        closes = socket.until("new_message")["message"]["closes"]
        assert (closes["question_id"], closes["outcome"], closes["value"]) == (question["id"], "default", "no")


def test_an_archived_channel_leaves_no_question_open(hall: Owner, room: Actor) -> None:
    with room.connect() as socket:
        asked = [
            socket.ask("send_message", channel_id=room.channel_id, content=f"{n}?", question={})["message"]["id"]
            for n in range(3)
        ]
        hall.call("DELETE", room.path())
        told = [socket.until("new_message")["message"]["closes"] for _ in range(3)]
    assert [(closes["question_id"], closes["outcome"], closes["by_id"]) for closes in told] == [
        (id_, "withdrawn", hall.id) for id_ in asked
    ]


def test_the_inbox_tells_what_was_put_off(hall: Owner, room: Actor) -> None:
    question = room.ask("Now?")
    hall.call("POST", path_of(question, "/snooze"), {"seconds": 600})
    inbox = hall.call("GET", f"questions?channel_id={room.channel_id}")
    assert [message["id"] for message in inbox["questions"]] == [question["id"]]
    assert list(inbox["snoozed"]) == [question["id"]]
    assert room.guest("Gil").call("GET", "questions").get("snoozed") is None


def test_the_inbox_is_bounded_and_names_what_it_leaves_out(hall: Owner, room: Actor) -> None:
    parts = [{"data": {"text/plain": "x" * 1_500_000}}]
    asked = [room.post(f"{n}?", question={}, parts=parts)["id"] for n in range(4)]
    inbox = hall.call("GET", f"questions?channel_id={room.channel_id}")
    assert [(message["id"], "parts" in message) for message in inbox["questions"]] == [
        (id_, n < 2) for n, id_ in enumerate(asked)
    ]
    assert inbox["without_parts"] == asked[2:]


# ------------------------------------------------------------------------------------------------ secrets


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_secret_reaches_its_asker_once_and_nothing_else_ever_holds_it(serve: Start, database: Path) -> None:
    server: Serve = serve("--log-level=DEBUG")
    owner = Owner(server.url)
    room = owner.agent
    other, gil = room.member("other"), room.guest("Gil")
    question = room.ask("Password?", kind="secret")
    secret = path_of(question, "/secret")
    assert room.refused("POST", secret) == (404, "not_found")
    for wrong in ("", " ", 5, None, [SECRET], {"password": SECRET}, SECRET * 5000):
        status, code, message = refusal(owner, path_of(question, "/answer"), {"value": wrong})
        assert (status, code, SECRET in message) == (422, "invalid_answer", False)
    with owner.connect() as socket, room.connect() as asker:
        assert SECRET not in str(socket.ask("answer", message_id=question["id"], value=[SECRET]))
        told = socket.ask("answer", message_id=question["id"], value=SECRET, client_id="c1", via="panel")
        assert told["type"] == "sent"
        assert socket.ask("answer", message_id=question["id"], value=SECRET, client_id="c1")["message_id"] == told["message_id"]
        late = socket.ask("answer", message_id=question["id"], value=SECRET + "2")
        assert late["code"] == "already_closed"
        closing = asker.until("new_message")["message"]
        assert (closing["content"], "value" in closing["closes"]) == ("(a secret, told to its asker only)", False)
    for stranger in (owner, gil, other):
        assert stranger.refused("POST", secret) == (404, "not_found")
    assert room.call("POST", secret) == {"value": SECRET}
    assert room.refused("POST", secret) == (404, "not_found")
    for actor in (owner, room, gil):
        assert SECRET not in str(actor.history())
    assert SECRET not in str(owner.call("GET", room.path("/audit")))
    nowhere = {"value": SECRET}
    for path in (path_of(question | {"id": "msg_none"}, "/answer"), f"channels/ch_none/messages/{question['id']}/answer"):
        owner.call("POST", path, nowhere, status=404)
    assert refusal(room, room.path("/messages"), {
        "content": "?", "question": {"kind": "secret", "decided": {"value": SECRET, "source": "file"}},
    })[:2] == (422, "invalid_answer")  # fmt: skip
    assert SECRET.encode() not in everything_in(database.parent), "while the hub runs: its log of writes too"
    _, logged = server.end()
    assert SECRET not in logged
    assert SECRET.encode() not in everything_in(database.parent)


def test_a_secret_that_is_taken_back_is_gone(hall: Owner, room: Actor) -> None:
    question = room.ask("Password?", kind="secret")
    hall.answer(question, SECRET)
    hall.call("POST", path_of(question, "/reopen"), {})
    assert room.refused("POST", path_of(question, "/secret")) == (404, "not_found")
    hall.answer(question, SECRET + "!")
    assert room.refused("POST", path_of(question, "/reopen")) == (403, "forbidden"), "only who told it takes it back"
    assert room.call("POST", path_of(question, "/secret")) == {"value": SECRET + "!"}
    assert hall.refused("POST", path_of(question, "/reopen"), {}) == (409, "already_used"), "its asker knows it"


def test_a_secret_is_lost_with_its_hub_and_its_asker_is_told_so(serve: Start) -> None:
    first = serve()
    owner = Owner(first.url)
    question = owner.agent.ask("Password?", kind="secret", key="k")
    owner.answer(question, SECRET)
    first.kill()
    again = Actor(serve().url, owner.agent.token)
    assert again.refused("POST", path_of(question, "/secret")) == (404, "not_found")


# ------------------------------------------------------------------------------------------------ races


def at_once(deeds: list[Callable[[], Any]]) -> list[Any]:
    """All of them in the same instant, each on a thread of its own."""
    start, told = threading.Barrier(len(deeds)), [None] * len(deeds)

    def run(number: int, deed: Callable[[], Any]) -> None:
        start.wait()
        told[number] = deed()

    threads = [threading.Thread(target=run, args=(number, deed)) for number, deed in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return told


def test_two_processes_that_take_an_answer_at_once_do_not_both_get_it(hall: Owner, room: Actor) -> None:
    for number in range(20):
        question = room.ask("Go on?", key="k")
        hall.answer(question, "yes")
        takers = [Actor(room.url, room.token) for _ in range(4)]

        def take(taker: Actor, place: int, question: Any = question) -> int:
            body = {"client_id": f"{question['id']} {place}"}
            return taker.send("POST", f"api/v1/{path_of(question, '/consume')}", json=body).status_code

        told = at_once([partial(take, taker, place) for place, taker in enumerate(takers)])
        assert sorted(told) == [200, 409, 409, 409], number


def test_of_two_secrets_told_at_once_the_asker_gets_the_one_that_closed(hall: Owner, room: Actor) -> None:
    people = {who.id: who for who in (room.guest(f"Keeper {n} of {room.id}") for n in range(4))}
    for _ in range(10):
        question = room.ask("Password?", kind="secret")

        def tell(who: Actor, question: Any = question) -> int:
            return who.send("POST", f"api/v1/{path_of(question, '/answer')}", json={"value": f"of {who.id}"}).status_code

        told = at_once([partial(tell, who) for who in people.values()])
        assert sorted(told) == [200, 409, 409, 409]
        closing_ = room.call("GET", path_of(question))["message"]["question"]["closing"]
        assert room.call("POST", path_of(question, "/secret")) == {"value": f"of {closing_['by_id']}"}


def test_voters_that_change_their_minds_at_once_close_once_with_what_enough_of_them_said(hall: Owner, room: Actor) -> None:
    people = [room.guest(f"Voter {n} of {room.id}") for n in range(5)]
    for _ in range(6):
        question = room.ask("Which?", choices=["a", "b"], quorum=4)

        def vote(who: Actor, values: str, question: Any = question) -> list[int]:
            return [
                who.send("POST", f"api/v1/{path_of(question, '/answer')}", json={"value": value}).status_code
                for value in values
            ]

        minds = ("abab", "baba", "abba", "abab", "baab")
        told = at_once([partial(vote, who, values) for who, values in zip(people, minds, strict=True)])
        assert {status for statuses in told for status in statuses} <= {200, 409}
        asked = room.call("GET", path_of(question))["message"]["question"]
        if asked["state"] == "open":  # nobody's last word made it four of one
            for who in people:
                who.call("POST", path_of(question, "/answer"), {"value": "a"}, status=(200, 409))
            asked = room.call("GET", path_of(question))["message"]["question"]
        entries = room.call("GET", room.path(f"/audit?message_id={question['id']}&limit=100"))["entries"][::-1]
        said: dict[str, str] = {}
        for (
            entry
        ) in entries:  # in their order: it closed with the first vote that made it four of a kind, and with no later one
            said[entry["by_id"]] = entry["detail"]["value"]
            enough = max(map(list(said.values()).count, ("a", "b"))) == 4
            assert enough == (entry["action"] == "answered") == (entry is entries[-1])
        assert {vote["by_id"]: vote["value"] for vote in asked["votes"]} == said
        assert len(asked["votes"]) == len(said), "one a person"


def test_of_a_thousand_that_answer_at_once_one_wins_and_all_others_are_told_who(hall: Owner, room: Actor) -> None:
    """Ten people, half of them over HTTP and half over a WebSocket, a hundred answers each before any is answered."""
    people = [room.guest(f"Closer {n} of {room.id}") for n in range(10)]
    question = room.ask("Go on?")

    def by_socket(who: Actor) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        with who.connect() as socket:
            for n in range(100):
                socket.say("answer", message_id=question["id"], value=f"{who.id} {n}", request_id=f"r{n}")
            while len(found) < 100:
                told = socket.next()
                if told.get("request_id"):
                    found.append(("won", who.id) if told["type"] == "sent" else (told["code"], told["by_id"], told["at"]))
        return found

    def by_http(who: Actor) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = []
        for n in range(100):
            reply = who.send("POST", f"api/v1/{path_of(question, '/answer')}", json={"value": f"{who.id} {n}"})
            error = reply.json().get("error", {})
            found.append(("won", who.id) if reply.status_code == 200 else (error["code"], error["by_id"], error["at"]))
        return found

    told = at_once([partial(by_socket if n % 2 else by_http, who) for n, who in enumerate(people)])
    everything = [each for mine in told for each in mine]
    closing_ = room.call("GET", path_of(question))["message"]["question"]["closing"]
    assert len(everything) == 1000
    assert [each for each in everything if each[0] == "won"] == [("won", closing_["by_id"])]
    assert {each for each in everything if each[0] != "won"} == {("already_closed", closing_["by_id"], closing_["at"])}
    assert len([message for message in room.history() if message.get("closes")]) == 1


# ------------------------------------------------------------------------------------------------ the file


def test_what_is_asked_is_indexed_for_what_is_due(database: Path, agent: Actor) -> None:
    agent.ask("Go on?", timeout=600)
    with closing(sqlite3.connect(database)) as db:
        plan = db.execute(
            "EXPLAIN QUERY PLAN SELECT channel_id, message_id FROM questions WHERE state = 'open' AND next_at <= 'x'"
            " ORDER BY next_at LIMIT 9"
        ).fetchall()
    assert "questions_due" in str(plan)
