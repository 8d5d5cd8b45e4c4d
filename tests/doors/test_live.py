"""Live and replayed: the same messages in the same order, nothing twice, nothing missed; a slow reader hurts nobody."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import websocket

from jupyter_agentchat.protocol import OPERATIONS
from tests.actors import Actor, Owner


def contents(messages: list[Any]) -> list[str]:
    return [message["content"] for message in messages]


def test_live_and_replayed_are_the_same(hall: Owner, room: Actor) -> None:
    with hall.connect() as live:
        live.ask("subscribe", channel_id=room.channel_id, after=0)
        for n in range(20):
            room.post(f"message {n}", client_id=f"c{n}")
        seen = live.messages(20)
        with hall.connect() as late:
            late.say("subscribe", channel_id=room.channel_id, after=0)
            assert late.next()["type"] == "subscribed"
            replayed = late.messages(20)
    assert seen == replayed
    stored = room.history()
    assert [{**message, "prev_seq": None} for message in seen] == [{**message, "prev_seq": None} for message in stored]
    assert all("prev_seq" not in message for message in stored)
    chain = [message["seq"] for message in seen]
    assert [message["prev_seq"] for message in seen[1:]] == chain[:-1]


def test_subscribing_while_others_post_misses_nothing_and_repeats_nothing(hall: Owner, room: Actor) -> None:
    posted = threading.Event()

    def post() -> None:
        with room.connect() as socket:
            for n in range(300):
                socket.say("send_message", channel_id=room.channel_id, content=f"message {n}", request_id=str(n))
                if n == 50:
                    posted.set()
            for _ in range(300):
                socket.until("sent")

    poster = threading.Thread(target=post)
    poster.start()
    posted.wait(10)
    expected = [f"message {n}" for n in range(300)]
    with hall.connect() as whole, hall.connect() as half:
        whole.ask("subscribe", channel_id=room.channel_id, after=0)
        heard = whole.messages(300)
        assert contents(heard) == expected
        cursor = heard[120]["seq"]
        half.ask("subscribe", channel_id=room.channel_id, after=cursor)
        again = half.messages(179)
        assert again == heard[121:]
    poster.join()


def test_a_dropped_reader_comes_back_with_its_cursor(hall: Owner, room: Actor) -> None:
    seen: list[Any] = []
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(lambda: [room.post(f"message {n}") for n in range(60)])
        while len(seen) < 60:
            with hall.connect() as socket:
                socket.ask("subscribe", channel_id=room.channel_id, after=seen[-1]["seq"] if seen else 0)
                seen += socket.messages(min(13, 60 - len(seen)))
        done.result()
    assert contents(seen) == [f"message {n}" for n in range(60)]


def test_without_a_subscribe_a_connection_hears_others_everywhere_and_not_itself(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    with room.connect() as socket:
        guest.post("one")
        room.post("mine")
        socket.ask("send_message", channel_id=room.channel_id, content="mine too")
        guest.post("two")
        assert contents(socket.messages(2)) == ["one", "two"]
        later = hall.new_channel(f"later {room.id}")
        hall.post("before it joins", channel_id=later)
        hall.call("POST", f"channels/{later}/members", {"participant_id": room.id})
        hall.post("three", channel_id=later)
        assert contents(socket.messages(1)) == ["three"]


def test_a_new_connection_is_told_of_what_comes_not_of_what_was(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    guest.post("before")
    with room.connect() as socket:
        guest.post("after")
        assert contents(socket.messages(1)) == ["after"]


def test_the_first_subscribe_ends_the_default(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    other = room.new_channel(f"other {room.id}")
    with room.connect() as socket:
        socket.ask("subscribe", channel_id=other)
        guest.post("elsewhere")
        room.post("here, and one's own too", channel_id=other)
        assert contents(socket.messages(1)) == ["here, and one's own too"]


def test_a_refused_subscribe_changes_nothing(room: Actor) -> None:
    guest = room.guest("Gil")
    with room.connect() as socket:
        assert socket.ask("subscribe", channel_id="ch_none")["code"] == "channel_not_found"
        guest.post("one")
        assert contents(socket.messages(1)) == ["one"]


def test_unsubscribing_and_subscribing_take_effect_in_the_order_said(hall: Owner, room: Actor) -> None:
    with hall.connect() as socket:
        said = [(word, f"{word} {n}") for n in range(20) for word in ("subscribe", "unsubscribe")]
        for word, request_id in said:
            socket.say(word, channel_id=room.channel_id, request_id=request_id)
        assert [socket.next()["request_id"] for _ in said] == [request_id for _, request_id in said]
        assert socket.ask("signal", channel_id=room.channel_id, kind="typing")["type"] == "done", "members may"
        room.post("unheard")
        assert socket.before_pong() == []


def test_a_removed_member_hears_nothing_more_at_once(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    with guest.connect() as default, guest.connect() as subscribed:
        subscribed.ask("subscribe", channel_id=room.channel_id, after=0)
        room.post("one")
        assert contents(default.messages(1)) == contents(subscribed.messages(1)) == ["one"]
        room.call("DELETE", room.path(f"/members/{guest.id}"))
        room.post("two")
        for socket in (default, subscribed):
            assert [frame for frame in socket.before_pong() if frame["type"] != "signal"] == []
            assert socket.ask("subscribe", channel_id=room.channel_id)["code"] == "channel_not_found"
            assert socket.ask("send_message", channel_id=room.channel_id, content="x")["code"] == "channel_not_found"
            assert socket.ask("signal", channel_id=room.channel_id, kind="typing")["code"] == "channel_not_found"
    assert guest.refused("GET", guest.path("/messages?wait=5")) == (404, "channel_not_found")


def test_an_edit_and_a_deletion_are_events_too(hall: Owner, room: Actor) -> None:
    with hall.connect() as live:
        live.ask("subscribe", channel_id=room.channel_id)
        first, second = room.post("one"), room.post("two")
        room.call("PATCH", room.path(f"/messages/{first['id']}"), {"content": "One"})
        room.call("DELETE", room.path(f"/messages/{second['id']}"))
        live.messages(2)
        updated, deleted = live.next(), live.next()
        assert (updated["type"], updated["message"]["content"]) == ("message_updated", "One")
        assert updated["message"]["edited_at"]
        assert (deleted["type"], deleted["message_id"]) == ("message_deleted", second["id"])
        assert second["seq"] < updated["seq"] < deleted["seq"]
    with hall.connect() as late:
        late.ask("subscribe", channel_id=room.channel_id, after=second["seq"])
        assert [late.next(), late.next()] == [updated, deleted]
    assert contents(room.history()) == ["One"]


def test_a_long_poll_returns_with_the_message_and_not_before(room: Actor) -> None:
    guest = room.guest("Gil")
    first = room.post("one")
    with ThreadPoolExecutor(1) as pool:
        polling = pool.submit(guest.call, "GET", guest.path(f"/messages?after={first['seq']}&wait=20"))
        second = room.post("two")
        assert contents(polling.result()["messages"]) == ["two"]
    page = guest.call("GET", guest.path(f"/messages?after={second['seq']}&wait=0.05"))
    assert (page["messages"], page["last_seq"], page["has_more"]) == ([], second["seq"], False)


def test_pages_go_both_ways(room: Actor) -> None:
    posted = [room.post(str(n))["seq"] for n in range(10)]
    page = room.call("GET", room.path(f"/messages?limit=4&after={posted[1]}"))
    assert (contents(page["messages"]), page["has_more"]) == (["2", "3", "4", "5"], True)
    page = room.call("GET", room.path(f"/messages?limit=4&before={posted[3]}"))
    assert (contents(page["messages"]), page["has_more"]) == (["0", "1", "2"], False)
    page = room.call("GET", room.path(f"/messages?limit=2&before={posted[3]}"))
    assert (contents(page["messages"]), page["has_more"]) == (["1", "2"], True)


def test_a_retry_with_the_same_client_id_gets_the_first_message(room: Actor) -> None:
    path = f"api/v1/{room.path('/messages')}"
    first, again = (room.send("POST", path, json={"content": text, "client_id": "c1"}) for text in ("one", "two"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    with room.connect() as socket:
        sent = socket.ask("send_message", channel_id=room.channel_id, content="three", client_id="c1")
        assert (sent["message_id"], sent["client_id"]) == (first.json()["message"]["id"], "c1")
    assert contents(room.history()) == ["one"]


def test_a_reader_who_stops_reading_slows_nobody(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    text = "x" * 200_000
    with guest.connect() as stuck, hall.connect() as reader:
        stuck.ask("subscribe", channel_id=room.channel_id, after=0)
        reader.ask("subscribe", channel_id=room.channel_id, after=0)
        for _ in range(30):
            room.post(text)
        for _ in range(50):
            reader.say("signal", channel_id=room.channel_id, kind="typing", data={"text": "y" * 60_000})
        assert len(reader.messages(30)) == 30
        heard = stuck.messages(30)
        assert [message["seq"] for message in heard] == sorted({message["seq"] for message in heard})


def test_who_asks_without_reading_is_not_read_from_for_ever(room: Actor) -> None:
    """Replies that nobody takes would pile up in the hub: instead its own pings stay in its own buffers."""
    padding = "p" * 90
    with room.connect() as rude:
        rude.ws.settimeout(0.3)
        sent = 0
        with suppress(websocket.WebSocketTimeoutException, TimeoutError):
            while sent < 200_000:
                rude.ws.send('{"type":"ping","request_id":"' + padding + '"}')
                sent += 1
        assert sent < 200_000
    room.post("the hub goes on")


def test_two_humans_answer_at_once_and_one_is_told_who_won(hall: Owner, room: Actor) -> None:
    people = [hall, *(room.guest(name) for name in ("Ann", "Ben", "Cleo"))]
    for _ in range(5):
        question = room.ask("Go on?", choices=["yes", "no"])
        start = threading.Barrier(len(people))

        def answer(who: Actor, question: Any = question, start: threading.Barrier = start) -> Any:
            start.wait()
            return who.call(
                "POST", f"channels/{room.channel_id}/messages/{question['id']}/answer", {"value": "yes"}, status=(200, 409)
            )

        with ThreadPoolExecutor(len(people)) as pool:
            replies = list(pool.map(answer, people))
        [winner] = [reply["message"] for reply in replies if "message" in reply]
        told = [reply["error"] for reply in replies if "error" in reply]
        assert {(error["code"], error["by_id"], error["by_name"]) for error in told} == {
            ("already_closed", winner["author_id"], winner["author_name"])
        }
        assert winner["closes"]["by_id"] == winner["author_id"]


def test_an_answer_over_the_websocket_frees_who_waits(hall: Owner, room: Actor) -> None:
    with room.connect() as waiting, hall.connect() as human:
        question = waiting.ask("send_message", channel_id=room.channel_id, content="Go on?", question={"key": "go"})["message"]
        assert question["question"]["state"] == "open"
        seen = human.until("new_message")["message"]
        assert seen["id"] == question["id"]
        assert human.ask("answer", message_id=question["id"], value="yes")["type"] == "sent"
        closes = waiting.until("new_message")["message"]["closes"]
        assert (closes["question_id"], closes["value"], closes["by_id"]) == (question["id"], "yes", hall.id)
        late = human.ask("answer", message_id=question["id"], channel_id=room.channel_id, value="no")
        assert (late["code"], late["by_id"]) == ("already_closed", hall.id)
        assert waiting.ask("consume", channel_id=room.channel_id, message_id=question["id"])["type"] == "done"
    assert room.ask("Go on?", key="go")["id"] != question["id"]


def test_the_inbox_lists_what_one_may_answer_oldest_deadline_first(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    late, soon = room.ask("late?", timeout=600), room.ask("soon?", timeout=60)
    room.guest("Somebody")
    never, others = room.ask("never?"), room.ask("for another?", to=["@somebody"])
    inbox = [question["id"] for question in guest.call("GET", "questions?state=open")["questions"]]
    assert inbox == [soon["id"], late["id"], never["id"]]
    assert others["id"] not in inbox
    guest.answer(soon, "yes")
    assert soon["id"] not in [
        question["id"] for question in guest.call("GET", f"questions?channel_id={room.channel_id}")["questions"]
    ]


def test_a_deadline_fires_by_itself(room: Actor) -> None:
    with room.connect() as socket:
        socket.ask("subscribe", channel_id=room.channel_id)
        question = room.ask("Go on?", choices=["yes", "no"], timeout=0.2, default="no")
        closing = socket.messages(2)[1]["closes"]
        assert (closing["question_id"], closing["outcome"], closing["value"]) == (question["id"], "default", "no")
        silent = room.ask("And now?", timeout=0.05)
        closing = socket.messages(2)[1]["closes"]
        assert (closing["question_id"], closing["outcome"]) == (silent["id"], "timed_out")


def test_unread_is_counted_from_the_readers_cursor(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    seqs = [room.post(str(n))["seq"] for n in range(3)]
    assert guest.call("GET", guest.path())["channel"]["unread"] == 3
    guest.call("POST", guest.path("/read"), {"seq": seqs[0]})
    with guest.connect() as socket:
        socket.ask("ack", channel_id=room.channel_id, seq=seqs[1])
    [channel] = guest.call("GET", "channels")["channels"]
    assert (channel["unread"], channel["last_seq"]) == (1, seqs[2])


@pytest.mark.parametrize("said", [{"epoch": "epoch_of_before"}, {}])
def test_a_cursor_of_another_log_is_reset(hall: Owner, room: Actor, said: dict[str, str]) -> None:
    """Also where the client says no epoch: beyond the log's end nothing would ever come."""
    room.post("one")
    with hall.connect() as socket:
        socket.say("subscribe", channel_id=room.channel_id, after=10**6, **said)
        reset = socket.next()
        assert (reset["type"], reset["channel_id"], reset["epoch"]) == ("reset", room.channel_id, socket.connected["epoch"])
        assert contents(socket.messages(1)) == ["one"]


def test_every_operation_is_served(room: Actor) -> None:
    """The table is the doors': none of its rows is missing, whatever it says."""
    for operation in OPERATIONS:
        path = re.sub(r"{\w+}", "x", operation.path)
        body: Any = {} if operation.method in {"POST", "PATCH"} else None
        reply = room.call(operation.method, path, body, status=(200, 400, 401, 403, 404))
        assert "There is no call" not in reply.get("error", {}).get("message", ""), operation


def test_a_page_of_large_messages_ends_early_and_the_next_goes_on(room: Actor) -> None:
    for number in range(7):
        room.post(f"{number}" + "x" * 1_000_000)
    seen, after = [], 0
    pages = 0
    while True:
        page = room.call("GET", room.path(f"/messages?after={after}&limit=1000"))
        seen += [message["content"][0] for message in page["messages"]]
        after, pages = page["messages"][-1]["seq"], pages + 1
        if not page["has_more"]:
            break
    assert seen == list("0123456")
    assert pages == 2
    backwards = room.call("GET", room.path(f"/messages?before={after}&limit=1000"))
    assert [message["content"][0] for message in backwards["messages"]] == list("12345")
    assert backwards["has_more"]


def test_a_question_asked_again_with_a_timeout_gets_it(room: Actor) -> None:
    first = room.ask("Delete 3 files?", choices=["yes", "no"], key="del")
    again = room.ask("Delete 3 files?", choices=["yes", "no"], key="del", timeout=0.2, default="no")
    assert again["id"] == first["id"]
    [closed] = room.call("GET", room.path(f"/messages?after={first['seq']}&wait=20"))["messages"]
    assert (closed["closes"]["question_id"], closed["closes"]["outcome"]) == (first["id"], "default")
    assert closed["closes"]["value"] == "no"


def test_asking_again_in_the_same_words_leaves_the_deadline_alone(room: Actor) -> None:
    first = room.ask("Go on?", key="go", timeout=60, default="yes")
    again = room.ask("Go on?", key="go", timeout=60, default="yes")
    assert again["question"]["deadline_at"] == first["question"]["deadline_at"]
