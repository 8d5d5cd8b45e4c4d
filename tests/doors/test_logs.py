"""What the servers log: events with their ids, as text or JSON; and never a secret, whatever is shown at whichever door."""

from __future__ import annotations

import json
from contextlib import suppress

import requests
import websocket

from tests.actors import PASSWORD, Actor, Owner, Start
from tests.doors.test_jupyter import TOKEN, Jupyter, jupyter  # noqa: F401 (a fixture)

WRONG = ["au_" + "wrong" * 9, "se_" + "worse" * 9, "not-a-key-" + "odd" * 9]


def try_all_doors(url: str, secrets: list[str], invite: str) -> None:
    """Shows each secret in headers, queries, bodies and frames, where it belongs and where it does not."""
    nobody = Actor(url)
    ws = url.replace("http", "ws", 1) + "ws"
    for secret in secrets:
        bearer = {"Authorization": f"Bearer {secret}"}
        for path in ("api/v1/me", "api/v1/nothing", "ws", "metrics", "chat/x", "nowhere", "api/v1/channels/ch_x/events"):
            nobody.send("GET", path, headers=bearer)
            nobody.send("GET", f"{path}?token={secret}")
            nobody.send("GET", path, headers={"Referer": f"{url}{path}?token={secret}"})
        nobody.send("GET", f"api/v1/channels?limit=au_{secret}&token={secret}")
        nobody.send("POST", "api/v1/login", json={"email": "x@example.org", "password": secret})
        nobody.send("POST", "api/v1/login", json={"email": {"password": secret}, "password": [secret]})
        nobody.send("POST", "api/v1/login", data=f'{{"password": "{secret}", oops')
        nobody.send("POST", "api/v1/bootstrap", json={"owner_email": "x", "owner_password": secret, "agent_name": ""})
        nobody.send("POST", "api/v1/local/agent", json={"secret": secret, "name": "x"})
        for headers in ([f"Authorization: Bearer {secret}"], [f"Cookie: agentchat-session={secret}"]):
            with suppress(websocket.WebSocketException, OSError):
                socket = websocket.create_connection(f"{ws}?token={secret}", header=headers, timeout=5)
                socket.send(json.dumps({"type": "nonsense", "token": secret}))
                socket.send(f"Authorization: Bearer {secret}")
                socket.recv()
                socket.close()
    for path in (f"invite/{invite}", f"invite/{invite}x", f"api/v1/invites/{invite}", f"api/v1/invites/{invite}/accept"):
        nobody.send("GET", path)
        nobody.send("POST", path, json={"name": ""}, headers={"Referer": f"{url}invite/{invite}"})


def test_alone_no_secret_is_logged(serve: Start) -> None:
    server = serve("--log-level=DEBUG")
    owner = Owner(server.url)
    invite = owner.agent.invite()["token"]
    secrets = [owner.token or "", owner.agent.token or "", *WRONG, PASSWORD]
    try_all_doors(server.url, secrets, invite)
    _, logged = server.end()
    assert "agentchat: refused code=unauthenticated" in logged
    assert [line for line in logged.splitlines() if any(secret in line for secret in (*secrets, invite))] == []


def test_in_jupyter_no_secret_is_logged(jupyter: Jupyter) -> None:  # noqa: F811
    nobody = Actor(jupyter.url)
    jupyter.user.call("GET", "me")
    made = jupyter.user.call("POST", "agents", {"name": "logged"})
    channel_id = jupyter.user.call("POST", "channels", {"name": "logged"})["channel"]["id"]
    invite = jupyter.user.call("POST", "invites", {"channel_id": channel_id})["token"]
    guest = nobody.call("POST", f"invites/{invite}/accept", {"name": "Gil"})["session_token"]
    secrets = [made["api_key"], guest, *WRONG]
    try_all_doors(jupyter.url, [*secrets, TOKEN], invite)
    for secret in secrets:
        requests.get(f"{jupyter.server}api/contents?token={secret}", timeout=20)
        requests.get(f"{jupyter.server}api/kernels", headers={"Authorization": f"token {secret}"}, timeout=20)
    logged = jupyter.log.read_text()
    assert "GET /base/prefix/agentchat/api/v1/me" in logged
    begun = logged.index("GET /base/prefix/agentchat/api/v1/me")  # at its start Jupyter prints its own address, with its token
    assert [line for line in logged.splitlines() if any(secret in line for secret in (*secrets, invite))] == []
    assert TOKEN not in logged[begun:]


def test_json_lines_have_the_ids_as_fields(serve: Start) -> None:
    server = serve("--log-level=DEBUG", "--log-format=json")
    owner = Owner(server.url)
    with owner.agent.connect() as socket:
        socket.ask("signal", channel_id=owner.channel_id, kind="status", data={"text": 5})
    _, logged = server.end()
    # At this level traitlets tells of its own options, before it knows the format.
    lines = [json.loads(line) for line in logged.splitlines() if "ServeApp]" not in line]
    by_event = {line["event"]: line for line in lines}
    assert by_event["connected"]["participant_id"] == owner.agent.id
    assert by_event["refused"].items() >= {
        "code": "invalid_request", "participant_id": owner.agent.id, "door": "websocket", "request_id": "r",
        "connection": by_event["connected"]["connection"], "level": "debug",
    }.items()  # fmt: skip
    assert by_event["disconnected"]["connection"] == by_event["connected"]["connection"]
