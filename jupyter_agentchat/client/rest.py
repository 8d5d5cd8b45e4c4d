"""One HTTP call by its row in `protocol.OPERATIONS`."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import UNSET

from ..errors import ChatError, HubUnreachable, NotFound, from_wire
from ..protocol import OPERATIONS, ErrorReply, new_id

if TYPE_CHECKING:
    import ssl

    import httpx

_BY_NAME = {operation.name: operation for operation in OPERATIONS}


def is_loopback(url: str) -> bool:
    """Whether the url's host is this machine, by name or address."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls(url: str) -> ssl.SSLContext | None:
    """How to check the hub's certificate: a server on this machine may have signed its own. None for plain http."""
    if urlsplit(url).scheme != "https":
        return None
    import ssl

    context = ssl.create_default_context()
    if is_loopback(url):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Rest:
    """The calls of one hub. ``url`` is its root and ends in "/"; ``key`` the agent's API key, None where none is needed."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        self.key = key
        self._http: httpx.AsyncClient | None = None

    async def call(self, name: str, request: msgspec.Struct) -> Any:
        """The reply struct of the operation. A request that changes something gets a ``client_id``, so that it can be repeated:
        the same struct, called again, is the same change.

        Raises:
            HubUnreachable: nothing answers at the url.
            ChatError: what the hub refused, as the class of its code.
        """
        import httpx

        operation = _BY_NAME[name]
        if getattr(request, "client_id", UNSET) is None:
            request.client_id = new_id("c")  # type: ignore[attr-defined]  # it is there, and None
        fields: dict[str, Any] = msgspec.to_builtins(request)
        path = operation.path
        for field in [field for field in fields if f"{{{field}}}" in path]:
            path = path.replace(f"{{{field}}}", quote(str(fields.pop(field)), safe=""))
        with_body = operation.method not in ("GET", "DELETE")
        try:
            response = await self._client().request(
                operation.method,
                f"{self.url}api/v1/{path}",
                params=None if with_body else fields,
                json=fields if with_body else None,
                headers={"Authorization": f"Bearer {self.key}"} if self.key else {},
            )
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise HubUnreachable(f"No hub answers at {self.url}: {reason}. Is it running, and is the url right?") from error
        if response.is_success:
            return msgspec.json.decode(response.content, type=operation.reply)
        raise refusal(self.url, response.status_code, response.reason_phrase, response.content)

    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            import httpx

            # Plain http has nothing to verify, and loading certificates for it takes 20 ms. A proxy from the environment
            # does not lead back to this machine.
            self._http = httpx.AsyncClient(verify=tls(self.url) or False, trust_env=not is_loopback(self.url), timeout=30)
        return self._http

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()


def refusal(url: str, status: int, reason: str, content: bytes) -> ChatError:
    """What a reply that is no success means."""
    try:
        error = msgspec.json.decode(content, type=ErrorReply).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Not the hub but who stands in its place: a Jupyter server without the extension answers 403 as well as 404.
        told = f"{url} answered {status} {reason}: no agent chat hub is there."
        if status >= 500:
            return HubUnreachable(told)
        hint = "" if url.endswith("/agentchat/") else f" If it is a Jupyter server, its hub is at {url}agentchat/."
        return NotFound(told + hint)
    details = msgspec.to_builtins(error)
    return from_wire(details.pop("code"), details.pop("message"), **details)
