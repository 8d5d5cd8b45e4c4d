"""kill -9 while it takes posts, with 100,000 messages in the log: until the next server has confirmed a post."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import processes, seed
from .lines import Frames, Line, open_websocket
from .report import Row, at_most

MESSAGES, RUNS = 100_000, 3
LOADED_SECONDS = 1.0
AIM_S = 2.0


def measure(folder: Path) -> list[Row]:
    database = folder / "restart.db"
    (seat,) = seed.crowd(database, 1, 1)
    seed.messages(database, seat, MESSAGES)
    took, interpreter = [], []
    for run in range(RUNS):
        with processes.serving(folder, database) as (running, url):
            line = open_websocket(ws(url, seat))
            confirmed = keep_posting(line, Frames(seat.channel_id, f"{run}-before"))
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
            killed = time.perf_counter()
        with processes.serving(folder, database) as (_, url):
            line = open_websocket(ws(url, seat))
            seq = confirmation(line, Frames(seat.channel_id, f"{run}-after").make(0, 0))
            took.append(time.perf_counter() - killed)
        if seq <= confirmed:
            raise RuntimeError(f"The log went back: {confirmed} was confirmed, and after kill -9 a post got {seq}.")
        started = time.perf_counter()
        subprocess.run(
            [sys.executable, "-c", "import tornado.web, jupyter_core.application"], check=True, env=processes.environment()
        )
        interpreter.append(time.perf_counter() - started)
    name = f"restart: kill -9 with {MESSAGES:,} messages → first confirmed post"
    return [at_most(name, "s", took, AIM_S, "a bare interpreter that imports tornado and jupyter_core", interpreter)]


def ws(url: str, seat: seed.Seat) -> str:
    return f"{url.replace('http', 'ws', 1)}ws?token={seat.key}"


def keep_posting(line: Line, frames: Frames) -> int:
    """Posts one after the other for a while, with some more under way at its end. The last seq that was confirmed."""
    until, number, seq = time.monotonic() + LOADED_SECONDS, 0, 0
    while time.monotonic() < until:
        seq = confirmation(line, frames.make(0, number))
        number += 1
    for more in range(50):
        line.send(frames.make(0, number + more))
    return seq


def confirmation(line: Line, frame: bytes) -> int:
    """Sends it, and hears until it is confirmed: its seq."""
    line.send(frame)
    while True:
        data = line.sock.recv(65536)
        if not data or b'"type":"error"' in data:
            raise ConnectionError(f"no confirmation: {data!r}")
        if b'"type":"sent"' in data:
            at = data.index(b'"seq":', data.index(b'"type":"sent"')) + 6
            return int(data[at : data.index(b",", at)])
