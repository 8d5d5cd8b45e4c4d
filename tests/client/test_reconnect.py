"""The hub goes away and comes back: nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jupyter_agentchat import Agent, AsyncAgent, HubUnreachable, Unauthenticated
from jupyter_agentchat.server import embedded
from tests.client.human import Human

Start = Callable[..., "Owner"]


class Owner:
    """A hub in a process of its own."""

    def __init__(self, database: Path, port: int = 0) -> None:
        root = Path(__file__).parents[2]
        command = [sys.executable, str(Path(__file__).with_name("owner.py")), str(database), str(port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(root)}
        )
        assert self._process.stdout
        told = json.loads(self._process.stdout.readline())
        self.url, self.secret = told["url"], told["secret"]
        self.port = int(self.url.rsplit(":", 1)[1].rstrip("/"))

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()


@pytest.fixture
def start(hub: Path) -> Iterator[Start]:
    started: list[Owner] = []

    def begin(port: int = 0) -> Owner:
        started.append(Owner(hub, port))
        return started[-1]

    yield begin
    for owner in started:
        if owner._process.returncode is None:
            owner.kill()


def key_of(owner: Owner) -> dict[str, Any]:
    asked = {"secret": owner.secret, "agent_name": "by-key", "notebook": "script:here"}
    reply: dict[str, Any] = httpx.post(f"{owner.url}api/v1/local/agent", json=asked, trust_env=False).json()
    return reply


def post_many(agent: Agent, count: int, after: Callable[[int], None]) -> None:
    for number in range(count):
        agent.post(str(number))
        after(number)


def contents(agent: Agent) -> list[str]:
    return [message.content for message in agent.history()]


def test_when_the_owner_is_killed_the_next_process_takes_over_and_nothing_is_lost(start: Start, hub: Path) -> None:
    owner = start()
    with Agent("survivor") as agent:
        me, channel = agent.me.id, agent.channel_id
        question = agent.ask("Still there?", choices=["yes"], key="still")
        invite = agent.invite()
        post_many(agent, 60, lambda number: owner.kill() if number == 20 else None)
        assert contents(agent) == ["Still there?", *map(str, range(60))]
        assert (agent.me.id, agent.channel_id) == (me, channel)
        assert embedded.join_or_start(None).url == owner.url, "who takes over keeps the port"
        with Human(invite, "Ann") as ann:  # the link that was given out before leads on
            ann.answer("yes", question.id)
        assert question.wait() == "yes"


def test_a_listener_misses_nothing_and_hears_nothing_twice_across_a_kill(start: Start) -> None:
    owner = start()
    reply = key_of(owner)
    heard: list[str] = []
    with (
        Agent(url=owner.url, key=reply["api_key"]) as speaker,
        Agent(url=owner.url.rstrip("/"), key=key_of(owner)["api_key"], channel=reply["channel_id"]) as same_agent,
        Human(speaker.invite(), "Ann") as ann,
    ):
        listener = same_agent.listen()

        def hear() -> None:
            heard.extend(next(listener).content for _ in range(40))

        hearing = threading.Thread(target=hear)
        hearing.start()
        for number in range(20):
            ann.say(str(number))
        owner.kill()
        owner = start(owner.port)
        for number in range(20, 40):
            ann.say(str(number))
        hearing.join()
    assert heard == [str(number) for number in range(40)]


@pytest.mark.anyio
async def test_posts_in_flight_when_the_hub_is_killed_arrive_once(start: Start) -> None:
    """Some are durable and their replies lost: the same client_id, sent again, does not double them."""
    owner = start()
    async with AsyncAgent(url=owner.url, key=key_of(owner)["api_key"]) as agent:
        posting = [asyncio.ensure_future(agent.post(str(number))) for number in range(500)]
        await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
        owner.kill()
        start(owner.port)
        await asyncio.gather(*posting)
        said = [message.content for message in await agent.history()]
        assert sorted(said, key=int) == [str(number) for number in range(500)]


def test_an_answer_that_comes_while_the_agent_is_away_is_there_when_it_is_back(start: Start) -> None:
    owner = start()
    with Agent(url=owner.url, key=key_of(owner)["api_key"]) as agent, Human(agent.invite(), "Ann") as ann:
        question = agent.ask("Which?", choices=["a", "b"])
        owner.kill()
        owner = start(owner.port)
        ann.answer("a")
        assert question.wait() == "a"


def test_a_message_sent_while_the_hub_is_away_waits_for_it(start: Start) -> None:
    owner = start()
    with Agent(url=owner.url, key=key_of(owner)["api_key"]) as agent:
        owner.kill()
        posting = threading.Thread(target=agent.post, args=("from the dark",))
        posting.start()
        owner = start(owner.port)
        posting.join()
        assert contents(agent) == ["from the dark"]


def test_what_could_not_be_delivered_is_said_when_the_agent_closes(start: Start) -> None:
    owner = start()
    agent = Agent(url=owner.url, key=key_of(owner)["api_key"])
    owner.kill()
    agent.post("into the dark", wait=False)
    assert not agent.flush(0.1)
    with pytest.warns(RuntimeWarning, match="1 message of this agent could not be delivered .*'into the dark'"):
        agent.close()


def test_an_embedded_hub_that_was_stopped_is_started_again_by_its_agents(make_agent: Callable[..., Agent]) -> None:
    agent = make_agent()
    post_many(agent, 30, lambda number: embedded.stop_all() if number == 10 else None)
    assert contents(agent) == [str(number) for number in range(30)]


def test_two_processes_share_one_hub(start: Start, hub: Path) -> None:
    start()
    with Agent("one") as one, Agent("two") as two:
        assert embedded._mine == {}
        assert one.channel_id == two.channel_id  # of the same script
        assert one.me.id != two.me.id
        live = two.listen()
        one.post("hello")
        assert next(live).content == "hello"


def test_a_wrong_key_is_refused_at_once(start: Start) -> None:
    owner = start()
    with pytest.raises(Unauthenticated):
        Agent(url=owner.url, key="au_wrong")


def test_a_revoked_key_raises_in_every_later_call(start: Start) -> None:
    owner = start()
    reply = key_of(owner)
    with Agent(url=owner.url, key=reply["api_key"]) as agent:
        question = agent.ask("Which?")
        mine = {"Authorization": f"Bearer {reply['api_key']}"}
        agent_id = reply["agent"]["id"]
        made = httpx.post(f"{owner.url}api/v1/agents/{agent_id}/keys", headers=mine, json={}, trust_env=False)
        assert made.is_success, made.text
        with Agent(url=owner.url, key=made.json()["api_key"]) as second:
            second.post("still allowed")
            httpx.delete(
                f"{owner.url}api/v1/agents/{agent_id}/keys/{made.json()['key_id']}", headers=mine, trust_env=False
            ).raise_for_status()
            with pytest.raises(Unauthenticated):
                second.ask("Allowed?").wait()
        assert question.state == "open"


def test_no_hub_at_the_url_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jupyter_agentchat.client.connection.FIRST_CONNECT", 0.2)
    with pytest.raises(HubUnreachable, match=r"http://127\.0\.0\.1:9/"):
        Agent(url="http://127.0.0.1:9", key="au_x")
