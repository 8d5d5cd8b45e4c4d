"""``jupyter agentchat agents · pause · resume · stop · steer``: what agents do, and what they are asked to."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import sys
from typing import Any, ClassVar, NoReturn

from jupyter_core.application import JupyterApp

from .. import __version__
from ..client.rest import Rest
from ..errors import ChatError, HubUnreachable
from ..protocol import (
    AgentStatus,
    CreateIntent,
    Intent,
    IntentKind,
    Nothing,
    ProveUser,
    ReadStatus,
    encode,
)

USAGE = 2
ENDED = ("idle", "finished", "failed", "stopped")
ASKED: dict[IntentKind, str] = {"pause": "to pause", "resume": "to go on", "stop": "to stop", "steer": "to mind your text"}


class Misunderstood(Exception):
    """What was asked for does not tell which agent, or which hub."""


class Door:
    """A hub, and who this command line is there: by url and key, or as the human who runs it at their own hub.

    Args:
        key: an agent's key (``au_…``) or a human's session (``se_…``).
    """

    def __init__(self, url: str | None, key: str | None) -> None:
        url, key = url or os.environ.get("AGENTCHAT_URL"), key or os.environ.get("AGENTCHAT_KEY")
        if bool(url) != bool(key):
            missing = "--key (or AGENTCHAT_KEY)" if url else "--url (or AGENTCHAT_URL)"
            raise Misunderstood(f"a url and a key belong together: give {missing} too")
        self._rest = Rest("", None)
        self._given = (url if url.endswith("/") else f"{url}/", key) if url and key else None
        self._own_session = False

    async def __aenter__(self) -> Door:
        if self._given:
            self._rest = Rest(*self._given)
            return self
        from ..server.ownership import Ownership, default_store

        hub = Ownership(default_store()).owner()
        if hub is None:
            raise HubUnreachable(
                f"No hub of yours is running (none has {default_store()}): start Jupyter or `jupyter agentchat serve`, or give"
                " --url and --key."
            )
        name = getpass.getuser()
        self._rest = Rest(hub.url)
        try:
            signed_in = await self._rest.call("prove_user", ProveUser(hub.secret, name, name))
        except BaseException:
            await self._rest.close()
            raise
        self._rest.key, self._own_session = signed_in.session_token, True
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            if self._own_session:
                await self._rest.call("logout", Nothing())
        finally:
            await self._rest.close()

    async def agents(self) -> list[AgentStatus]:
        found: list[AgentStatus] = (await self._rest.call("status", ReadStatus())).agents
        return found

    async def steer(self, name: str, kind: IntentKind, text: str | None, channel_id: str | None) -> tuple[AgentStatus, Intent]:
        """Raises: Misunderstood, ChatError."""
        agent = which(await self.agents(), name)
        channel_id = await self._channel_of(agent, channel_id)
        wanted = CreateIntent(channel_id, agent.participant_id, kind, text, via="command line")
        return agent, (await self._rest.call("create_intent", wanted)).intent

    async def _channel_of(self, agent: AgentStatus, asked: str | None) -> str:
        """Where it is steered: where it runs, else in the only channel that both are in."""
        if asked is None and agent.control is not None and agent.control.state not in ENDED:
            return agent.control.channel_id
        channels = [
            channel
            for channel in (await self._rest.call("list_channels", Nothing())).channels
            if any(member.participant_id == agent.participant_id for member in channel.members)
        ]
        chosen = [channel for channel in channels if asked in (None, channel.id, channel.name)]
        if len(chosen) == 1:
            found: str = chosen[0].id
            return found
        there = ", ".join(f"{channel.name} ({channel.id})" for channel in chosen or channels) or "no channel of yours"
        if asked is not None and not chosen:
            raise Misunderstood(f"{agent.name} is not in a channel {asked!r}, but in: {there}")
        raise Misunderstood(f"{agent.name} is in {there}: say which with --channel")


def which(agents: list[AgentStatus], name: str) -> AgentStatus:
    """By its name or id. Raises: Misunderstood, with those that there are."""
    found = [agent for agent in agents if name in (agent.participant_id, agent.name)]
    # Of several of one name, the one that is here is meant.
    here = [agent for agent in found if agent.online]
    if len(found) == 1 or len(here) == 1:
        return (here if len(here) == 1 else found)[0]
    if found:
        ids = ", ".join(agent.participant_id for agent in found)
        raise Misunderstood(f"there are {len(found)} agents named {name!r}: give the id of one of them ({ids})")
    there = ", ".join(sorted({agent.name for agent in agents}))
    raise Misunderstood(f"there is no agent {name!r}; there {f'are: {there}' if there else 'is none at all'}")


class SteeringApp(JupyterApp):
    """The base of these commands: they parse for themselves, so that what is not understood ends with status 2."""

    version = __version__
    steers: ClassVar[IntentKind | None] = None
    asked: argparse.Namespace

    def parse_command_line(self, argv: Any = None) -> None:
        """Raises: SystemExit."""
        parser = argparse.ArgumentParser(prog=self.name, description=self.description)
        if self.steers is not None:
            parser.add_argument("agent", help="its name, or its id (ag_…)")
            if self.steers == "steer":
                parser.add_argument("text", help="what to tell it")
            else:
                parser.add_argument("--reason", dest="text", help="why; the agent and the others read it")
            parser.add_argument("--channel", help="the channel, by name or id, where the agent is in several")
        parser.add_argument("--url", help="the hub; default: AGENTCHAT_URL, else the hub that you run")
        parser.add_argument("--key", help="an agent's key (au_…) or a session (se_…) there; default: AGENTCHAT_KEY")
        parser.add_argument("--json", action="store_true", help="print JSON")
        self.asked = parser.parse_args(argv)

    def start(self) -> None:
        try:
            asyncio.run(self.act())
        except Misunderstood as error:
            self.give_up(str(error), USAGE)
        except ChatError as error:
            self.give_up(error.message, 1)

    async def act(self) -> None:
        kind = self.steers
        assert kind is not None
        async with Door(self.asked.url, self.asked.key) as door:
            agent, intent = await door.steer(self.asked.agent, kind, self.asked.text, self.asked.channel)
        gone = "" if agent.online else " (it is not here now)"
        print(encode(intent).decode() if self.asked.json else f"{agent.name} is asked {ASKED[kind]}{gone}.")  # noqa: T201

    def give_up(self, message: str, status: int) -> NoReturn:
        print(f"{self.name}: {message}", file=sys.stderr)  # noqa: T201 (a command line's own output)
        self.exit(status)
        raise AssertionError


class AgentsApp(SteeringApp):
    """Lists the agents that you share a channel with: how they stand, since when, and how far they are."""

    name = "jupyter agentchat agents"
    description = __doc__

    async def act(self) -> None:
        async with Door(self.asked.url, self.asked.key) as door:
            agents = await door.agents()
        if self.asked.json:
            print(encode(agents).decode())  # noqa: T201 (a command line's own output)
            return
        rows = [("AGENT", "STATE", "RUN", "SINCE", "DOING"), *map(_row, agents)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
            print("  ".join([*cells, row[4]]).rstrip())  # noqa: T201 (as above)


def _row(agent: AgentStatus) -> tuple[str, str, str, str, str]:
    control, progress = agent.control, agent.progress
    state: str = control.state if control else "idle"
    pending = control.pending if control else []
    if not agent.online:
        state = f"gone ({state})" if state in ("running", "paused") else "gone"
    elif pending:
        state = f"{state}, asked to {pending[-1].kind}"
    doing = agent.status.text if agent.status else ""
    if progress and not progress.ended:
        of = "" if progress.total is None else f"/{progress.total:g}"
        doing = f"{progress.text} {'' if progress.done is None else f'{progress.done:g}{of}'}".strip()
    run, since = (control.run or "", control.at or "") if control else ("", "")
    return _seen(agent.name), state, _seen(run), since, _seen(doing)


def _seen(text: str) -> str:
    """What others wrote, without what a terminal would obey."""
    return "".join(each if each.isprintable() else "?" for each in text)


class PauseApp(SteeringApp):
    """Asks an agent to pause at its next checkpoint."""

    name = "jupyter agentchat pause"
    description = __doc__
    steers = "pause"


class ResumeApp(SteeringApp):
    """Lets an agent go on, and takes back a pause or stop that it has not come to yet."""

    name = "jupyter agentchat resume"
    description = __doc__
    steers = "resume"


class StopApp(SteeringApp):
    """Asks an agent to stop at its next checkpoint."""

    name = "jupyter agentchat stop"
    description = __doc__
    steers = "stop"


class SteerApp(SteeringApp):
    """Tells an agent something: its next checkpoint returns it."""

    name = "jupyter agentchat steer"
    description = __doc__
    steers = "steer"
