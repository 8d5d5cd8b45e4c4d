"""Tables as they are shown beside a message: every cell as text already, at most 100 rows × 30 columns.

``application/vnd.agentchat.table+json`` = ``{"columns": [str], "rows": [[str]], "index"?: [str], "shape": [rows, columns],
"numeric"?: [bool for each column]}``; ``shape`` is that of the whole, of which the first rows and columns are there.
"""

from __future__ import annotations

import csv
import io
import math
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

TABLE_MIME = "application/vnd.agentchat.table+json"
ROWS = 100
COLUMNS = 30
CELL = 200
"""Characters of a cell."""

Data = dict[str, Any]


def of_frame(frame: pd.DataFrame) -> Data:
    """A DataFrame: its table and its text."""
    import pandas as pd

    rows, columns = frame.shape
    part = frame.iloc[:ROWS, :COLUMNS]
    cells = [[text(value) for value in part.iloc[:, place].tolist()] for place in range(part.shape[1])]
    kinds = [part.iloc[:, place].dtype for place in range(part.shape[1])]
    numeric = [pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind) for kind in kinds]
    table = _table(
        [_label(each) for each in part.columns.tolist()],
        [list(row) for row in zip(*cells, strict=True)] if cells else [[] for _ in range(len(part))],
        (rows, columns),
        numeric,
        [_label(each) for each in part.index.tolist()],
    )
    return {TABLE_MIME: table, "text/plain": _plain(table)}


def of_array(array: Any) -> Data | None:
    """A numpy array of one or two dimensions; None for another."""
    if array.ndim not in (1, 2) or array.dtype.names is not None:
        return None
    whole = array.reshape(-1, 1) if array.ndim == 1 else array
    rows = [[text(value) for value in row] for row in whole[:ROWS, :COLUMNS].tolist()]
    width = min(whole.shape[1], COLUMNS)
    table = _table([str(place) for place in range(width)], rows, whole.shape, [array.dtype.kind in "iuf"] * width)
    table["shape"] = [int(size) for size in array.shape] if array.ndim == 2 else [int(array.shape[0]), 1]
    return {TABLE_MIME: table, "text/plain": _plain(table)}


def of_csv(content: str, delimiter: str) -> Data | None:
    """The text of a csv file, whose first line names the columns; None if it is no table."""
    try:
        lines = [line for line in csv.reader(io.StringIO(content), delimiter=delimiter) if line]
    except csv.Error:
        return None
    if not lines:
        return None
    head, body = lines[0], lines[1:]
    width = min(len(head), COLUMNS)
    rows = [[text(cell) for cell in (line + [""] * width)[:width]] for line in body[:ROWS]]
    numeric = [bool(rows) and all(_is_number(row[place]) for row in rows) for place in range(width)]
    table = _table([text(cell) for cell in head[:width]], rows, (len(body), len(head)), numeric)
    return {TABLE_MIME: table, "text/plain": _plain(table)}


def text(value: Any) -> str:
    """A cell: short, and a number as people write it; a midnight without a zone is its day."""
    if isinstance(value, datetime) and str(value).endswith(" 00:00:00"):
        short = str(value)[:-9]
    elif isinstance(value, float) and math.isfinite(value):
        short = str(round(value, 6)) if value == 0 or 1e-4 <= abs(value) < 1e12 else f"{value:.6g}"
    elif isinstance(value, float):
        short = "NaN" if value != value else str(value)  # noqa: PLR0124 (that is how NaN is told)
    else:
        short = " ".join(str(value).split()) if isinstance(value, str) else str(value)
    return short if len(short) <= CELL else f"{short[: CELL - 1]}…"


def pandas_of(thing: Any) -> pd.DataFrame | None:
    """The DataFrame that this is, or that shows it (a Series, an Index); None for another thing. pandas is never imported."""
    pandas = sys.modules.get("pandas")
    if pandas is None or isinstance(thing, type):
        return None
    if isinstance(thing, pandas.DataFrame):
        frame: pd.DataFrame = thing
        return frame
    made: pd.DataFrame | None = None
    if isinstance(thing, pandas.Series):
        made = thing.to_frame("value" if thing.name is None else thing.name)
    elif isinstance(thing, pandas.Index):
        made = thing.to_frame(index=False)
    return made


def _table(
    columns: list[str], rows: list[list[str]], shape: Sequence[int], numeric: list[bool], index: list[str] | None = None
) -> Data:
    table: Data = {"columns": columns, "rows": rows, "shape": [int(size) for size in shape], "numeric": numeric}
    return table if index is None else {**table, "index": index}


def _label(value: Any) -> str:
    return " · ".join(map(text, value)) if isinstance(value, tuple) else text(value)


def _plain(table: Data) -> str:
    """The first of it as text, its columns under each other."""
    index: list[str] = table.get("index") or []
    lines = [["", *table["columns"][:8]] if index else table["columns"][:8]]
    lines += [[*index[place : place + 1], *row[:8]] for place, row in enumerate(table["rows"][:20])]
    widths = [min(24, max(len(line[place]) for line in lines)) for place in range(len(lines[0]))]
    told = ["  ".join(cell[:24].rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    rows, columns = table["shape"]
    cut = rows > 20 or columns > 8
    return "\n".join([*told, *([f"({rows:,} × {columns:,} in all)"] if cut else [])])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
