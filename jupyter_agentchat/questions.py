"""What may be asked, and what answers it. Pure: the state machine decides by it, a door may look earlier.

Errors never show what answers a ``secret``, for no value of one gets here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any, Union

import msgspec
from msgspec import UNSET, structs

from . import forms, rules
from .errors import ChatError, InvalidAnswer, InvalidRequest, MessageTooLarge
from .protocol import MAX_MESSAGE_BYTES, Approval, Ask, Batch, Decided, Question, encode

Asked = Union[Ask, Question]
MAX_SECRET_BYTES = 64 * 1024
MAX_VOTE_BYTES = 4096
MAX_COMMENT = 10_000
STANDING = "always approved"
"""How a closing's source begins that somebody's standing approval made; nobody else may say so."""
_UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
_sorted = msgspec.json.Encoder(order="sorted").encode
SHOWN = 2000
"""Characters of a schema or of arguments that an error repeats."""
_WORDS: dict[Any, dict[str, Any]] = {
    "approve": {"approved": True}, "reject": {"approved": False}, "always": {"approved": True, "always": True},
}  # fmt: skip

# ------------------------------------------------------------------------------------------------ asking


def checked(ask: Ask) -> Ask:
    """The question as it is kept: schemas in their normal form (`forms.normal`), its default and decision as answers.

    Raises: InvalidRequest; InvalidAnswer for a decision that does not answer; MessageTooLarge past 1 MiB.
    """
    _check_size(ask, "The question", InvalidRequest)
    if ask.schema is not None and len(encode(ask.schema)) > 2 * forms.FORM_BYTES:
        raise InvalidRequest(f"The schema is longer than {2 * forms.FORM_BYTES:,} bytes: ask in several questions.")
    if ask.decided is not None and ask.decided.source.casefold().startswith(STANDING):
        raise InvalidRequest(f"A decision's source does not begin with {STANDING!r}: that is what people gave here for good.")
    _check_kind(ask)
    _check_times(ask)
    if ask.batch is not None and ask.batch.index >= ask.batch.total:
        raise InvalidRequest(f"batch: index {ask.batch.index} is not below the total, {ask.batch.total}: they count from 0.")
    kept = structs.replace(
        ask,
        schema=None if ask.schema is None else _form(ask.schema, "schema"),
        approval=None if ask.approval is None else _approval(ask.approval),
    )
    if ask.default is not UNSET:
        kept.default = _answered(kept, ask.default, "default", InvalidRequest)
    if ask.decided is not None:
        kept.decided = Decided(answered(kept, ask.decided.value), ask.decided.source)
    return kept


def _check_kind(ask: Ask) -> None:
    if ask.choices is not None and len(set(ask.choices)) != len(ask.choices):
        raise InvalidRequest(f"The choices {_shown(ask.choices)} have a duplicate: each must be told from the others.")
    if ask.choices is not None and ask.schema is not None:
        raise InvalidRequest("choices and schema are both given: a question is answered by one of the two.")
    if ask.multiple and ask.choices is None:
        raise InvalidRequest("multiple needs choices: give them, or a schema of an array.")
    if (ask.kind == "approval") != (ask.approval is not None):
        raise InvalidRequest("An approval, and nothing else, has `approval` beside its kind: what shall be approved?")
    wrong = {
        "approval": {"choices": ask.choices, "schema": ask.schema, "initial": ask.initial},
        "secret": {
            "choices": ask.choices, "schema": ask.schema, "initial": ask.initial, "default": ask.default, "batch": ask.batch,
            "quorum": None if ask.quorum == 1 else ask.quorum,
        },
    }  # fmt: skip
    for name, value in wrong.get(ask.kind, {}).items():
        if value is not None and value is not UNSET:
            raise InvalidRequest(f"A question of the kind {ask.kind} has no {name}: leave it out.")


def _check_times(ask: Ask) -> None:
    if ask.timeout is None:
        return
    if ask.remind is not None and ask.remind > ask.timeout:
        raise InvalidRequest(
            f"remind: every {ask.remind} seconds is longer than the timeout, {ask.timeout}: nobody would hear."
        )
    for each in ask.escalate or ():
        if each.after >= ask.timeout:
            raise InvalidRequest(
                f"escalate: to {each.to} after {each.after} seconds, and the question ends after {ask.timeout}: give less."
            )


def _form(schema: dict[str, Any], what: str) -> dict[str, Any]:
    try:
        return forms.normal(schema)
    except ValueError as error:
        raise InvalidRequest(f"{what}: {error}" if what != "schema" else str(error)) from error


def _approval(approval: Approval) -> Approval:
    unknown = [name for name in approval.editable if name not in approval.arguments]
    if unknown:
        raise InvalidRequest(
            f"approval: editable names {_shown(unknown)}, and the arguments are {_shown(list(approval.arguments))}."
        )
    if _UNSEEN.search(approval.action):
        raise InvalidRequest(
            "approval: its action holds characters that are not seen, or turn the writing round: write it as it shall be read."
        )
    schema = None if approval.schema is None else _form(approval.schema, "approval")
    if schema is not None and (schema["type"] != "object" or set(schema["properties"]) != set(approval.editable)):
        raise InvalidRequest(
            f"approval: its schema is an object's form of just the editable arguments, {_shown(approval.editable)}."
        )
    return Approval(approval.action, approval.arguments, approval.editable, schema, approval.always)


def _check_size(value: Any, what: str, error: type[ChatError]) -> None:
    plain = msgspec.to_builtins(value)
    try:
        rules.check_depth(plain, what)
    except InvalidRequest as deep:
        raise error(deep.message) from deep
    try:
        size = len(encode(plain))
    except UnicodeEncodeError as lone:
        raise error(f"{what} holds a lone surrogate, which is not text: send valid Unicode.") from lone
    if size > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(
            f"{what} has {size:,} bytes as JSON, the limit is {MAX_MESSAGE_BYTES:,}: send less.", limit_bytes=MAX_MESSAGE_BYTES
        )


def terms(prompt: str, asked: Asked, to: list[str] | None) -> str:
    """What must be equal for a question to be the same, as text; what only times it, or answers it, is left out."""
    batch_free = [asked.kind, prompt, asked.choices, asked.multiple, asked.schema, asked.quorum, to or None]
    initial = None if asked.initial is UNSET else [asked.initial]
    return _canonical([*batch_free, initial, msgspec.to_builtins(asked.approval)])


def wording(prompt: str, asked: Asked, to: list[str] | None) -> str:
    """The question in one line, for an error that shows two of them."""
    told = prompt
    if asked.choices:
        told += f" [{' | '.join(asked.choices)}]"
    if asked.multiple:
        told += " (several)"
    if asked.kind != "question":
        told += f" ({asked.kind})"
    if asked.approval is not None:
        told += f" {_cut(_canonical(msgspec.to_builtins(asked.approval)))}"
    if asked.schema is not None:
        told += f" {_cut(_canonical(asked.schema))}"
    if asked.initial is not UNSET:
        told += f" (at first {_cut(_canonical(asked.initial))})"
    if asked.quorum > 1:
        told += f" ({asked.quorum} must agree)"
    return told + (f" (to {', '.join(to)})" if to else "")


def digest(prompt: str, asked: Asked, parts: list[dict[str, Any]] | None) -> str:
    """SHA-256, in hexadecimal, of all that is shown to who answers."""
    approval = msgspec.to_builtins(asked.approval)
    shown = _canonical([prompt, asked.choices, asked.multiple, asked.schema, approval])
    # Parts may be long, and are shown as they were sent: so by the faster encoder.
    return hashlib.sha256(shown.encode() + b"\n" + _sorted(parts or None)).hexdigest()


def batch_of(ask: Ask) -> Batch | None:
    return None if ask.batch is None else Batch(ask.batch.id, ask.batch.index, ask.batch.total, ask.batch.name)


# ------------------------------------------------------------------------------------------------ answering


def answered(asked: Asked, value: Any) -> Any:
    """The answer as it is kept: an approval's as an object, whichever way it was said. UNSET for a secret's.

    Raises: InvalidAnswer, with ``problems`` by their place, and with the choices.
    """
    return _answered(asked, value, "answer", InvalidAnswer)


def check_secret(value: Any) -> str:
    """Raises: InvalidAnswer, which does not show it."""
    wrong = (
        "it is not a text" if not isinstance(value, str)
        else "it is empty" if not value.strip()
        else f"it is longer than {MAX_SECRET_BYTES:,} bytes" if len(value.encode(errors="replace")) > MAX_SECRET_BYTES
        else ""
    )  # fmt: skip
    if wrong or not isinstance(value, str):
        raise InvalidAnswer(f"This secret cannot be taken: {wrong}.", problems={"": wrong})
    return value


def check_vote(value: Any) -> None:
    """All votes stand in the question, and go to everybody with each one. Raises: MessageTooLarge."""
    if len(encode(value)) > MAX_VOTE_BYTES:
        raise MessageTooLarge(
            f"Where several must agree, an answer has at most {MAX_VOTE_BYTES:,} bytes as JSON: say it shorter.",
            limit_bytes=MAX_VOTE_BYTES,
        )


def same(one: Any, other: Any) -> bool:
    """Whether two people gave the same answer: as JSON, where 3 is 3.0. What they say beside an approval does not count."""
    return _canonical(_voted(one)) == _canonical(_voted(other))


def _voted(value: Any) -> Any:
    if isinstance(value, dict) and isinstance(value.get("approved"), bool):
        return {name: each for name, each in value.items() if name in ("approved", "arguments")}
    return value


def _answered(asked: Asked, value: Any, what: str, error: type[ChatError]) -> Any:
    if asked.kind == "secret":
        if value is not None:
            raise error("A secret's value is not kept: a decision about it carries null.", problems={"": "must be null"})
        return UNSET
    _check_size(value, f"The {what}", error)
    if asked.approval is not None:
        return _decision(asked.approval, value, what, error)
    choices = asked.choices
    if choices is not None:
        wrong = _of_choices(choices, asked.multiple, value)
        if wrong:
            told = f"The {what} {_shown(value)} {wrong}: {', '.join(map(repr, choices))}."
            raise error(told, choices=choices, problems={"": wrong})
    elif asked.schema is not None:
        if problems := forms.problems(asked.schema, value):
            raise error(f"The {what} does not fit: {forms.told(problems)}", problems=problems)
    elif not isinstance(value, str) or not value.strip():
        raise error(
            f"The {what} {_shown(value)} is not a text: this question is answered by a non-empty string.",
            problems={"": "a text is needed"},
        )
    else:
        rules.check_content(value)
    return value


def _of_choices(choices: list[str], multiple: bool, value: Any) -> str:
    """What is wrong, or nothing. By type too: to Python True is 1, to nobody else."""
    if not multiple:
        return "" if isinstance(value, str) and value in choices else "is not among the choices"
    if not isinstance(value, list):
        return "is not a list of choices"
    if not all(isinstance(each, str) and each in choices for each in value[: len(choices) + 1]):
        return "has some that are not among the choices"
    return "" if len(set(value[: len(choices) + 1])) == len(value) else "names some more than once"


def _decision(approval: Approval, value: Any, what: str, error: type[ChatError]) -> dict[str, Any]:
    if isinstance(value, bool):
        value = {"approved": value}
    elif isinstance(value, str):
        value = _WORDS.get(value, value)
    if not isinstance(value, dict) or not isinstance(value.get("approved"), bool):
        raise error(
            f'The {what} {_shown(value)} does not decide: send true, false, or {{"approved": …}}.',
            problems={"": "approve or reject"},
        )
    if problems := dict(_decision_problems(approval, value)):
        raise error(f"The {what} does not fit: {forms.told(problems)}", problems=problems)
    made: dict[str, Any] = {"approved": value["approved"]}
    # What was sent along as it was shown is not edited.
    given = value.get("arguments") if value["approved"] else None
    if edited := {name: each for name, each in (given or {}).items() if not _is_argument(approval, name, each)}:
        made["arguments"] = edited
    if (value.get("comment") or "").strip():
        made["comment"] = value["comment"]
    if value.get("always"):
        made["always"] = True
    return made


def _decision_problems(approval: Approval, value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((_cut(name, 100), "there is no such field") for name in list(value)[:20] if name not in _DECISION)
    comment, always, edited = value.get("comment"), value.get("always", False), value.get("arguments")
    if comment is not None and (not isinstance(comment, str) or len(comment) > MAX_COMMENT):
        yield "comment", f"a text of at most {MAX_COMMENT:,} characters is needed"
    if not isinstance(always, bool) or (always and not (approval.always and value["approved"])):
        yield "always", "this is approved one by one"
    if edited is not None and not isinstance(edited, dict):
        yield "arguments", "an object of the edited arguments is needed"
    elif edited and value["approved"]:
        changed = {name: each for name, each in edited.items() if not _is_argument(approval, name, each)}
        yield from _edit_problems(approval, changed)


_DECISION = ("approved", "arguments", "comment", "always")


def _is_argument(approval: Approval, name: str, value: Any) -> bool:
    """Sent along as it was shown: not edited."""
    return name in approval.arguments and _canonical(approval.arguments[name]) == _canonical(value)


def _edit_problems(approval: Approval, edited: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in edited.items():
        if name not in approval.editable:
            yield f"arguments.{_cut(name, 100)}", "this argument cannot be edited"
        elif approval.schema is not None:
            for place, wrong in forms.problems(approval.schema["properties"][name], value).items():
                dot = "." if place and not place.startswith("[") else ""
                yield f"arguments.{name}{dot}{place}", wrong


# ------------------------------------------------------------------------------------------------ as text


def said(asked: Asked, value: Any) -> str:
    """An answer as a line that people read: what the closing's message says."""
    if asked.kind == "secret":
        return "(a secret, told to its asker only)"
    if asked.approval is not None:
        return _decision_said(value)
    if isinstance(value, str):
        return _plain(value)
    if asked.choices is not None:
        return ", ".join(value) or "(none of them)"
    if isinstance(value, dict) and value:
        return "\n".join(f"{name}: {_plain(each)}" for name, each in value.items())
    return _plain(value)


def _decision_said(value: dict[str, Any]) -> str:
    told = "Rejected" if not value["approved"] else "Approved for good" if value.get("always") else "Approved"
    if edited := value.get("arguments"):
        told += f" with {', '.join(f'{name} = {_cut(_plain(each))}' for name, each in edited.items())}"
    return f"{told}: {value['comment']}" if value.get("comment") else f"{told}."


def _plain(value: Any) -> str:
    return value if isinstance(value, str) and value.strip() else json.dumps(value, ensure_ascii=False)


def _canonical(value: Any) -> str:
    """JSON with one spelling for each value: sorted names, whole numbers without a point."""
    return json.dumps(_whole(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(value: Any) -> str:
    plain = isinstance(value, (str, int, float, bool, type(None), list))
    return _cut(repr(value), 200) if plain else f"of type {type(value).__name__}"


def _cut(text: str, longest: int = SHOWN) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
