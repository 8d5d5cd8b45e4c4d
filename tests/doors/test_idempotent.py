"""A call that is sent again under its client_id, because its reply was lost, does nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from jupyter_agentchat.protocol import OPERATIONS, Change
from tests.actors import Actor, Owner

Call = tuple[str, str, dict[str, Any]]


def message_path(room: Actor, message: dict[str, Any], rest: str = "") -> str:
    return room.path(f"/messages/{message['id']}{rest}")


def everything_that_changes(owner: Owner, room: Actor) -> dict[str, Callable[[], Call]]:
    """Each operation with a client_id, on things of its own."""
    sibling, member, leaving = room.sibling("sibling"), room.member("member"), room.member("leaving")
    said, deleted = room.post("said"), room.post("deleted")
    answered, taken_back, done = room.ask("One?"), room.ask("Two?"), room.ask("Three?")
    owner.answer(done, "yes")
    key = owner.call("POST", f"agents/{member.id}/keys", {})
    other = room.new_channel("to be archived")
    invite = room.invite(max_uses=5)
    handed_on, put_off, again = room.ask("Four?"), room.ask("Five?"), room.ask("Six?")
    owner.answer(again, "yes")
    owner.answer(room.ask("Seven?", batch={"id": "b", "index": 0, "total": 1}), "yes")
    action = {"action": "delete", "always": True}
    owner.answer(room.ask("Eight?", kind="approval", approval=action), "always")
    (standing,) = owner.call("GET", room.path("/approvals"))["approvals"]
    return {
        "create_channel": lambda: ("POST", "channels", {"name": "new channel"}),
        "update_channel": lambda: ("PATCH", room.path(), {"topic": "topic"}),
        "archive_channel": lambda: ("DELETE", f"channels/{other}", {}),
        "add_member": lambda: ("POST", room.path("/members"), {"participant_id": sibling.id}),
        "remove_member": lambda: ("DELETE", room.path(f"/members/{leaving.id}"), {}),
        "post_message": lambda: ("POST", room.path("/messages"), {"content": "new"}),
        "edit_message": lambda: ("PATCH", message_path(room, said), {"content": "edited"}),
        "delete_message": lambda: ("DELETE", message_path(room, deleted), {}),
        "mark_read": lambda: ("POST", room.path("/read"), {"seq": said["seq"]}),
        "answer": lambda: ("POST", message_path(room, answered, "/answer"), {"value": "yes"}),
        "withdraw": lambda: ("POST", message_path(room, taken_back, "/withdraw"), {}),
        "consume": lambda: ("POST", message_path(room, done, "/consume"), {}),
        "delegate": lambda: ("POST", message_path(room, handed_on, "/delegate"), {"to": ["@member"]}),
        "snooze": lambda: ("POST", message_path(room, put_off, "/snooze"), {"seconds": 60}),
        "reopen": lambda: ("POST", message_path(room, again, "/reopen"), {}),
        "finish_batch": lambda: ("POST", room.path("/batches/b/finish"), {}),
        "revoke_approval": lambda: ("DELETE", room.path(f"/approvals/{standing['id']}"), {}),
        "create_intent": lambda: ("POST", room.path("/intents"), {"agent_id": room.id, "kind": "steer", "text": "look"}),
        "report": lambda: ("POST", room.path("/report"), {"state": "running", "run": "train"}),
        "create_agent": lambda: ("POST", "agents", {"name": "a new agent"}),
        "create_key": lambda: ("POST", f"agents/{member.id}/keys", {}),
        "revoke_key": lambda: ("DELETE", f"agents/{member.id}/keys/{key['key_id']}", {}),
        "create_invite": lambda: ("POST", "invites", {"channel_id": room.channel_id}),
        "accept_invite": lambda: ("POST", f"invites/{invite['token']}/accept", {"name": "Grace"}),
    }


def test_every_operation_that_changes_something_takes_a_client_id() -> None:
    by_nature = {  # repeated, these give what they gave, or a session more, which ends by itself
        "bootstrap", "login", "logout", "prove_kernel", "prove_local", "prove_user",
        "take_secret",  # given once, whatever becomes of the reply: then it is asked for again
    }  # fmt: skip
    for operation in OPERATIONS:
        changes = operation.method != "GET" and operation.name not in by_nature
        assert issubclass(operation.request, Change) == changes, operation.name


def snapshot(owner: Owner, room: Actor) -> dict[str, Any]:
    """All that these calls could have doubled."""
    return {
        "channels": [(channel["name"], channel["last_seq"], channel["members"]) for channel in channels(room)],
        "messages": room.history(),
        "agents": room.call("GET", "agents"),
        "participants": len(owner.call("GET", "participants")["participants"]),
        "questions": owner.call("GET", "questions"),
        "approvals": owner.call("GET", room.path("/approvals")),
        "intents": owner.call("GET", room.path("/intents")),
        "audit": owner.call("GET", room.path("/audit")),
    }


def channels(room: Actor) -> list[Any]:
    found: list[Any] = room.call("GET", "channels")["channels"]
    return found


NAMES = [operation.name for operation in OPERATIONS if issubclass(operation.request, Change)]


@pytest.mark.parametrize("name", NAMES)
def test_a_repeated_call_changes_nothing_and_says_what_the_first_said(owner: Owner, name: str) -> None:
    room = owner.agent
    method, path, body = everything_that_changes(owner, room)[name]()
    others: dict[str, Actor] = {
        "accept_invite": Actor(owner.url),
        **dict.fromkeys(("answer", "create_key", "revoke_key", "delegate", "snooze", "reopen", "create_intent"), owner),
    }
    caller, once = others.get(name, room), {"client_id": "once and no more, ever"}
    options: dict[str, Any] = {"params": once} if method == "DELETE" else {"json": body | once}
    first = caller.send(method, f"api/v1/{path}", **options)
    assert first.status_code in {200, 201}, first.text
    before = snapshot(owner, room)
    if name == "accept_invite":
        caller = Actor(owner.url)  # the reply was lost, and the cookie with it
    again = caller.send(method, f"api/v1/{path}", **options)
    assert again.status_code in {200, 201}, again.text
    assert snapshot(owner, room) == before
    secrets = {"api_key", "token", "invite_url", "session_token", "expires_at"}
    told = [{key: value for key, value in reply.json().items() if key not in secrets} for reply in (first, again)]
    assert told[0] == told[1]


def test_a_client_id_of_one_thing_is_not_good_for_another(hall: Owner, room: Actor) -> None:
    one, other = (hall.call("POST", "agents", {"name": f"{name} of {room.id}"})["agent"]["id"] for name in ("one", "other"))
    key = hall.call("POST", f"agents/{one}/keys", {"client_id": room.id})
    assert hall.refused("POST", f"agents/{other}/keys", {"client_id": room.id}) == (409, "conflict")
    assert Actor(hall.url, key["api_key"]).call("GET", "me")["participant"]["id"] == one
    for first, second in (("agents", "channels"), ("channels", "agents")):
        room.call("POST", first, {"name": f"a thing among {first} of {room.id}", "client_id": first})
        named = {"name": f"a thing among {second} of {room.id}, too", "client_id": first}
        assert room.refused("POST", second, named) == (409, "conflict")


def test_a_deletion_takes_its_client_id_from_its_body_too(room: Actor) -> None:
    path = message_path(room, room.post("to be deleted"))
    told = [room.call("DELETE", path, {"client_id": "once"}) for _ in range(2)]
    assert told == [{"ok": True}] * 2
    assert room.refused("DELETE", path, {"client": "once"}) == (400, "invalid_request")


def test_of_a_repeated_secret_the_one_that_arrived_is_good(owner: Owner) -> None:
    agent = owner.agent
    lost, got = (agent.call("POST", "agents", {"name": "helper", "client_id": "once"}) for _ in range(2))
    assert Actor(owner.url, got["api_key"]).call("GET", "me")["participant"]["id"] == lost["agent"]["id"]
    assert Actor(owner.url, lost["api_key"]).refused("GET", "me") == (401, "unauthenticated")
    lost, got = (agent.call("POST", "invites", {"channel_id": agent.channel_id, "client_id": "link"}) for _ in range(2))
    assert Actor(owner.url).refused("POST", f"invites/{lost['token']}/accept", {"name": "A"}) == (404, "not_found")
    assert Actor(owner.url).call("POST", f"invites/{got['token']}/accept", {"name": "A"})["participant"]["name"] == "A"


def test_a_guest_whose_reply_was_lost_is_let_in_by_the_same_single_use_link(owner: Owner) -> None:
    token = owner.agent.invite()["token"]
    accept = {"name": "Grace", "client_id": "hers, and long enough"}
    lost = Actor(owner.url).call("POST", f"invites/{token}/accept", accept)
    got = Actor(owner.url).call("POST", f"invites/{token}/accept", accept)
    assert got["participant"] == lost["participant"]
    grace = Actor(owner.url, got["session_token"])
    assert grace.call("GET", f"channels/{got['channel_id']}")["channel"]["id"] == owner.channel_id
    stranger = {"name": "Mallory", "client_id": "another, and long enough"}
    assert Actor(owner.url).refused("POST", f"invites/{token}/accept", stranger) == (410, "invite_gone")
    guessed = {"name": "Eve", "client_id": "1"}
    assert Actor(owner.url).refused("POST", f"invites/{token}/accept", guessed) == (400, "invalid_request")


def test_answers_and_posts_over_the_websocket_are_repeated_the_same_way(room: Actor, hall: Owner) -> None:
    asked = room.ask("Go on?")
    with hall.connect() as human, room.connect() as agent:
        closed = [human.ask("answer", message_id=asked["id"], value="yes", client_id="a") for _ in range(2)]
        sent = [agent.ask("send_message", channel_id=room.channel_id, content="hello", client_id="p") for _ in range(2)]
        consumed = [
            agent.ask("consume", channel_id=room.channel_id, message_id=asked["id"], client_id="c") for _ in range(2)
        ]  # fmt: skip
    assert [frame["type"] for frame in closed + sent + consumed] == ["sent"] * 4 + ["done"] * 2
    assert closed[0] == closed[1]
    assert sent[0] == sent[1]
    assert [message["content"] for message in room.history()] == ["Go on?", "yes", "hello"]


def test_every_message_has_a_clock_and_a_reply_is_above_its_parent(room: Actor, hall: Owner) -> None:
    first = room.post("one")
    far = room.post("far ahead", lamport=1000)
    human = hall.post("after what I saw", channel_id=room.channel_id)
    behind = room.post("I have not seen them", lamport=3)
    reply = room.post("but answer this", lamport=4, parent_id=far["id"])
    assert first["lamport"] == 1
    assert far["lamport"] == 1000, "the sender's own"
    assert human["lamport"] == 1001, "merged on receipt"
    assert behind["lamport"] == 3
    assert reply["lamport"] == 1001, "above its parent, whatever its sender says"
    asked = room.ask("Go on?")
    closing = hall.answer(asked, "yes")
    assert closing["lamport"] > asked["lamport"] > 1001


def test_one_message_cannot_use_up_a_channels_clock(room: Actor) -> None:
    code = room.refused("POST", room.path("/messages"), {"content": "x", "lamport": 2**53 - 1})
    assert code == (400, "invalid_request")
    assert room.post("fine")["lamport"] == 1
