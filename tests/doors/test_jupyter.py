"""The extension in a real Jupyter server: its users are owners; keys and guests open the agent chat and nothing else."""

from __future__ import annotations

import hmac
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
import websocket

from tests.actors import PASSWORD, PATIENCE, Actor, Json, Owner, Socket

TOKEN = "jupyters-own-token"
BASE = "/base/prefix/"


class Jupyter:
    """A Jupyter server that finds nothing of this machine's user."""

    def __init__(self, home: Path, *options: str, data: Path | None = None) -> None:
        self.home = home
        self.database = (data or home / "data") / "agentchat" / "workspace.db"
        home.mkdir(exist_ok=True)
        (home / "work").mkdir(exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        places = {f"JUPYTER_{name.upper()}_DIR": str(home / name) for name in ("config", "data", "runtime")}
        self.log = home / "jupyter.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", "--debug", "--ip=127.0.0.1",
                 f"--port={port}", f"--ServerApp.base_url={BASE}", f"--IdentityProvider.token={TOKEN}",
                 f"--ServerApp.root_dir={home / 'work'}", *options,
                 "--ServerApp.jpserver_extensions={'jupyter_agentchat': True}"],
                stdout=log, stderr=log, env={**os.environ, **places, **({"JUPYTER_DATA_DIR": str(data)} if data else {})},
            )  # fmt: skip
        self.server = f"http://127.0.0.1:{port}{BASE}"
        self.url = f"{self.server}agentchat/"
        self.user = Actor(self.url)
        self.user.http.headers["Authorization"] = f"token {TOKEN}"
        deadline = time.monotonic() + PATIENCE
        while True:
            with suppress(requests.ConnectionError):
                if self.user.send("GET", "api/v1/me").json().get("error", {}).get("retry_after") != 0.5:
                    return
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def kernel(self) -> tuple[str, bytes]:
        """(id, connection key) of a new kernel."""
        kernel_id = requests.post(
            f"{self.server}api/kernels", headers={"Authorization": f"token {TOKEN}"}, json={}, timeout=PATIENCE
        ).json()["id"]
        [file] = (self.home / "runtime").glob(f"kernel-{kernel_id}.json")
        return kernel_id, json.loads(file.read_text())["key"].encode()


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    server = Jupyter(tmp_path_factory.mktemp("jupyter"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def bot(jupyter: Jupyter) -> Actor:
    made = jupyter.user.call("POST", "bootstrap", Owner.bootstrap("bot"))
    bot = Actor(jupyter.url, made["api_key"])
    bot.id, bot.channel_id = made["agent_id"], made["channel_id"]
    assert made["invite_url"].startswith(f"{jupyter.url}invite/")
    return bot


def logged_in(jupyter: Jupyter) -> Actor:
    """A browser that logged in to Jupyter with its token, and holds cookies only."""
    browser = Actor(jupyter.url)
    browser.http.get(f"{jupyter.server}login", timeout=PATIENCE)
    data = {"password": TOKEN, "_xsrf": browser.http.cookies["_xsrf"]}
    assert browser.http.post(f"{jupyter.server}login", data=data, timeout=PATIENCE).status_code in {200, 404}
    return browser


def test_jupyters_token_is_an_owner_and_always_the_same_one(jupyter: Jupyter, bot: Actor) -> None:
    def me() -> Json:
        return requests.get(f"{jupyter.url}api/v1/me", headers={"Authorization": f"token {TOKEN}"}, timeout=PATIENCE).json()[
            "participant"
        ]

    first, again = me(), me()
    assert (first["kind"], first["id"]) == ("human", again["id"]), "a script that keeps no cookies"
    assert bot.channel_id in [channel["id"] for channel in jupyter.user.call("GET", "channels")["channels"]]
    jupyter.user.post("hello from Jupyter", channel_id=bot.channel_id)
    with Socket(f"{jupyter.url.replace('http', 'ws')}ws?token={TOKEN}") as live:
        assert live.connected["participant"]["id"] == first["id"]


def test_jupyters_cookie_is_an_owner_and_needs_its_xsrf_token(jupyter: Jupyter, bot: Actor) -> None:
    browser = logged_in(jupyter)
    me = browser.call("GET", "me")["participant"]
    assert me["kind"] == "human"
    question = bot.ask("Go on?", choices=["yes", "no"])
    path = f"api/v1/channels/{bot.channel_id}/messages/{question['id']}/answer"
    forged = browser.send("POST", path, json={"value": "yes"})
    assert (forged.status_code, forged.json()["error"]["code"]) == (403, "xsrf_failed")
    assert browser.answer(question, "yes")["author_id"] == me["id"]


def test_another_sites_page_opens_no_websocket_with_jupyters_cookie(jupyter: Jupyter) -> None:
    browser = logged_in(jupyter)
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.http.cookies)
    address = f"{jupyter.url.replace('http', 'ws')}ws"
    for query in ("", "?token=x", "?token=au"):
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            websocket.create_connection(address + query, cookie=cookies, origin="http://evil.example", timeout=PATIENCE)
        assert caught.value.status_code == 403, query
    with Socket(address, cookie=cookies, origin=jupyter.server.split("/base")[0]) as own:
        assert own.connected["participant"]["kind"] == "human"


def test_bootstrap_needs_jupyters_own_login(jupyter: Jupyter, bot: Actor) -> None:
    for nobody in (Actor(jupyter.url), bot, Actor(jupyter.url, "not-the-token")):
        status, code = nobody.refused("POST", "bootstrap", Owner.bootstrap("intruder", owner_email="i@x.org"))
        assert (status, code) == (401, "unauthenticated")


ELSEWHERE = [
    ("GET", ""), ("GET", "api/contents"), ("PUT", "api/contents/x.txt"), ("GET", "api/kernels"), ("POST", "api/kernels"),
    ("GET", "api/kernels/{kernel}"), ("DELETE", "api/kernels/{kernel}"), ("POST", "api/kernels/{kernel}/interrupt"),
    ("GET", "api/kernels/{kernel}/channels"), ("GET", "api/terminals"), ("POST", "api/terminals"),
    ("GET", "terminals/websocket/1"),
    ("GET", "api/sessions"), ("GET", "api/kernelspecs"), ("GET", "api/status"), ("GET", "api/me"), ("POST", "api/shutdown"),
    ("GET", "files/secret.txt"), ("GET", "view/secret.txt"), ("GET", "nbconvert/html/x.ipynb"), ("GET", "lab"), ("GET", "tree"),
    ("GET", "login"), ("GET", "metrics"), ("GET", "agentchat/../api/contents"), ("GET", "agentchat/..%2fapi/contents"),
    ("GET", "agentchat"), ("GET", "agentchatx/api/contents"), ("GET", "static/favicon.ico"), ("GET", "api"), ("GET", "logout"),
]  # fmt: skip


def guest_of(jupyter: Jupyter, bot: Actor) -> tuple[Actor, str]:
    guest = Actor(jupyter.url)
    invite = bot.invite()["token"]
    assert guest.send("GET", f"invite/{invite}").status_code == 200
    guest.call("POST", f"invites/{invite}/accept", {"name": f"Guest {invite[-6:]}"})
    [cookie] = [cookie for cookie in guest.http.cookies if cookie.name.startswith("agentchat-session")]
    assert cookie.path == f"{BASE}agentchat/"
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "Lax"
    return guest, f"{cookie.name}={cookie.value}"


def test_a_key_and_a_guests_session_open_nothing_else(jupyter: Jupyter, bot: Actor) -> None:
    (jupyter.home / "work" / "secret.txt").write_text("secret words")
    kernel_id, _ = jupyter.kernel()
    guest, cookie = guest_of(jupyter, bot)
    session = cookie.partition("=")[2]
    assert guest.call("GET", "me")["participant"]["kind"] == "human"
    shown: list[tuple[str, dict[str, str]]] = []
    for secret in (bot.token, session):
        shown += [
            ("", {"Authorization": f"Bearer {secret}"}),
            ("", {"Authorization": f"token {secret}"}),
            (f"token={secret}", {}),
        ]
    shown.append(("", {"Cookie": cookie}))
    for query, headers in shown:
        for method, path in ELSEWHERE:
            request = requests.Request(method, jupyter.server, headers=headers, json={} if method != "GET" else None).prepare()
            request.url = jupyter.server + path.format(kernel=kernel_id) + (f"?{query}" if query else "")
            with requests.Session() as http:
                http.trust_env = False
                reply = http.send(request, timeout=PATIENCE, allow_redirects=False)
            # Below agentchat/ nothing of Jupyter's is served to anyone.
            allowed = {401, 403} if not path.startswith("agentchat/") else {401, 403, 404}
            assert reply.status_code in allowed, (method, path, query, headers.keys(), reply.text[:200])
            assert "secret words" not in reply.text
        for path in (f"api/kernels/{kernel_id}/channels", "terminals/websocket/1", "api/events/subscribe"):
            with pytest.raises(websocket.WebSocketBadStatusException) as caught:
                websocket.create_connection(
                    f"{jupyter.server.replace('http', 'ws')}{path}{'?' + query if query else ''}",
                    header=headers,
                    timeout=PATIENCE,
                )
            assert caught.value.status_code in {401, 403}
    assert jupyter.user.http.get(f"{jupyter.server}files/secret.txt", timeout=PATIENCE).text == "secret words"


def test_a_guest_of_a_stand_alone_hub_still_opens_jupyter(jupyter: Jupyter, room: Actor) -> None:
    """Cookies know no ports: the other hub's session comes along to Jupyter at the same host."""
    guest = Actor(room.url)
    token = room.invite()["token"]
    guest.call("POST", f"invites/{token}/accept", {"name": "Gil"})
    reply = guest.http.get(f"{jupyter.server}api/contents?token={TOKEN}", timeout=PATIENCE)
    assert reply.status_code == 200
    assert guest.http.get(f"{jupyter.server}login", timeout=PATIENCE).status_code == 200


def test_a_guests_page_works_on_the_jupyter_server(jupyter: Jupyter, bot: Actor) -> None:
    guest, _ = guest_of(jupyter, bot)
    page = guest.send("GET", f"chat/{bot.channel_id}")
    assert page.status_code == 200
    assert f'data-base-url="{BASE}agentchat/"' in page.text
    assert f'src="{BASE}agentchat/static/page.js"' in page.text
    guest.post("hello", channel_id=bot.channel_id)
    assert guest.refused("GET", "agents/x/keys")[0] in {404, 405}


def test_the_chat_pages_own_session_is_used_where_the_browser_is_logged_in_to_jupyter_too(jupyter: Jupyter, bot: Actor) -> None:
    browser = logged_in(jupyter)
    _, cookie = guest_of(jupyter, bot)
    name, _, value = cookie.partition("=")
    browser.http.cookies.set(name, value, domain="127.0.0.1", path=f"{BASE}agentchat/")
    assert not browser.call("GET", "me")["participant"]["name"].startswith("Guest")
    own = browser.send("GET", "api/v1/me", headers={"X-AgentChat-Auth": "session"}).json()
    assert own["participant"]["name"].startswith("Guest")


def proof(kernel_id: str, key: bytes, **changes: Any) -> Json:
    fields = {"agent_name": "kernel-bot", "notebook": "work/a.ipynb", "at": int(time.time()), **changes}
    signed = f"agentchat-kernel\n{kernel_id}\n{fields['agent_name']}\n{fields['notebook']}\n{fields['at']}"
    return {**fields, "proof": hmac.new(key, signed.encode(), "sha256").hexdigest()}


def test_a_kernel_proves_itself_with_its_connection_key_only(jupyter: Jupyter, bot: Actor) -> None:
    kernel_id, key = jupyter.kernel()
    other_id, other_key = jupyter.kernel()
    kernel = Actor(jupyter.url)
    path = f"kernels/{kernel_id}/agent"
    good = proof(kernel_id, key)
    made, again = (kernel.call("POST", path, good, status=201) for _ in range(2))
    assert (made["agent"]["kind"], made["channel_id"]) == ("agent", again["channel_id"])
    agent = Actor(jupyter.url, made["api_key"])
    agent.post("from the kernel", channel_id=made["channel_id"])
    assert agent.refused("GET", f"channels/{bot.channel_id}") == (404, "channel_not_found")
    for wrong in (
        {**good, "proof": "0" * 64},
        {**good, "proof": ""},
        {**good, "proof": "ä" * 64},
        {**good, "agent_name": "another"},
        {**good, "notebook": "work/b.ipynb"},
        {**good, "at": good["at"] + 1},
        proof(kernel_id, other_key),
        proof(kernel_id, b""),
        proof(kernel_id, b"unknown kernel"),
        proof(other_id, key),
        proof(kernel_id, key, at=int(time.time()) - 61),
        proof(kernel_id, key, at=int(time.time()) + 62),
        proof(kernel_id, key, at=10**18),
    ):
        assert kernel.refused("POST", path, wrong) == (403, "forbidden"), wrong
    for unknown in ("none", "00000000-0000-0000-0000-000000000000"):
        body = proof(unknown, b"unknown kernel")
        assert kernel.refused("POST", f"kernels/{unknown}/agent", body) == (403, "forbidden")
    assert kernel.refused("POST", path, {"agent_name": "x"}) == (400, "invalid_request")


def test_jupyters_log_holds_no_secret(jupyter: Jupyter, bot: Actor) -> None:
    guest, cookie = guest_of(jupyter, bot)
    invite = bot.invite()["token"]
    secrets = [str(bot.token), cookie.partition("=")[2], invite]
    for secret in secrets:
        for path in ("ws", "api/v1/me", "api/v1/nowhere", "chat/", "nowhere"):
            Actor(jupyter.url).send("GET", f"{path}?token={secret}", headers={"Referer": f"{jupyter.url}invite/{invite}"})
        for path in ("static/nothing.js", "static/..%2f", "../api/contents"):
            Actor(jupyter.url).send("GET", f"{path}?token={secret}")
        Actor(jupyter.url, secret).http.get(f"{jupyter.server}api/contents?token={secret}", timeout=PATIENCE)
        for path in (f"invite/{secret}", f"api/v1/invites/{secret}", f"api/v1/invites/{secret}/accept"):
            Actor(jupyter.url).send("GET", path)
            Actor(jupyter.url).send("POST", path, json={"name": " "})
        with suppress(websocket.WebSocketException), Socket(f"{jupyter.url.replace('http', 'ws')}ws?token={secret}") as live:
            live.ask("send_message", channel_id="ch_none", content=" ")
    assert guest.call("GET", "me")
    log = jupyter.log.read_text()
    assert "agentchat" in log
    for secret in [*secrets, PASSWORD]:
        assert secret not in log


def test_another_host_name_is_refused(jupyter: Jupyter, bot: Actor) -> None:
    """Rebinding a name to this machine gives a page no identity here."""
    reply = Actor(jupyter.url).send("GET", "api/v1/me", headers={"Host": "evil.example", "Authorization": f"token {TOKEN}"})
    assert reply.status_code in {401, 403}


def test_stopping_gives_the_database_back_and_starting_again_finds_it(tmp_path: Path) -> None:
    first = Jupyter(tmp_path / "a")
    made = first.user.call("POST", "bootstrap", Owner.bootstrap("bot"))
    Actor(first.url, made["api_key"]).post("before", channel_id=made["channel_id"])
    announced = first.database.with_name("workspace.db.hub.json")
    assert announced.stat().st_mode & 0o777 == 0o600
    first.stop()
    assert not announced.exists()
    assert not any(str(first.database) in str(file) for file in psutil.Process().open_files())
    second = Jupyter(tmp_path / "a")
    try:
        again = Actor(second.url, made["api_key"])
        found = again.call("GET", f"channels/{made['channel_id']}/messages")["messages"]
        assert [message["content"] for message in found] == ["before"]
    finally:
        second.stop()


@pytest.mark.parametrize("why", ["newer", "unwritable"])
def test_jupyter_goes_on_and_says_why_there_is_no_chat(tmp_path: Path, why: str) -> None:
    from tests.doors.test_serve import from_the_future

    home = tmp_path / "home"
    database = home / "data" / "agentchat" / "workspace.db"
    if why == "newer":
        from jupyter_agentchat.state.store import Store

        Store(database).open_writer().close()
        from_the_future(database)
    else:
        database.parent.parent.mkdir(parents=True)
        database.parent.write_text("a file where the folder should be")
    server = Jupyter(home)
    try:
        headers = {"Authorization": f"token {TOKEN}"}
        assert requests.get(f"{server.server}api/contents", headers=headers, timeout=PATIENCE).status_code == 200
        reply = server.user.send("GET", "api/v1/me")
        code = {"newer": "newer_database", "unwritable": "store_unavailable"}[why]
        assert (reply.status_code, reply.json()["error"]["code"]) == (503, code)
        assert str(database) in reply.json()["error"]["message"]
        assert str(database) in server.log.read_text()
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            websocket.create_connection(f"{server.url.replace('http', 'ws')}ws?token={TOKEN}", timeout=PATIENCE)
        assert caught.value.status_code == 503
    finally:
        server.stop()


def test_a_second_jupyter_server_joins_the_first_ones_hub_and_takes_over(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = Jupyter(tmp_path / "a", data=data)
    second = Jupyter(tmp_path / "b", data=data)
    try:
        made = first.user.call("POST", "bootstrap", Owner.bootstrap("bot"))
        bot = Actor(second.url, made["api_key"])
        bot.channel_id = made["channel_id"]
        bot.post("by way of the second")
        secret = bot.ask("Password?", kind="secret")
        second.user.answer(secret, "open sesame")
        assert bot.call("POST", bot.path(f"/messages/{secret['id']}/secret")) == {"value": "open sesame"}
        second.user.answer(bot.ask("Drop it?", kind="approval", approval={"action": "drop", "always": True}), "always")
        (standing,) = bot.call("GET", bot.path("/approvals"))["approvals"]
        second.user.call("DELETE", bot.path(f"/approvals/{standing['id']}"))
        trail = second.user.call("GET", bot.path("/audit"))["entries"]
        assert [entry["action"] for entry in trail] == ["revoked", "answered", "answered"]
        with Socket(f"{second.url.replace('http', 'ws')}ws?token={TOKEN}") as live:
            live.ask("subscribe", channel_id=bot.channel_id)
            Actor(first.url, bot.token).post("by way of the first", channel_id=bot.channel_id)
            assert live.until("new_message")["message"]["content"] == "by way of the first"
        for forged in ("", "?token=x"):
            cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in logged_in(second).http.cookies)
            with pytest.raises(websocket.WebSocketBadStatusException) as caught:
                websocket.create_connection(
                    f"{second.url.replace('http', 'ws')}ws{forged}",
                    cookie=cookies,
                    origin="http://evil.example",
                    timeout=PATIENCE,
                )
            assert caught.value.status_code == 403
        kernel_id, key = second.kernel()
        kernel = Actor(second.url)
        assert kernel.refused("POST", f"kernels/{kernel_id}/agent", proof(kernel_id, b"wrong")) == (403, "forbidden")
        proven = kernel.call("POST", f"kernels/{kernel_id}/agent", proof(kernel_id, key))
        assert proven["hub_url"] == first.url
        first.stop()
        deadline = time.monotonic() + PATIENCE
        while second.user.send("GET", "api/v1/me").status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        history = bot.history()
        assert [history[0]["content"], history[-1]["content"]] == ["by way of the second", "by way of the first"]
    finally:
        first.stop()
        second.stop()
        shutil.rmtree(data, ignore_errors=True)
