"""A digest of the state, to compare two hubs: the same ordered commands give the same digest, row by row.

By partition and table, so that a difference says where it is.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from urllib.parse import quote

from .store import unavailable

BY_CHANNEL = {
    "channels": "id",
    "members": "channel_id",
    "messages": "channel_id",
    "questions": "channel_id",
    "invites": "channel_id",
    "approvals": "channel_id",
    "snoozes": "channel_id",
    "audit": "channel_id",
    "intents": "channel_id",
    "controls": "channel_id",
    "halves": "channel_id",
    "receipts": "partition",
    "partitions": "partition",
}
"""Tables whose rows belong to a channel's partition, and the column that names it; every other table is the directory's."""

DIRECTORY = "directory"


def digest(db: sqlite3.Connection) -> dict[str, str]:
    """SHA-256, in hexadecimal, of all rows, by partition and table: ``{"ch_…/messages": "…", "directory/participants": "…"}``.

    Rows count in a canonical order, whatever order the file holds them in. Receipts past their window, by the newest time in
    the state, are left out: each hub sweeps them away when it likes (receipts.py). So two hubs compare where they have applied
    the same commands in all partitions: ``…/partitions`` tells.
    """
    hashes: dict[str, hashlib._Hash] = {}
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    for table in tables:
        if table.startswith(("_", "sqlite_")):
            continue
        columns = sorted(name for _, name, *_ in db.execute(f'PRAGMA table_info("{table}")'))
        chosen = ", ".join(f'"{name}"' for name in columns)
        alive = "WHERE until > (SELECT coalesce(max(at), '') FROM partitions)"
        rows = db.execute(
            # All columns decide the order, for no two rows of any table are equal.
            f'SELECT {chosen} FROM "{table}" {alive if table == "receipts" else ""} ORDER BY {chosen}'  # noqa: S608 (names of the schema's)
        )
        place = columns.index(BY_CHANNEL[table]) if table in BY_CHANNEL else None
        for row in rows:
            name = f"{DIRECTORY if place is None else row[place]}/{table}"
            line = json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=True, sort_keys=True)
            hashes.setdefault(name, hashlib.sha256()).update(line.encode() + b"\n")
    return {name: hashes[name].hexdigest() for name in sorted(hashes)}


def digest_of(path: Path) -> dict[str, str]:
    """Of a database file, in one snapshot; a hub may be at work on it meanwhile. Raises: StoreUnavailable."""
    try:
        db = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=5)
        try:
            db.execute("BEGIN")
            return digest(db)
        finally:
            db.close()
    except sqlite3.Error as error:
        raise unavailable(path, error) from error
