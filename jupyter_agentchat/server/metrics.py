"""``/metrics`` of the stand-alone server. In Jupyter the same series stand in Jupyter's own ``{base_url}metrics``,
under its login."""

from __future__ import annotations

import ipaddress

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from ..errors import Forbidden, Unauthenticated
from .door import Door

PROXIED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")


class MetricsHandler(Door):
    """Totals only: no ids, no names, nothing that anyone wrote.

    A scraper on this machine needs no login. From elsewhere, also where a proxy on this machine passes it on, it shows an
    agent's key, as Prometheus does with ``authorization: {credentials: au_…}``, or the session of the workspace's owner.
    """

    async def get(self) -> None:
        try:
            if not self._is_local():
                who = (await self.caller()).who
                if who is None:
                    raise Unauthenticated(
                        "From another machine the metrics need `Authorization: Bearer au_…`, any agent's key."
                    )
                if who.participant.kind != "agent" and not who.owns_workspace:
                    raise Forbidden("A guest sees the channels it was invited to, not how the hub does.")
            self.set_header("Content-Type", CONTENT_TYPE_LATEST)
            self.set_header("Cache-Control", "no-store")
            self.finish(generate_latest(REGISTRY))
        except Exception as error:  # the door is where every error becomes a reply
            self.refuse(error)

    def _is_local(self) -> bool:
        if any(name in self.request.headers for name in PROXIED):
            return False
        try:
            return ipaddress.ip_address(self.request.remote_ip or "").is_loopback
        except ValueError:
            return False
