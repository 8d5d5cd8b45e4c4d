"""Times as a caller gives them, in seconds as the hub takes them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from ..protocol import AskEscalation

LONGEST = 10 * 365 * 86400.0


def seconds(name: str, given: Any, *, least: float = 0.0) -> float:
    """Seconds as a number, or a timedelta.

    Raises:
        TypeError, ValueError: it is none, or not above 0 (``least``) up to ten years; the message begins with ``name``.
    """
    number = given.total_seconds() if isinstance(given, timedelta) else given
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise TypeError(f"{name}: seconds as a number are needed, or a timedelta, not {type(given).__name__}.")
    if not math.isfinite(number) or not 0 < number <= LONGEST or number < least:
        bound = f"{least:g} or more" if least else "a positive number"
        raise ValueError(f"{name}: {number} seconds; give {bound} up to ten years, or None for none.")
    return float(number)


def timeout_of(given: Any) -> float:
    """As `seconds`, or until a datetime; one without a time zone is in local time."""
    if not isinstance(given, datetime):
        return seconds("timeout", given)
    left = (given.astimezone(timezone.utc) - datetime.now(timezone.utc)).total_seconds()
    if left <= 0:
        raise ValueError(f"timeout: {given.isoformat(' ', 'seconds')} is past; give a time to come.")
    return seconds("timeout", left)


def reminding(given: Any, timeout: float | None) -> float:
    """Every so many seconds.

    Raises:
        TypeError, ValueError: it is none, less than a second, or longer than the timeout.
    """
    every = seconds("remind", given, least=1.0)
    if timeout is not None and every > timeout:
        raise ValueError(f"remind: every {every:g} seconds is longer than the timeout, {timeout:g}: nobody would hear of it.")
    return every


def escalations(given: Any, timeout: float | None) -> list[AskEscalation]:
    """``[(300, "@lead"), …]``: after so many seconds the question is put to them as well; a list of names counts for each.

    Raises:
        TypeError, ValueError: it is no such list, or what happens after the timeout; the message begins with ``escalate``.
    """
    if isinstance(given, (str, bytes, dict)) or not isinstance(given, Iterable):
        raise TypeError(f'escalate: a list like [(300, "@lead")] is needed, not {type(given).__name__}.')
    found: list[AskEscalation] = []
    for place, each in enumerate(given):
        at = f"escalate[{place}]"
        if not isinstance(each, (tuple, list)) or len(each) != 2:
            raise TypeError(f'{at}: (seconds, name) is needed, like (300, "@lead"), not {each!r}.')
        after = seconds(at, each[0])
        if timeout is not None and after >= timeout:
            raise ValueError(f"{at}: after {after:g} seconds, and the question ends after {timeout:g}: give less.")
        names = [each[1]] if isinstance(each[1], str) else each[1]
        if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
            raise TypeError(f"{at}: a name is needed, or a list of names, not {each[1]!r}.")
        for name in names:
            if not name.strip() or len(name) > 200:
                raise ValueError(f"{at}: the name {name!r} is {'empty' if not name.strip() else 'longer than 200 characters'}.")
            found.append(AskEscalation(after, name))
    if len(found) > 20:
        raise ValueError(f"escalate: {len(found)} are given; give 20 at most.")
    return found
