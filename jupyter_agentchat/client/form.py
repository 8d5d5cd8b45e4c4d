"""A type, or a JSON Schema, that is asked for by a form; and what is made of what a human filled in."""

from __future__ import annotations

import enum
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any

import msgspec

from .. import forms
from .schemas import is_named_tuple, labelled_members, of_type, read_as, written


class Form:
    """A type, or a JSON Schema: drawn as a form."""

    choices: list[str] | None = None
    multiple = False

    def __init__(self, into: Any) -> None:
        """``into``: see `AsyncAgent.ask`.

        Raises: TypeError, ValueError: what cannot be drawn as a form; the message begins with ``into``.
        """
        self._into = into
        self._adapter: Any = None
        self._members: dict[str, Any] | None = None
        self._plain: Any = None
        try:
            self.schema: dict[str, Any] = self._drawn(into)
        except ValueError as error:
            raise ValueError(f"into: {error}") from error
        except TypeError as error:
            raise TypeError(f"into: {_name(into)} cannot be drawn as a form: {error}") from error
        _check_patterns(self.schema)

    def _drawn(self, into: Any) -> dict[str, Any]:
        if isinstance(into, dict):
            return forms.normal(into)
        if isinstance(into, enum.EnumMeta):
            self._members = labelled_members(into)
            return forms.normal({"type": "string", "title": into.__name__, "enum": list(self._members)})
        self._adapter = _pydantic_adapter(into)
        if self._adapter is not None:
            return forms.normal(self._adapter.json_schema())
        if is_named_tuple(into):
            fields = [
                (name, into.__annotations__.get(name, Any), into._field_defaults[name])
                if name in into._field_defaults
                else (name, into.__annotations__.get(name, Any))
                for name in into._fields
            ]
            self._plain = msgspec.defstruct(into.__name__, fields, module=into.__module__, forbid_unknown_fields=True)
            return of_type(self._plain)
        return of_type(into)

    def to_json(self, value: Any) -> Any:
        plain = self._builtins(value)
        if wrong := forms.problems(self.schema, plain):
            raise ValueError(f"it does not fit: {forms.told(wrong)}")
        try:
            self.convert(plain)
        except ValueError as error:
            raise ValueError(f"it does not fit: {error}") from error
        return plain

    def convert(self, value: Any) -> Any:
        _match_patterns(self.schema, value, "")
        value = _typed(self.schema, value)
        if isinstance(self._into, dict):
            return value
        if self._members is not None:
            return self._members[value]
        try:
            if self._adapter is not None:
                return self._adapter.validate_json(msgspec.json.encode(value))
            if self._plain is not None:
                made = msgspec.convert(value, self._plain, dec_hook=read_as)
                return self._into(*(getattr(made, name) for name in self._into._fields))
            return msgspec.convert(value, self._into, dec_hook=read_as)
        except (ValueError, TypeError, AssertionError) as error:
            raise ValueError(_words(error)) from error

    def begins(self, value: Any) -> Any:
        plain = self._builtins(value)
        if wrong := forms.problems(_relaxed(self.schema), plain):
            raise ValueError(f"it is not of the form's shape: {forms.told(wrong)}")
        return plain

    def _builtins(self, value: Any) -> Any:
        if self._members is not None:
            return next((label for label, each in self._members.items() if each is value), value)
        if self._plain is not None and isinstance(value, self._into):
            value = value._asdict()
        if self._adapter is not None and not isinstance(value, Mapping):
            return self._adapter.dump_python(value, mode="json", warnings="none")
        try:
            return msgspec.to_builtins(value, enc_hook=written)
        except TypeError as error:
            raise TypeError(f"{type(value).__name__} is no {_name(self._into)}: {error}") from error


def _pydantic_adapter(into: Any) -> Any:
    """A pydantic ``TypeAdapter``, if the type is pydantic's: a model or one of its dataclasses. Never imports it."""
    pydantic = sys.modules.get("pydantic")
    if pydantic is None or not hasattr(into, "__pydantic_validator__"):
        return None
    return pydantic.TypeAdapter(into)


def _words(error: BaseException) -> str:
    """What a person reads of a type's refusal."""
    listed = getattr(error, "errors", None)
    if callable(listed) and "pydantic" in type(error).__module__:
        wrong = {".".join(map(str, each.get("loc", ()))): str(each.get("msg", "")) for each in listed()}
        return forms.told(wrong)
    return str(error) or type(error).__name__


def _typed(field: dict[str, Any], value: Any) -> Any:
    """JSON has one kind of number and browsers leave out seconds: as the type's own reader wants it."""
    kind = field["type"]
    if value is None:
        return None
    if kind == "integer":
        return int(value)
    if kind == "array":
        return [_typed(field["items"], each) for each in value]
    if kind == "object":
        return {name: _typed(field["properties"][name], each) for name, each in value.items()}
    read: Any = {"date-time": datetime, "time": time}.get(field.get("format", ""))
    return value if read is None else read.fromisoformat(value.replace("Z", "+00:00")).isoformat()


def _relaxed(field: dict[str, Any]) -> dict[str, Any]:
    """The form's shape alone."""
    loose: dict[str, Any] = {"type": field["type"], "nullable": True}
    if field["type"] == "array":
        loose["items"] = _relaxed(field["items"])
    if field["type"] == "object":
        loose["properties"] = {name: _relaxed(each) for name, each in field["properties"].items()}
        loose["required"] = []
    return loose


def _patterns(field: dict[str, Any], at: str) -> Iterable[tuple[str, str]]:
    if "pattern" in field:
        yield at, field["pattern"]
    if field["type"] == "array":
        yield from _patterns(field["items"], f"{at}[]")
    for name, each in field.get("properties", {}).items():
        yield from _patterns(each, f"{at}.{name}" if at else name)


def _check_patterns(schema: dict[str, Any]) -> None:
    for at, pattern in _patterns(schema, ""):
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"into: the pattern {pattern!r}{f' of {at}' if at else ''} cannot be read: {error}.") from error


def _match_patterns(field: dict[str, Any], value: Any, at: str) -> None:
    """The hub does not look at them (see `forms`)."""
    if isinstance(value, str) and "pattern" in field and not re.search(field["pattern"], value):
        raise ValueError(f"{f'{at}: ' if at else ''}{value!r} does not match {field['pattern']}.")
    if isinstance(value, list):
        for place, each in enumerate(value):
            _match_patterns(field["items"], each, f"{at}[{place}]")
    if isinstance(value, dict):
        for name, each in value.items():
            _match_patterns(field["properties"][name], each, f"{at}.{name}" if at else name)


def _name(into: Any) -> str:
    return str(getattr(into, "__name__", None) or into)
