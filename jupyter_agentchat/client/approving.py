"""Approvals: a human sees what would run, and what they decide holds for exactly that, once."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import UNSET

from ..errors import AlreadyUsed, NoAnswer, NotFound, Rejected
from ..notebook import parts, stage
from ..protocol import Ask, AskApproval, Closing, Ending
from . import snapshot
from .asking import Asking, Claim, addressed, addressing, timing
from .calls import Arguments, Signature, by_name, check_by_name, checked_names, has_name
from .steps import Steps
from .waits import pause

if TYPE_CHECKING:
    from .aio import AsyncAgent

F = TypeVar("F", bound=Callable[..., Any])
LONGEST_ACTION = 200
AGAIN = 0.1
"""Seconds before it is asked again after somebody else was first: what they did is still on its way to this process."""


@dataclass(frozen=True, repr=False)
class Decision:
    """What a human decided: true if they approved.

    ``by``: who, or what stood in for them (``"AGENTCHAT_ANSWERS"``, ``"always approved by Ada"``); None if nobody decided.
    ``arguments``: what to run with, the edits merged in; ``edited``: what the human changed of them. ``comment``: why.
    ``outcome``: ``answered``, ``default``, ``timed_out``, ``withdrawn`` or ``escalated``. ``at``: when, RFC 3339 in UTC.
    """

    action: str
    approved: bool
    outcome: Ending
    by: str | None = None
    at: str | None = None
    comment: str | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    edited: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.approved

    def __repr__(self) -> str:
        return f"<Decision: {self}>"

    def __str__(self) -> str:
        if self.outcome in ("timed_out", "withdrawn"):
            return f"{self.action!r} was not decided: {self.outcome.replace('_', ' ')}"
        told = f"{self.action!r} was {'approved' if self.approved else 'rejected'} by {self.by or 'default'}"
        changed = f", who changed {', '.join(self.edited)}" if self.edited else ""
        return f"{told}{changed}{f': {self.comment}' if self.comment else ''}"


@dataclass(frozen=True)
class Terms:
    """How an approval is asked, whatever it is about. See `AsyncAgent.approve`."""

    show: Any = None
    key: str | None = None
    timeout: float | timedelta | datetime | None = None
    default: bool | Any = UNSET
    remind: float | timedelta | None = None
    escalate: Any = None
    to: str | Sequence[str] | None = None
    quorum: int = 1
    always: bool = True


@dataclass(frozen=True)
class Request:
    """One approval, checked, and asked as often as it takes."""

    action: str
    arguments: Arguments
    ask: Ask
    shown: list[dict[str, Any]]
    prompt: str
    key: str | None

    @classmethod
    def of(cls, action: str, prompt: str | None, arguments: Arguments, terms: Terms) -> Request:
        """Raises: TypeError, ValueError: an argument makes no sense; the message begins with its name."""
        texts: dict[str, Any] = {"action": action, "prompt": prompt, "key": terms.key}
        for name, text in texts.items():
            if text is None and name != "action":
                continue
            if not isinstance(text, str):
                raise TypeError(f"{name}: a string is needed, not {type(text).__name__}.")
            if not text.strip():
                raise ValueError(f"{name}: it is empty; give some text.")
            if name != "prompt" and len(text) > LONGEST_ACTION:
                raise ValueError(f"{name}: it has {len(text)} characters, the limit is {LONGEST_ACTION}.")
        if terms.default is not UNSET and not isinstance(terms.default, bool):
            raise TypeError(f"default: True or False is needed, not {terms.default!r}.")
        approval = AskApproval(action, arguments.shown, list(arguments.forms), arguments.schema, bool(terms.always))
        ask = Ask(
            None, default=terms.default, kind="approval", approval=approval,
            **addressing(terms.to, terms.quorum), **timing(terms.timeout, terms.remind, terms.escalate),
        )  # fmt: skip
        shown = [*arguments.parts, *(parts.snapshot(terms.show, "show") if terms.show is not None else [])]
        return cls(action, arguments, ask, shown, prompt or action, terms.key)

    def asking(self, asker: str, note: str) -> Asking:
        # Beside the question and not in it: asked without the note (the cell is run again) it is the same question.
        noted = [*self.shown, {"data": {"text/plain": note}}] if note else self.shown
        told = json.dumps(
            ["approve", self.action, self.arguments.digest, self.shown]
        )  # another thing shown is another question
        automatic = f"auto:{hashlib.sha256(told.encode()).hexdigest()[:16]}"
        return addressed(asker, Asking(self.prompt, self.ask, Claim("", None), noted or None), self.key, automatic=automatic)

    def decision(self, outcome: Ending, closing: Closing | None, asker_id: str) -> Decision:
        """Raises: ValueError: what was edited is not of its type."""
        if closing is None or not isinstance(closing.value, dict):
            at = None if closing is None else closing.at
            return Decision(self.action, approved=False, outcome=outcome, at=at, arguments=dict(self.arguments.values))
        value = closing.value
        edited = self.arguments.edited(value.get("arguments") or {})
        by = closing.source or (closing.by_name if closing.by_id != asker_id else None)
        return Decision(
            self.action, value["approved"], outcome, by, closing.at, value.get("comment"),
            {**self.arguments.values, **edited}, edited,
        )  # fmt: skip


def deciding(agent: AsyncAgent, request: Request) -> Steps[Decision]:
    """Asks until there is a decision that nobody else has used."""
    note = ""
    yield agent.connect
    while True:
        asking = request.asking(agent.asker(), note)
        try:
            question = yield partial(agent.pose, asking)
            stage.asked(agent.conversation, question.message)
            closing: Closing = yield question.closing
            stage.closed(agent.conversation)
            yield question.take
        except NoAnswer:
            return request.decision(question.outcome, None, agent.me.id)
        except (AlreadyUsed, NotFound):
            # Another process of this agent goes on with it, or its human takes it back: what is decided next is used once.
            yield partial(pause, AGAIN)
            continue
        finally:
            asking.claim.released = True
        try:
            return request.decision(closing.outcome, closing, agent.me.id)
        except ValueError as error:
            note = f"What was edited cannot be used: {error}"


def given(arguments: Mapping[str, Any] | None, editable: Any) -> Arguments:
    """The arguments of `AsyncAgent.approve`.

    Raises: TypeError, ValueError: an argument makes no sense; the message begins with its name.
    """
    values: Any = {} if arguments is None else arguments
    if not isinstance(values, Mapping) or not all(isinstance(name, str) for name in values):
        raise TypeError(f"arguments: names and their values are needed ({{'files': …}}), not {type(arguments).__name__}.")
    names = checked_names(editable)
    unknown = [name for name in names if name not in values]
    if unknown:
        raise ValueError(f"editable: {unknown[0]!r} is not among the arguments: {', '.join(map(repr, values)) or 'none'}.")
    return Arguments.of(values, names, {})


# ------------------------------------------------------------------------------------------------ functions


@dataclass(frozen=True)
class Guard:
    """`AsyncAgent.approves`: what stands before a function's calls."""

    when: Callable[..., Any] | None
    editable: Any
    prompt: str | Callable[..., str] | None
    terms: Terms
    waited: Callable[[Request], Decision] | None
    """Asks, and waits; None where nothing can."""
    awaited: Callable[[Request], Awaitable[Decision]]

    def __post_init__(self) -> None:
        functions: dict[str, Any] = {"when": self.when, "prompt": None if isinstance(self.prompt, str) else self.prompt}
        for name, given in functions.items():
            if given is not None and (not callable(given) or inspect.iscoroutinefunction(given)):
                raise TypeError(f"{name}: a function that takes what is approved takes is needed, not {snapshot.short(given)}.")

    def __call__(self, function: F) -> F:
        signature = Signature.of(function, self.editable)
        for name, given in (("when", self.when), ("prompt", self.prompt)):
            if callable(given):
                check_by_name(name, given, function)
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaits(*args: Any, **kwargs: Any) -> Any:
                bound = signature.bind(args, kwargs)
                if (request := self._request(signature, bound)) is not None:
                    bound = _settled(bound, request, await self.awaited(request))
                return await function(*bound.args, **bound.kwargs)

            return awaits  # type: ignore[return-value]
        waited = self.waited
        if waited is None:
            raise TypeError(
                f"approves: {signature.action} is no coroutine function, and an AsyncAgent cannot wait in it: write"
                " `async def`, or use Agent."
            )

        @functools.wraps(function)
        def waits(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(args, kwargs)
            if (request := self._request(signature, bound)) is not None:
                bound = _settled(bound, request, waited(request))
            return function(*bound.args, **bound.kwargs)

        return waits  # type: ignore[return-value]

    def _request(self, signature: Signature, bound: inspect.BoundArguments) -> Request | None:
        """None: this call needs no approval."""
        if self.when is not None and not by_name(self.when, bound):
            return None
        # For good only by a name that is no other function's.
        terms = self.terms if has_name(signature.function) else replace(self.terms, always=False)
        prompt = by_name(self.prompt, bound) if callable(self.prompt) else self.prompt
        return Request.of(signature.action, prompt or f"Run `{signature.action}`?", signature.arguments(bound), terms)


def _settled(bound: inspect.BoundArguments, request: Request, decision: Decision) -> inspect.BoundArguments:
    """The arguments that were approved."""
    if decision.outcome in ("timed_out", "withdrawn"):
        raise NoAnswer(f"{decision}: nothing was run.", outcome=decision.outcome)
    if not decision:
        raise Rejected(f"{decision}", decision=decision)
    bound.arguments.update(decision.edited)
    request.arguments.check(request.action)  # last, so that nothing comes between this and the call
    return bound
