"""The disk is full, read-only, or held by somebody else: each sender is told, nothing accepted is lost, the server stays up."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.actors import Actor, Owner, Start
from tests.faults.crowd import Crowd


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """A small file system of its own, which really gets full."""
    folder = tmp_path / "small"
    folder.mkdir()

    def mount(*options: str) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", ",".join(["size=3m", *options]), "agentchat-tests", str(folder)]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("mounting a small file system needs root")
        return folder

    yield mount
    subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def fill(folder: Path) -> None:
    """Somebody else's file takes all that is left."""
    with (folder / "others.bin").open("wb", buffering=0) as others, suppress(OSError):
        while others.write(b"x" * 65536):
            pass


def test_a_full_disk_refuses_each_sender_and_loses_nothing(serve: Start, mounted: Callable[..., Path]) -> None:
    folder = mounted()
    server = serve(store=folder / "workspace.db")
    owner = Owner(server.url)
    agent = owner.agent
    kept = [agent.post("before")["id"]]
    fill(folder)
    refused = 0
    with agent.connect() as socket:
        for n in range(20):
            reply = socket.ask("send_message", channel_id=agent.channel_id, content=f"{n} " + "x" * 100_000)
            if reply["type"] == "sent":
                kept.append(reply["message_id"])
            else:
                assert (reply["code"], reply["retry_after"] > 0) == ("store_unavailable", True)
                refused += 1
        assert refused
    reply = agent.send("POST", f"api/v1/{agent.path('/messages')}", json={"content": "x" * 100_000})
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "store_unavailable")
    assert int(reply.headers["Retry-After"]) >= 1
    assert [message["id"] for message in agent.history()] == kept, "reading goes on"
    (folder / "others.bin").unlink()
    kept.append(agent.post("after")["id"])
    assert [message["id"] for message in agent.history()] == kept
    server.kill()
    again = Actor(serve(store=folder / "workspace.db").url, agent.token)
    again.channel_id = agent.channel_id
    assert [message["id"] for message in again.history()] == kept


def test_a_disk_that_is_full_at_the_start_is_named(serve: Start, mounted: Callable[..., Path]) -> None:
    folder = mounted()
    fill(folder)
    status, errors = serve(store=folder / "workspace.db").wait()
    assert status == 1
    assert str(folder / "workspace.db") in errors
    assert "Traceback" not in errors
    (folder / "others.bin").unlink()
    assert serve(store=folder / "workspace.db").url


@pytest.mark.parametrize("exists", [True, False])
def test_a_read_only_disk_is_named(serve: Start, mounted: Callable[..., Path], exists: bool) -> None:
    folder = mounted()
    database = folder / "workspace.db"
    if exists:
        serve(store=database).end()
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
    status, errors = serve(store=database).wait()
    assert status == 1
    assert str(database) in errors
    assert "listen" not in errors
    assert "Traceback" not in errors


HOLD = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Another process, which holds the database's write lock."""
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout
    assert other.stdout.readline() == b"held\n"
    try:
        yield
    finally:
        other.communicate()


def test_a_database_that_another_process_locks_is_waited_for_then_refused_and_then_goes_on(
    serve: Start, database: Path
) -> None:
    """Three seconds are waited for and nobody is refused; longer than the hub's patience, everybody is told, with a time."""
    crowd = Crowd(Owner(serve().url))

    def refused() -> set[str]:
        return {code for sender in crowd.senders for code in sender.refusals}

    async def lock_twice() -> None:
        await crowd.confirmed(50)
        with held(database):
            await asyncio.sleep(3)
        await crowd.confirmed(50)
        assert refused() == set()
        with held(database):
            await asyncio.sleep(6)
        await crowd.confirmed(50)
        assert refused() == {"store_unavailable"}

    assert asyncio.run(crowd.through(lock_twice)) == []
