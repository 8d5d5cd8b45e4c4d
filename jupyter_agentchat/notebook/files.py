"""Files as they are shown beside a message: by what they hold, where that can be told, else by their name's ending."""

from __future__ import annotations

import base64
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import tables

MAX_BYTES = 3 * 1024 * 1024
"""One picture, one text or one file."""

_MAGIC = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif"}
_ENDINGS = (
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".csv", ".tsv", ".json", ".md", ".txt", ".log", ".diff", ".patch", ".py",
)  # fmt: skip
_DIFF = re.compile(r"^(diff --git |Index: )|^--- .*\n\+\+\+ .*\n@@ ", re.MULTILINE)


def of(path: Path, name: str) -> dict[str, Any]:
    """The file's data, by mimetype.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is too large, no file, or neither a picture nor text.
    """
    if not path.exists():
        raise FileNotFoundError(f"{name}: there is no file {str(path)!r} (looked in {os.getcwd()!r}).")
    if not path.is_file():
        raise ValueError(f"{name}: {str(path)!r} is no file.")
    check_size(path.stat().st_size, f"{name}: the file {str(path)!r}", MAX_BYTES)
    content = path.read_bytes()
    mime = next((each for magic, each in _MAGIC.items() if content.startswith(magic)), None)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        mime = "image/webp"
    if mime is not None:
        return {mime: base64.b64encode(content).decode(), "text/plain": path.name}
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(
            f"{name}: the file {str(path)!r} is neither a picture (png, jpeg, gif, webp, svg) nor text: show what is in it."
        ) from None
    return _of_text(text, path)


def _of_text(text: str, path: Path) -> dict[str, Any]:
    ending, data = path.suffix.lower(), {"text/plain": text or "(empty file)"}
    if ending == ".svg":
        return {"image/svg+xml": text, "text/plain": path.name}
    if ending in (".csv", ".tsv"):
        return tables.of_csv(text, "\t" if ending == ".tsv" else ",") or data
    if ending == ".json":
        with suppress(ValueError):
            return {"application/json": json.loads(text, parse_constant=_refuse), **data}
    if ending in (".diff", ".patch") or is_diff(text):
        return {"text/x-diff": text, **data}
    return {"text/markdown": text, **data} if ending == ".md" else data


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def names_a_file(text: str) -> bool:
    """Whether a text is the path of a file: it ends like one that can be shown, and it is there, or one word. Any other file is
    given as a `Path`: a text may be a model's, and must not show what it only names."""
    if len(text) > 1000 or "\n" in text or "\0" in text or not text.lower().endswith(_ENDINGS):
        return False
    return os.path.isfile(text) or not re.search(r"\s|://", text)


def is_diff(text: str) -> bool:
    return _DIFF.search(text[:10_000]) is not None


def check_size(size: int, what: str, limit: int) -> None:
    """Raises: ValueError."""
    if size > limit:
        raise ValueError(
            f"{what} has {size:,} bytes, the limit is {limit:,}: show a part of it, or a smaller picture (a lower dpi)."
        )
