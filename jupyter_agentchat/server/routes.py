"""Which handler serves which path, the same on both servers."""

from __future__ import annotations

from typing import Any

from tornado.web import RequestHandler

from .door import Gate
from .pages import STATIC, InvitePage, PageHandler, Static
from .rest import NothingHere, OpenApiHandler, RestHandler
from .sse import EventsHandler
from .websocket import WsHandler


def routes(
    gate: Gate, mixed_with: type[RequestHandler] | None = None
) -> list[tuple[str, type[RequestHandler], dict[str, Any]]]:
    """(pattern, handler, arguments), the patterns below ``gate.path``.

    Args:
        mixed_with: the surrounding server's handler base, put behind ours.
    """

    def mixed(handler: type[RequestHandler]) -> type[RequestHandler]:
        return type(handler.__name__, (handler, mixed_with), {}) if mixed_with else handler

    served: list[tuple[str, type[RequestHandler]]] = [
        (r"api/v1/openapi\.json", OpenApiHandler),
        (r"api/v1/channels/([^/]+)/events", EventsHandler),
        (r"api/v1/(.*)", RestHandler),
        (r"ws", WsHandler),
        (r"invite/([^/]+)", InvitePage),
        (r"chat/?", PageHandler),
        (r"chat/([^/]+)", PageHandler),
    ]
    below = [(gate.path + pattern, mixed(handler), {"gate": gate}) for pattern, handler in served]
    static = (gate.path + r"static/(.*)", Static, {"path": str(STATIC)})
    return [*below, static, (gate.path + ".*", mixed(NothingHere), {"gate": gate})]
