"""What many questions are asked about: the rows of a DataFrame, a list, a mapping, an iterator; and how one row is shown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import suppress
from typing import Any

from . import snapshot

TABLE = "application/vnd.agentchat.table+json"
LONGEST_CELL = 10_000
"""Characters: a person reads a row in one look."""


def rows_of(items: Any) -> tuple[Iterator[tuple[Any, Any]], int | None]:
    """One row after the other, each with what is shown of it; and how many there are, if that is known.

    A DataFrame's rows are Series, named by their index; a mapping's are ``(key, value)``.

    Raises:
        TypeError: there are no rows in it.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(items, pandas.DataFrame):
        numbered = isinstance(items.index, pandas.RangeIndex) and items.index.name is None
        label = items.index.name or "index"
        return ((row, {**({} if numbered else {label: row.name}), **row.to_dict()}) for _, row in items.iterrows()), len(items)
    if isinstance(items, Mapping):
        return (
            ((key, value), {"": key, **_named(value)} if _named(value) else {key: value}) for key, value in items.items()
        ), len(items)
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        raise TypeError(f"items: a DataFrame, a list, a dict or another iterable is needed, not {type(items).__name__}.")
    return ((row, row) for row in items), len(items) if isinstance(items, Sized) else None


def digest(row: Any) -> str:
    """Of what a row holds: by its fields, where it has some."""
    return snapshot.digest([[str(name), snapshot.digest(value)] for name, value in _named(row).items()] or row)


def part(row: Any) -> dict[str, Any] | None:
    """The row as a message's part: a small table of names and values, or text as it is; None for what is neither."""
    named = _named(row)
    if not named:
        return {"data": {"text/plain": _cell(row)}} if isinstance(row, (str, int, float)) or row is None else None
    lines = [(_cell(name), _cell(value)) for name, value in named.items()]
    table = {"columns": ["value"], "index": [name for name, _ in lines], "rows": [[text] for _, text in lines]}
    plain = "\n".join(f"{name}: {text}" for name, text in lines)
    return {"data": {TABLE: {**table, "shape": [len(lines), 1]}, "text/plain": plain}}


def _named(row: Any) -> dict[Any, Any]:
    """Its fields; empty if it has none with names."""
    pandas = sys.modules.get("pandas")
    made: Any = {}
    if pandas is not None and isinstance(row, pandas.Series):
        made = row.to_dict()
    elif isinstance(row, Mapping):
        made = dict(row)
    elif hasattr(row, "_asdict"):
        made = row._asdict()
    elif isinstance(row, (tuple, list)):
        made = dict(enumerate(row, 1))
    elif not isinstance(row, (str, bytes, int, float, type(None))):
        with suppress(snapshot.NotJson):
            made = snapshot.as_json(row)
    return made if isinstance(made, dict) else {}


def _cell(value: Any) -> str:
    text = (value if isinstance(value, str) else str(value)).encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST_CELL else f"{text[: LONGEST_CELL - 1]}…"
