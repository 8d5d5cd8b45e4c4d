"""What a program says by Python's `logging`, told to the humans: the newest as the status line, errors as messages."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import TYPE_CHECKING

from ..errors import ChatError
from ..protocol import SendMessage
from .runs import TRACEBACK, plain
from .signals import EVERY, activity

if TYPE_CHECKING:
    from .link import Link

POSTS = 5
"""Errors that are posted, in `WINDOW` seconds; the others are counted."""
WINDOW = 60.0
OURS = ("jupyter_agentchat", "websockets", "httpx", "httpcore")
"""What these say comes of telling it: they would go on for ever."""
LONGEST = 2_000
"""Characters of an error's words."""


class Records(logging.Handler):
    """What `AsyncAgent.log` gives."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._newest: str | None = None
        self._told: str | None = None
        self._telling = False
        self._posted: list[float] = []
        self._left_out = 0
        self._last_left_out = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] in OURS:
            return
        try:
            # The formatter's own lines, without the traceback that it appends.
            words = record.getMessage() if self.formatter is None else self.formatter.format(record).partition("\nTraceback")[0]
            self._newest = words.strip().partition("\n")[0] or "…"
            if not self._telling:
                # One wake-up of the agent's loop, however much is logged until it comes.
                self._telling = True
                self._link.soon(self._tell)
            if record.levelno >= logging.ERROR:
                self._link.soon(partial(self._post, record.levelname, record.name, words, _trace_of(record)))
        except Exception:
            self.handleError(record)

    # ------------------------------------------------------------------ on the agent's event loop

    def _tell(self) -> None:
        if self._newest is None or self._newest is self._told:
            self._telling = False
            return
        self._told = self._newest
        self._link.signals.say(*activity(self._newest, None, None))
        self._link.later(EVERY, self._tell)

    def _post(self, level: str, name: str, words: str, trace: str) -> None:
        now = time.monotonic()
        self._posted = [at for at in self._posted if now - at < WINDOW]
        if len(self._posted) >= POSTS:
            if not self._left_out:
                self._link.later(WINDOW - (now - self._posted[0]), self._count)
            self._left_out += 1
            self._last_left_out = words
            return
        self._posted.append(now)
        self._say(f"**{plain(level)}** {plain(name)}: {plain(words[:LONGEST])}", trace)

    def _count(self) -> None:
        count, self._left_out = self._left_out, 0
        if count:
            more = f"{count} more error{' was' if count == 1 else 's were'} logged"
            self._say(f"{more}, the last: {plain(self._last_left_out[:LONGEST])}", "")

    def _say(self, content: str, trace: str) -> None:
        parts = [{"data": {"text/plain": trace}, "name": "traceback"}] if trace else None
        try:
            self._link.say_at_once(SendMessage("", _clean(content), parts=parts))
        except ChatError:  # never connected: nobody is there to be told
            return


def _trace_of(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    return _clean(logging.Formatter().formatException(record.exc_info)[-TRACEBACK:])


def _clean(text: str) -> str:
    """Without lone surrogates, which cannot be sent."""
    return text.encode("utf-8", "replace").decode()
