"""``jupyter agentchat`` in a process whose disk or clock fails at a signal: ``python -m tests.faults.wrapped fsync serve …``.

- ``fsync``: from SIGUSR1 on, every fsync and fdatasync of the process is refused by the kernel with EIO (a seccomp filter on
  all its threads). Nothing of Python or SQLite is replaced.
- ``clock``: SIGUSR1 sets the wall clock an hour back, SIGUSR2 a day forward; the monotonic clock goes on, as it does when a
  machine's clock is set.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import signal
import struct
import sys
import time

SYNCS = {"x86_64": (0xC000003E, (74, 75)), "aarch64": (0xC00000B7, (82, 83))}
"""By machine: the kernel's name of it, and the numbers of fsync and fdatasync."""

PR_SET_NO_NEW_PRIVS = 38
SECCOMP = {"x86_64": 317, "aarch64": 277}
SET_MODE_FILTER, ON_ALL_THREADS = 1, 1
ALLOW, REFUSE = 0x7FFF0000, 0x00050000


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def break_fsync() -> None:
    """Raises: OSError where seccomp is not to be had."""
    kernel, (fsync, fdatasync) = SYNCS[platform.machine()]
    # struct sock_filter {code, jump if true, jump if false, k}: seccomp(2) and Documentation/networking/filter.rst.
    program = b"".join(
        struct.pack("HBBI", *line)
        for line in (
            (0x20, 0, 0, 4),  # load the architecture
            (0x15, 0, 3, kernel),  # another one: allowed
            (0x20, 0, 0, 0),  # load the call's number
            (0x15, 2, 0, fsync),
            (0x15, 1, 0, fdatasync),
            (0x06, 0, 0, ALLOW),
            (0x06, 0, 0, REFUSE | errno.EIO),
        )
    )
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    filter_ = _Program(len(program) // 8, program)
    if libc.syscall(SECCOMP[platform.machine()], SET_MODE_FILTER, ON_ALL_THREADS, ctypes.byref(filter_)):
        raise OSError(ctypes.get_errno(), "seccomp")


def shift_clock() -> None:
    real, shift = time.time, 0.0

    def move(seconds: float) -> None:
        nonlocal shift
        shift += seconds

    time.time = lambda: real() + shift
    signal.signal(signal.SIGUSR1, lambda *_: move(-3_600))
    signal.signal(signal.SIGUSR2, lambda *_: move(86_400))


if __name__ == "__main__":
    fault = sys.argv.pop(1)
    if fault == "clock":
        shift_clock()
    else:
        signal.signal(signal.SIGUSR1, lambda *_: break_fsync())
    from jupyter_agentchat.cli import main

    main()
