"""What the extension adds to a Jupyter server: until it answers, and in memory. Servers with and without it, by turns."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import psutil

from . import processes
from .report import Row, at_most

RUNS = 9
TOKEN = "bench"
AIM_MS, AIM_MIB = 100.0, 25.0


@dataclass(frozen=True)
class Start:
    milliseconds: float
    hub_milliseconds: float
    cpu_milliseconds: float
    rss: float
    pss: float


def measure(folder: Path) -> list[Row]:
    start(folder, extension=False)  # compiled files, the disk's cache
    first = start(folder, extension=True)  # makes the database
    bare: list[Start] = []
    ours: list[Start] = []
    for run in range(RUNS):
        for with_it in (run % 2 == 0, run % 2 == 1):  # neither always comes second
            (ours if with_it else bare).append(start(folder, extension=with_it))
    limit, without = "jupyter server without it", [server.milliseconds for server in bare]
    return [
        at_most("jupyter: start, added", "ms", added("milliseconds", ours, bare), AIM_MS, limit, without),
        Row("jupyter: until the hub answers too, added", "ms", added("hub_milliseconds", ours, bare), limit, without),
        Row("jupyter: processor time of that, added", "ms", added("cpu_milliseconds", ours, bare)),
        Row("jupyter: the first time ever, added (makes the database)", "ms", added("hub_milliseconds", [first], bare[:1])),
        at_most("jupyter: memory (PSS), added", "MiB", added("pss", ours, bare), AIM_MIB, limit, [b.pss for b in bare]),
        at_most("jupyter: memory (RSS), added", "MiB", added("rss", ours, bare), AIM_MIB, limit, [b.rss for b in bare]),
    ]


def added(what: str, ours: list[Start], bare: list[Start]) -> list[float]:
    return [getattr(with_it, what) - getattr(without, what) for with_it, without in zip(ours, bare, strict=True)]


def start(folder: Path, *, extension: bool) -> Start:
    log = folder / "jupyter.log"
    command = [
        sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--port=0", "--port-retries=0",
        "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
        f"--ServerApp.jpserver_extensions=jupyter_agentchat={extension}",
    ]  # fmt: skip
    port = processes.free_port()
    command[command.index("--port=0")] = f"--port={port}"
    started = time.perf_counter()
    with processes.process(command, log, processes.isolated(folder)) as serving:
        url = f"http://127.0.0.1:{port}/"
        processes.until_answers(f"{url}api/status", TOKEN, serving, log)
        took = (time.perf_counter() - started) * 1e3
        if extension != has_chat(url):
            raise RuntimeError(f"The extension is {'not ' if extension else ''}there: {log.read_text()[-2000:]}")
        hub_took = (time.perf_counter() - started) * 1e3
        time.sleep(0.5)  # what starts after the first answer is counted too
        memory = psutil.Process(serving.pid).memory_full_info()
        cpu = sum(psutil.Process(serving.pid).cpu_times()[:2]) * 1e3
        return Start(took, hub_took, cpu, memory.rss / 2**20, getattr(memory, "pss", memory.rss) / 2**20)


def has_chat(url: str) -> bool:
    """Whether the hub answers; it may still be opening its database when Jupyter answers already."""
    request = urllib.request.Request(f"{url}agentchat/api/v1/status", headers={"Authorization": f"token {TOKEN}"})
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return "version" in json.load(reply)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            if error.code != 503:
                raise
            time.sleep(0.002)
