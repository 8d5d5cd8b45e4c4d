"""Forms: what of JSON Schema can be drawn, in one normal form; what cannot is refused in words; whether a value fits one."""

from __future__ import annotations

import json
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_agentchat import forms
from tests.unit.test_determinism import OTHERS

PYDANTIC = {
    "$defs": {"Size": {"enum": ["small", "big"], "title": "Size", "type": "string"}},
    "properties": {
        "size": {"$ref": "#/$defs/Size", "default": "big"},
        "count": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}], "default": None, "title": "Count"},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "why": {"const": "because"},
        "when": {"type": "string", "format": "date"},
        "price": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.1},
        "sure": {"type": "boolean", "default": None},
    },
    "required": ["size", "tags"],
    "title": "Order",
    "type": "object",
}


def test_what_pydantic_and_msgspec_write_has_a_normal_form() -> None:
    made = forms.normal(PYDANTIC)
    assert made == {
        "type": "object",
        "title": "Order",
        "properties": {
            "size": {"type": "string", "title": "Size", "enum": ["small", "big"], "default": "big"},
            "count": {"type": "integer", "title": "Count", "nullable": True, "minimum": 1, "default": None},
            "tags": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
            "why": {"type": "string", "enum": ["because"]},
            "when": {"type": "string", "format": "date"},
            "price": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.1},
            "sure": {"type": "boolean"},
        },
        "required": ["size", "tags"],
    }


def test_the_normal_form_of_a_normal_form_is_itself_and_the_schema_is_left_as_it_was() -> None:
    for schema in (PYDANTIC, {"type": ["integer", "null"]}, {"enum": ["a", None]}, {"type": "string", "format": "what"}):
        before = deepcopy(schema)
        made = forms.normal(schema)
        assert schema == before
        assert forms.normal(made) == made


def test_every_process_and_every_python_writes_the_same_form() -> None:
    code = "import json; from jupyter_agentchat import forms; print(json.dumps(forms.normal(json.loads(input()))))"
    here = json.dumps(forms.normal(PYDANTIC))
    for python in OTHERS:
        for seed in ("1", "2"):
            done = subprocess.run(
                [python, "-c", code], input=json.dumps(PYDANTIC), capture_output=True, text=True, check=True,
                env={"PYTHONHASHSEED": seed}, cwd=Path(__file__).parents[2],
            )  # fmt: skip
            assert done.stdout.strip() == here


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def lists(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


UNDRAWABLE: dict[str, tuple[Any, str]] = {
    "no object": ([], "not list"),
    "no type": ({}, "the type None"),
    "a type of its own": ({"type": "decimal"}, "'decimal'"),
    "two types": ({"type": ["string", "integer"]}, "one control"),
    "a choice of schemas": ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "a choice between schemas"),
    "a list of choices": ({"oneOf": "string"}, "a choice between schemas"),
    "several at once": ({"allOf": [{"type": "string"}, {"minLength": 2}]}, "allOf"),
    "a condition": ({"type": "string", "if": {}, "then": {}}, "'if', 'then' of a string"),
    "an address": ({"$ref": "http://localhost:1/schema.json"}, "'http://localhost:1/schema.json' leads nowhere"),
    "a reference that is no text": ({"$ref": {"a": 1}}, "leads nowhere"),
    "recursion": ({"$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}, "contains itself"),
    "recursion in a list": (
        {"$defs": {"T": {"type": "object", "properties": {"x": {"type": "array", "items": {"$ref": "#/$defs/T"}}}}},
         "$ref": "#/$defs/T"}, "contains itself",
    ),
    "depth": (nested(4), "deeper than 3"),
    "great depth": (nested(500), "deeper than 3"),
    "lists of lists": (lists(2), "a list of arrays"),
    "deep lists of lists": (lists(5000), "a list of arrays"),
    "lists of objects": ({"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}}, "objects"),
    "an open object": ({"type": "object"}, "without named properties"),
    "a dictionary": ({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": {}}, "additional"),
    "many properties": ({"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(100_000)}}, "200 fields"),
    "a nameless property": ({"type": "object", "properties": {"": {"type": "string"}}}, "the name of a field"),
    "a property named by a number": ({"type": "object", "properties": {1: {"type": "string"}}}, "the name of a field"),
    "unknown required": ({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}, "required"),
    "required that is no name": ({"type": "object", "properties": {"a": {"type": "string"}}, "required": [["a"]]}, "required"),
    "no values": ({"enum": []}, "the type None"),
    "a huge enum": ({"enum": [str(n) for n in range(100_000)]}, "1 to 100"),
    "mixed values": ({"enum": ["a", 1]}, "all texts or all numbers"),
    "values of another type": ({"type": "integer", "enum": ["a"]}, "'a' is no integer"),
    "the same value twice": ({"enum": [1, 1.0]}, "duplicate"),
    "null only": ({"const": None}, "all texts or all numbers"),
    "a pattern that is no text": ({"type": "string", "pattern": 5}, "pattern"),
    "a negative length": ({"type": "string", "minLength": -1}, "minLength"),
    "draft 4": ({"type": "integer", "exclusiveMinimum": True, "minimum": 1}, "exclusiveMinimum"),
    "an empty span": ({"type": "integer", "minimum": 2, "maximum": 1}, "nothing can answer"),
    "an infinite limit": ({"type": "number", "maximum": float("inf")}, "finite"),
    "steps of nothing": ({"type": "number", "multipleOf": 0}, "above 0"),
    "a default that does not fit": ({"type": "integer", "default": "a"}, "its default does not fit"),
    "such a default within": (
        {"type": "object", "properties": {"n": {"type": "integer", "maximum": 3, "default": 4}}}, r"schema\.n: its default",
    ),
    "a thousand unknown words": ({"type": "string"} | {f"x-{n}": n for n in range(1000)}, "…"),
    "a span with an open end": ({"type": "integer", "minimum": 5, "exclusiveMaximum": 5}, "nothing can answer"),
    "a long way": (
        {"$ref": "#/$defs/d0", "$defs": {f"d{n}": {"$ref": f"#/$defs/d{n + 1}"} for n in range(20_000)} | {"d20000": {}}},
        "references to references",
    ),
    "many branches": ({"anyOf": [{"type": "null"}] * 60_000 + [{"type": "string"}]}, "a choice between schemas"),
    "a billion laughs": (
        {"$defs": {"A": {"type": "string", "enum": [f"{n:0500}" for n in range(100)]}}, "type": "object",
         "properties": {f"p{n}": {"$ref": "#/$defs/A"} for n in range(200)}}, "larger than",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDRAWABLE)
def test_what_cannot_be_drawn_is_refused_with_where_and_why(name: str) -> None:
    schema, words = UNDRAWABLE[name]
    with pytest.raises(ValueError, match=words) as caught:
        forms.normal(schema)
    assert str(caught.value).startswith("schema")
    assert len(str(caught.value)) < 2000


FITS: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    ({"type": "string"}, ["", "a", "1"], [None, 1, True, ["a"], {}]),
    ({"type": "string", "minLength": 1, "maxLength": 2}, ["a", "äö"], ["", "abc"]),
    ({"type": "string", "enum": ["a", "b"]}, ["a"], ["A", "", 1]),
    ({"type": ["string", "null"]}, [None, "a"], [0]),
    ({"type": "integer"}, [0, -3, 3.0, 2**53], [0.5, True, "1", 2**54, float("nan")]),
    ({"type": "number"}, [0, 0.5, -1e300], [False, "0.5", float("inf"), 10**400]),
    ({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, [0, 0.999], [-0.1, 1]),
    ({"type": "number", "multipleOf": 0.1}, [0.3, 0.7, 1, 1234567.8], [0.35, 1e-9]),
    ({"type": "integer", "multipleOf": 5}, [0, 10, -5], [1]),
    ({"type": "boolean"}, [True, False], [1, 0, "true", None]),
    (
        {"type": "array", "items": {"type": "integer"}, "minItems": 1, "uniqueItems": True},
        [[1, 2]], [[], [1, 1], [1, 1.0], ["1"]],
    ),
    ({"type": "array", "items": {"type": "string"}}, [[], ["a"] * 1000], [["a"] * 1001, "a", [["a"]], [{}]]),
    (
        {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}}, "required": ["a"]},
        [{"a": ""}, {"a": "x", "b": True}], [{}, {"b": True}, {"a": "x", "c": 1}, {"a": None}, [], "a"],
    ),
    ({"type": "string", "format": "date"}, ["2026-11-21", "2024-02-29"],
     ["20261121", "2026-W47-6", "2026-02-29", "2026-11-21\n", "2026-11-2", "0000-01-01", "２０２６-11-21", ""]),
    ({"type": "string", "format": "date-time"},
     ["2026-11-21T09:30", "2026-11-21T09:30:00Z", "2026-11-21 09:30:59.123456+01:00", "2026-11-21t09:30z",
      "2026-11-21T09:30:00.5"],
     ["2026-11-21", "20261121T093000", "2026-11-21T24:00", "2026-11-21T09", "2026-11-21T09:30+1", "2026-11-21T09:30:00,5"]),
    ({"type": "string", "format": "time"}, ["09:30", "23:59:59.9", "09:30Z"], ["24:00", "9:30", "T09:30", "09", "09:60"]),
    ({"type": "string", "format": "email"}, ["a@b.org"], ["a", "@b", "a@", "a b@c", "a@b@c"]),
    ({"type": "string", "format": "uri"}, ["https://a.org/x?y"], ["a.org", "//a.org", "https:"]),
    ({"type": "string", "pattern": "(a+)+$"}, ["a" * 50_000 + "!"], []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "good", "bad"), FITS, ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else ""
)
def test_a_value_fits_or_it_is_said_what_is_wrong(schema: dict[str, Any], good: list[Any], bad: list[Any]) -> None:
    field = forms.normal(schema)
    assert [value for value in good if forms.problems(field, value)] == []
    assert [value for value in bad if not forms.problems(field, value)] == []


def test_problems_stand_at_their_places_in_words() -> None:
    field = forms.normal({
        "type": "object", "required": ["size", "tags"],
        "properties": {
            "size": {"type": "integer", "minimum": 1}, "tags": {"type": "array", "items": {"type": "string", "enum": ["a"]}},
            "inner": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
        },
    })  # fmt: skip
    wrong = forms.problems(field, {"size": 0, "tags": ["a", "b"], "inner": {}, "more": 1})
    assert wrong == {
        "more": "there is no such field",
        "size": "0 is less than 1",
        "tags[1]": "'b' is not among 'a'",
        "inner.x": "a value is needed",
    }
    assert forms.told(wrong).startswith("more: there is no such field; size: 0 is less than 1;")


def test_a_huge_wrong_answer_gives_a_short_error() -> None:
    many = forms.normal({"type": "array", "items": {"enum": [f"{n:0400}" for n in range(100)]}})
    form = forms.normal({"type": "object", "properties": {"a": {"type": "string", "enum": ["x"]}}})
    for field, value in (
        (many, ["y" * 1000] * 1000), (form, {f"{n:01000}": 1 for n in range(1000)}), (form, {"a": "z" * 10**6}),
    ):  # fmt: skip
        wrong = forms.problems(field, value)
        assert 1 <= len(wrong) <= forms.PROBLEMS
        assert len(json.dumps(wrong)) < 50_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
words = st.sampled_from([
    "type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "$defs", "properties", "required", "items", "minimum",
    "maximum", "minLength", "maxItems", "uniqueItems", "format", "pattern", "default", "nullable", "title", "multipleOf",
    "additionalProperties",
])  # fmt: skip
types = st.sampled_from(["string", "integer", "number", "boolean", "array", "object", ["string", "null"], "#/$defs/a"])
schemas = st.recursive(
    json_values | types,
    lambda inner: st.dictionaries(words | st.text(max_size=2), inner | types, max_size=6) | st.lists(inner, max_size=3),
    max_leaves=30,
)


@given(schemas | st.dictionaries(words, schemas, max_size=6), json_values)
def test_whatever_is_given_for_a_schema_and_an_answer_nothing_but_words_comes_of_it(schema: Any, value: Any) -> None:
    try:
        field = forms.normal(schema)
    except ValueError:
        return
    assert forms.normal(field) == field
    assert all(isinstance(what, str) for what in forms.problems(field, value).values())


@given(st.integers(-3, 12), st.integers(-3, 12), st.integers(-20, 20) | st.floats(-20, 20))
def test_a_number_fits_its_limits_as_arithmetic_says(low: int, high: int, value: float) -> None:
    if low < high:
        field = forms.normal({"type": "number", "minimum": low, "exclusiveMaximum": high})
        assert (not forms.problems(field, value)) == (low <= value < high)


def test_msgspecs_own_schemas_have_a_normal_form() -> None:
    class Label(msgspec.Struct):
        name: str
        sure: bool = False
        score: float | None = None

    made = forms.normal(msgspec.json.schema(Label))
    assert list(made["properties"]) == ["name", "sure", "score"]
    assert made["properties"]["score"] == {"type": "number", "nullable": True, "default": None}
