"""A secret: what a human types for the agent's ears only, and what the agent holds of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from ..protocol import Ask, Decided
from .asking import Asking, Claim, addressed, addressing, automatic_key, check_prompt, timing


class Secret(str):
    """A text like any other, but for its ``repr``: a cell whose last line it is, a traceback and a log of arguments do not show
    it. ``print`` and formatting do."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<Secret>"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # IPython's printer shows a str's own repr else
        printer.text("<Secret>")


def prepare_secret(
    asker: str,
    prompt: str,
    *,
    key: str | None = None,
    timeout: float | timedelta | datetime | None = None,
    to: str | Sequence[str] | None = None,
) -> tuple[Asking, Secret | None]:
    """The question, and the value where ``AGENTCHAT_ANSWERS`` has it: the question says only where that came from.

    Raises:
        TypeError, ValueError: an argument makes no sense; the message begins with its name.
        NoHuman, InvalidAnswer, InvalidRequest: see `notebook.answers.decided`.
    """
    prompt = check_prompt(prompt, key)
    ask = Ask(kind="secret", **addressing(to, 1), **timing(timeout, None, None))
    asking = addressed(asker, Asking(prompt, ask, Claim("", None)), key, automatic=automatic_key(prompt, None, kind="secret"))
    if ask.decided is None:
        return asking, None
    known, ask.decided = Secret(ask.decided.value), Decided(None, ask.decided.source)
    return asking, known
