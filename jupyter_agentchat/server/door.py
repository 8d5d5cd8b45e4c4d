"""What every HTTP and WebSocket handler shares: who is it, and how an error leaves the house.

The same handlers serve alone (plain tornado) and in Jupyter (mixed with JupyterHandler); only the `Gate` differs.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from tornado.httputil import HTTPServerRequest
from tornado.web import HTTPError, RequestHandler

from .. import logs, metrics
from ..errors import (
    ChatError,
    Forbidden,
    InternalError,
    InvalidRequest,
    MessageTooLarge,
    MethodNotAllowed,
    NotFound,
    StoreUnavailable,
    Unauthenticated,
    XsrfFailed,
)
from ..hub import Caller, Hub, Principal
from ..protocol import ErrorBody, ErrorReply, encode, seconds_of

if TYPE_CHECKING:
    from .annex import Annex

log = logs.named(__name__)
_seldom = logs.Seldom()

OURS = ("au_", "se_")
BESIDE_THE_REQUEST = {"token", "auth", "_xsrf"}
"""Fields of a query that say who calls."""
_INVITE = re.compile(r"(/invites?/)[^/?]+")
OF_STATUS: dict[int, type[ChatError]] = {
    401: Unauthenticated, 403: Forbidden, 404: NotFound, 405: MethodNotAllowed, 413: MessageTooLarge,
}  # fmt: skip
"""What tornado and Jupyter refuse by themselves."""
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def session_cookie(request: HTTPServerRequest, path: str) -> str:
    """The cookie's name. Browsers send cookies to every port of a host: without the port in the name, two hubs would sign
    each other's guests out, and a guest of a stand-alone hub could not open Jupyter beside it."""
    return "agentchat-session-" + re.sub(r"\W+", "-", f"{request.host}{path}").strip("-")


class Connection(Protocol):
    """What stays open while its reader listens."""

    def close(self, code: int, reason: str) -> None:
        """``code`` is a WebSocket's."""


class Expiry:
    """Calls ``end`` when the credential that somebody came with ends by itself.

    Looks at the clock at least once an hour, for that may be set.
    """

    def __init__(self, who: Principal, end: Callable[[], None]) -> None:
        self._expires_at = seconds_of(who.expires_at) if who.expires_at else None
        self._end = end
        self._timer: asyncio.TimerHandle | None = None
        self._look()

    def _look(self) -> None:
        if self._expires_at is None:
            return
        left = self._expires_at - time.time()
        if left <= 0:
            self._end()
        else:
            self._timer = asyncio.get_running_loop().call_later(min(left, 3600), self._look)

    def cancel(self) -> None:
        if self._timer:
            self._timer.cancel()


class Gate:
    """Lets callers in. One for each server; holds the hub once it has started, or why it has not.

    Args:
        path: where the routes hang, ``/`` or ``/base/agentchat/``.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._hub: Hub | None = None
        self.annex: Annex | None = None
        """Set while another process owns the database: everything is passed on to its hub."""
        self.sockets: set[Connection] = set()
        self._why: ChatError = StoreUnavailable("The hub is starting: try again in a moment.", retry_after=0.5)

    def open(self, hub: Hub) -> None:
        self._hub, self.annex = hub, None

    def shut(self, why: ChatError) -> None:
        self._hub, self.annex, self._why = None, None, why
        for socket in list(self.sockets):
            socket.close(1012, "service restart")

    @property
    def hub(self) -> Hub:
        """Raises: StoreUnavailable or NewerDatabase while there is none."""
        if self._hub is None:
            raise type(self._why)(self._why.message, **self._why.details)
        return self._hub

    async def identify(self, door: Door) -> Principal | None:
        """Who calls. Raises: Unauthenticated for a key that is not valid; XsrfFailed for a cookie without its header."""
        secret = bearer_of(door)
        if secret and secret.startswith(OURS):
            return await self.hub.people.authenticate(secret)
        if not wants_session(door) and (user := await self.outer_user(door)):
            return user
        if token := door.get_cookie(session_cookie(door.request, self.path)):
            try:
                who = await self.hub.people.authenticate(token)
            except Unauthenticated:
                check_origin(door)
                return None  # a stale cookie is nobody, so that a new invite still opens
            check_xsrf(door)
            return who
        if secret and not self.knows_other_tokens:
            raise Unauthenticated("This is not an agentchat key (au_…) or session (se_…).")
        check_origin(door)
        return None

    knows_other_tokens = False

    async def outer_user(self, door: Door) -> Principal | None:
        """Somebody whom the surrounding server knows; alone, nobody."""
        return None


def wants_session(door: RequestHandler) -> bool:
    """The stand-alone page says that it means its own session: the same browser may also be logged in to Jupyter."""
    return "session" in (door.request.headers.get("X-AgentChat-Auth"), door.get_query_argument("auth", None))


def bearer_of(door: RequestHandler) -> str | None:
    scheme, _, secret = door.request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        return secret.strip()
    return door.get_query_argument("token", None)


def check_xsrf(door: Door) -> None:
    """A cookie goes along with requests that other sites start; the header does not."""
    if door.request.method in SAFE_METHODS:
        return
    try:
        RequestHandler.check_xsrf_cookie(door)
    except HTTPError as error:
        raise XsrfFailed("Send the _xsrf cookie's value as X-XSRFToken: a cookie alone may be another site's doing.") from error


def check_origin(door: Door) -> None:
    """Who shows no credential may still be a browser led here by another site (to be signed in as somebody else)."""
    origin = door.request.headers.get("Origin")
    if door.request.method not in SAFE_METHODS and origin and urlsplit(origin).netloc != door.request.host:
        raise XsrfFailed(f"A page of {origin} may not do this here.")


class Door(RequestHandler):
    """Base of all handlers. Authentication is the gate's, in `caller`; so the hooks that Jupyter would use are quiet."""

    gate: Gate
    _called_by: str | None = None

    def initialize(self, gate: Gate) -> None:
        self.gate = gate
        # Settled by the gate, call by call; tornado and Jupyter would ask their own hooks.
        self.current_user = None

    async def prepare(self) -> None:
        pass

    def check_xsrf_cookie(self) -> None:
        pass

    def finish(self, chunk: Any = None) -> Any:
        # What comes next is the log's line, and an invite's token stands in the path.
        self.request.path = _INVITE.sub(r"\1…", self.request.path)
        self.request.uri = _INVITE.sub(r"\1…", self.request.uri or "")
        if referer := self.request.headers.get("Referer"):
            self.request.headers["Referer"] = _INVITE.sub(r"\1…", referer)
        return super().finish(chunk)

    async def caller(self) -> Caller:
        who = await self.gate.identify(self)
        self._called_by = who.id if who else None
        request = self.request
        return Caller(who, f"{request.protocol}://{request.host}{self.gate.path}", request.remote_ip or "")

    def send(self, status: int, reply: Any) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.finish(encode(reply))

    def refuse(self, error: BaseException) -> None:
        """Sends any error in the wire's form; one that is not ours is logged, and shows nothing of the inside."""
        refusal = as_chat_error(error)
        note_refusal(refusal, participant_id=self._called_by, method=self.request.method, path=self.request.path)
        if "retry_after" in refusal.details:
            self.set_header("Retry-After", str(math.ceil(refusal.details["retry_after"])))
        if isinstance(refusal, Unauthenticated):
            self.set_header("WWW-Authenticate", 'Bearer realm="agentchat"')
        self.send(refusal.status, ErrorReply(ErrorBody(refusal.code, refusal.message, **refusal.details)))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        self.refuse(kwargs["exc_info"][1] if "exc_info" in kwargs else HTTPError(status_code))


def note_refusal(refusal: ChatError, **ids: Any) -> None:
    """Counts and logs it: a caller's fault for who looks for it, a hub that is too busy or without its disk for the operator.
    What is our fault was logged with its traceback."""
    metrics.REFUSALS.labels(refusal.code).inc()
    if refusal.status == 503:
        _seldom.log(log, logging.WARNING, "refused", code=refusal.code, **ids, reason=refusal.message)
    else:
        logs.log(log, logging.DEBUG, "refused", code=refusal.code, **ids, reason=refusal.message)


def as_chat_error(error: BaseException) -> ChatError:
    if isinstance(error, ChatError):
        return error
    if isinstance(error, HTTPError) and error.status_code < 500:
        refusal = OF_STATUS.get(error.status_code, InvalidRequest)
        return refusal(error.log_message or error.reason or f"This request cannot be served ({error.status_code}).")
    if isinstance(error, RecursionError):
        return InvalidRequest("The JSON is nested too deeply: send it flatter.")
    logs.log(log, logging.ERROR, "an unexpected error", error=error)
    return InternalError("The hub failed at this request; its log has the details.")
