"""What a hub logs: an event's name and its ids as fields, as text (logfmt) or as JSON lines; never a secret.

`log` writes an event. `guard` keeps secrets out of loggers, ours and those of the servers around us; `to_stderr` is what the
stand-alone server does with the lines. Callers' faults are debug, a hub that is too busy warns, our own faults are errors.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterable
from typing import Any

OURS = "jupyter_agentchat"
SELDOM = 10.0
"""Seconds between two lines of an event that comes in floods; the next one says how many it stands for."""

SECRETS = [
    (re.compile(r"\b(au|se)_[\w-]+"), r"\1_…"),
    (re.compile(r"(?i)(/invites?/)[^/?\s\"'#]+"), r"\1…"),
    (re.compile(r"\b[0-9a-v]{20,}\.[\w-]{20,}"), "…"),  # an invite's token: its channel's id, and a secret
    (re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{6,}"), r"\1 …"),
    (re.compile(r"(?i)((?:proxy-)?authorization|cookie)(['\"]?\s*[:=]\s*)(?:'[^']*'|\"[^\"]*\"|[^\r\n]+)"), r"\1\2…"),
    # In a query, a repr or JSON.
    (re.compile(r"(?i)(\w*(?:token|password|secret|proof|api_key|_xsrf)[\\'\"]*\s*[=:]\s*)(?:'[^']*'|\"[^\"]*\"|[^\s&,;)}]+)"),
     r"\1…"),
]  # fmt: skip
"""What a secret looks like, and what is shown in its place."""


def without_secrets(text: str) -> str:
    for pattern, shown in SECRETS:
        text = pattern.sub(shown, text)
    return text


class Line:
    """An event and its fields; a field that is None is left out. As text: ``agentchat: refused code=rate_limited``."""

    def __init__(self, event: str, fields: dict[str, Any]) -> None:
        self.event = event
        self.fields = {name: value for name, value in fields.items() if value is not None}

    def __str__(self) -> str:
        return " ".join([f"agentchat: {self.event}", *(f"{name}={_quoted(value)}" for name, value in self.fields.items())])

    def without_secrets(self) -> Line:
        # Whatever the name of a field says of its value: `token=…` is looked at as one text.
        clean = {
            name: without_secrets(f"{name}={value}").partition("=")[2] if isinstance(value, str) else value
            for name, value in self.fields.items()
        }
        return Line(without_secrets(self.event), clean)


def _quoted(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or re.search(r'[\s"=]', text) else text


def log(logger: logging.Logger, level: int, event: str, *, error: BaseException | None = None, **fields: Any) -> None:
    """Logs an event. ``error``: its traceback goes along."""
    if logger.isEnabledFor(level):
        logger.log(level, Line(event, fields), exc_info=error)


class Seldom:
    """For events that come in floods, each at most once in `SELDOM` seconds: who is flooded needs its disk for other things."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}
        self._passed_over: dict[str, int] = {}

    def log(self, logger: logging.Logger, level: int, event: str, **fields: Any) -> None:
        now = time.monotonic()
        if now < self._next.get(event, 0.0):
            self._passed_over[event] = self._passed_over.get(event, 0) + 1
            return
        self._next[event] = now + SELDOM
        log(logger, level, event, **fields, others_since_the_last_line=self._passed_over.pop(event, None))


class NoSecrets(logging.Filter):
    """Takes secrets out of a record: out of its text, its fields and its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, Line):
            record.msg = record.msg.without_secrets()
        else:
            try:
                text = record.getMessage()
            except Exception:  # its arguments do not fit: the handler says so, and where
                text = f"{record.msg} {record.args}"
            clean = without_secrets(text)
            if clean != text:
                record.msg, record.args = clean, ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            # The text stands for the exception: who would format that again would bring back what was taken out.
            record.exc_text, record.exc_info = without_secrets(record.exc_text), None
        if record.stack_info:
            record.stack_info = without_secrets(record.stack_info)
        return True


_NO_SECRETS = NoSecrets()


def guard(loggers: Iterable[logging.Logger]) -> None:
    """No secret gets through these loggers, nor through the handlers that they have now."""
    for logger in loggers:
        logger.addFilter(_NO_SECRETS)  # a filter that is there already is not added again
        for handler in logger.handlers:
            handler.addFilter(_NO_SECRETS)


def named(name: str) -> logging.Logger:
    """The logger of a module of ours. A logger's filters do not see what is logged below it: each needs its own."""
    logger = logging.getLogger(name)
    guard([logger])
    return logger


def of_tornado() -> list[logging.Logger]:
    return [logging.getLogger(name) for name in ("tornado.access", "tornado.application", "tornado.general", "asyncio")]


class AsJson(logging.Formatter):
    """A record as one line of JSON: ``at, level, logger, event``, the fields, and ``traceback``."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if isinstance(record.msg, Line):
            line.update(event=record.msg.event, **record.msg.fields)
        else:
            line["event"] = record.getMessage()
        if record.exc_info and not record.exc_text:
            record.exc_text = self.formatException(record.exc_info)
        if record.exc_text:
            line["traceback"] = record.exc_text
        return json.dumps(line, ensure_ascii=False, default=str)


class AsText(logging.Formatter):
    """``12:00:00.000 WARNING agentchat: refused code=overloaded``"""

    default_time_format = "%H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")


def to_stderr(level: int, *, as_json: bool) -> None:
    """All that we, tornado and asyncio log, from ``level`` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AsJson() if as_json else AsText())
    handler.addFilter(_NO_SECRETS)
    for name in (OURS, "tornado", "asyncio"):
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level)
    guard(of_tornado())
