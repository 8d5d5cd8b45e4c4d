"""Every error that crosses a process, with its wire code and HTTP status.

::

    ChatError
    ├── InvalidRequest          400 invalid_request      not JSON, unknown field, wrong type
    │   ├── EmptyMessage        400 empty_message
    │   └── NotAQuestion        400 not_a_question
    ├── Unauthenticated         401 unauthenticated      no key or session, or a wrong or revoked one
    ├── Forbidden               403 forbidden            known, but may not do this
    │   └── XsrfFailed          403 xsrf_failed          a cookie without its X-XSRFToken
    ├── NotFound                404 not_found
    │   └── ChannelNotFound     404 channel_not_found    unknown, or not yours: the two look the same
    ├── MethodNotAllowed        405 method_not_allowed
    ├── Conflict                409 conflict
    │   ├── AlreadyClosed       409 already_closed       details: outcome, by_id, by_name, at
    │   ├── QuestionChanged     409 question_changed     details: asked, asking
    │   ├── AlreadyUsed         409 already_used         the answer was taken by another process of the asker, or is in use
    │   └── NameTaken           409 name_taken
    ├── InviteGone              410 invite_gone          expired, used up or revoked
    ├── MessageTooLarge         413 message_too_large    details: limit_bytes
    ├── InvalidAnswer           422 invalid_answer       details: choices, problems (by field, "" for the whole)
    ├── RateLimited             429 rate_limited         details: retry_after (seconds)
    ├── InternalError           500 internal_error       logged with its traceback, no detail outside
    ├── StoreUnavailable        503 store_unavailable    disk full, read-only, locked; details: retry_after
    │   └── Overloaded          503 overloaded           what waits for the disk is at its limit; details: retry_after
    ├── NewerDatabase           503 newer_database       written by a later jupyter_agentchat
    │
    │   raised in the client only
    ├── NoAnswer (TimeoutError)     the question closed without an answer and has no default: .outcome says how
    ├── OutboxFull                  what this agent sent and the hub did not confirm yet is at its limit (``when_full="raise"``)
    ├── NoHuman                     headless, and nothing says what the human would have answered
    ├── Stopped                     a human stopped the agent: raised by its `checkpoint`
    ├── Rejected                    a human rejected the call of a function that needs approval: .decision
    ├── ArgumentsChanged            what was approved is no longer what would run
    ├── HubUnreachable (ConnectionError)
    └── BlockingInLoop (RuntimeError)   a blocking call inside a running event loop: use AsyncAgent
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, ClassVar


class ChatError(Exception):
    """Base of everything that a hub refuses.

    Args:
        message: what happened, to which thing, and what to do.
        details: extra JSON fields of the wire error, beside ``code`` and ``message``.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details

    def _render_traceback_(self) -> list[str]:
        """How a notebook shows it (IPython looks for this name): the user's own lines and what happened, none of ours."""
        from IPython.core.getipython import get_ipython

        frames, shown = [], self.__traceback__
        while shown is not None and not str(shown.tb_frame.f_globals.get("__name__", "")).startswith(__package__):
            frames.append(shown)
            shown = shown.tb_next
        own: TracebackType | None = None
        for each in reversed(frames):
            own = TracebackType(own, each.tb_frame, each.tb_lasti, each.tb_lineno)
        shell = get_ipython()
        if shell is None or own is None:
            return [f"{type(self).__name__}: {self}"]
        cause, hidden = self.__cause__, self.__suppress_context__
        try:
            self.__cause__ = None  # this suppresses the context too
            lines: list[str] = shell.InteractiveTB.structured_traceback(type(self), self, own)
        finally:
            self.__cause__, self.__suppress_context__ = cause, hidden
        return lines


class InvalidRequest(ChatError):
    code, status = "invalid_request", 400


class EmptyMessage(InvalidRequest):
    code = "empty_message"


class NotAQuestion(InvalidRequest):
    code = "not_a_question"


class Unauthenticated(ChatError):
    code, status = "unauthenticated", 401


class Forbidden(ChatError):
    code, status = "forbidden", 403


class XsrfFailed(Forbidden):
    code = "xsrf_failed"


class NotFound(ChatError):
    code, status = "not_found", 404


class ChannelNotFound(NotFound):
    code = "channel_not_found"


class MethodNotAllowed(ChatError):
    code, status = "method_not_allowed", 405


class Conflict(ChatError):
    code, status = "conflict", 409


class AlreadyClosed(Conflict):
    code = "already_closed"


class QuestionChanged(Conflict):
    code = "question_changed"


class AlreadyUsed(Conflict):
    code = "already_used"


class NameTaken(Conflict):
    code = "name_taken"


class InviteGone(ChatError):
    code, status = "invite_gone", 410


class MessageTooLarge(ChatError):
    code, status = "message_too_large", 413


class InvalidAnswer(ChatError):
    code, status = "invalid_answer", 422


class RateLimited(ChatError):
    code, status = "rate_limited", 429


class InternalError(ChatError):
    code, status = "internal_error", 500


class StoreUnavailable(ChatError):
    code, status = "store_unavailable", 503


class Overloaded(StoreUnavailable):
    code = "overloaded"


class NewerDatabase(ChatError):
    code, status = "newer_database", 503


class NoAnswer(ChatError, TimeoutError):
    code, status = "no_answer", 408

    @property
    def outcome(self) -> str | None:
        """``timed_out`` or ``withdrawn``; None if only this wait ran out and the question is still open."""
        outcome: str | None = self.details.get("outcome")
        return outcome


class OutboxFull(ChatError):
    code, status = "outbox_full", 503


class NoHuman(ChatError):
    code, status = "no_human", 503


class Stopped(ChatError):
    """Sticky within ``with agent.run(…)``: each further `checkpoint` raises it again. ``by``: the name of who asked for it."""

    code, status = "stopped", 409

    @property
    def by(self) -> str | None:
        by: str | None = self.details.get("by")
        return by


class Rejected(ChatError):
    code, status = "rejected", 403

    @property
    def decision(self) -> Any:
        """The `Decision`, with ``comment`` and ``by``."""
        return self.details.get("decision")


class ArgumentsChanged(ChatError):
    code, status = "arguments_changed", 409


class HubUnreachable(ChatError, ConnectionError):
    code, status = "hub_unreachable", 503


class BlockingInLoop(ChatError, RuntimeError):
    code = "blocking_in_loop"


def tree(root: type[ChatError] = ChatError) -> dict[str, type[ChatError]]:
    """Every wire code and its class, ``root`` included."""
    found = {root.code: root}
    for child in root.__subclasses__():
        found.update(tree(child))
    return found


def from_wire(code: str, message: str, **details: Any) -> ChatError:
    """The error that a hub meant by ``code``; a code from a newer hub becomes a plain ``ChatError``."""
    return tree().get(code, ChatError)(message, **details)
