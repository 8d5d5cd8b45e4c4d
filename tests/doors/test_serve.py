"""``jupyter agentchat serve`` from outside, and the hub that a process starts for itself."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from jupyter_agentchat.errors import NewerDatabase, StoreUnavailable
from jupyter_agentchat.server import embedded
from tests.actors import CLI, PATIENCE, Actor, Owner, Serve, Start


def from_the_future(database: Path) -> None:
    with sqlite3.connect(database) as db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('agentchat', '9999_x', 'now')")
    db.close()


def failed(server: Serve) -> str:
    status, errors = server.wait()
    assert status == 1
    assert "Traceback" not in errors
    return errors


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no such limit")
def test_it_takes_more_connections_than_a_shell_allows_at_first(database: Path) -> None:
    arguments = " ".join(["serve", "--store", f"sqlite:///{database}", "--port", "0"])
    script = f"ulimit -S -n 64; exec {sys.executable} -c '{CLI[2]}' {arguments}"
    server = subprocess.Popen(["bash", "-c", script], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    try:
        agent = Owner(server.stdout.readline().split()[4]).agent
        sockets = [agent.connect() for _ in range(100)]
        assert sockets[-1].ask("ping")["type"] == "pong"
        for connected in sockets:
            with connected:
                pass
    finally:
        server.terminate()
        server.communicate(timeout=PATIENCE)
    assert server.returncode == 0


def test_it_says_where_it_listens_and_ends_on_request(serve: Start, database: Path) -> None:
    server = serve()
    assert server.url in server.said
    assert str(database) in server.said
    owner = Owner(server.url)
    owner.agent.post("before")
    status, errors = server.end()
    assert (status, errors) == (0, "")
    again = serve()
    agent = Actor(again.url, owner.agent.token)
    assert [message["content"] for message in agent.call("GET", f"channels/{owner.channel_id}/messages")["messages"]] == [
        "before"
    ]


def test_a_port_in_use_is_named(serve: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        errors = failed(serve("--port", str(port)))
        assert str(port) in errors
        assert "--port" in errors
    assert serve().url, "and the database is free again"


def test_a_database_of_a_newer_version_is_named_and_left_alone(serve: Start, database: Path) -> None:
    serve().end()
    from_the_future(database)
    before = database.read_bytes()
    assert "pip install -U jupyter_agentchat" in failed(serve())
    assert database.read_bytes() == before


def test_a_database_that_is_served_already_is_pointed_to(serve: Start) -> None:
    first = serve()
    assert first.url in failed(serve())
    Owner(first.url)


@pytest.mark.parametrize("what", ["a folder", "not a database", "below a file"])
def test_a_file_that_cannot_be_the_database_is_named(serve: Start, tmp_path: Path, what: str) -> None:
    database = tmp_path / "x.db"
    if what == "a folder":
        database.mkdir()
    else:
        database.write_bytes(b"something else, of somebody else" * 50)
    if what == "below a file":
        database = database / "workspace.db"
    errors = failed(serve(store=database))
    assert str(database) in errors
    assert "listen" not in errors


@pytest.mark.parametrize("arguments", [["--store", "mysql:///x"], ["--port", "x"], ["--what"]])
def test_what_the_command_does_not_know_it_says(arguments: list[str]) -> None:
    done = subprocess.run([*CLI, "serve", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_the_secret_beside_the_database_is_for_the_same_user_only(url: str, database: Path) -> None:
    announced = database.with_name("workspace.db.hub.json")
    assert stat.S_IMODE(announced.stat().st_mode) == 0o600
    hub = embedded.join_or_start(f"sqlite:///{database}")
    assert (hub.url, hub.secret in announced.read_text()) == (url, True)
    body = {"agent_name": "bot", "notebook": "a.ipynb"}
    nobody = Actor(url)
    for secret in ("", "guessed", "geheim-äöü", hub.secret[:-1]):
        assert nobody.refused("POST", "local/agent", {"secret": secret, **body}) == (403, "forbidden")
        assert nobody.refused("POST", "local/session", {"secret": secret, "username": "u", "name": ""}) == (403, "forbidden")
    first, again = (nobody.call("POST", "local/agent", {"secret": hub.secret, **body}) for _ in range(2))
    assert (first["agent"]["id"], first["channel_id"]) == (again["agent"]["id"], again["channel_id"])
    assert first["api_key"] != again["api_key"]
    embedded.stop_all()
    assert not announced.exists()


JOINER = """
import sys
from jupyter_agentchat.server import embedded
print(embedded.join_or_start(sys.argv[1]).url, flush=True)
sys.stdin.readline()
embedded.join_or_start(sys.argv[1])
print(embedded.join_or_start(sys.argv[1]).url, flush=True)
sys.stdin.readline()
"""


class Joiner:
    """Another process that needs a hub for the same database."""

    def __init__(self, store: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOINER, store], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self._line()

    def _line(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def go_on(self) -> str:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._line()

    def __enter__(self) -> Joiner:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def test_a_second_process_joins_the_first_ones_hub_and_takes_over_when_it_ends(database: Path) -> None:
    store = f"sqlite:///{database}"
    here = embedded.join_or_start(store)
    try:
        owner = Owner(here.url)
        with Joiner(store) as other:
            assert other.url == here.url
            embedded.stop_all()
            taken_over = other.go_on()
            assert taken_over
            assert taken_over == here.url, "links that were given out lead on"
            Actor(taken_over, owner.agent.token).post("still the same agent", channel_id=owner.channel_id)
            assert embedded.join_or_start(store).url == taken_over, "and now it is us who join"
    finally:
        embedded.stop_all()


def test_when_the_owner_is_killed_another_takes_over(database: Path) -> None:
    store = f"sqlite:///{database}"
    with Joiner(store) as other:
        owner = Owner(other.url)
        owner.agent.post("one")
        assert embedded.join_or_start(store).url == other.url
        os.kill(other.process.pid, 9)
        other.process.wait()
        hub = embedded.join_or_start(store)
    try:
        assert hub.url == other.url, "links that were given out lead on"
        agent = Actor(hub.url, owner.agent.token)
        agent.post("two", channel_id=owner.channel_id)
        agent.channel_id = owner.channel_id
        assert [message["content"] for message in agent.history()] == ["one", "two"]
    finally:
        embedded.stop_all()


def test_an_embedded_hub_that_cannot_start_says_why_and_leaves_no_lock(database: Path, tmp_path: Path) -> None:
    store = f"sqlite:///{database}"
    embedded.join_or_start(store)
    embedded.stop_all()
    from_the_future(database)
    for _ in range(2):
        with pytest.raises(NewerDatabase):
            embedded.join_or_start(store)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="file"):
        embedded.join_or_start(f"sqlite:///{tmp_path}/file/workspace.db")
    embedded.stop_all()


def test_its_printed_address_leads_a_browser_to_the_chat(url: str) -> None:
    reply = requests.get(url, timeout=PATIENCE)
    assert (reply.status_code, reply.url) == (200, f"{url}chat/")
