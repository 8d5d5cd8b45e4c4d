"""The call of a function that a human decides on: what they are shown of it, and that it runs with just that."""

from __future__ import annotations

import hashlib
import inspect
import json
import types
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ArgumentsChanged
from ..notebook import parts
from . import snapshot
from .form import Form

MOST_SHOWN = 100_000
"""Characters of all arguments together, as JSON: nobody reads more, and a decision is about what was read."""

_NAMED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True)
class Arguments:
    """What something would run with, as it was when its human was asked.

    ``values`` are the objects themselves, ``shown`` their JSON; ``forms`` those that may be edited; ``parts`` those that are
    more than JSON and text: tables, pictures.
    """

    values: Mapping[str, Any]
    shown: dict[str, Any]
    forms: dict[str, Form]
    digests: dict[str, str]
    parts: list[dict[str, Any]]

    @classmethod
    def of(cls, values: Mapping[str, Any], editable: Collection[str], annotated: Mapping[str, Any]) -> Arguments:
        """Raises: TypeError, ValueError: an editable one is no JSON; all together are too large to show."""
        # The digests first: what changes while it is shown is then found out before the call.
        digests = {name: snapshot.digest(value) for name, value in values.items()}
        shown, beside = {}, []
        for name, value in values.items():
            part = _part(name, value)
            shown[name] = snapshot.shown(value) if part is None else parts.describe(value)
            beside += [] if part is None else [part]
        forms = {}
        for name in editable:
            forms[name], shown[name] = _form(name, values[name], annotated.get(name, Any))
        size = {name: len(json.dumps(value)) for name, value in shown.items()}
        if sum(size.values()) > MOST_SHOWN:
            largest = max(size, key=lambda name: size[name])
            raise ValueError(
                f"arguments: they have {sum(size.values()):,} characters as JSON, and a human is shown {MOST_SHOWN:,} at most: "
                f"{largest!r} is the largest ({size[largest]:,}). Give what there is to decide about, and the rest by a name."
            )
        return cls(values, shown, forms, digests, beside)

    @property
    def digest(self) -> str:
        """SHA-256 of all of them, in hexadecimal."""
        return hashlib.sha256(json.dumps(self.digests).encode()).hexdigest()

    @property
    def schema(self) -> dict[str, Any] | None:
        """The form of those that may be edited."""
        if not self.forms:
            return None
        return {
            "type": "object",
            "properties": {name: form.schema for name, form in self.forms.items()},
            "required": list(self.forms),
        }

    def edited(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What a human changed, as the types that the function takes.

        Raises:
            ValueError: it is none; in words for the human.
        """
        made = {}
        for name, value in given.items():
            if name in self.forms and value != self.shown[name]:
                try:
                    made[name] = self.forms[name].convert(value)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from error
        return made

    def check(self, action: str) -> None:
        """Raises ArgumentsChanged if they are not what they were."""
        changed = [name for name, value in self.values.items() if snapshot.digest(value) != self.digests[name]]
        if changed:
            raise ArgumentsChanged(
                f"{action}: {', '.join(map(repr, changed))} changed after the human was asked, so nothing was run: what they"
                " decided on is not there any more. Call it again, and they are asked about what it is now."
            )


def _part(name: str, value: Any) -> dict[str, Any] | None:
    if snapshot.is_json(value):
        return None
    try:
        made = parts.part(value, name)
    except ValueError:
        raise  # too large
    except Exception:  # an iterator, of which nobody looks at what it holds; what its own __repr__ raises
        return None
    return {**made, "name": name} if made["data"].keys() - {"text/plain"} else None


def _form(name: str, value: Any, annotation: Any) -> tuple[Form, Any]:
    """How an argument is edited, and what the form begins with."""
    try:
        plain, faithful = snapshot.on_wire(snapshot.as_json(value))
    except snapshot.NotJson:
        plain, faithful = None, False
    if not faithful:
        raise TypeError(f"editable: {name!r} is {snapshot.short(value)}, which has no JSON form that a human could edit.")
    if annotation is Any:
        return Form(_schema_of(name, plain)), plain
    form = form_of(name, annotation)
    try:
        return form, form.to_json(value)
    except (TypeError, ValueError):  # not of its own type, as numpy's numbers: the human may make it so
        return form, plain


def form_of(name: str, annotation: Any) -> Form:
    """Raises: TypeError, ValueError: no form can be drawn for the annotation."""
    try:
        return Form(annotation)
    except (TypeError, ValueError) as error:
        raise type(error)(f"editable: {name!r} cannot be edited: {str(error).removeprefix('into: ')}") from error


def _schema_of(name: str, value: Any) -> dict[str, Any]:
    """The form of a value whose type nobody said."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, int):
        return {"type": "integer"}
    if isinstance(value, float):
        return {"type": "number"}
    if isinstance(value, str):
        return {"type": "string", **({"format": "multiline"} if "\n" in value or len(value) > 200 else {})}
    if isinstance(value, list) and value:
        kinds = {type(item) for item in value}
        items = [_schema_of(name, item) for item in value] if kinds <= {bool, int, float, str} else []
        if items and (len(kinds) == 1 or kinds == {int, float}):
            return {"type": "array", "items": {"type": "number"} if kinds == {int, float} else items[0]}
    if isinstance(value, dict) and value:
        return {
            "type": "object",
            "properties": {key: _schema_of(name, each) for key, each in value.items()},
            "required": list(value),
        }
    raise TypeError(
        f"editable: {name!r} is {snapshot.short(value)}, whose form nobody knows: annotate the parameter with its type."
    )


# ------------------------------------------------------------------------------------------------ functions


@dataclass(frozen=True)
class Signature:
    """What a function takes, and which of it a human may edit."""

    function: Callable[..., Any]
    action: str
    editable: tuple[str, ...]
    annotated: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, function: Callable[..., Any], editable: Any) -> Signature:
        """Raises: TypeError, ValueError: it is no function that can be approved, or an editable name none of its parameters."""
        name = getattr(function, "__name__", None) or type(function).__name__
        if isinstance(function, (classmethod, staticmethod)):
            raise TypeError(f"approves: write it below @{type(function).__name__}, next to the function {name}.")
        given: Any = function
        if not callable(given) or isinstance(given, type):
            raise TypeError(f"approves: a function is needed, not {snapshot.short(function)}.")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"approves: {name} is a generator, which runs long after its call: approve a function that it calls."
            )
        names = checked_names(editable)
        try:
            parameters = inspect.signature(function).parameters
        except ValueError as error:
            raise TypeError(f"approves: nobody knows what {name} takes: approve a function of yours that calls it.") from error
        for each in names:
            if each not in parameters or each in _unseen(parameters):
                told = ", ".join(map(repr, (n for n in parameters if n not in _unseen(parameters)))) or "none"
                raise ValueError(f"editable: {each!r} is no parameter of {name}; it has {told}.")
            if parameters[each].kind not in _NAMED:
                raise TypeError(f"editable: {parameters[each]} of {name} cannot be edited: name parameters of their own.")
        signature = cls(function, _action_of(function, name), names, _annotations(function, names, parameters))
        for each, annotation in signature.annotated.items():
            form_of(each, annotation)
        return signature

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        """The final arguments, with the defaults. Raises: TypeError as the function itself would."""
        bound = inspect.signature(self.function).bind(*args, **kwargs)
        bound.apply_defaults()
        return bound

    def arguments(self, bound: inspect.BoundArguments) -> Arguments:
        """What a human is shown of them: all but ``self`` and empty ``*args`` and ``**kwargs``."""
        parameters = bound.signature.parameters
        values = {
            name: value
            for name, value in bound.arguments.items()
            if name not in _unseen(parameters) and (parameters[name].kind in _NAMED or value)
        }
        return Arguments.of(values, self.editable, self.annotated)


def by_name(asked: Callable[..., Any], bound: inspect.BoundArguments) -> Any:
    """Calls what looks at a call's arguments, such as ``when``: it gets those that it names; all, where it takes ``*args``."""
    try:
        takes = inspect.signature(asked).parameters
    except ValueError:  # some of C's
        return asked(*bound.args, **bound.kwargs)
    kinds = {parameter.kind for parameter in takes.values()}
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return asked(*bound.args, **bound.kwargs)
    values: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        values |= value if bound.signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD else {name: value}
    first = [values.pop(name) for name, each in takes.items() if each.kind is inspect.Parameter.POSITIONAL_ONLY]
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        values = {name: value for name, value in values.items() if name in takes}
    return asked(*first, **values)


def check_by_name(name: str, asked: Callable[..., Any], function: Callable[..., Any]) -> None:
    """Raises: TypeError: it needs what the function does not take."""
    try:
        takes = inspect.signature(asked).parameters
    except ValueError:
        return
    has = inspect.signature(function).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in has.values()):
        return
    for each in takes.values():
        if each.kind in _NAMED and each.default is inspect.Parameter.empty and each.name not in has:
            told = ", ".join(map(repr, has)) or "nothing"
            raise TypeError(f"{name}: it takes {each.name!r}, and the function has {told}: name what it looks at.")


def checked_names(editable: Any) -> tuple[str, ...]:
    """Raises: TypeError: it is no list of names."""
    if isinstance(editable, str) or not all(isinstance(each, str) for each in editable):
        raise TypeError(f"editable: a list of names is needed, not {editable!r}.")
    return tuple(dict.fromkeys(editable))


def _unseen(parameters: Mapping[str, inspect.Parameter]) -> tuple[str, ...]:
    first = next(iter(parameters), "")
    return (first,) if first in ("self", "cls") else ()


def has_name(function: Callable[..., Any]) -> bool:
    """Whether it has one of its own, for which it may be approved for good: a lambda has not, nor a partial."""
    return not str(getattr(function, "__qualname__", "<lambda>")).endswith("<lambda>")


def _action_of(function: Callable[..., Any], name: str) -> str:
    """By which a standing approval knows it."""
    called = getattr(function, "__qualname__", name).replace("<locals>.", "")
    module = getattr(function, "__module__", None)
    return (called if module in (None, "__main__") else f"{module}.{called}")[-200:]


def _annotations(
    function: Callable[..., Any], names: tuple[str, ...], parameters: Mapping[str, inspect.Parameter]
) -> dict[str, Any]:
    """The types of these parameters; only theirs are looked up, for others may be known to type checkers alone."""
    given = {n: parameters[n].annotation for n in names if parameters[n].annotation is not inspect.Parameter.empty}
    try:
        return typing.get_type_hints(
            types.SimpleNamespace(__annotations__=given),
            getattr(inspect.unwrap(function), "__globals__", {}),
            include_extras=True,
        )
    except NameError as error:
        raise TypeError(f"editable: an annotation of {function.__name__} cannot be found: {error}.") from error
