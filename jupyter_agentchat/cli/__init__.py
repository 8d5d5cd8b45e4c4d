"""``jupyter agentchat``: thin doors over the server and, later, the client."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from typing import Any, ClassVar

from jupyter_core.application import JupyterApp
from traitlets import Bool, Int, Unicode

from .. import __version__
from ..errors import ChatError


class ServeApp(JupyterApp):
    """Serves one workspace on a port of its own, with no kernels, files or terminals behind it."""

    name = "jupyter agentchat serve"
    description = __doc__
    version = __version__
    examples = """
        jupyter agentchat serve --port 8080
        jupyter agentchat serve --store sqlite:///team.db --ip 0.0.0.0
    """

    port = Int(8080, help="The port to listen on; 0 takes a free one.").tag(config=True)
    ip = Unicode("127.0.0.1", help="The address to listen on.").tag(config=True)
    store = Unicode("", help="Where the conversation is kept: sqlite:///path.db. Default: in Jupyter's data directory.").tag(
        config=True
    )
    relaxed = Bool(
        False, help="Commit without waiting for the disk: faster, but the last moments may be lost in a power failure."
    ).tag(config=True)

    aliases: ClassVar[dict[str, str]] = {"port": "ServeApp.port", "ip": "ServeApp.ip", "store": "ServeApp.store"}  # type: ignore[misc] # traitlets declares it an instance's
    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc] # as above
        "relaxed": ({"ServeApp": {"relaxed": True}}, "Commit without waiting for the disk."),
    }

    def start(self) -> None:
        super().start()
        try:
            asyncio.run(self._serve())
        except ChatError as error:
            self.exit_with(error.message)
        except OSError as error:
            self.exit_with(f"Cannot listen on {self.ip}:{self.port} ({error.strerror or error}): choose another --port.")

    def exit_with(self, message: str) -> None:
        print(f"jupyter agentchat serve: {message}", file=sys.stderr)  # noqa: T201 (a command line's own output)
        self.exit(1)

    async def _serve(self) -> None:
        from ..server.alone import Alone
        from ..server.ownership import Ownership, default_store
        from ..state.store import path_of

        database = path_of(self.store) if self.store else default_store()
        ownership = Ownership(database)
        if not ownership.take():
            owner = ownership.owner()
            raise ChatError(
                f"{database} is served already{f', at {owner.url}' if owner else ''}: use that hub, or name another --store."
            )
        server = Alone(database, ownership, ip=self.ip, port=self.port, relaxed=self.relaxed)
        try:
            hub = await server.start()
        except BaseException:
            ownership.release()
            raise
        print(f"Agent chat is at {hub.url}  (database {database}; Ctrl-C ends it)", flush=True)  # noqa: T201
        stopped = asyncio.Event()
        for name in ("SIGINT", "SIGTERM"):
            # Windows has no loop signal handlers; there Ctrl-C ends asyncio.run itself.
            with contextlib.suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), stopped.set)
        try:
            await stopped.wait()
        finally:
            await server.stop()


class AgentChatApp(JupyterApp):
    """One conversation for agents in notebook cells and the humans who supervise them."""

    name = "jupyter agentchat"
    description = __doc__
    version = __version__
    subcommands: ClassVar[dict[str, Any]] = {"serve": (ServeApp, "Serve a workspace on a port of its own.")}  # type: ignore[misc] # as above

    def start(self) -> None:
        super().start()
        self.print_help()
        self.exit(2)


def main() -> None:
    AgentChatApp.launch_instance()
