"""What an object is at one moment: its JSON, as a person is shown it, and a digest that tells whether it has changed since."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
import sys
from datetime import datetime
from pathlib import PurePath
from typing import Any

import msgspec

LARGEST_WHOLE = 2**53
"""Past it a browser shows another number."""
LONGEST_REPR = 200


class NotJson(TypeError):
    """The object has no JSON form."""


def as_json(value: Any) -> Any:
    """The object as JSON values: of numbers, texts, lists, dicts, dates, enums, dataclasses, pydantic models and the like.

    Raises:
        NotJson: of anything else; its message is the name of the type.
    """
    return _builtins(value, str_keys=True)


def _builtins(value: Any, *, str_keys: bool) -> Any:
    try:
        made = msgspec.to_builtins(
            value, str_keys=str_keys, order="deterministic", builtin_types=(bytes, bytearray), enc_hook=_plain
        )
        json.dumps(made)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotJson(type(value).__name__) from error
    return made


def is_json(value: Any) -> bool:
    """Whether it has a JSON form."""
    try:
        as_json(value)
    except NotJson:
        return False
    return True


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float)):  # subclasses, such as numpy's float64
        return next(kind(value) for kind in (str, int, float) if isinstance(value, kind))
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, datetime):  # pandas' Timestamp
        return value.isoformat()
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        return value.model_dump(mode="json")
    if getattr(value, "ndim", None) == 0 and hasattr(value, "dtype") and hasattr(value, "item"):
        return value.item()
    raise TypeError


def on_wire(made: Any) -> tuple[Any, bool]:
    """JSON values that every front end shows as they are, and whether they are the same as those given: numbers that JSON or a
    browser cannot say become texts."""
    if isinstance(made, str):
        said = made.encode("utf-8", "backslashreplace").decode()
        return said, said == made
    if isinstance(made, int) and not isinstance(made, bool) and abs(made) > LARGEST_WHOLE:
        return str(made), False
    if isinstance(made, float) and not math.isfinite(made):
        return str(made), False
    if isinstance(made, list):
        items = [on_wire(item) for item in made]
        return [item for item, _ in items], all(same for _, same in items)
    if isinstance(made, dict):
        named = {name: (on_wire(name), on_wire(item)) for name, item in made.items()}
        return {name[0]: item[0] for name, item in named.values()}, all(name[1] and item[1] for name, item in named.values())
    return made, True


def shown(value: Any) -> Any:
    """JSON for a person to look at: the object's own, or else its short repr."""
    try:
        return on_wire(as_json(value))[0]
    except NotJson:
        return on_wire(short(value))[0]


def short(value: Any) -> str:
    """The object's repr, on one line and cut."""
    told = " ".join(_repr(value).split())
    return told if len(told) <= LONGEST_REPR else f"{told[: LONGEST_REPR - 1]}…"


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # the object's own
        return f"<{type(value).__name__}, whose repr fails: {type(error).__name__}>"


def digest(value: Any) -> str:
    """SHA-256 (hexadecimal) of the object's type and its JSON; where it has none of its pickle; else of its repr.

    The same in every process for the first. An object with neither JSON nor pickle counts as changed when its repr does.
    """
    told = hashlib.sha256(f"{type(value).__module__}.{type(value).__qualname__}\n".encode())
    try:
        # Their repr, for JSON does not tell the key 1 from "1".
        told.update(repr(_builtins(value, str_keys=False)).encode("utf-8", "backslashreplace"))
        return told.hexdigest()
    except NotJson:
        pass
    buffers: list[pickle.PickleBuffer] = []
    try:
        told.update(pickle.dumps(value, 5, buffer_callback=buffers.append))
        for buffer in buffers:
            told.update(buffer.raw())
    except Exception:  # whatever the object's own reduction raises: it has no pickle
        told.update(_repr(value).encode("utf-8", "backslashreplace"))
    return told.hexdigest()
