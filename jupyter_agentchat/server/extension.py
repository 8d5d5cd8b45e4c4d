"""The Jupyter server extension: the hub under ``{base_url}agentchat/``, Jupyter's users as its owners."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join
from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import HTTPError
from traitlets import Bool, Unicode

from .. import logs
from ..errors import ChatError, Forbidden, StoreUnavailable
from ..hub import Hub, Principal
from ..journal.local import LocalJournal
from ..limits import Limits
from ..state.store import Store, path_of
from .door import OURS, Door, Gate, check_xsrf, session_cookie
from .ownership import Ownership, default_store
from .routes import routes

TAKE_OVER_SECONDS = 0.5


class JupyterGate(Gate):
    """Beside our keys and sessions, whoever Jupyter itself lets in."""

    knows_other_tokens = True

    async def outer_user(self, door: Door) -> Principal | None:
        user = await self.outer_name(door)
        return await self.hub.people.jupyter_user(*user) if user else None

    async def outer_name(self, door: Any) -> tuple[str, str] | None:  # Any: a Door mixed with JupyterHandler, untyped there
        if not door.check_host():
            raise Forbidden(f"This server does not answer to the host {door.request.host}.")
        user = door.identity_provider.get_user(door)
        user = await user if inspect.isawaitable(user) else user
        door.current_user = door._jupyter_current_user = user
        if user is None:
            return None
        if not door.token_authenticated:
            check_xsrf(door)
        if door.token_authenticated and user.name.startswith("Anonymous") and not door.get_cookie(_login_cookie(door)):
            # A script with Jupyter's token would be somebody new at each call.
            return "token", "Token holder"
        return user.username, user.display_name or user.name


def _login_cookie(door: Any) -> str:
    return str(door.identity_provider.get_cookie_name(door))


class OursElsewhere(Matcher):
    """A request outside our routes with one of our keys or sessions: not even Jupyter's login page is for these."""

    def __init__(self, path: str) -> None:
        self._path = path

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        if request.path.startswith(self._path):
            return None
        shown = [request.headers.get("Authorization", "").rpartition(" ")[2]]
        shown += [value.decode(errors="replace") for value in request.query_arguments.get("token", [])]
        ours = session_cookie(request, self._path) in request.cookies or any(secret.startswith(OURS) for secret in shown)
        return {} if ours else None


class RefuseOurs(Door):
    """The answer to `OursElsewhere`."""

    async def prepare(self) -> None:
        self.refuse(Forbidden("An agent's key or a guest's session opens the agent chat, and nothing else of this server."))


class AgentChatExtension(ExtensionApp):
    """Channels in SQLite, served over HTTP and WebSockets."""

    name = "jupyter_agentchat"
    app_name = "Agent chat"
    extension_url = "/agentchat/chat/"
    load_other_extensions = True
    classes: ClassVar[list[Any]] = [Limits]  # type: ignore[misc] # traitlets declares it an instance's

    store = Unicode("", help="Where the conversation is kept: sqlite:///path.db. Default: in Jupyter's data directory.").tag(
        config=True
    )
    relaxed = Bool(
        False, help="Commit without waiting for the disk: faster, but the last moments may be lost in a power failure."
    ).tag(config=True)

    _hub: Hub | None = None
    _ownership: Ownership | None = None
    _waiting: asyncio.Task[None] | None = None

    def initialize_handlers(self) -> None:
        assert self.serverapp
        logs.guard([self.log, self.serverapp.log, *logs.of_tornado()])
        base = self.serverapp.base_url
        self._gate = JupyterGate(url_path_join(base, "agentchat") + "/")
        for pattern, handler, arguments in routes(self._gate, mixed_with=JupyterHandler):
            for method in ("get", "post", "patch", "put", "delete", "head", "options"):
                # Our gate decides, for guests and agents too; Jupyter wants to be told that this is meant.
                if callable(served := getattr(handler, method, None)):
                    setattr(handler, method, allow_unauthenticated(served))
            # ExtensionApp puts the base in front itself.
            self.handlers.append(("/" + pattern.removeprefix(base), handler, arguments))

        self.serverapp.web_app.default_router.rules.insert(
            0, Rule(OursElsewhere(self._gate.path), RefuseOurs, {"gate": self._gate})
        )

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Opens the hub once the event loop runs. If it cannot be, every call says why, and Jupyter goes on."""
        await self._reporting(self._open(serverapp))

    async def _reporting(self, opening: Coroutine[Any, Any, None]) -> None:
        try:
            await opening
        except ChatError as error:
            logs.log(self.log, logging.ERROR, "the hub did not start", code=error.code, reason=error.message)
            self._gate.shut(error)
        except Exception:
            self.log.exception("agentchat: the hub did not start")
            self._gate.shut(StoreUnavailable("The hub did not start: the Jupyter server's log says why."))

    async def _open(self, serverapp: Any) -> None:
        database = path_of(self.store) if self.store else default_store()
        self._ownership = ownership = Ownership(database)
        if ownership.take():
            await self._start_hub(serverapp, database)
        else:
            logs.log(self.log, logging.INFO, "another process of yours owns the database: joining its hub", database=database)
            self._waiting = asyncio.create_task(self._take_over(serverapp, database), name="agentchat-take-over")

    async def _take_over(self, serverapp: Any, database: Path) -> None:
        """Passes everything on to the owner's hub; when the owner ends, owns the database."""
        from .annex import Annex  # brings tornado's HTTP client along, which few servers need

        assert self._ownership
        while not self._ownership.take():
            owner = self._ownership.owner()
            if owner is None:
                self._gate.shut(StoreUnavailable("The hub's owner is starting or ending: try again.", retry_after=1.0))
            elif self._gate.annex is None or self._gate.annex.owner != owner:
                self._gate.annex = Annex(owner, self._gate.outer_name, self._kernel_key)
            await asyncio.sleep(TAKE_OVER_SECONDS)
        logs.log(self.log, logging.INFO, "taking over the database", database=database)
        self._gate.shut(StoreUnavailable("The hub is changing hands: try again.", retry_after=0.5))
        await self._reporting(self._start_hub(serverapp, database))

    async def _start_hub(self, serverapp: Any, database: Path) -> None:
        assert self._ownership
        store = Store(database, relaxed=self.relaxed)
        limits = Limits(parent=self)
        hub = Hub(
            store,
            LocalJournal(store, max_queued=limits.queue_commands, max_queued_bytes=limits.queue_bytes),
            limits=limits,
            kernel_key=self._kernel_key,
            local_secret=self._ownership.secret,
            workspace_owner_needed=True,
        )
        try:
            await hub.start()
        except BaseException:
            self._ownership.release()
            raise
        self._hub = hub
        self._gate.open(hub)
        self._ownership.announce(url_path_join(serverapp.connection_url, "agentchat") + "/")

    def _kernel_key(self, kernel_id: str) -> bytes | None:
        assert self.serverapp
        try:
            return bytes(self.serverapp.kernel_manager.get_kernel(kernel_id).session.key)
        except (KeyError, AttributeError, HTTPError):
            return None

    async def stop_extension(self) -> None:
        if self._waiting:
            self._waiting.cancel()
        self._gate.shut(StoreUnavailable("The server is stopping.", retry_after=1.0))
        if self._hub:
            await self._hub.close()
        if self._ownership:
            self._ownership.release()
