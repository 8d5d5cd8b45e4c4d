"""Between the crowd and the hub is a network as bad as they come."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from tests.actors import Owner, Start
from tests.faults.crowd import Crowd
from tests.faults.proxy import Proxy

CONFIRMED = 600


def test_a_network_that_delays_cuts_and_repeats_breaks_no_promise(serve: Start) -> None:
    """Connections end at random bytes in both directions; requests and frames come twice, some much later."""
    owner = Owner(serve().url)
    port = urlsplit(owner.url).port
    assert port

    async def through_the_proxy() -> list[str]:
        async with Proxy(port, cut=0.015, twice=0.2, delay=0.005) as proxy:
            crowd = Crowd(owner, proxy.url)
            broken = await crowd.through(lambda: crowd.confirmed(CONFIRMED))
            assert proxy.cuts > 5
            assert proxy.doubled > 20
            return broken

    assert asyncio.run(through_the_proxy()) == []
