"""A process of publishers who wait until theirs is on the disk: JetStream by nats-py, or Redis Streams by redis-py.

The order: ``{"broker": "nats" or "redis", "url", "connections", "in_flight", "warm_up", "seconds"}``. Prints the rate, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .rows import CONTENT

BODY = json.dumps({"type": "send_message", "channel_id": "ch_" + "0" * 26, "content": CONTENT, "client_id": "0" * 20}).encode()
Publish = Callable[[str], Awaitable[Any]]


async def with_nats(url: str, connections: int) -> list[Publish]:
    import nats

    opened = [await nats.connect(url) for _ in range(connections)]
    streams = [connection.jetstream() for connection in opened]
    await streams[0].add_stream(name="bench", subjects=["bench.>"])

    def publisher(stream: Any) -> Publish:
        # With the id by which JetStream drops what comes twice: our posts carry a client_id as well.
        return lambda name: stream.publish("bench.channel", BODY, headers={"Nats-Msg-Id": name})

    return [publisher(stream) for stream in streams]


async def with_redis(url: str, connections: int) -> list[Publish]:
    from redis.asyncio import Redis

    def publisher(client: Any) -> Publish:
        return lambda name: client.xadd("bench", {"client_id": name, "message": BODY})

    # One connection each, as a sender has one; where it has many in flight, redis-py takes a connection for each of these.
    return [publisher(Redis.from_url(url)) for _ in range(connections)]


async def run(order: dict[str, Any]) -> dict[str, Any]:
    connect = {"nats": with_nats, "redis": with_redis}[order["broker"]]
    publishers = await connect(order["url"], order["connections"])
    counts = [0] * (order["connections"] * order["in_flight"])
    prefix = time.time_ns()

    async def publish(place: int) -> None:
        send = publishers[place % len(publishers)]
        while True:
            await send(f"{prefix}-{place}-{counts[place]}")
            counts[place] += 1

    tasks = [asyncio.create_task(publish(place)) for place in range(len(counts))]
    await asyncio.sleep(order["warm_up"])
    before, started = sum(counts), time.perf_counter()
    await asyncio.sleep(order["seconds"])
    done, took = sum(counts) - before, time.perf_counter() - started
    failed = [task.exception() for task in tasks if task.done()]
    if failed:
        raise RuntimeError(f"{len(failed)} publishers failed: {failed[0]!r}")
    return {"rate": done / took}


if __name__ == "__main__":
    found = asyncio.new_event_loop().run_until_complete(run(json.load(sys.stdin)))
    print(json.dumps(found), flush=True)
