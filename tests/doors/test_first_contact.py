"""The classic first contact, with nothing but requests and websocket-client."""

from __future__ import annotations

import json
import re

import pytest
import requests
import websocket

from tests.actors import PASSWORD, Actor, Owner, Socket


def test_the_classic_first_contact(url: str) -> None:
    body = {
        "owner_email": "o@example.org", "owner_password": "long enough", "agent_name": "first-bot", "agent_description": "hi"
    }  # fmt: skip
    made = requests.post(f"{url}api/v1/bootstrap", json=body, timeout=10)
    assert made.status_code == 201
    key, channel_id, invite_url = (made.json()[name] for name in ("api_key", "channel_id", "invite_url"))
    assert key.startswith("au_")
    assert channel_id.startswith("ch_")
    assert invite_url.startswith(f"{url}invite/")

    headers = {"Authorization": f"Bearer {key}"}
    posted = requests.post(
        f"{url}api/v1/channels/{channel_id}/messages", json={"content": "Hello"}, headers=headers, timeout=10
    )
    assert posted.status_code == 201
    message = posted.json()["message"]
    always = {"id", "channel_id", "seq", "author_id", "author_name", "author_kind", "content", "created_at"}
    assert always <= message.keys()
    assert (message["author_name"], message["author_kind"], message["content"]) == ("first-bot", "agent", "Hello")

    socket = websocket.create_connection(f"{url.replace('http', 'ws')}ws?token={key}", timeout=10)
    assert json.loads(socket.recv())["type"] == "connected"
    page = requests.get(invite_url, timeout=10)
    assert page.status_code == 200
    assert "text/html" in page.headers["Content-Type"]
    token = invite_url.rsplit("/", 1)[1]
    browser = requests.Session()
    joined = browser.post(f"{url}api/v1/invites/{token}/accept", json={"name": "Ann"}, timeout=10).json()
    assert joined["channel_id"] == channel_id
    Actor(url, joined["session_token"]).post("Hello, bot", channel_id=channel_id)
    heard = json.loads(socket.recv())
    assert heard["type"] == "new_message"
    assert (heard["message"]["author_name"], heard["message"]["content"]) == ("Ann", "Hello, bot")
    assert always <= heard["message"].keys()

    socket.send(json.dumps({"type": "send_message", "channel_id": channel_id, "content": "I heard you"}))
    sent = json.loads(socket.recv())
    assert sent["type"] == "sent"
    assert sent["message_id"].startswith("msg_")
    assert sent["seq"] > heard["message"]["seq"]
    socket.close()


def test_bootstrap_again_gives_a_fresh_key_for_the_same_agent_and_channel(owner: Owner) -> None:
    nobody = Actor(owner.url)
    again = nobody.call("POST", "bootstrap", owner.bootstrap("research-bot"), status=201)
    assert again["api_key"] != owner.made["api_key"]
    assert {name: again[name] for name in ("agent_id", "channel_id", "owner_id")} == {
        name: owner.made[name] for name in ("agent_id", "channel_id", "owner_id")
    }
    for key in (again["api_key"], owner.made["api_key"]):
        Actor(owner.url, key).call("GET", f"channels/{again['channel_id']}")
    other = nobody.call("POST", "bootstrap", owner.bootstrap("second-bot"))
    assert other["channel_id"] != again["channel_id"]


def test_bootstrap_is_the_owners_once_there_is_one(owner: Owner) -> None:
    nobody = Actor(owner.url)
    assert nobody.refused("POST", "bootstrap", owner.bootstrap("x", owner_password="wrong password")) == (
        401,
        "unauthenticated",
    )
    assert nobody.refused("POST", "bootstrap", owner.bootstrap("x", owner_email="e@x.org")) == (401, "unauthenticated")


@pytest.mark.parametrize(
    ("field", "value"),
    [("owner_email", "no address"), ("owner_password", "short"), ("agent_name", ""), ("agent_name", None), ("more", 1)],
)
def test_a_bootstrap_that_is_not_complete_makes_nothing(url: str, field: str, value: object) -> None:
    nobody = Actor(url)
    assert nobody.refused("POST", "bootstrap", Owner.bootstrap("bot", **{field: value})) == (400, "invalid_request")
    Owner(url)  # still open


def test_a_page_may_not_found_a_workspace(url: str) -> None:
    """Its name may have been rebound to this machine: it would be of the same origin, and then own all that follows."""
    host = "evil.example:8080"
    reply = Actor(url).send(
        "POST", "api/v1/bootstrap", json=Owner.bootstrap("bot"), headers={"Host": host, "Origin": f"http://{host}"}
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "xsrf_failed")
    Owner(url)


def test_five_wrong_passwords_are_enough_however_fast_they_come(owner: Owner) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def guess(number: int) -> int:
        body = {"email": owner.EMAIL, "password": f"guess {number}"}
        return Actor(owner.url).send("POST", "api/v1/login", json=body).status_code

    with ThreadPoolExecutor(20) as pool:
        codes = sorted(pool.map(guess, range(20)))
    assert codes == [401] * 5 + [429] * 15
    limited = Actor(owner.url).send("POST", "api/v1/login", json={"email": owner.EMAIL, "password": PASSWORD})
    assert limited.json()["error"]["retry_after"] > 0
    assert int(limited.headers["Retry-After"]) >= 1


def test_an_unknown_address_and_a_wrong_password_look_the_same(owner: Owner) -> None:
    nobody = Actor(owner.url)
    replies = [
        nobody.call("POST", "login", {"email": email, "password": "wrong password"}, status=401)
        for email in (owner.EMAIL, "nobody@example.org")
    ]
    assert replies[0] == replies[1]


def test_keys_are_shown_once_and_stored_as_a_hash(owner: Owner, database: object) -> None:
    session = owner.token
    secrets = [owner.made["api_key"], session, owner.invite()["token"], PASSWORD]
    for file in database.parent.iterdir():  # type: ignore[attr-defined] # a Path
        if file.is_file() and "hub.json" not in file.name:
            stored = file.read_bytes()
            for secret in secrets:
                assert secret
                assert secret.encode() not in stored, file


def test_the_pages_tell_a_browser_to_keep_them_to_itself(owner: Owner) -> None:
    for path in ("chat/", f"chat/{owner.channel_id}", f"invite/{owner.invite()['token']}"):
        page = Actor(owner.url).send("GET", path)
        assert page.status_code == 200
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert "unsafe-inline" not in re.sub(r"style-src [^;]*", "", page.headers["Content-Security-Policy"])
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["Cache-Control"] == "no-store"


def test_a_page_writes_out_what_it_is_given(url: str) -> None:
    page = Actor(url).send("GET", "invite/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E").text
    assert "<script>alert" not in page
    page = Actor(url).send("GET", "chat/x%22onload=%22alert(1)").text
    assert '"onload' not in page


@pytest.mark.parametrize(
    "path", ["static/../server/door.py", "static/..%2f..%2fpyproject.toml", "static//etc/passwd", "static/%00"]
)
def test_static_files_are_the_bundles_only(url: str, path: str) -> None:
    request = requests.Request("GET", url).prepare()
    request.url = url + path  # as an attacker sends it, not tidied
    reply = requests.Session().send(request, timeout=10)
    assert reply.status_code in {400, 403, 404}
    assert "import" not in reply.text


def test_the_openapi_document_is_there_for_anyone(url: str) -> None:
    document = Actor(url).call("GET", "openapi.json")
    assert document["openapi"].startswith("3.1")
    from jupyter_agentchat.protocol import OPERATIONS

    for operation in OPERATIONS:
        assert operation.method.lower() in document["paths"][f"/{operation.path}"]


def test_who_listens_twice_hears_twice_and_signals_reach_the_others(owner: Owner, agent: Actor) -> None:
    with owner.connect() as human, agent.connect() as bot:
        assert human.before_pong() == []
        assert bot.before_pong() == []
        human.say("signal", channel_id=agent.channel_id, kind="typing", data={"on": True})
        signal = bot.until("signal")
        assert (signal["participant_id"], signal["kind"], signal["data"]) == (owner.id, "typing", {"on": True})
        assert agent.history() == [], "a signal is never in the log"
    assert isinstance(human, Socket)
