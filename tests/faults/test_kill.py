"""kill -9 at any moment, from outside, while a crowd sends and reads over every door."""

from __future__ import annotations

import asyncio
import os
import random
from urllib.parse import urlsplit

from tests.actors import Owner, Start
from tests.faults.crowd import Crowd

ROUNDS = int(os.environ.get("AGENTCHAT_FAULT_ROUNDS", "50"))


def test_kill_9_at_any_moment_under_load_breaks_no_promise(serve: Start) -> None:
    """Acknowledged means there; sent again under its client_id means once; a cursor finds everything, and once."""
    servers = [serve()]
    port = str(urlsplit(servers[0].url).port)
    crowd = Crowd(Owner(servers[0].url))
    moments = random.Random(3)

    async def kill_again_and_again() -> None:
        for _ in range(ROUNDS):
            await crowd.confirmed(moments.randint(1, 40))
            await asyncio.sleep(moments.random() * 0.01)
            servers[-1].kill()
            servers.append(await asyncio.to_thread(serve, "--port", port))

    assert asyncio.run(crowd.through(kill_again_and_again)) == []
    assert all(reader.comebacks >= ROUNDS / 2 for reader in crowd.readers), "they were cut off again and again"
