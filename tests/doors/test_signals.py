"""Signals and presence from outside: who hears what, of how many, and what is true of who is here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actors import Actor, Json, Owner, Socket, Start


def signals(frames: list[Json]) -> list[Json]:
    """Without presence, which comes when it comes."""
    return [frame for frame in frames if frame["type"] == "signal" and frame["kind"] != "presence"]


def presence(socket: Socket, who: Actor) -> str:
    """The next that is told of somebody."""
    state: str = socket.until("signal", kind="presence", participant_id=who.id)["data"]["state"]
    return state


def online(reader: Actor) -> dict[str, bool]:
    members = reader.call("GET", reader.path("/members"))["members"]
    return {member["participant_id"]: member.get("online", False) for member in members}


def test_others_in_the_channel_hear_a_signal_and_the_log_does_not(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    with hall.connect() as owner, guest.connect() as friend, room.connect() as sender, room.connect() as twin:
        for socket in (owner, friend, sender, twin):
            socket.ask("subscribe", channel_id=room.channel_id)
        data = {"text": "scraping", "done": 42, "total": 100, "more": {"of": "it"}}
        assert sender.ask("signal", channel_id=room.channel_id, kind="progress", data=data)["type"] == "done"
        for socket in (owner, friend):
            heard = socket.until("signal", kind="progress")
            assert heard == {
                "type": "signal", "channel_id": room.channel_id, "participant_id": room.id, "kind": "progress", "data": data,
            }  # fmt: skip
        assert signals(sender.before_pong()) == signals(twin.before_pong()) == []
    assert room.history() == []


def test_of_a_burst_the_first_and_the_last_are_heard(serve: Start) -> None:
    owner = Owner(serve("--Limits.signals_per_second=2").url)
    with owner.connect() as reader, owner.agent.connect() as sender:
        reader.ask("subscribe", channel_id=owner.channel_id)
        # Its seat is looked up at the first; of what comes meanwhile the newest is the first to be passed on.
        sender.ask("signal", channel_id=owner.channel_id, kind="typing")
        for done in range(300):
            sender.say("signal", channel_id=owner.channel_id, kind="progress", data={"text": "", "done": done})
            sender.say("signal", channel_id=owner.channel_id, kind="status", data={"text": str(done)})
        heard: list[Json] = []
        while not heard or heard[-1]["data"].get("done") != 299:
            heard.append(reader.until("signal", kind="progress"))
        assert heard[0]["data"]["done"] == 0
        assert len(heard) <= 6
        assert "last_seq" in owner.agent.call("GET", owner.agent.path("/messages"))


def test_a_stream_ends_with_its_message(hall: Owner, room: Actor) -> None:
    with hall.connect() as reader, room.connect() as sender:
        reader.ask("subscribe", channel_id=room.channel_id)
        for n in range(10):
            sender.say("signal", channel_id=room.channel_id, kind="stream", data={"id": "draft", "text": "x" * n})
        room.post("all of it", client_id="draft")  # while the last of its stream still waits
        sender.ask("signal", channel_id=room.channel_id, kind="stream", data={"id": "draft", "text": "late"})
        sender.ask("signal", channel_id=room.channel_id, kind="stream", data={"id": "another", "text": "next"})
        assert reader.until("new_message")["message"]["client_id"] == "draft"
        assert reader.until("signal", kind="stream")["data"] == {"id": "another", "text": "next"}


def test_who_may_only_look_signals_presence_alone(hall: Owner, room: Actor) -> None:
    observer = room.member("looks on", "observer")
    stranger = room.sibling("stranger")
    with observer.connect() as looks, stranger.connect() as outside:
        typing = looks.ask("signal", channel_id=room.channel_id, kind="typing")
        assert (typing["type"], typing["code"]) == ("error", "forbidden")
        away = looks.ask("signal", channel_id=room.channel_id, kind="presence", data={"state": "away"})
        assert away["type"] == "done"
        there = outside.ask("signal", channel_id=room.channel_id, kind="typing")
        nowhere = outside.ask("signal", channel_id="ch_none", kind="typing")
        assert (there["code"], nowhere["code"]) == ("channel_not_found", "channel_not_found")
        assert there["message"].replace(room.channel_id, "ch_none") == nowhere["message"]
        # Another role counts at once.
        room.call("POST", room.path("/members"), {"participant_id": observer.id, "role": "member"})
        assert looks.ask("signal", channel_id=room.channel_id, kind="typing")["type"] == "done"
        room.call("DELETE", room.path(f"/members/{observer.id}"))
        assert looks.ask("signal", channel_id=room.channel_id, kind="typing")["code"] == "channel_not_found"


def nested(levels: int) -> Json:
    return {"in": nested(levels - 1)} if levels else 1


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("status", {"text": "x" * 501}), ("status", {"text": 5}),
        ("progress", {"text": "x", "done": "many"}), ("progress", {"text": "x", "done": True}),
        ("progress", {"text": "x", "done": 10**400}),
        ("stream", {"text": "x"}), ("stream", {"id": "", "text": "x"}), ("stream", {"id": "x" * 129, "text": "x"}),
        ("stream", {"id": "x"}), ("presence", {"state": "offline"}),
        ("typing", {"deep": nested(100)}), ("typing", []), ("smell", {}),
    ],
)  # fmt: skip
def test_data_that_makes_no_sense_is_refused(room: Actor, kind: str, data: Json) -> None:
    with room.connect() as sender:
        reply = sender.ask("signal", channel_id=room.channel_id, kind=kind, data=data)
        assert (reply["type"], reply["code"]) == ("error", "invalid_request")
        assert sender.ask("ping")["type"] == "pong"


def test_a_signal_of_more_than_64_kib_is_refused(room: Actor) -> None:
    with room.connect() as sender:
        reply = sender.ask("signal", channel_id=room.channel_id, kind="typing", data={"text": "x" * 70_000})
        assert (reply["code"], reply["limit_bytes"]) == ("message_too_large", 64 * 1024)


def test_presence_follows_the_connections_with_a_grace(serve: Start) -> None:
    owner = Owner(serve("--Limits.presence_grace=1").url)
    gil = owner.agent.guest("Gil")
    with owner.connect() as reader:
        reader.ask("subscribe", channel_id=owner.channel_id)
        assert online(owner) == {owner.id: True, owner.agent.id: False, gil.id: False}
        with gil.connect() as socket:
            assert presence(reader, gil) == "online"
            socket.ask("signal", channel_id=gil.channel_id, kind="presence", data={"state": "away"})
            assert presence(reader, gil) == "away"
        with gil.connect():  # back within the grace: nobody is told
            assert online(owner)[gil.id]
            # An event stream of another participant is presence too.
            agent = owner.agent
            with agent.http.get(f"{agent.url}api/v1/{agent.path('/events')}", stream=True, timeout=20) as events:
                assert events.status_code == 200
                heard = reader.until("signal")
                assert (heard["participant_id"], heard["data"]) == (agent.id, {"state": "online"})
            assert presence(reader, agent) == "offline"
        assert presence(reader, gil) == "offline"
        assert online(owner) == {owner.id: True, owner.agent.id: False, gil.id: False}


def test_a_long_poll_is_presence_too(serve: Start) -> None:
    owner = Owner(serve("--Limits.presence_grace=0.5").url)
    owner.agent.post("there is something already")
    with owner.connect() as reader:
        reader.ask("subscribe", channel_id=owner.channel_id)
        owner.agent.history(after=0, wait=10)
        assert [presence(reader, owner.agent) for _ in range(2)] == ["online", "offline"]


def test_whose_key_is_revoked_and_who_is_removed_goes_at_once(hall: Owner, room: Actor) -> None:
    """The hall's grace is 10 s."""
    revoked, removed = room.member("revoked"), room.member("removed")
    key = hall.call("POST", f"agents/{revoked.id}/keys", {})
    revoked.token = key["api_key"]
    with hall.connect() as reader:
        reader.ask("subscribe", channel_id=room.channel_id)
        with revoked.connect() as socket, removed.connect():
            assert [presence(reader, who) for who in (revoked, removed)] == ["online", "online"]
            hall.call("DELETE", f"agents/{revoked.id}/keys/{key['key_id']}")
            assert socket.close_code() == 4401
            assert presence(reader, revoked) == "offline"
            room.call("DELETE", room.path(f"/members/{removed.id}"))
            assert presence(reader, removed) == "offline"
            room.call("POST", room.path("/members"), {"participant_id": removed.id})
            assert presence(reader, removed) == "online"


def status_of(reader: Actor, agent: Actor) -> Any:
    return next(found for found in reader.call("GET", "status")["agents"] if found["participant_id"] == agent.id)


def test_status_tells_what_each_agent_said_last(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    with room.connect() as sender:
        sender.ask("signal", channel_id=room.channel_id, kind="status", data={"text": "reading"})
        sender.ask("signal", channel_id=room.channel_id, kind="progress", data={"text": "scraping", "done": 1, "total": 3})
        sender.ask("signal", channel_id=room.channel_id, kind="progress", data={"text": "scraping", "done": 2, "total": 3})
        said = status_of(guest, room)
        assert (said["online"], said["connections"], said["status"]["text"]) == (True, 1, "reading")
        assert (said["progress"]["text"], said["progress"]["done"], said["progress"]["total"]) == ("scraping", 2, 3)
        secret = room.new_channel(f"secret of {room.id}")
        sender.ask("signal", channel_id=secret, kind="status", data={"text": "plotting"})
        assert status_of(guest, room)["status"]["text"] == "reading", "a guest of one channel learns nothing of another"
        assert status_of(hall, room)["status"]["text"] == "plotting"
        [here] = hall.call("GET", f"status?channel_id={room.channel_id}")["agents"]
        assert (here["participant_id"], here["status"]["text"]) == (room.id, "reading")
        assert guest.refused("GET", f"status?channel_id={secret}") == (404, "channel_not_found")
    assert status_of(guest, room)["progress"]["done"] == 2, "and when it has gone"
