"""A browser's session: its cookie, and what other sites may not do with it. Invites as a person uses them."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest
import requests
import websocket

from tests.actors import PASSWORD, Actor, Owner, Socket


def browser(room: Actor, name: str = "Gil") -> Actor:
    """A guest in a browser: opens the invite's page, joins, and has cookies instead of a token."""
    guest = Actor(room.url)
    token = room.invite()["token"]
    assert guest.send("GET", f"invite/{token}").status_code == 200
    joined = guest.call("POST", f"invites/{token}/accept", {"name": name})
    guest.channel_id, guest.id = joined["channel_id"], joined["participant"]["id"]
    return guest


def session_cookie(actor: Actor) -> Any:
    [cookie] = [cookie for cookie in actor.http.cookies if cookie.name.startswith("agentchat-session")]
    return cookie


def test_the_cookie_is_for_the_hub_alone(room: Actor) -> None:
    guest = browser(room)
    cookie = session_cookie(guest)
    assert cookie.path == "/"
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    assert str(requests.compat.urlparse(room.url).port) in cookie.name, "cookies know no ports: its name must"
    assert guest.call("GET", "me")["participant"]["name"] == "Gil"
    assert guest.post("hello")["author_id"] == guest.id


def test_two_hubs_of_one_host_do_not_sign_each_others_guests_out(room: Actor, owner: Owner) -> None:
    """Both are on 127.0.0.1: a browser sends both cookies to both."""
    here, there = browser(room, "Here"), browser(owner.agent, "There")
    both = Actor(room.url)
    both.http.cookies.update(here.http.cookies)
    both.http.cookies.update(there.http.cookies)
    assert both.call("GET", "me")["participant"]["name"] == "Here"
    both.url = owner.url
    assert both.call("GET", "me")["participant"]["name"] == "There"


def test_another_sites_page_changes_nothing_with_the_cookie(room: Actor) -> None:
    guest = browser(room)
    path = f"{room.url}api/v1/{guest.path('/messages')}"
    cookies = guest.http.cookies.get_dict()
    for headers, sent in (
        ({}, cookies),
        ({"X-XSRFToken": "guessed"}, cookies),
        ({"X-XSRFToken": cookies["_xsrf"]}, {name: value for name, value in cookies.items() if name != "_xsrf"}),
        ({"Content-Type": "text/plain"}, cookies),
    ):
        reply = requests.post(path, data='{"content": "x"}', headers=headers, cookies=sent, timeout=10)
        assert (reply.status_code, reply.json()["error"]["code"]) == (403, "xsrf_failed")
    assert room.history() == []


def test_another_sites_page_opens_no_websocket_with_the_cookie(room: Actor) -> None:
    guest = browser(room)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in guest.http.cookies)
    address = f"{room.url.replace('http', 'ws')}ws"
    for query in ("", "?token=x", "?token=", "?auth=session", "?token=x&auth=session"):
        for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
            with pytest.raises(websocket.WebSocketBadStatusException) as caught:
                websocket.create_connection(address + query, cookie=cookies, origin=origin, timeout=10)
            assert caught.value.status_code in {401, 403}, (query, origin)
    with Socket(address, cookie=cookies, origin=room.url.rstrip("/")) as own:
        assert own.connected["participant"]["id"] == guest.id
    with Socket(f"{address}?token={room.token}", origin="http://anywhere.example") as agent:
        assert agent.connected["participant"]["id"] == room.id


def test_another_sites_page_signs_nobody_in(room: Actor, hall: Owner) -> None:
    """Else a victim would talk in an attacker's name, in an attacker's channel."""
    token = room.invite()["token"]
    stale = {session_cookie(browser(room, "Stale")).name: "se_stale"}
    for path, body in (
        (f"invites/{token}/accept", {"name": "Mallory"}),
        ("login", {"email": hall.EMAIL, "password": PASSWORD}),
    ):
        for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
            for cookies in ({}, stale):
                reply = requests.post(
                    f"{room.url}api/v1/{path}", json=body, headers={"Origin": origin}, cookies=cookies, timeout=10
                )
                assert (reply.status_code, reply.json()["error"]["code"]) == (403, "xsrf_failed")
                assert "Set-Cookie" not in reply.headers


def test_nothing_is_shared_with_other_origins(room: Actor) -> None:
    reply = requests.get(f"{room.url}api/v1/me", headers={"Origin": "http://evil.example"}, timeout=10)
    assert not [name for name in reply.headers if name.lower().startswith("access-control")]
    reply = requests.options(f"{room.url}api/v1/me", headers={"Origin": "http://evil.example"}, timeout=10)
    assert not [name for name in reply.headers if name.lower().startswith("access-control")]


def test_signing_out_ends_the_session_everywhere(room: Actor) -> None:
    guest = browser(room)
    cookie = session_cookie(guest)
    with Socket(f"{room.url.replace('http', 'ws')}ws?token={cookie.value}") as socket:
        guest.call("POST", "logout", {})
        assert socket.close_code() == 4401
    assert guest.refused("GET", "me") == (401, "unauthenticated")
    assert Actor(room.url, cookie.value).refused("GET", "me") == (401, "unauthenticated")


def test_who_joined_opens_the_link_again_and_is_in(room: Actor) -> None:
    guest = Actor(room.url)
    token = room.invite()["token"]
    guest.send("GET", f"invite/{token}")
    first = guest.call("POST", f"invites/{token}/accept", {"name": "Gil"})
    assert guest.call("GET", f"invites/{token}")["invited_by"]
    again = guest.call("POST", f"invites/{token}/accept", {})
    assert again["participant"]["id"] == first["participant"]["id"]
    other = Actor(room.url)
    assert other.refused("GET", f"invites/{token}") == (410, "invite_gone")
    assert other.refused("POST", f"invites/{token}/accept", {"name": "Hal"}) == (410, "invite_gone")


def test_a_known_human_joins_a_second_channel_as_who_they_are(hall: Owner, room: Actor) -> None:
    guest = room.guest("Gil")
    other = room.new_channel(f"second {room.id}")
    token = room.call("POST", "invites", {"channel_id": other})["token"]
    joined = guest.call("POST", f"invites/{token}/accept", {"name": "Somebody else"})
    assert (joined["participant"]["id"], joined["participant"]["name"], joined["channel_id"]) == (guest.id, "Gil", other)


def test_one_invite_for_two_racing_guests_lets_one_in(room: Actor) -> None:
    from concurrent.futures import ThreadPoolExecutor

    token = room.invite()["token"]

    def accept(n: int) -> int:
        return Actor(room.url).send("POST", f"api/v1/invites/{token}/accept", json={"name": f"Guest {n}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(accept, range(8))) == [200] + [410] * 7
    assert len(room.call("GET", room.path("/members"))["members"]) == 3


@pytest.mark.parametrize("token", ["x", "x.y", "0" * 101, "' OR 1=1 --", "ch_1.x"])
def test_a_guessed_invite_opens_nothing(room: Actor, token: str) -> None:
    status, code = Actor(room.url).refused("GET", f"invites/{token}")
    assert (status, code) in {(404, "not_found"), (400, "invalid_request")}
    real = room.invite()["token"]
    assert Actor(room.url).refused("GET", f"invites/{real[:-1]}")[1] == "not_found"
    channel = real.partition(".")[0]
    assert Actor(room.url).refused("GET", f"invites/{channel}.{'A' * 43}")[1] == "not_found"
    assert f"ch_{channel}" == room.channel_id


def test_no_secret_is_ever_logged(url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="urllib3")  # our own client's
    owner = Owner(url)
    invite = owner.agent.invite()["token"]
    joined = Actor(url).call("POST", f"invites/{invite}/accept", {"name": "Gil"})
    secrets = [owner.made["api_key"], owner.token, joined["session_token"], invite, PASSWORD]
    for secret in secrets:
        for path in ("ws", "api/v1/me", "api/v1/nowhere", "chat/", "static/nothing.js", "static/..%2f", "nowhere"):
            Actor(url).send("GET", f"{path}?token={secret}")
            Actor(url).send("GET", f"{path}?x=1&token={secret}", headers={"Referer": f"{url}invite/{invite}"})
        for path in (
            f"invite/{secret}",
            f"api/v1/invites/{secret}",
            f"api/v1/invites/{secret}/accept",
            f"invite/{secret}/more",
        ):
            Actor(url).send("GET", path)
            Actor(url).send("POST", path, json={"name": "x"})
        Actor(url, secret).send("POST", "api/v1/channels", data="{")
        with suppress(websocket.WebSocketException), Socket(f"{url.replace('http', 'ws')}ws?token={secret}") as socket:
            socket.ask("send_message", channel_id="ch_none", content=" ")
    for secret in secrets:
        assert secret
        assert secret not in caplog.text
