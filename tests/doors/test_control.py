"""The control plane from outside: who may steer whom, in which order, what becomes of it, and who hears."""

from __future__ import annotations

from typing import Any

import pytest

from tests.actors import Actor, Json, Owner, Start
from tests.doors.test_backpressure import SMALL


def want(who: Actor, agent: Actor, kind: str, **fields: Any) -> Json:
    return who.call("POST", who.path("/intents", agent.channel_id), {"agent_id": agent.id, "kind": kind, **fields})["intent"]


def say(agent: Actor, state: str, **fields: Any) -> Json:
    return agent.call("POST", agent.path("/report"), {"state": state, **fields})["control"]


def control(reader: Actor, agent: Actor) -> Json:
    found = reader.call("GET", f"status?channel_id={agent.channel_id}")["agents"]
    return next(one for one in found if one["participant_id"] == agent.id).get("control")


def kinds(intents: list[Json]) -> list[str]:
    return [intent["kind"] for intent in intents]


def listed(reader: Actor, channel_id: str, query: str = "") -> list[Json]:
    found: list[Json] = reader.call("GET", reader.path(f"/intents?{query}", channel_id))["intents"]
    return found


def test_an_intent_is_told_kept_in_order_and_acknowledged(hall: Owner, room: Actor) -> None:
    with hall.connect() as owner, room.connect() as agent:
        for socket in (owner, agent):
            socket.ask("subscribe", channel_id=room.channel_id)
        pause = want(hall, room, "pause", text="let me look")
        steer = want(hall, room, "steer", text="halve the rate")
        for socket in (owner, agent):
            assert socket.until("intent") == {"type": "intent", **pause}
            assert kinds(socket.until("control")["pending"]) == ["pause"]
            assert socket.until("intent") == {"type": "intent", **steer}
            assert kinds(socket.until("control")["pending"]) == ["pause", "steer"]
        assert pause["seq"] < steer["seq"]
        say(room, "paused", run="train", acknowledged=pause["seq"])
        told = owner.until("control")
        assert (told["state"], told["run"], kinds(told["pending"])) == ("paused", "train", ["steer"])
    assert listed(room, room.channel_id, f"agent_id={room.id}&pending=true") == [steer]
    assert [one.get("acknowledged_at") is not None for one in listed(room, room.channel_id)] == [True, False]
    assert listed(room, room.channel_id, f"after={pause['seq']}") == [steer]
    assert {name: value for name, value in told.items() if name != "type"} == control(hall, room)
    assert room.history() == []  # it carries no messages


def test_a_report_over_the_socket_stands_in_its_order_among_what_it_says(room: Actor) -> None:
    with room.connect() as agent:
        agent.ask("subscribe", channel_id=room.channel_id)
        agent.say("send_message", channel_id=room.channel_id, content="begins")
        agent.say("report", channel_id=room.channel_id, state="running", run="train", client_id="r1")
        assert agent.until("control")["run"] == "train"
        assert agent.ask("report", channel_id=room.channel_id, state="running", run="train", client_id="r1")["type"] == "done"
        # Said twice, it is as it was: nobody is told again.
        assert [frame["type"] for frame in agent.before_pong() if frame["type"] == "control"] == []
    since = control(room, room)["at"]
    assert say(room, "running", run="train")["at"] == since
    assert say(room, "finished", run="train")["state"] == "finished"


def test_an_intent_sent_again_is_the_same_one(hall: Owner, room: Actor) -> None:
    first = want(hall, room, "stop", client_id="c1")
    assert want(hall, room, "stop", client_id="c1") == first
    body = {"agent_id": room.id, "kind": "pause", "client_id": "c1"}
    assert hall.refused("POST", hall.path("/intents"), body) == (409, "conflict")
    assert kinds(control(hall, room)["pending"]) == ["stop"]


def test_who_may_steer_whom(hall: Owner, room: Actor) -> None:
    guest, worker, looks = room.guest("Gil"), room.member("steered worker"), room.member("looks on it", "observer")
    watcher = room.guest("Wim")
    room.call("POST", room.path("/members"), {"participant_id": watcher.id, "role": "observer"})
    stranger = room.sibling("stranger to control")
    assert want(guest, room, "pause")["by_name"] == "Gil"
    assert want(room, worker, "steer", text="you take the rest")["by_id"] == room.id  # it owns the channel
    place, pause = room.path("/intents"), {"agent_id": room.id, "kind": "pause"}
    for who in (worker, looks, watcher):
        assert who.refused("POST", place, pause) == (403, "forbidden")
    assert stranger.refused("POST", place, pause) == (404, "channel_not_found")
    assert stranger.refused("GET", place) == (404, "channel_not_found")
    assert stranger.refused("POST", room.path("/report"), {"state": "running"}) == (404, "channel_not_found")
    assert guest.refused("POST", room.path("/report"), {"state": "running"}) == (403, "forbidden")
    assert guest.refused("POST", place, pause | {"agent_id": stranger.id}) == (404, "not_found")
    assert guest.refused("POST", place, pause | {"agent_id": hall.id}) == (400, "invalid_request")


@pytest.mark.parametrize(
    "fields", [{"kind": "steer"}, {"kind": "steer", "text": "  "}, {"kind": "dance"}, {"kind": "pause", "text": "x" * 10_001}]
)
def test_an_intent_that_makes_no_sense_is_refused(hall: Owner, room: Actor, fields: Json) -> None:
    status, _ = hall.refused("POST", hall.path("/intents"), {"agent_id": room.id, **fields})
    assert status == 400
    assert listed(room, room.channel_id) == []


def test_texts_that_nobody_takes_keep_no_stop_out(hall: Owner, room: Actor) -> None:
    body = {"agent_id": room.id, "kind": "steer", "text": "one more"}
    for guest in [room.guest(name) for name in ("Gil", "Gus", "Guy", "Gwen", "Gia")]:
        for n in range(10):
            want(guest, room, "steer", text=str(n))
        assert guest.refused("POST", room.path("/intents"), body) == (409, "conflict")
    assert hall.refused("POST", hall.path("/intents"), body) == (409, "conflict")
    want(hall, room, "stop")


def test_what_is_asked_again_or_taken_back_waits_no_longer(hall: Owner, room: Actor) -> None:
    """So nobody keeps a stop out either."""
    guest = room.guest("Gil")
    for _ in range(100):
        want(guest, room, "pause")
    assert kinds(control(hall, room)["pending"]) == ["pause"]
    want(hall, room, "stop")
    want(guest, room, "pause")
    assert kinds(control(hall, room)["pending"]) == ["stop", "pause"]
    want(hall, room, "steer", text="look at the third")
    want(hall, room, "resume")
    assert kinds(control(hall, room)["pending"]) == ["steer", "resume"]


def test_who_is_taken_out_neither_steers_nor_hears(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    with guest.connect() as out, hall.connect() as stays:
        for socket in (out, stays):
            socket.ask("subscribe", channel_id=room.channel_id)
        room.call("DELETE", room.path(f"/members/{guest.id}"))
        want(hall, room, "pause")
        assert stays.until("control")["pending"]
        assert [frame["type"] for frame in out.before_pong() if frame["type"] in ("intent", "control")] == []
    body = {"agent_id": room.id, "kind": "stop"}
    assert guest.refused("POST", room.path("/intents"), body) == (404, "channel_not_found")


def test_an_agent_that_is_let_in_again_finds_nothing_of_before(hall: Owner, room: Actor) -> None:
    worker = room.member("worker on leave")
    say(worker, "running", run="train")
    want(hall, worker, "stop")
    room.call("DELETE", room.path(f"/members/{worker.id}"))
    room.call("POST", room.path("/members"), {"participant_id": worker.id})
    assert control(hall, worker) is None
    assert listed(worker, room.channel_id) == []


def test_every_intent_is_in_the_audit_trail(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    want(guest, room, "pause", via="panel")
    want(hall, room, "steer", text="halve the rate")
    say(room, "paused", acknowledged=2**53)
    steered, paused = hall.call("GET", hall.path("/audit"))["entries"]
    assert (paused["action"], paused["by_name"], paused["agent_id"]) == ("pause", "Gil", room.id)
    assert paused["origin"] == "panel · 127.0.0.1"
    assert (steered["action"], steered["detail"]) == ("steer", {"text": "halve the rate"})


def test_what_is_wanted_of_an_agent_outlives_the_server(serve: Start) -> None:
    server = serve()
    owner = Owner(server.url)
    say(owner.agent, "running", run="train")
    want(owner, owner.agent, "pause")
    before = control(owner, owner.agent)
    server.kill()
    owner.url = serve().url
    assert control(owner, owner.agent) == before
    assert (before["state"], kinds(before["pending"])) == ("running", ["pause"])


def test_a_reader_without_room_is_told_that_it_lagged(serve: Start) -> None:
    """Then it asks again: nothing of the control plane is dropped in silence."""
    owner = Owner(serve("--Limits.send_buffer_bytes=4096").url)
    with owner.connect(**SMALL) as reader:
        reader.ask("subscribe", channel_id=owner.channel_id)
        # It does not read: what it is told fills the sockets of the system, and more.
        for n in range(15):
            for _ in range(10):
                want(owner, owner.agent, "steer", text="x" * 9_000)
            say(owner.agent, "running", run=str(n), acknowledged=2**53)
        lagged = reader.until("lagged", channel_id=owner.channel_id)
        reader.ask("subscribe", channel_id=owner.channel_id, after=lagged["resume_after"])
        want(owner, owner.agent, "stop")
        assert reader.until("intent")["kind"] == "stop"


def test_status_says_when_an_agent_was_last_heard(hall: Owner, room: Actor) -> None:
    def seen() -> str | None:
        found = hall.call("GET", f"status?channel_id={room.channel_id}")["agents"]
        at: str | None = found[0].get("seen_at")
        return at

    say(room, "running", run="train")
    first = seen()
    with room.connect() as agent:
        agent.ask("signal", channel_id=room.channel_id, kind="status", data={"text": "epoch 1"})
    assert first is not None
    assert (seen() or "") > first


def test_without_a_channel_status_tells_where_an_agent_moved_last(hall: Owner, room: Actor) -> None:
    say(room, "running", run="train")
    other = hall.new_channel(f"other {room.id}")
    hall.call("POST", hall.path("/members", other), {"participant_id": room.id})
    want(hall, room, "pause")
    hall.call("POST", hall.path("/intents", other), {"agent_id": room.id, "kind": "stop"})

    def shown(reader: Actor) -> Json:
        found = reader.call("GET", "status")["agents"]
        return next(one for one in found if one["participant_id"] == room.id)["control"]

    assert shown(hall)["channel_id"] == other
    guest = room.guest("Gil")  # is not in the other channel
    assert shown(guest)["channel_id"] == room.channel_id
