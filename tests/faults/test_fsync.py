"""The disk refuses to write through: nothing is told as sent that is not there after a restart."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.actors import Owner, Serve, Start
from tests.faults.crowd import Crowd


@pytest.fixture
def doomed(database: Path) -> Iterator[Serve]:
    """A server whose fsync fails from SIGUSR1 on."""
    tried = subprocess.run(
        [sys.executable, "-c", "from tests.faults.wrapped import *; import os; break_fsync(); os.fsync(1)"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "Input/output error" not in tried.stderr:
        pytest.skip(f"seccomp is not allowed here: {tried.stderr.strip().splitlines()[-1:]}")
    server = Serve(database, wrapper="fsync")
    yield server
    server.kill()


def test_nothing_unconfirmed_is_told_as_sent_when_fsync_fails(doomed: Serve, serve: Start) -> None:
    port = str(urlsplit(doomed.url).port)
    owner = Owner(doomed.url)
    crowd = Crowd(owner)

    def all_refused() -> None:
        agent = owner.agent
        for n in range(5):
            reply = agent.send("POST", f"api/v1/{agent.path('/messages')}", json={"content": f"not there {n}"})
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "store_unavailable")
            assert int(reply.headers["Retry-After"]) >= 1
        with agent.connect() as socket:
            reply = socket.ask("send_message", channel_id=agent.channel_id, content="not there either")
            assert (reply["type"], reply["code"], reply["retry_after"] > 0) == ("error", "store_unavailable", True)
        assert agent.history(limit=1), "reading goes on"

    async def fail_then_restart() -> None:
        await crowd.confirmed(150)
        os.kill(doomed.process.pid, signal.SIGUSR1)
        await asyncio.to_thread(all_refused)
        # Order is promised to who was refused nothing; so they must have heard it, before what was refused may turn up again.
        while not all(sender.was_refused for sender in crowd.senders):  # noqa: ASYNC110 (they are not told of each other)
            await asyncio.sleep(0.01)
        doomed.kill()
        await asyncio.to_thread(serve, "--port", port)
        await crowd.confirmed(150)

    assert asyncio.run(crowd.through(fail_then_restart)) == []
