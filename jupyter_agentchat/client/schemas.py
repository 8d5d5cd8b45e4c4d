"""From a Python type to the form that asks for it."""

from __future__ import annotations

import dataclasses
import enum
import types
from datetime import datetime, time
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from .. import forms


def of_type(into: Any) -> dict[str, Any]:
    """The form (`forms.normal`) of a type that msgspec knows: bool, int, float, str, date, datetime, time, Literal, a list of
    these, a dataclass, TypedDict or Struct.

    Raises:
        TypeError: msgspec cannot write it as JSON.
        ValueError: it cannot be drawn.
    """
    try:
        schema = msgspec.json.schema(into, schema_hook=_schema_of)
    except TypeError as error:
        raise TypeError(
            f"{str(error).splitlines()[0].rstrip(':.')}. Give plain values, dates, paths, an Enum, a Literal, lists of these, "
            "a dataclass, TypedDict, NamedTuple, Struct or pydantic model of them, or a JSON Schema."
        ) from error
    drawn = forms.normal(schema)
    _polish(into, drawn)
    return drawn


def _schema_of(kind: Any) -> dict[str, Any]:
    if isinstance(kind, type) and issubclass(kind, PurePath):
        return {"type": "string", "minLength": 1}
    raise NotImplementedError


def read_as(kind: type, value: Any) -> Any:
    """What msgspec cannot make of JSON by itself: a path."""
    return kind(value)


def written(value: Any) -> Any:
    """The reverse."""
    if isinstance(value, PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def is_named_tuple(into: Any) -> bool:
    return isinstance(into, type) and issubclass(into, tuple) and hasattr(into, "_fields")


def labelled_members(members: enum.EnumMeta) -> dict[str, Any]:
    """An Enum's members by what a human reads: their values if these are texts, else their names."""
    listed: list[Any] = list(members)
    by_value = all(isinstance(each.value, str) and each.value.strip() for each in listed)
    return {each.value if by_value else each.name: each for each in listed}


def _polish(into: Any, field: dict[str, Any]) -> None:
    """What msgspec leaves out of a schema, from the type itself: the order of an Enum and a Literal (it sorts them), that a
    text is a time, and a dataclass field's title and description (its ``metadata``)."""
    into = _bare(into)
    arguments = get_args(into)
    if get_origin(into) is Literal:
        _order(field, list(arguments))
    elif isinstance(into, enum.EnumMeta):
        members: list[Any] = list(into)
        _order(field, [member.value for member in members])
    elif into is datetime:
        field["format"] = "date-time"
    elif into is time:
        field["format"] = "time"
    elif field["type"] == "array" and arguments:
        _polish(arguments[0], field["items"])
    elif field["type"] == "object":
        _polish_object(into, field)


def _polish_object(into: Any, field: dict[str, Any]) -> None:
    try:
        hints = get_type_hints(into)
    except (NameError, TypeError):  # msgspec found them its own way
        return
    called = {name: name for name in hints}
    if isinstance(into, type) and issubclass(into, msgspec.Struct):
        called = {each.name: each.encode_name for each in msgspec.structs.fields(into)}
    for name, hint in hints.items():
        if (inner := field["properties"].get(called.get(name, name))) is not None:
            _polish(hint, inner)
    if dataclasses.is_dataclass(into):
        for each in dataclasses.fields(into):
            for told in ("title", "description"):
                if isinstance(each.metadata.get(told), str) and each.name in field["properties"]:
                    field["properties"][each.name][told] = each.metadata[told]


def _order(field: dict[str, Any], values: list[Any]) -> None:
    if "enum" in field:
        field["enum"].sort(key=lambda value: values.index(value) if value in values else len(values))


def _bare(into: Any) -> Any:
    """Without Annotated, NewType, and the None of an optional."""
    while True:
        if get_origin(into) is Annotated:
            into = get_args(into)[0]
        elif hasattr(into, "__supertype__"):
            into = into.__supertype__
        elif get_origin(into) in (Union, types.UnionType):
            others = [each for each in get_args(into) if each is not type(None)]
            if len(others) != 1:
                return into
            into = others[0]
        else:
            return into
