"""Agents that humans steer: pause, resume, stop and texts take effect at checkpoints, and runs tell how they begin and end."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_agentchat import Agent, AsyncAgent, BlockingInLoop, HubUnreachable, Stopped
from jupyter_agentchat.client.runs import duration, said_of
from tests.actors import PATIENCE, Start
from tests.actors import Owner as Founder
from tests.client.human import Human


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.01)


class Work:
    """A checkpoint in a thread of its own: what a cell does."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.result: Any = None
        self.error: BaseException | None = None

        def run() -> None:
            try:
                self.result = work()
            except BaseException as error:
                self.error = error

        self._thread = threading.Thread(target=run)
        self._thread.start()

    @property
    def waits(self) -> bool:
        return self._thread.is_alive()

    def end(self) -> Any:
        self._thread.join(PATIENCE)
        assert not self.waits
        if self.error:
            raise self.error
        return self.result


def heard(agent: Agent) -> None:
    """What was wanted is known to the agent: it is told in the order of what it posts."""
    agent.post("here")


# ------------------------------------------------------------------------------------------------ checkpoints


def test_nothing_wanted_is_nothing_returned(agent: Agent, human: Human) -> None:
    assert [agent.checkpoint(step=n, loss=1 / (n + 1)) for n in range(100)] == [None] * 100
    assert human.messages() == []


def test_a_pause_holds_until_it_is_resumed_and_is_acknowledged(agent: Agent, human: Human) -> None:
    agent.checkpoint()
    human.want(agent.me.id, "pause")
    heard(agent)
    assert human.run(agent.me.id) == ("idle", None, ["pause"])  # asked to
    work = Work(agent.checkpoint)
    until(lambda: human.run(agent.me.id) == ("paused", None, []))  # it is
    human.want(agent.me.id, "steer", "look at the third")
    assert work.waits
    human.want(agent.me.id, "resume")
    assert work.end() == "look at the third"
    until(lambda: human.run(agent.me.id) == ("idle", None, []))
    assert agent.checkpoint() is None


def test_texts_come_in_their_order_once(agent: Agent, human: Human) -> None:
    agent.checkpoint()
    for text in ("halve the rate", "two more epochs"):
        human.want(agent.me.id, "steer", text)
    heard(agent)
    assert agent.checkpoint() == "halve the rate\ntwo more epochs"
    assert agent.checkpoint() is None
    until(lambda: human.run(agent.me.id) == ("idle", None, []))


def test_a_stop_is_raised_once_outside_a_run_and_says_by_whom(agent: Agent, human: Human) -> None:
    agent.checkpoint()
    human.want(agent.me.id, "stop", "wrong data")
    heard(agent)
    with pytest.raises(Stopped, match="Ann stopped this agent: wrong data") as stopped:
        agent.checkpoint()
    assert stopped.value.by == "Ann"
    assert agent.checkpoint() is None


def test_within_a_run_a_stop_holds_to_its_end(agent: Agent, human: Human) -> None:
    with pytest.raises(Stopped), agent.run("train"):  # noqa: PT012 that is the point
        agent.checkpoint()
        human.want(agent.me.id, "stop")
        heard(agent)
        for _ in range(3):
            with pytest.raises(Stopped):
                agent.checkpoint()
        agent.checkpoint()
    agent.flush()
    assert human.run(agent.me.id) == ("stopped", "train", [])
    assert human.messages()[-1]["content"].startswith("Run **train** stopped by Ann after ")
    assert agent.checkpoint() is None


def test_a_resume_takes_back_what_was_wanted_before_it(agent: Agent, human: Human) -> None:
    agent.checkpoint()
    for kind in ("pause", "stop", "resume", "stop", "resume"):
        human.want(agent.me.id, kind)
    heard(agent)
    assert agent.checkpoint() is None
    until(lambda: human.run(agent.me.id)[2] == [])
    for kind in ("stop", "pause"):  # the pause does not take back the stop
        human.want(agent.me.id, kind)
    heard(agent)
    with pytest.raises(Stopped):
        agent.checkpoint()


def test_what_was_wanted_before_the_agent_came_holds_at_its_first_checkpoint(
    make_agent: Callable[..., Agent], agent: Agent, human: Human
) -> None:
    human.want(agent.me.id, "steer", "begin with Ada")
    agent.close()
    assert make_agent().checkpoint() == "begin with Ada"


def test_what_was_wanted_while_the_hub_was_away_is_asked_for_when_it_is_back(
    serve: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each once, though the hub tells again what it does not know to be done."""
    server = serve()
    founder = Founder(server.url)
    port = server.url.rsplit(":", 1)[1].strip("/")
    with Agent(url=server.url, key=founder.agent.token) as agent:
        agent.checkpoint()
        place = {"agent_id": agent.me.id}
        founder.call("POST", founder.path("/intents"), {**place, "kind": "steer", "text": "one"})
        agent.post("here")
        server.kill()
        until(lambda: agent.state == "retrying")
        assert agent.checkpoint() == "one"
        serve("--port", port)
        founder.call("POST", founder.path("/intents"), {**place, "kind": "steer", "text": "two"})
        until(lambda: agent.state == "live")
        told: list[str] = []

        def look() -> list[str]:
            if text := agent.checkpoint():
                told.append(text)
            return told

        until(look)
        assert told == ["two"]
        assert agent.checkpoint() is None


def test_a_pause_holds_while_the_hub_is_away(serve: Start) -> None:
    server = serve()
    founder = Founder(server.url)
    port = server.url.rsplit(":", 1)[1].strip("/")
    with Agent(url=server.url, key=founder.agent.token) as agent:
        agent.checkpoint()
        founder.call("POST", founder.path("/intents"), {"agent_id": agent.me.id, "kind": "pause"})
        agent.post("here")
        work = Work(agent.checkpoint)
        until(lambda: agent._steering._holds)
        server.kill()
        until(lambda: agent.state == "retrying")
        assert work.waits
        serve("--port", port)
        founder.call("POST", founder.path("/intents"), {"agent_id": agent.me.id, "kind": "resume", "text": "go on"})
        work.end()


def test_whoever_closes_a_paused_agent_ends_its_wait(agent: Agent, human: Human) -> None:
    agent.checkpoint()
    human.want(agent.me.id, "pause")
    heard(agent)
    work = Work(agent.checkpoint)
    until(lambda: human.run(agent.me.id)[0] == "paused")
    agent.close()
    with pytest.raises(HubUnreachable, match="closed"):
        work.end()


@pytest.mark.anyio
async def test_an_async_checkpoint_waits_and_lets_others_work(hub: Path) -> None:
    async with AsyncAgent("research-bot") as agent:
        with Human(await agent.invite(), "Ann") as ann:
            assert await agent.checkpoint() is None
            await asyncio.to_thread(ann.want, agent.me.id, "pause")
            await agent.post("here")
            waiting = asyncio.ensure_future(agent.checkpoint(step=1))
            await asyncio.to_thread(until, lambda: ann.run(agent.me.id)[0] == "paused")
            assert not waiting.done()
            await asyncio.to_thread(ann.want, agent.me.id, "stop")
            with pytest.raises(Stopped):
                await waiting


@pytest.mark.anyio
async def test_all_that_wait_at_checkpoints_go_on_together(hub: Path) -> None:
    async with AsyncAgent("research-bot") as agent:
        with Human(await agent.invite(), "Ann") as ann:
            await agent.checkpoint()
            for _ in range(3):
                await asyncio.to_thread(ann.want, agent.me.id, "pause")
                await agent.post("here")
                waiting = [asyncio.ensure_future(agent.checkpoint()) for _ in range(20)]
                await asyncio.to_thread(until, lambda: ann.run(agent.me.id)[0] == "paused")
                await asyncio.to_thread(ann.want, agent.me.id, "steer", "go on")
                await asyncio.to_thread(ann.want, agent.me.id, "resume")
                said = await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)
                assert sorted(said, key=str) == [None] * 19 + ["go on"]


def test_asynchronous_names_in_plain_statements_say_what_to_write() -> None:
    agent = AsyncAgent(url="http://127.0.0.1:9/", key="au_1")
    with pytest.raises(TypeError, match=r"write `async with agent.run"), agent.run("train"):
        pass
    with pytest.raises(TypeError, match=r"write `async with agent.stream"), agent.stream():
        pass
    with pytest.raises(TypeError, match=r"write `async for … in agent.track"):
        list(agent.track([1]))  # type: ignore[call-overload]


@pytest.mark.anyio
async def test_a_blocking_checkpoint_in_a_coroutine_says_what_to_write(hub: Path) -> None:
    agent = await asyncio.to_thread(Agent, "research-bot")
    with pytest.raises(BlockingInLoop, match="AsyncAgent"):
        agent.checkpoint()
    await asyncio.to_thread(agent.close)


# ------------------------------------------------------------------------------------------------ what is told


def test_values_become_a_line_and_with_a_total_a_bar(agent: Agent, human: Human) -> None:
    assert said_of("train", {"step": 3, "loss": 0.123456}) == ("status", {"text": "train: step 3, loss 0.1235"})
    assert said_of(None, {"step": 3, "total": 9}) == ("progress", {"text": "working", "done": 3, "total": 9})
    assert said_of("train", {"step": 3, "total": 9, "phase": "warm up"}) == (
        "progress", {"text": "train: phase warm up", "done": 3, "total": 9},
    )  # fmt: skip
    # A run does not end for what is only shown.
    assert said_of("train", {"step": "three", "total": float("inf")}) == ("status", {"text": "train: step three, total inf"})
    assert said_of(None, {"loss": object()}) == ("status", {"text": "loss object"})
    agent.checkpoint(step=1, loss=2.0)
    with agent.run("train"):
        time.sleep(0.11)  # the pace of what is told
        agent.checkpoint(step=1, total=2)
        until(lambda: human.status(agent.me.id)["progress"]["text"] == "train")
    until(lambda: human.status(agent.me.id)["progress"].get("ended"))


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.08, "80 ms"), (1.84, "1.8 s"), (12.3, "12 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")]
)
def test_a_duration_is_said_as_people_do(seconds: float, said: str) -> None:
    assert duration(seconds) == said


# ------------------------------------------------------------------------------------------------ runs


def run_part(message: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = message["parts"][0]["data"]["application/vnd.agentchat.run+json"]
    return found


def test_a_run_says_that_it_began_and_that_it_ended(agent: Agent, human: Human) -> None:
    with agent.run("my *run*") as run:
        assert (run.name, repr(run)) == ("my *run*", "<Run 'my *run*'>")
        agent.flush()
        assert human.run(agent.me.id) == ("running", "my *run*", [])
    agent.flush()
    assert human.run(agent.me.id) == ("finished", "my *run*", [])
    began, ended = human.messages()
    assert began["content"] == r"Run **my \*run\*** started."
    assert ended["content"].startswith(r"Run **my \*run\*** finished after ")
    assert run_part(began) == {"name": "my *run*", "state": "started"}
    assert run_part(ended)["seconds"] < PATIENCE


def test_an_error_is_told_with_its_traceback_and_goes_on(agent: Agent, human: Human) -> None:
    with pytest.raises(ValueError, match="not a number"), agent.run("train"):
        raise ValueError("not a number")
    agent.flush()
    assert human.run(agent.me.id) == ("failed", "train", [])
    part = run_part(human.messages()[-1])
    assert (part["state"], part["error"]) == ("failed", "ValueError: not a number")
    assert 'raise ValueError("not a number")' in part["traceback"]
    assert "jupyter_agentchat" not in part["traceback"]


def test_an_interrupted_run_is_over(agent: Agent, human: Human) -> None:
    with pytest.raises(KeyboardInterrupt), agent.run("train"):
        raise KeyboardInterrupt
    agent.flush()
    assert human.run(agent.me.id) == ("stopped", "train", [])
    assert human.messages()[-1]["content"].startswith("Run **train** interrupted after ")


def test_one_run_at_a_time(agent: Agent) -> None:
    with agent.run("train"), pytest.raises(RuntimeError, match="'train' is not over"), agent.run("test"):
        pass
    with agent.run("test"):
        pass


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "x" * 201, 5])
def test_a_run_needs_a_name_that_can_be_shown(agent: Agent, name: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^name"):
        agent.run(name)


def test_a_stop_that_came_too_late_does_not_stop_the_next_run(agent: Agent, human: Human) -> None:
    with agent.run("train"):
        agent.checkpoint()
        human.want(agent.me.id, "stop")
        heard(agent)
    agent.flush()
    assert human.run(agent.me.id) == ("finished", "train", [])
    with agent.run("train"):
        assert agent.checkpoint() is None


KILLED = """
import os, signal, sys
from jupyter_agentchat import Agent
agent = Agent(url=sys.argv[1], key=sys.argv[2])
with agent.run("train"):
    agent.checkpoint(step=1)
    agent.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_is_shown_as_gone_and_its_run_is_over_when_the_agent_is_back(serve: Start) -> None:
    founder = Founder(serve("--Limits.presence_grace=0.2").url)
    subprocess.run([sys.executable, "-c", KILLED, founder.url, str(founder.agent.token)], check=False)

    def shown() -> dict[str, Any]:
        agents = founder.call("GET", f"status?channel_id={founder.channel_id}")["agents"]
        found: dict[str, Any] = agents[0]
        return found

    until(lambda: "online" not in shown())
    assert (shown()["control"]["state"], shown()["control"]["run"]) == ("running", "train")
    assert shown()["seen_at"]
    with Agent(url=founder.url, key=founder.agent.token) as agent:
        agent.checkpoint()
        agent.flush()
        assert shown()["control"]["state"] == "failed"
        assert founder.history()[-1]["content"] == "Run **train** failed: its process ended without a word."


# ------------------------------------------------------------------------------------------------ logging


@pytest.fixture
def logger(agent: Agent) -> Any:
    found = logging.getLogger("steering.test")
    found.setLevel(logging.DEBUG)
    found.propagate = False
    found.addHandler(agent.log)
    yield found
    found.removeHandler(agent.log)


def test_records_become_the_status_and_errors_messages(agent: Agent, human: Human, logger: logging.Logger) -> None:
    logger.info("epoch %s", 1)
    until(lambda: (human.status(agent.me.id).get("status") or {}).get("text") == "epoch 1")
    logger.warning("epoch 2\nmore of it")
    until(lambda: human.status(agent.me.id)["status"]["text"] == "epoch 2")
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        logger.exception("step *%s* failed", 7)
    until(lambda: len(human.messages()) == 1)
    [told] = human.messages()
    assert told["content"] == r"**ERROR** steering.test: step \*7\* failed"
    assert "ZeroDivisionError" in told["parts"][0]["data"]["text/plain"]


def test_a_flood_of_errors_is_counted(agent: Agent, human: Human, logger: logging.Logger) -> None:
    def fail() -> None:
        for n in range(500):
            logger.error("no %s", n)

    threads = [threading.Thread(target=fail) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    agent.post("the end")
    assert len(human.messages()) == 5 + 1


def test_the_handler_hears_nothing_of_its_own_doing_and_nothing_after_the_end(agent: Agent, human: Human) -> None:
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(agent.log)
    root.setLevel(logging.DEBUG)
    try:
        for name in ("jupyter_agentchat.client", "websockets.client", "httpx", "httpcore"):
            logging.getLogger(name).error("of our own doing")
        agent.post("the end")
        assert [message["content"] for message in human.messages()] == ["the end"]
        agent.close()
        root.error("after the end")
    finally:
        root.removeHandler(agent.log)
        root.setLevel(level)
