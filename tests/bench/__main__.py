"""``python -m tests.bench [agents fanout …]``: all of them unless said."""

from __future__ import annotations

import argparse
import tempfile
import time
from importlib import import_module
from pathlib import Path

from . import machine
from .report import Row, table

MODULES = {
    "agents": "agents", "fanout": "fanout", "resume": "resume", "journal": "journal", "acked": "acked", "posts": "posts",
    "latency": "latency", "restart": "restart", "pages": "pages", "growth": "growth", "import": "imports", "jupyter": "server",
    "click": "click", "checkpoint": "checkpoints", "inbox": "inbox",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", choices=[*MODULES, []], help=", ".join(MODULES))
    names = parser.parse_args().names or list(MODULES)
    started = time.monotonic()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="agentchat-bench-") as root:
        where = machine.describe(Path(root))
        for name in names:
            print(f"measuring {name} …", flush=True)
            folder = Path(root, name)
            folder.mkdir()
            found = import_module(f".{MODULES[name]}", __package__).measure(folder)
            print(table(found), flush=True)  # a later one may fail
            rows += found
    print(f"\n{where}\n\n{table(rows)}\n\n{time.monotonic() - started:.0f} s in all")


if __name__ == "__main__":
    main()
