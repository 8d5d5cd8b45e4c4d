"""Attacks by who is let in: other channels, other names, other rights. A refusal must not even say that something is there."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from tests.actors import Actor, Owner

_numbers = count(1)


@pytest.fixture
def stranger(hall: Owner, room: Actor) -> Actor:
    """An agent of the same owner, with a key of its own, that is not in the room."""
    stranger = room.sibling(f"stranger {next(_numbers)}")
    stranger.channel_id = room.channel_id
    return stranger


CALLS = [
    ("GET", "channels/{c}", None),
    ("PATCH", "channels/{c}", {"name": "mine"}),
    ("DELETE", "channels/{c}", None),
    ("GET", "channels/{c}/members", None),
    ("POST", "channels/{c}/members", {"participant_id": "{me}", "role": "owner"}),
    ("DELETE", "channels/{c}/members/{me}", None),
    ("GET", "channels/{c}/messages", None),
    ("GET", "channels/{c}/messages?wait=1", None),
    ("GET", "channels/{c}/messages/{m}", None),
    ("POST", "channels/{c}/messages", {"content": "hello"}),
    ("POST", "channels/{c}/messages", {"content": "hello", "parent_id": "{m}"}),
    ("PATCH", "channels/{c}/messages/{m}", {"content": "changed"}),
    ("DELETE", "channels/{c}/messages/{m}", None),
    ("POST", "channels/{c}/read", {"seq": 1}),
    ("POST", "channels/{c}/messages/{m}/answer", {"value": "yes"}),
    ("POST", "channels/{c}/messages/{m}/withdraw", None),
    ("POST", "channels/{c}/messages/{m}/consume", None),
    ("POST", "invites", {"channel_id": "{c}"}),
]


def test_a_channel_of_others_looks_like_none(room: Actor, stranger: Actor) -> None:
    question = room.ask("Go on?")
    for method, path, body in CALLS:
        told = []
        for channel_id in (room.channel_id, "ch_" + "0" * (len(room.channel_id) - 3)):
            known: dict[str, str] = {"{c}": channel_id, "{m}": question["id"], "{me}": stranger.id}

            def fill(text: str, known: dict[str, str] = known) -> str:
                for name, value in known.items():
                    text = text.replace(name, value)
                return text

            sent = {name: fill(value) if isinstance(value, str) else value for name, value in body.items()} if body else None
            reply = stranger.call(method, fill(path), sent, status=404)
            told.append(str(reply).replace(channel_id, "…"))
        assert told[0] == told[1]
        assert "channel_not_found" in told[0], (method, path)
    assert len(room.history()) == 1


def test_nothing_that_lists_shows_what_is_not_yours(hall: Owner, room: Actor, stranger: Actor) -> None:
    question = room.ask("A secret?")
    everything = [
        stranger.call("GET", path)
        for path in ("channels", "questions", f"questions?channel_id={room.channel_id}", "participants", "status", "me")
    ]
    for shown in (room.channel_id, room.id, question["id"], "A secret?"):
        assert shown not in str(everything)
    guest = room.guest("Gil")
    lobby = room.new_channel(f"lobby {room.id}")
    room.ask("Elsewhere?", channel_id=lobby)
    [seen] = guest.call("GET", "status")["agents"]
    assert (seen["participant_id"], seen["open_questions"]) == (room.id, 1), "counted where both are, not elsewhere"


def test_an_answer_by_message_id_alone_tells_a_stranger_nothing(room: Actor, stranger: Actor) -> None:
    question = room.ask("Go on?")
    with stranger.connect() as socket:
        there = socket.ask("answer", message_id=question["id"], value="yes")
        nowhere = socket.ask("answer", message_id="msg_none", value="yes")
    assert there["code"] == nowhere["code"] == "not_found"
    assert there["message"].replace(question["id"], "…") == nowhere["message"].replace("msg_none", "…")


def test_an_agent_cannot_let_itself_in(hall: Owner, room: Actor) -> None:
    member = room.member(f"member of {room.id}")
    private = hall.new_channel(f"private {room.id}")
    for channel_id in (private, room.channel_id):
        code = "channel_not_found" if channel_id == private else "forbidden"
        body = {"participant_id": member.id, "role": "owner"}
        assert member.refused("POST", f"channels/{channel_id}/members", body)[1] == code
        assert member.refused("POST", "invites", {"channel_id": channel_id})[1] == code
        assert member.refused("PATCH", f"channels/{channel_id}", {"name": "mine"})[1] == code
        assert member.refused("DELETE", f"channels/{channel_id}")[1] == code
    assert member.refused("DELETE", room.path(f"/members/{room.id}")) == (403, "forbidden")
    assert len(hall.call("GET", f"channels/{private}/members")["members"]) == 1


def test_an_agent_does_not_reach_another_agents_keys(hall: Owner, room: Actor, stranger: Actor) -> None:
    made = hall.call("POST", f"agents/{room.id}/keys", {})
    assert stranger.refused("POST", f"agents/{room.id}/keys", {}) == (404, "not_found")
    assert stranger.refused("DELETE", f"agents/{room.id}/keys/{made['key_id']}") == (404, "not_found")
    assert stranger.refused("DELETE", f"agents/{stranger.id}/keys/{made['key_id']}") == (404, "not_found")
    assert stranger.refused("POST", f"agents/{hall.id}/keys", {}) == (404, "not_found"), "a human has no keys"
    assert hall.refused("POST", f"agents/{hall.id}/keys", {}) == (404, "not_found")
    Actor(hall.url, made["api_key"]).call("GET", "me")


def test_a_channel_with_an_agents_name_is_not_that_agents_channel(owner: Owner, agent: Actor) -> None:
    """Who names a channel like an agent to come must not sit in that agent's channel afterwards."""
    for name in ("newcomer", "agent:newcomer"):
        agent.new_channel(name)
    made = Actor(owner.url).call("POST", "bootstrap", owner.bootstrap("newcomer"))
    assert agent.refused("GET", f"channels/{made['channel_id']}") == (404, "channel_not_found")


def test_a_channel_may_be_named_like_one_that_its_maker_does_not_know(room: Actor) -> None:
    sibling = room.sibling(f"sibling of {room.id}")
    name = f"plans of {room.id}"
    secret = room.new_channel(name)
    assert sibling.new_channel(name) != secret
    assert room.refused("POST", "channels", {"name": name}) == (409, "name_taken")


def test_who_was_taken_out_of_a_channel_does_not_come_back_by_making_it_again(hall: Owner, room: Actor) -> None:
    made = {"name": f"made by {room.id}", "client_id": "once"}
    channel_id = room.call("POST", "channels", made)["channel"]["id"]
    hall.call("DELETE", f"channels/{channel_id}/members/{room.id}")
    assert room.refused("POST", "channels", made) == (404, "channel_not_found")
    assert room.refused("GET", f"channels/{channel_id}") == (404, "channel_not_found")


def test_who_was_taken_out_does_not_hear_the_answer_by_asking_again(hall: Owner, room: Actor) -> None:
    asker = room.member(f"asker of {room.id}")
    question = asker.post("Where to?", question={}, client_id="once")
    room.call("DELETE", room.path(f"/members/{asker.id}"))
    hall.answer(question, "to the secret place")
    again = {"content": "Where to?", "question": {}, "client_id": "once"}
    assert asker.refused("POST", room.path("/messages"), again) == (404, "channel_not_found")


def test_a_guest_makes_nothing_and_invites_nobody(room: Actor) -> None:
    guest = room.guest("Gil")
    assert guest.refused("POST", "channels", {"name": "mine"}) == (403, "forbidden")
    assert guest.refused("POST", "agents", {"name": "mine"}) == (403, "forbidden")
    assert guest.refused("POST", "invites", {"channel_id": room.channel_id}) == (403, "forbidden")
    assert guest.refused("POST", f"agents/{room.id}/keys", {}) == (404, "not_found")
    assert [channel["id"] for channel in guest.call("GET", "channels")["channels"]] == [room.channel_id]


@pytest.mark.parametrize("name", ["owner", "Owner ", "OWNER"])
def test_a_guest_takes_nobodys_name(room: Actor, name: str) -> None:
    token = room.invite()["token"]
    body = {"name": name}
    assert Actor(room.url).refused("POST", f"invites/{token}/accept", body) == (409, "name_taken")
    Actor(room.url).call("POST", f"invites/{token}/accept", {"name": "Gil"})


@pytest.mark.parametrize("name", ["", "   ", "\u2003", "x" * 201, None, "two\nlines", "left\u202eright", "bell\x07"])
def test_a_name_is_something_one_can_read(room: Actor, name: Any) -> None:
    token = room.invite()["token"]
    assert Actor(room.url).refused("POST", f"invites/{token}/accept", {"name": name}) == (400, "invalid_request")
    if name is not None:
        assert room.refused("POST", "agents", {"name": name}) == (400, "invalid_request")


def test_a_request_does_not_say_who_sends_it(hall: Owner, room: Actor) -> None:
    for field in ("author_id", "author_name", "author_kind", "actor", "created_at", "seq"):
        assert room.refused("POST", room.path("/messages"), {"content": "x", field: hall.id}) == (400, "invalid_request")
    with room.connect() as socket:
        for field in ("author_id", "participant_id"):
            assert (
                socket.ask("send_message", channel_id=room.channel_id, content="x", **{field: hall.id})["code"]
                == "invalid_request"
            )


def test_an_agent_does_not_answer_for_a_human(hall: Owner, room: Actor) -> None:
    member = room.member(f"reviewer of {room.id}")
    everybodys, hers = room.ask("Go on?"), room.ask("And now?", to=["@owner"])
    with member.connect() as socket:
        for question in (everybodys, hers):
            path = f"channels/{room.channel_id}/messages/{question['id']}/answer"
            assert member.refused("POST", path, {"value": "yes"}) == (403, "forbidden")
            assert room.refused("POST", path, {"value": "yes"}) == (403, "forbidden"), "nor its asker"
            assert socket.ask("answer", message_id=question["id"], value="yes")["code"] == "forbidden"
    byname = room.ask("You?", to=[f"@reviewer of {room.id}"])
    assert member.answer(byname, "yes")["closes"]["by_id"] == member.id


def test_an_archived_channel_takes_nothing_more(hall: Owner, room: Actor) -> None:
    room.call("DELETE", room.path())
    assert room.refused("POST", room.path("/messages"), {"content": "x"}) == (403, "forbidden")
    assert room.history() == []
    assert room.channel_id not in str(room.call("GET", "channels"))


def test_a_key_that_leaks_into_a_page_is_not_set_as_a_cookie(room: Actor) -> None:
    """Session fixation: nothing but an invite or a password makes a session, and each makes its own."""
    browser = Actor(room.url)
    browser.send("GET", f"chat/?token={room.token}")
    browser.send("GET", f"api/v1/me?token={room.token}")
    assert [cookie.name for cookie in browser.http.cookies] in ([], ["_xsrf"])
    token = room.invite(max_uses=2)["token"]
    sessions = {Actor(room.url).call("POST", f"invites/{token}/accept", {"name": name})["session_token"] for name in ("A", "B")}
    assert len(sessions) == 2
