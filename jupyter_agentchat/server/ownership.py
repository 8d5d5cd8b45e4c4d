"""One process owns a database; the others join its hub. The lock is the operating system's, so it ends with its holder."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from ..state.store import path_of, unavailable


@dataclass(frozen=True, slots=True)
class LocalHub:
    """Where the owner of a database listens (a URL that ends in /), and the secret that opens its local door."""

    url: str
    secret: str


def default_store() -> Path:
    """``$AGENTCHAT_STORE``, else ``agentchat/workspace.db`` in Jupyter's data directory."""
    url = os.environ.get("AGENTCHAT_STORE")
    return path_of(url) if url else Path(jupyter_data_dir()) / "agentchat" / "workspace.db"


class Ownership:
    """The right to open one database file."""

    def __init__(self, database: Path) -> None:
        from filelock import FileLock  # brings asyncio's executors along, and is not needed before a server listens

        self.secret = secrets.token_urlsafe(32)
        self._database = database
        self._lock = FileLock(f"{database}.lock", mode=0o600, thread_local=False)
        self._address = database.with_name(database.name + ".hub.json")

    def take(self) -> bool:
        """Whether this process owns the database now. Raises: StoreUnavailable where no lock can be written."""
        from filelock import Timeout

        try:
            self._database.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise unavailable(self._database, error) from error
        return True

    def announce(self, url: str) -> LocalHub:
        """Tells the other processes of this user where the hub is; the file is readable by nobody else.

        Raises: StoreUnavailable, the disk being full.
        """
        hub = LocalHub(url, self.secret)
        try:
            self._write(hub)
        except OSError as error:
            raise unavailable(self._database, error) from error
        return hub

    def _write(self, hub: LocalHub) -> None:
        temporary = self._address.with_suffix(f".{os.getpid()}")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump({"url": hub.url, "secret": hub.secret, "pid": os.getpid()}, file)
        os.replace(temporary, self._address)

    def owner(self) -> LocalHub | None:
        """Where the owner said that it listens; stale if it ended since."""
        try:
            found = json.loads(self._address.read_text())
            return LocalHub(found["url"], found["secret"])
        except (OSError, ValueError, KeyError):
            return None

    def release(self) -> None:
        """Takes the announcement back, then the lock: whoever gets the lock next announces itself."""
        if self._lock.is_locked:
            self._address.unlink(missing_ok=True)
            self._lock.release()
