"""Forms: the JSON Schemas that a person can fill in, and whether an answer fits one. Pure; the hub and the client share it.

A schema is brought to a normal form first, the only one that front ends draw and that is stored::

    field    = {"type": …, "title"?, "description"?, "default"?, "nullable"?: true, …}
    string   : "enum"?, "format"? (date, date-time, time, email, uri, multiline), "minLength"?, "maxLength"?, "pattern"?
    integer, number : "enum"?, "minimum"?, "maximum"?, "exclusiveMinimum"?, "exclusiveMaximum"?, "multipleOf"?
    boolean  :
    array    : "items" (a string, integer, number or boolean field), "minItems"?, "maxItems"?, "uniqueItems"?
    object   : "properties" {name: field}, "required" [names]; other names are refused

A ``$ref`` into ``$defs`` is put in its place, ``anyOf [X, null]`` is X with ``nullable``, ``const`` an ``enum`` of one.
``pattern`` is checked in the browser and by the asker, never by the hub: an expression can be made to run for ever, and the
hub's one writer would with it. Source: JSON Schema 2020-12, the part that has one obvious control in HTML.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any

Field = dict[str, Any]

SCALARS = ("string", "integer", "number", "boolean")
FORMATS = ("date", "date-time", "time", "email", "uri", "multiline")
DEPTH = 3
"""Objects within objects: past it no screen of a phone shows which field belongs where."""
FIELDS = 200
ITEMS = 1000
FORM_BYTES = 256 * 1024
"""Of the normal form, about: a definition that many fields refer to stands in each of them."""
PROBLEMS = 20
NAME = 200
HOPS = 20
"""References that lead to references, and branches of an ``anyOf``: each costs a copy of the schema."""

_COMMON = {"type", "title", "description", "default", "nullable"}
_IGNORED = {"$schema", "$id", "$defs", "definitions", "examples", "deprecated", "readOnly", "writeOnly", "$comment"}
_NUMBER = ("enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
# Tuples: a set's order differs between processes, and the normal form is stored as it is made.
_KEYWORDS: dict[str, tuple[str, ...]] = {
    "string": ("enum", "format", "minLength", "maxLength", "pattern"),
    "integer": _NUMBER,
    "number": _NUMBER,
    "boolean": (),
    "array": ("items", "minItems", "maxItems", "uniqueItems"),
    "object": ("properties", "required", "additionalProperties"),
}
_WHOLE = ("minLength", "maxLength", "minItems", "maxItems")
_SPANS = (
    ("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum"),
    ("minimum", "exclusiveMaximum"), ("exclusiveMinimum", "maximum"),
)  # fmt: skip
_NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def normal(schema: Any) -> Field:
    """The schema in its normal form; of one in normal form, the same.

    Raises:
        ValueError: it cannot be drawn: where, which keyword, and what to write instead.
    """
    if not isinstance(schema, dict):
        raise ValueError(f"schema: a JSON Schema is an object, not {type(schema).__name__}.")
    definitions: dict[str, Any] = {}
    for where in ("$defs", "definitions"):
        named = schema.get(where)
        if isinstance(named, dict):
            definitions.update({f"#/{where}/{name}": each for name, each in named.items()})
    return _Maker(definitions).field(schema, "schema", 0, ())


class _Maker:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._fields = 0
        self._bytes = 0

    def field(self, schema: Any, at: str, depth: int, seen: tuple[str, ...], *, item: bool = False) -> Field:
        self._fields += 1
        if self._fields > FIELDS:
            raise ValueError(f"{at}: the form has more than {FIELDS} fields: ask in several questions.")
        if not isinstance(schema, dict):
            raise ValueError(f"{at}: a JSON Schema is an object, not {type(schema).__name__}.")
        schema, seen = self._resolved(schema, at, seen)
        kind, nullable = _type_of(schema, at)
        if item and kind not in SCALARS:
            raise ValueError(f"{at}: a list of {kind}s cannot be drawn as a form: ask for each in a question of its own.")
        unknown = [name for name in schema if not (name in _COMMON or name in _IGNORED or name in _KEYWORDS[kind])]
        if unknown:
            told_of = _few(map(repr, sorted(map(str, unknown))))
            raise ValueError(
                f"{at}: {told_of} of a {kind} cannot be drawn as a form: leave it out, and check the answer yourself."
            )
        if kind == "array":
            made = self._array(schema, at, depth, seen)
        elif kind == "object":
            made = self._object(schema, at, depth, seen)
        else:
            made = {name: schema[name] for name in _KEYWORDS[kind] if name in schema}
            nullable = _check_scalar(made, kind, at) or nullable
        _check_limits(made, at)
        return self._said(schema, kind, made, at, nullable=nullable)

    def _said(self, schema: Field, kind: str, made: Field, at: str, *, nullable: bool) -> Field:
        """With what is said of the field, and its default, which must fit."""
        field: Field = {"type": kind}
        for name, longest in (("title", 200), ("description", 2000)):
            if isinstance(schema.get(name), str):
                field[name] = _cut(schema[name], longest)
        if nullable:
            field["nullable"] = True
        field.update(made)
        # A type whose default is None, though it says that None is none of its values, has no default to begin with.
        if "default" in schema and (schema["default"] is not None or nullable):
            if wrong := problems(field, schema["default"]):
                raise ValueError(f"{at}: its default does not fit: {told(wrong)}")
            field["default"] = schema["default"]
        own = {name: value for name, value in field.items() if name not in ("properties", "items")}
        self._bytes += len(json.dumps(own))
        if self._bytes > FORM_BYTES:
            raise ValueError(
                f"{at}: the form is larger than {FORM_BYTES:,} bytes: shorten its texts, or ask in several questions."
            )
        return field

    def _resolved(self, schema: Field, at: str, seen: tuple[str, ...]) -> tuple[Field, tuple[str, ...]]:
        """Without ``$ref``, ``anyOf`` with null, ``allOf`` of one and ``const``."""
        while True:
            rest = {name: value for name, value in schema.items() if name not in ("$ref", "anyOf", "oneOf", "allOf")}
            if "$ref" in schema:
                name = schema["$ref"]
                if not isinstance(name, str) or not isinstance(self._definitions.get(name), dict):
                    raise ValueError(f"{at}: the reference {_shown(name)} leads nowhere within the schema: put it into $defs.")
                if len(seen) >= HOPS:
                    raise ValueError(f"{at}: more than {HOPS} references to references: put the schema itself there.")
                if name in seen:
                    raise ValueError(f"{at}: {_cut(name)} contains itself, which no form can: ask in several questions.")
                seen = (*seen, name)
                schema = {**self._definitions[name], **rest}
            elif "anyOf" in schema or "oneOf" in schema:
                schema = {**_only(schema.get("anyOf", schema.get("oneOf")), at), **rest, "nullable": True}
            elif "allOf" in schema:
                if not (
                    isinstance(schema["allOf"], list) and len(schema["allOf"]) == 1 and isinstance(schema["allOf"][0], dict)
                ):
                    raise ValueError(f"{at}: allOf cannot be drawn as a form: write one schema with all of it.")
                schema = {**schema["allOf"][0], **rest}
            elif "const" in schema:
                schema = {**{name: value for name, value in schema.items() if name != "const"}, "enum": [schema["const"]]}
            else:
                return schema, seen

    def _array(self, schema: Field, at: str, depth: int, seen: tuple[str, ...]) -> Field:
        items = self.field(schema.get("items", {}), f"{at}[]", depth, seen, item=True)
        return {**{name: schema[name] for name in ("minItems", "maxItems", "uniqueItems") if name in schema}, "items": items}

    def _object(self, schema: Field, at: str, depth: int, seen: tuple[str, ...]) -> Field:
        properties, required = schema.get("properties"), schema.get("required", [])
        if not isinstance(properties, dict) or not properties:
            raise ValueError(f"{at}: an object without named properties cannot be drawn as a form: name its fields.")
        if len(properties) > FIELDS:
            raise ValueError(f"{at}: the form has more than {FIELDS} fields: ask in several questions.")
        if not all(isinstance(name, str) and 1 <= len(name) <= NAME for name in properties):
            raise ValueError(f"{at}: the name of a field is a text of 1 to {NAME} characters.")
        if not isinstance(required, list) or len(required) > FIELDS or any(_missing(name, properties) for name in required):
            raise ValueError(f"{at}: required names {_shown(required)}, and the properties are {_few(properties)}.")
        if not any(schema.get("additionalProperties") is each for each in (None, False, True)):
            raise ValueError(f"{at}: additionalProperties cannot be drawn as a form: name the fields.")
        if depth >= DEPTH:
            raise ValueError(f"{at}: objects nested deeper than {DEPTH} levels cannot be drawn as a form: make it flatter.")
        fields = {name: self.field(each, f"{at}.{name}", depth + 1, seen) for name, each in properties.items()}
        return {"properties": fields, "required": list(required)}


def _missing(name: Any, properties: Field) -> bool:
    return not isinstance(name, str) or name not in properties


def _only(branches: Any, at: str) -> Field:
    """The one branch of an ``anyOf`` that is not null."""
    few = isinstance(branches, list) and len(branches) <= HOPS
    others = [each for each in branches if each != {"type": "null"}] if few else []
    if not isinstance(branches, list) or len(others) != 1 or len(others) == len(branches) or not isinstance(others[0], dict):
        raise ValueError(f"{at}: a choice between schemas cannot be drawn as a form, but for one and null: give one type.")
    only: Field = others[0]
    return only


def _type_of(schema: Field, at: str) -> tuple[str, bool]:
    """(the type, whether null is one of its values)"""
    kind, nullable = schema.get("type"), schema.get("nullable") is True
    if isinstance(kind, list):
        others = [each for each in kind if each != "null"]
        if len(others) != 1:
            raise ValueError(f"{at}: the types {_shown(kind)} cannot be drawn as one control: give one type.")
        nullable = nullable or len(others) < len(kind)
        kind = others[0]
    if kind is None and schema.get("enum"):
        kind = _type_of_values(schema["enum"], at)
    if kind is None and "properties" in schema:
        kind = "object"
    if not isinstance(kind, str) or kind not in _KEYWORDS:
        raise ValueError(f"{at}: the type {_shown(kind)} cannot be drawn as a form: give one of {', '.join(_KEYWORDS)}.")
    return kind, nullable


def _type_of_values(values: Any, at: str) -> str:
    kinds = {_name_of(value) for value in values if value is not None} if isinstance(values, list) else set()
    if kinds == {"integer", "number"}:
        return "number"
    if len(kinds) != 1 or not kinds <= set(SCALARS):
        raise ValueError(f"{at}: the values of an enum must be all texts or all numbers.")
    return kinds.pop()


def _check_scalar(made: Field, kind: str, at: str) -> bool:
    """Whether null is among the values of its enum, which then has it no more."""
    nullable = False
    if "enum" in made:
        values = made["enum"]
        if not isinstance(values, list) or not 1 <= len(values) <= 100:
            raise ValueError(f"{at}: enum: a list of 1 to 100 values is needed.")
        nullable = None in values
        made["enum"] = values = [value for value in values if value is not None]
        wrong = [value for value in values if not _TYPES[kind](value)]
        if wrong or not values:
            raise ValueError(f"{at}: enum: {_shown(wrong[0] if wrong else None)} is no {kind}.")
        if len(set(values)) < len(values):
            raise ValueError(f"{at}: enum: {_few(map(_shown, values))} has a duplicate.")
    if "format" in made and made["format"] not in FORMATS:
        del made["format"]  # an annotation (JSON Schema 2020-12, 7.2.1): unknown ones say nothing
    if "pattern" in made and (not isinstance(made["pattern"], str) or len(made["pattern"]) > 1000):
        raise ValueError(f"{at}: pattern: a text of at most 1,000 characters is needed.")
    return nullable


def _check_limits(made: Field, at: str) -> None:
    for name in _WHOLE:
        if name in made and (not _is_integer(made[name]) or made[name] < 0):
            raise ValueError(f"{at}: {name}: a whole number from 0 on is needed, not {_shown(made[name])}.")
    for name in _NUMERIC:
        if name in made and not is_number(made[name]):
            raise ValueError(f"{at}: {name}: a finite number is needed, not {_shown(made[name])}.")
    if made.get("multipleOf", 1) <= 0:
        raise ValueError(f"{at}: multipleOf: a number above 0 is needed.")
    if "uniqueItems" in made and not isinstance(made["uniqueItems"], bool):
        raise ValueError(f"{at}: uniqueItems: true or false is needed, not {_shown(made['uniqueItems'])}.")
    if made.get("minItems", 0) > ITEMS:
        raise ValueError(f"{at}: minItems: nobody fills in {made['minItems']:,} items: at most {ITEMS:,}.")
    _check_spans(made, at)


def _check_spans(made: Field, at: str) -> None:
    for low, high in _SPANS:
        if low in made and high in made:
            reached = "exclusive" not in low + high
            if made[low] > made[high] or (made[low] == made[high] and not reached):
                raise ValueError(f"{at}: {low} {made[low]} and {high} {made[high]}: nothing can answer that.")


# ------------------------------------------------------------------------------------------------ answers


def problems(field: Field, value: Any) -> dict[str, str]:
    """What is wrong with a value for a field in normal form, by the place in it: ``{"size": "0 is less than 1"}``. Empty if
    nothing is, at most `PROBLEMS`; the whole value's place is ``""``. ``pattern`` is not looked at."""
    return dict(islice(_problems(field, value, ""), PROBLEMS))


def told(wrong: dict[str, str]) -> str:
    """The problems as one sentence."""
    return "; ".join(f"{at}: {what}" if at else what for at, what in list(wrong.items())[:10]) + "."


def _problems(field: Field, value: Any, at: str) -> Iterator[tuple[str, str]]:
    kind = field["type"]
    if value is None:
        if not field.get("nullable"):
            yield at, "a value is needed"
    elif not _TYPES[kind](value):
        yield at, f"{_shown(value)} is {'no' if kind != 'integer' else 'not a whole'} {_WORDS[kind]}"
    elif kind == "object":
        yield from _object_problems(field, value, at)
    elif kind == "array":
        yield from _array_problems(field, value, at)
    elif "enum" in field and value not in field["enum"]:
        yield at, f"{_shown(value)} is not among {_few(map(_shown, field['enum']))}"
    elif kind == "string":
        yield from ((at, what) for what in _text_problems(field, value))
    elif kind != "boolean":
        yield from ((at, what) for what in _number_problems(field, value))


def _object_problems(field: Field, value: dict[str, Any], at: str) -> Iterator[tuple[str, str]]:
    properties = field["properties"]
    for name in value:
        if name not in properties:
            yield _join(at, name), "there is no such field"
    for name, each in properties.items():
        if name in value:
            yield from _problems(each, value[name], _join(at, name))
        elif name in field["required"]:
            yield _join(at, name), "a value is needed"


def _array_problems(field: Field, value: list[Any], at: str) -> Iterator[tuple[str, str]]:
    most = min(field.get("maxItems", ITEMS), ITEMS)
    if len(value) < field.get("minItems", 0):
        yield at, f"give at least {field['minItems']}"
    if len(value) > most:
        yield at, f"give at most {most}"
        return
    for place, item in enumerate(value):
        yield from _problems(field["items"], item, f"{at}[{place}]")
    alike = [item for item in value if not isinstance(item, (list, dict))]  # others do not fit anyway
    if field.get("uniqueItems") and len(set(alike)) < len(alike):
        yield at, "give each only once"


def _text_problems(field: Field, value: str) -> Iterator[str]:
    if len(value) < field.get("minLength", 0):
        yield f"give at least {field['minLength']} character{'' if field['minLength'] == 1 else 's'}"
    if len(value) > field.get("maxLength", math.inf):
        yield f"give at most {field['maxLength']} characters"
    if "format" in field and field["format"] in _LOOKS and not _LOOKS[field["format"]](value):
        yield f"{_shown(value)} is not {_FORMAT_WORDS[field['format']]}"


def _number_problems(field: Field, value: float) -> Iterator[str]:
    if value < field.get("minimum", -math.inf):
        yield f"{value} is less than {field['minimum']}"
    if value > field.get("maximum", math.inf):
        yield f"{value} is more than {field['maximum']}"
    if value <= field.get("exclusiveMinimum", -math.inf):
        yield f"{value} is not more than {field['exclusiveMinimum']}"
    if value >= field.get("exclusiveMaximum", math.inf):
        yield f"{value} is not less than {field['exclusiveMaximum']}"
    if step := field.get("multipleOf"):
        ratio = value / step
        if not math.isfinite(ratio) or abs(ratio - round(ratio)) > 1e-9 * max(1.0, abs(ratio)):
            yield f"{value} is not a multiple of {step}"


def _is_integer(value: Any) -> bool:
    """JSON has one kind of number: 3.0 is whole too (JSON Schema 2020-12, 6.1.1); beyond 2^53 a browser cannot say it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) <= 2**53 and value == int(value) if is_number(value) else False


def is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float holds
        return False


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": is_number,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_WORDS = {"string": "text", "integer": "number", "number": "number", "boolean": "yes or no", "array": "list", "object": "form"}
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?", re.ASCII)


def _is_date(text: str) -> bool:
    """By hand: what `date.fromisoformat` takes grew with Python 3.11, and every hub must say the same."""
    found = _DATE.fullmatch(text)
    try:
        return found is not None and bool(date(*map(int, found.groups())))
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    """RFC 3339; the offset, and the seconds, may be missing, for so browsers say it (``datetime-local``)."""
    return len(text) > 10 and text[10] in "Tt " and _is_date(text[:10]) and _TIME.fullmatch(text[11:].upper()) is not None


_LOOKS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_moment,
    "time": lambda text: _TIME.fullmatch(text.upper()) is not None,
    "email": lambda text: re.fullmatch(r"[^@\s]+@[^@\s]+", text) is not None,
    "uri": lambda text: re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:\S+", text) is not None,
}
_FORMAT_WORDS = {
    "date": "a date", "date-time": "a date-time", "time": "a time", "email": "an e-mail address", "uri": "an address"
}  # fmt: skip


def _name_of(value: Any) -> str:
    return next((kind for kind in ("boolean", "integer", "number", "string") if _TYPES[kind](value)), "other")


def _join(at: str, name: str) -> str:
    return _cut(f"{at}.{name}" if at else name, 4 * NAME)


def _shown(value: Any) -> str:
    return _cut(repr(value) if isinstance(value, (str, int, float, bool, type(None))) else f"a {type(value).__name__}")


def _few(names: Iterable[str]) -> str:
    """The first of them, for an error."""
    shown = [_cut(name) for name in islice(names, 11)]
    return ", ".join(shown[:10]) + (", …" if len(shown) > 10 else "")


def _cut(text: str, longest: int = 100) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
