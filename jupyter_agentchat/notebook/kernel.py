"""What a kernel knows about itself and the cell that runs. Nothing here imports IPython: in a kernel it is loaded already."""

from __future__ import annotations

import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from ..protocol import new_id


def shell() -> Any:
    """IPython's shell, or None outside of IPython."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None


def kernel() -> Any:
    """The running ipykernel, or None (a script, IPython in a terminal)."""
    return getattr(shell(), "kernel", None)


def kernel_id() -> str | None:
    """The id under which the Jupyter server knows this kernel: ``kernel-<id>.json`` is its connection file."""
    kernelapp = sys.modules.get("ipykernel.kernelapp")
    if kernelapp is None or not kernelapp.IPKernelApp.initialized():
        return None
    name = Path(kernelapp.IPKernelApp.instance().connection_file).stem
    return name.removeprefix("kernel-") if name.startswith("kernel-") else None


def session_key() -> bytes | None:
    """The key that signs this kernel's messages; only the kernel and the server that started it hold it."""
    running = kernel()
    return bytes(running.session.key) if running is not None else None


def cell() -> str | None:
    """Which execution of a cell is this: the id of the request that is served, or None outside of a kernel."""
    running = kernel()
    if running is None:
        return None
    parent = running.get_parent() or {}
    msg_id = parent.get("header", {}).get("msg_id")
    return str(msg_id) if msg_id else None


def headless() -> bool:
    """Whether nobody sits in front of this kernel: nbclient, papermill and nbconvert execute with ``allow_stdin`` false."""
    running = kernel()
    if running is None:
        return False
    parent = running.get_parent() or {}
    if parent.get("header", {}).get("msg_type") == "execute_request":
        return not parent.get("content", {}).get("allow_stdin", False)
    return False  # a comm's callback comes from a front end


@cache
def _run() -> str:
    """The name of this process, where nothing else is known."""
    return new_id("run").replace("_", ":", 1)


def notebook_name(*, under_server: bool) -> str:
    """Which notebook or script runs here: with the agent's name it makes the agent's identity.

    ``JPY_SESSION_NAME`` counts only in a kernel that a Jupyter server started: programs started from a notebook inherit it.
    A kernel without a name (nbclient) and an interactive interpreter get one of their own, so parallel runs do not meet.
    """
    if kernel() is not None:
        named = under_server and os.environ.get("JPY_SESSION_NAME")
        in_vscode = shell().user_ns.get("__vsc_ipynb_file__")
        return str(named or in_vscode or _run())
    script = sys.argv[0] if sys.argv else ""
    if script in ("", "-c", "-m", "-"):
        return _run()
    return f"script:{Path(script).resolve()}"
