"""Things as they are shown beside a message: taken down when they are said, so that nothing changes them afterwards."""

from __future__ import annotations

from typing import Any


def snapshot(shown: Any, name: str) -> list[dict[str, Any]]:
    """The parts of one object, or of each in a list. ``name``: the argument's, with which errors begin."""
    return [{"data": {"text/plain": repr(each)}} for each in (shown if isinstance(shown, list) else [shown])]
