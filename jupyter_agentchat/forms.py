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

import math
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import Any

Field = dict[str, Any]

SCALARS = ("string", "integer", "number", "boolean")
FORMATS = ("date", "date-time", "time", "email", "uri", "multiline")
DEPTH = 3
"""Objects within objects: past it no screen of a phone shows which field belongs where."""
FIELDS = 200

_COMMON = {"type", "title", "description", "default", "nullable"}
_IGNORED = {"$schema", "$id", "$defs", "definitions", "examples", "deprecated", "readOnly", "writeOnly", "$comment"}
_NUMBER = {"enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_KEYWORDS: dict[str, set[str]] = {
    "string": {"enum", "format", "minLength", "maxLength", "pattern"},
    "integer": _NUMBER,
    "number": _NUMBER,
    "boolean": set(),
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "object": {"properties", "required", "additionalProperties"},
}
_WHOLE = ("minLength", "maxLength", "minItems", "maxItems")
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
    made = _Maker(definitions).field(schema, "schema", 0, ())
    if "default" in made and (wrong := problems(made, made["default"])):
        raise ValueError(f"schema: its default does not fit: {told(wrong)}")
    return made


class _Maker:
    def __init__(self, definitions: dict[str, Any]) -> None:
        self._definitions = definitions
        self._fields = 0

    def field(self, schema: Any, at: str, depth: int, seen: tuple[str, ...]) -> Field:
        self._fields += 1
        if self._fields > FIELDS:
            raise ValueError(f"{at}: the form has more than {FIELDS} fields: ask in several questions.")
        if not isinstance(schema, dict):
            raise ValueError(f"{at}: a JSON Schema is an object, not {type(schema).__name__}.")
        schema, seen = self._resolved(schema, at, seen)
        kind = _type_of(schema, at)
        unknown = schema.keys() - _COMMON - _IGNORED - _KEYWORDS[kind]
        if unknown:
            raise ValueError(
                f"{at}: {', '.join(map(repr, sorted(unknown)))} of a {kind} cannot be drawn as a form: leave it out, and check "
                "the answer yourself."
            )
        if kind == "array":
            made = self._array(schema, at, depth, seen)
        elif kind == "object":
            made = self._object(schema, at, depth, seen)
        else:
            made = {name: schema[name] for name in _KEYWORDS[kind] if name in schema}
            _check_scalar(made, kind, at)
        _check_limits(made, at)
        said = {name: schema[name] for name in ("title", "description") if isinstance(schema.get(name), str)}
        if "default" in schema:
            said["default"] = schema["default"]
        if schema.get("nullable") is True:
            said["nullable"] = True
        return {"type": kind, **said, **made}

    def _resolved(self, schema: Field, at: str, seen: tuple[str, ...]) -> tuple[Field, tuple[str, ...]]:
        """Without ``$ref``, ``anyOf`` with null, ``allOf`` of one and ``const``."""
        while True:
            rest = {name: value for name, value in schema.items() if name not in ("$ref", "anyOf", "oneOf", "allOf")}
            if "$ref" in schema:
                name = schema["$ref"]
                if name in seen:
                    raise ValueError(f"{at}: {name} contains itself, which no form can: ask in several questions.")
                if name not in self._definitions or not isinstance(self._definitions[name], dict):
                    raise ValueError(f"{at}: the reference {name!r} leads nowhere within the schema.")
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
        items = self.field(schema.get("items", {}), f"{at}[]", depth, seen)
        if items["type"] not in SCALARS:
            raise ValueError(
                f"{at}: a list of {items['type']}s cannot be drawn as a form: ask for each in a question of its own."
            )
        return {**{name: schema[name] for name in ("minItems", "maxItems", "uniqueItems") if name in schema}, "items": items}

    def _object(self, schema: Field, at: str, depth: int, seen: tuple[str, ...]) -> Field:
        properties, required = schema.get("properties"), schema.get("required", [])
        if not isinstance(properties, dict) or not properties:
            raise ValueError(f"{at}: an object without named properties cannot be drawn as a form: name its fields.")
        if not isinstance(required, list) or not set(map(str, required)) <= properties.keys():
            raise ValueError(f"{at}: required names {required!r}, and the properties are {', '.join(properties)}.")
        if schema.get("additionalProperties") not in (None, False, True):
            raise ValueError(f"{at}: additionalProperties cannot be drawn as a form: name the fields.")
        if depth >= DEPTH:
            raise ValueError(f"{at}: objects nested deeper than {DEPTH} levels cannot be drawn as a form: make it flatter.")
        fields = {name: self.field(each, f"{at}.{name}", depth + 1, seen) for name, each in properties.items()}
        return {"properties": fields, "required": list(required)}


def _only(branches: Any, at: str) -> Field:
    """The one branch of an ``anyOf`` that is not null."""
    others = [each for each in branches if each != {"type": "null"}] if isinstance(branches, list) else []
    if not isinstance(branches, list) or len(others) != 1 or len(others) == len(branches) or not isinstance(others[0], dict):
        raise ValueError(f"{at}: a choice between schemas cannot be drawn as a form, but for one and null: give one type.")
    only: Field = others[0]
    return only


def _type_of(schema: Field, at: str) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        others = [each for each in kind if each != "null"]
        if len(others) != 1:
            raise ValueError(f"{at}: the types {kind} cannot be drawn as one control: give one type.")
        if len(others) < len(kind):
            schema["nullable"] = True
        kind = others[0]
    if kind is None and schema.get("enum"):
        kind = _type_of_values(schema["enum"], at)
    if kind is None and "properties" in schema:
        kind = "object"
    if not isinstance(kind, str) or kind not in _KEYWORDS:
        raise ValueError(f"{at}: the type {kind!r} cannot be drawn as a form: give one of {', '.join(_KEYWORDS)}.")
    return kind


def _type_of_values(values: Any, at: str) -> str:
    kinds = {_name_of(value) for value in values} if isinstance(values, list) else set()
    if kinds == {"integer", "number"}:
        return "number"
    if len(kinds) != 1 or not kinds <= set(SCALARS):
        raise ValueError(f"{at}: the values of an enum must be all texts or all numbers.")
    return kinds.pop()


def _check_scalar(made: Field, kind: str, at: str) -> None:
    if "enum" in made:
        values = made["enum"]
        if not isinstance(values, list) or not 1 <= len(values) <= 100:
            raise ValueError(f"{at}: enum: a list of 1 to 100 values is needed.")
        wrong = [value for value in values if not _TYPES[kind](value)]
        if wrong:
            raise ValueError(f"{at}: enum: {wrong[0]!r} is no {kind}.")
    if "format" in made and made["format"] not in FORMATS:
        del made["format"]  # an annotation (JSON Schema 2020-12, 7.2.1): unknown ones say nothing
    if "pattern" in made and (not isinstance(made["pattern"], str) or len(made["pattern"]) > 1000):
        raise ValueError(f"{at}: pattern: a text of at most 1,000 characters is needed.")


def _check_limits(made: Field, at: str) -> None:
    for name in _WHOLE:
        if name in made and (not _is_integer(made[name]) or made[name] < 0):
            raise ValueError(f"{at}: {name}: a whole number from 0 on is needed, not {made[name]!r}.")
    for name in _NUMERIC:
        if name in made and not _is_number(made[name]):
            raise ValueError(f"{at}: {name}: a finite number is needed, not {made[name]!r}.")
    if made.get("multipleOf", 1) <= 0:
        raise ValueError(f"{at}: multipleOf: a number above 0 is needed.")


# ------------------------------------------------------------------------------------------------ answers


def problems(field: Field, value: Any) -> dict[str, str]:
    """What is wrong with a value for a field in normal form, by the place in it: ``{"size": "0 is less than 1"}``. Empty if
    nothing is; the whole value's place is ``""``. ``pattern`` is not looked at."""
    return dict(_problems(field, value, ""))


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
        yield at, f"{_shown(value)} is not among {', '.join(map(_shown, field['enum']))}"
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
    if len(value) < field.get("minItems", 0):
        yield at, f"give at least {field['minItems']}"
    if len(value) > field.get("maxItems", 1000):
        yield at, f"give at most {field.get('maxItems', 1000)}"
        return
    for place, item in enumerate(value):
        yield from _problems(field["items"], item, f"{at}[{place}]")
    if field.get("uniqueItems") and any(item in value[:place] for place, item in enumerate(value)):
        yield at, "give each only once"


def _text_problems(field: Field, value: str) -> Iterator[str]:
    if len(value) < field.get("minLength", 0):
        yield f"give at least {field['minLength']} character{'' if field['minLength'] == 1 else 's'}"
    if len(value) > field.get("maxLength", math.inf):
        yield f"give at most {field['maxLength']} characters"
    parse = _PARSERS.get(field.get("format", ""))
    if parse is not None:
        try:
            parse(value)
        except ValueError:
            yield f"{_shown(value)} is not a {field['format']}"
    if field.get("format") == "email" and "@" not in value[1:-1]:
        yield f"{_shown(value)} is not an e-mail address"


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
    return abs(value) <= 2**53 and value == int(value) if _is_number(value) else False


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float holds
        return False


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _is_integer,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_WORDS = {"string": "text", "integer": "number", "number": "number", "boolean": "yes or no", "array": "list", "object": "form"}
_PARSERS: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "date-time": lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")),
    "time": lambda text: time.fromisoformat(text.replace("Z", "+00:00")),
}


def _name_of(value: Any) -> str:
    return next((kind for kind in ("boolean", "integer", "number", "string") if _TYPES[kind](value)), "other")


def _join(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, (str, int, float, bool, type(None))) else f"a {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:99]}…"
