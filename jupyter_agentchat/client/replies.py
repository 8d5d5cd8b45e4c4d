"""What type an answer has: from what the caller wants to what a human is shown, and back."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from .form import Form
from .schemas import labelled_members

LONGEST_CHOICE = 500
MOST_CHOICES = 100


class Reply(Protocol):
    """How a question is answered: ``choices``, ``multiple`` and ``schema`` as `protocol.Ask` takes them."""

    @property
    def choices(self) -> list[str] | None: ...

    @property
    def multiple(self) -> bool: ...

    @property
    def schema(self) -> dict[str, Any] | None: ...

    def to_json(self, value: Any) -> Any:
        """As it goes over the wire. Raises: TypeError, ValueError for what is no answer."""

    def convert(self, value: Any) -> Any:
        """What the caller gets. Raises: ValueError, in words for who answered."""

    def begins(self, value: Any) -> Any:
        """What a form begins with, as it goes over the wire. Raises: TypeError, ValueError."""


class Text:
    """Any text that is not empty."""

    choices: list[str] | None = None
    multiple = False
    schema: dict[str, Any] | None = None

    def to_json(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise TypeError(f"a string is needed, not {type(value).__name__}.")
        if not value.strip():
            raise ValueError("it is empty; give some text.")
        return value

    def convert(self, value: Any) -> Any:
        return value

    def begins(self, value: Any) -> Any:
        if not isinstance(value, str):
            raise TypeError(f"a string is needed, not {type(value).__name__}.")
        return value


class Choices:
    """One of them, or with ``multiple`` a list of them. The labels go over the wire; the caller gets the objects themselves."""

    schema: dict[str, Any] | None = None

    def __init__(self, choices: Any, *, multiple: bool = False) -> None:
        """Raises: TypeError, ValueError; the message begins with ``choices``."""
        self.multiple = multiple
        labelled = _labelled(choices)
        double = {label for label, _ in labelled if [each for each, _ in labelled].count(label) > 1}
        if double:
            raise ValueError(f"choices: {', '.join(map(repr, sorted(double)))} is given more than once.")
        if not 1 <= len(labelled) <= MOST_CHOICES:
            raise ValueError(f"choices: {len(labelled)} are given; give 1 to 100, or none for a free answer.")
        self._objects = dict(labelled)
        self.choices: list[str] | None = list(self._objects)

    def to_json(self, value: Any) -> Any:
        if not self.multiple:
            return self._label(value)
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            raise TypeError(f"a list of choices is needed, not {value!r}: several may be chosen.")
        labels = [self._label(each) for each in value]
        if len(set(labels)) != len(labels):
            raise ValueError(f"{labels!r} names some more than once.")
        return labels

    def convert(self, value: Any) -> Any:
        return [self._objects[label] for label in value] if self.multiple else self._objects[value]

    begins = to_json

    def _label(self, value: Any) -> str:
        for label, each in self._objects.items():
            if each is value:
                return label
        for label, each in self._objects.items():
            if type(each) is type(value) and _equal(each, value):
                return label
        if isinstance(value, str) and value in self._objects:
            return value
        raise ValueError(f"{value!r} is not among the choices: {', '.join(map(repr, self._objects))}.")


def reply_of(choices: Any, multiple: bool, into: Any) -> Reply:
    """What the caller's ``choices``, ``multiple`` and ``into`` say together.

    Raises: TypeError, ValueError: what makes no sense; the message begins with the argument's name.
    """
    given: Any = multiple
    if not isinstance(given, bool):
        raise TypeError(f"multiple: True or False is needed, not {given!r}.")
    if choices is not None and into is not None:
        raise TypeError("into: choices are given too, and their objects are the answer: leave out one of the two.")
    if choices is not None:
        return Choices(choices, multiple=multiple)
    if multiple:
        raise TypeError("multiple: it needs choices; for a list of values give `into=list[str]`.")
    return Text() if into is None else Form(into)


def _labelled(choices: Any) -> list[tuple[str, Any]]:
    if isinstance(choices, enum.EnumMeta):
        choices = labelled_members(choices)
    if isinstance(choices, Mapping):
        for label in choices:
            if not isinstance(label, str):
                raise TypeError(f"choices: {label!r} is no label: map texts to what is returned.")
        labelled = list(choices.items())
    elif isinstance(choices, (str, bytes, set, frozenset)) or not isinstance(choices, Iterable):
        raise TypeError(f"choices: a list of strings or other objects is needed, not {type(choices).__name__}.")
    else:
        labelled = [(_label_of(each, place), each) for place, each in enumerate(choices)]
    for place, (label, _) in enumerate(labelled):
        if not label.strip():
            raise ValueError(f"choices[{place}]: it is empty; give some text.")
        if not is_unicode(label):
            raise ValueError(f"choices[{place}]: it holds a lone surrogate, which is not text; give valid Unicode.")
        if len(label) > LONGEST_CHOICE:
            raise ValueError(f"choices[{place}]: it has {len(label)} characters, the limit is {LONGEST_CHOICE}.")
    return labelled


def is_unicode(text: str) -> bool:
    """Whether it can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _label_of(value: Any, place: int) -> str:
    if isinstance(value, enum.Enum):
        return next(label for label, member in labelled_members(type(value)).items() if member is value)
    kind: Any = type(value)
    if kind.__str__ is object.__str__ and kind.__repr__ is object.__repr__:
        raise TypeError(
            f"choices[{place}]: a {type(value).__name__} has no text to show: give a dict of label to object, or a `__str__`."
        )
    return str(value)


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except (TypeError, ValueError):  # arrays compare element by element
        return False
