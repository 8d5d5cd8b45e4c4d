"""One conversation for agents in notebook cells and the humans who supervise them.

::

    from jupyter_agentchat import Agent

    agent = Agent("research-bot")
    agent.post("Started **research**")
    answer = agent.await_human("All three, or just the top one?", choices=["all three", "top one"])

The names below are imported when they are first used: importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .client.aio import AsyncAgent as AsyncAgent
    from .client.approving import Decision as Decision
    from .client.blocking import Agent as Agent
    from .client.records import History as History
    from .client.records import Invite as Invite
    from .client.secret import Secret as Secret
    from .errors import AlreadyClosed as AlreadyClosed
    from .errors import AlreadyUsed as AlreadyUsed
    from .errors import ArgumentsChanged as ArgumentsChanged
    from .errors import BlockingInLoop as BlockingInLoop
    from .errors import ChatError as ChatError
    from .errors import HubUnreachable as HubUnreachable
    from .errors import InvalidAnswer as InvalidAnswer
    from .errors import InvalidRequest as InvalidRequest
    from .errors import NoAnswer as NoAnswer
    from .errors import NoHuman as NoHuman
    from .errors import OutboxFull as OutboxFull
    from .errors import QuestionChanged as QuestionChanged
    from .errors import Rejected as Rejected
    from .errors import Stopped as Stopped
    from .errors import Unauthenticated as Unauthenticated
    from .protocol import Message as Message

__version__ = "0.1.0"

_HOME = {
    "Agent": "client.blocking",
    "AsyncAgent": "client.aio",
    "Decision": "client.approving",
    "History": "client.records",
    "Invite": "client.records",
    "Message": "protocol",
    "Secret": "client.secret",
    "AlreadyClosed": "errors",
    "AlreadyUsed": "errors",
    "ArgumentsChanged": "errors",
    "BlockingInLoop": "errors",
    "ChatError": "errors",
    "HubUnreachable": "errors",
    "InvalidAnswer": "errors",
    "InvalidRequest": "errors",
    "NoAnswer": "errors",
    "NoHuman": "errors",
    "OutboxFull": "errors",
    "QuestionChanged": "errors",
    "Rejected": "errors",
    "Stopped": "errors",
    "Unauthenticated": "errors",
}

__all__ = [
    "Agent",
    "AlreadyClosed",
    "AlreadyUsed",
    "ArgumentsChanged",
    "AsyncAgent",
    "BlockingInLoop",
    "ChatError",
    "Decision",
    "History",
    "HubUnreachable",
    "InvalidAnswer",
    "InvalidRequest",
    "Invite",
    "Message",
    "NoAnswer",
    "NoHuman",
    "OutboxFull",
    "QuestionChanged",
    "Rejected",
    "Secret",
    "Stopped",
    "Unauthenticated",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-agentchat"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    import gc

    module = f"{__name__}.server.extension"
    # Modules are no garbage, but making them sets off the collector, which walks all that Jupyter has loaded: half of what
    # this extension added to a server's start was that (tests/bench).
    collecting = gc.isenabled()
    gc.disable()
    try:
        return [{"module": module, "app": import_module(module).AgentChatExtension}]
    finally:
        if collecting:
            gc.enable()
