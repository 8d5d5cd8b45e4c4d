"""``jupyter agentchat``: thin doors over the server and, later, the client."""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import errno
import gc
import signal
import socket
import sys
from typing import Any, ClassVar, cast

from jupyter_core.application import JupyterApp, base_aliases, base_flags
from traitlets import Bool, Enum, Int, TraitError, Unicode

from .. import __version__, logs
from ..errors import ChatError
from ..limits import Limits

USAGE = 2
"""Exit status of a command that was not understood."""


def _let_many_in() -> None:
    """As many open files as the system allows: a shell gives 1,024 at first, and each agent's connection is one."""
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no such module, and macOS its own ceiling
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class ServeApp(JupyterApp):
    """Serves one workspace on a port of its own, with no kernels, files or terminals behind it."""

    name = "jupyter agentchat serve"
    description = __doc__
    version = __version__
    examples = """
        jupyter agentchat serve --port 8080
        jupyter agentchat serve --store sqlite:///team.db --ip 0.0.0.0
        jupyter agentchat serve --Limits.rate=100 --Limits.burst=500
    """
    classes: ClassVar[list[Any]] = [Limits]  # type: ignore[misc] # traitlets declares it an instance's

    port = Int(8080, min=0, max=65535, help="The port to listen on; 0 takes a free one.").tag(config=True)
    ip = Unicode("127.0.0.1", help="The address to listen on.").tag(config=True)
    store = Unicode("", help="Where the conversation is kept: sqlite:///path.db. Default: in Jupyter's data directory.").tag(
        config=True
    )
    relaxed = Bool(
        False, help="Commit without waiting for the disk: faster, but the last moments may be lost in a power failure."
    ).tag(config=True)

    log_as = Enum(("text", "json"), "text", help="Log lines for people, or JSON for programs; on stderr.").tag(config=True)
    trust_xheaders = Bool(
        False,
        help="Believe X-Forwarded-For and X-Forwarded-Proto: behind a proxy that sets them, so that links say https and"
        " cookies are Secure. Without such a proxy anybody could claim any address.",
    ).tag(config=True)

    aliases: ClassVar[dict[str, Any]] = {  # type: ignore[misc] # as above
        **base_aliases,
        "port": "ServeApp.port",
        "ip": "ServeApp.ip",
        "store": "ServeApp.store",
        "log-format": "ServeApp.log_as",
    }
    flags: ClassVar[dict[str, Any]] = {  # type: ignore[misc] # as above
        **base_flags,
        "relaxed": ({"ServeApp": {"relaxed": True}}, "Commit without waiting for the disk."),
        "trust-xheaders": ({"ServeApp": {"trust_xheaders": True}}, "Behind a TLS proxy: https links, Secure cookies."),
    }

    def parse_command_line(self, argv: Any = None) -> None:
        """Takes no argument for granted: traitlets only warns of one that it does not know, and serves."""
        given = sys.argv[1:] if argv is None else argv
        if problem := self._misunderstood(list(given)):
            self.exit_with(problem, USAGE)
        try:
            super().parse_command_line(argv)
            # Each value is looked at now: else a limit that cannot be would be found when the first hub needs it.
            _ = self.port, self.ip, self.store, self.log_as, Limits(parent=self)
        except TraitError as error:
            self.exit_with(str(error), USAGE)
        except SystemExit as error:  # traitlets has said what is wrong
            self.exit(USAGE if error.code == 1 else error.code)
        if self.extra_args:
            self.exit_with(f"{self.extra_args[0]!r} is not understood: options begin with --.", USAGE)

    def _misunderstood(self, given: list[str]) -> str | None:
        known = [f"--{name}" for names in (*self.aliases, *self.flags, "help", "help-all", "version") for name in _each(names)]
        known += [f"--{cls.__name__}.{trait}" for cls in (*type(self).__mro__, Limits) for trait in _options(cls)]
        for argument in given:
            name = argument.partition("=")[0]
            if name.startswith("--") and name not in known:
                near = difflib.get_close_matches(name, known, 1)
                return f"there is no option {name}{f': did you mean {near[0]}?' if near else ''} (--help-all lists them)"
        return None

    def start(self) -> None:
        super().start()
        logs.to_stderr(cast("int", self.log_level), as_json=self.log_as == "json")
        try:
            asyncio.run(self._serve())
        except ChatError as error:
            self.exit_with(error.message)
        except (OSError, UnicodeError) as error:
            what = getattr(error, "strerror", None) or error
            if isinstance(error, (socket.gaierror, UnicodeError)) or getattr(error, "errno", 0) == errno.EADDRNOTAVAIL:
                self.exit_with(f"{self.ip!r} is no address of this machine ({what}): give another --ip.", USAGE)
            self.exit_with(f"Cannot listen on {self.ip}:{self.port} ({what}): choose another --port.")

    def exit_with(self, message: str, status: int = 1) -> None:
        print(f"jupyter agentchat serve: {message}", file=sys.stderr)  # noqa: T201 (a command line's own output)
        self.exit(status)

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
        _let_many_in()
        server = Alone(
            database, ownership, ip=self.ip, port=self.port, relaxed=self.relaxed, limits=Limits(parent=self),
            trust_xheaders=self.trust_xheaders,
        )  # fmt: skip
        try:
            hub = await server.start()
        except BaseException:
            ownership.release()
            raise
        # A process of our own: what is loaded by now stays, and a full look at a thousand connections would stop all of them
        # for a tenth of a second and more.
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)
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


def _each(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else names


def _options(configurable: Any) -> list[str]:
    return list(configurable.class_trait_names(config=True)) if hasattr(configurable, "class_trait_names") else []


class AgentChatApp(JupyterApp):
    """One conversation for agents in notebook cells and the humans who supervise them."""

    name = "jupyter agentchat"
    description = __doc__
    version = __version__
    subcommands: ClassVar[dict[str, Any]] = {  # type: ignore[misc] # as above
        "serve": (ServeApp, "Serve a workspace on a port of its own."),
        "agents": ("jupyter_agentchat.cli.steering.AgentsApp", "List the agents: how they stand, and what they do."),
        "pause": ("jupyter_agentchat.cli.steering.PauseApp", "Ask an agent to pause at its next checkpoint."),
        "resume": ("jupyter_agentchat.cli.steering.ResumeApp", "Let a paused agent go on."),
        "stop": ("jupyter_agentchat.cli.steering.StopApp", "Ask an agent to stop at its next checkpoint."),
        "steer": ("jupyter_agentchat.cli.steering.SteerApp", "Tell an agent something."),
        "digest": ("jupyter_agentchat.cli.digest.DigestApp", "Print a digest of a workspace's state."),
    }

    def start(self) -> None:
        super().start()
        self.print_help()
        self.exit(2)


def main() -> None:
    AgentChatApp.launch_instance()
