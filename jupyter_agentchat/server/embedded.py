"""A hub of one's own, on a thread of the process that needs one: for scripts and headless notebooks."""

from __future__ import annotations

import asyncio
import atexit
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import StoreUnavailable
from ..state.store import path_of
from .alone import Alone
from .ownership import LocalHub, Ownership, default_store

PATIENCE = 10.0
"""Seconds that we wait for an owner that holds the lock to say where it listens."""

_mine: dict[Path, _Thread] = {}
_joined: dict[Path, LocalHub] = {}
"""Whose hub this process joined last: who takes over keeps its port, so that links which were given out lead on."""
_mutex = threading.Lock()


def join_or_start(store: str | None = None) -> LocalHub:
    """The hub of a database: this process's, another's, or a new one on a thread here. Blocking; call it again to take over.

    Args:
        store: ``sqlite:///path.db``; the default is `ownership.default_store`.

    Raises: StoreUnavailable, NewerDatabase.
    """
    database = path_of(store) if store else default_store()
    with _mutex:
        mine = _mine.get(database)
        if mine and mine.hub:
            return mine.hub
        ownership = Ownership(database)
        deadline = time.monotonic() + PATIENCE
        while True:
            if ownership.take():
                port = _port_of(_joined[database]) if database in _joined else 0
                _mine[database] = thread = _Thread(database, ownership, port)
                return thread.start()
            if (owner := ownership.owner()) and _listens(owner):
                _joined[database] = owner
                return owner
            if time.monotonic() > deadline:
                raise StoreUnavailable(f"Another process holds {database} but does not answer: end it, or name another store.")
            time.sleep(0.05)


def _port_of(hub: LocalHub) -> int:
    """The port of a hub that stood alone; 0, for any, if it was a Jupyter server's, which will want its port again."""
    parts = urlsplit(hub.url)
    return parts.port or 0 if parts.path == "/" else 0


def _listens(owner: LocalHub) -> bool:
    import socket

    parts = urlsplit(owner.url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1):
            return True
    except OSError:
        return False


class _Thread:
    """The embedded hub's event loop."""

    def __init__(self, database: Path, ownership: Ownership, port: int) -> None:
        self._port = port
        self.hub: LocalHub | None = None
        self._database = database
        self._ownership = ownership
        self._started: Future[LocalHub] = Future()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="agentchat-hub", daemon=True)

    def start(self) -> LocalHub:
        self._thread.start()
        self.hub = self._started.result()
        atexit.register(self.stop)
        return self.hub

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        server = Alone(self._database, self._ownership, port=self._port)
        try:
            try:
                hub = await server.start()
            except OSError:  # somebody else has that port by now
                server = Alone(self._database, self._ownership)
                hub = await server.start()
        except BaseException as error:
            self._ownership.release()
            self._started.set_exception(error)
            return
        self._started.set_result(hub)
        await self._stop.wait()
        await server.stop()

    def stop(self) -> None:
        """Closes the database in order, so that the next owner finds it whole. Called again: nothing."""
        if self.hub:
            self.hub = None
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=PATIENCE)


def stop_all() -> None:
    """Ends the hubs that this process started."""
    with _mutex:
        for thread in _mine.values():
            thread.stop()
        _mine.clear()
