"""A process that owns a hub: ``python owner.py DATABASE PORT`` prints its url and secret and serves until it is killed."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from jupyter_agentchat.server.alone import Alone
from jupyter_agentchat.server.ownership import Ownership


async def serve(database: Path, port: int) -> None:
    ownership = Ownership(database)
    assert ownership.take(), "the database has an owner"
    hub = await Alone(database, ownership, port=port).start()
    print(json.dumps({"url": hub.url, "secret": hub.secret}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
