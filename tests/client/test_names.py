"""The two agents are one interface, and importing it is cheap."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_agentchat
from jupyter_agentchat import Agent, AsyncAgent, BlockingInLoop, HubUnreachable
from jupyter_agentchat.client import blocking, draft, question

ROOT = Path(__file__).parents[2]
TWINS = [(Agent, AsyncAgent), (blocking.Question, question.Question), (blocking.Stream, draft.Stream)]


def public(twin: type) -> dict[str, object]:
    return {name: member for name, member in vars(twin).items() if not name.startswith("_")}


@pytest.mark.parametrize("blocks", [Agent, blocking.Question, blocking.Stream])
def test_every_blocking_name_has_an_async_one_with_the_same_arguments(blocks: type) -> None:
    waits = dict(TWINS)[blocks]
    for name, member in public(blocks).items():
        twin = public(waits)[name]
        if isinstance(member, property):
            assert isinstance(twin, property), name
        else:
            assert callable(member)
            assert callable(twin)
            assert inspect.signature(member).parameters == inspect.signature(twin).parameters, name


def test_the_agents_names_are_those_of_the_contract() -> None:
    names = {"status", "track", "typing", "stream", "flush", "ack", "nack", "on_state"}
    names |= {"post", "listen", "history", "ask", "await_human", "panel", "invite", "me", "channel_id", "close", "state"}
    assert names <= set(public(Agent))
    assert names <= set(public(AsyncAgent))
    assert inspect.signature(Agent.__init__).parameters == inspect.signature(AsyncAgent.__init__).parameters


@pytest.mark.parametrize("blocks", [Agent, blocking.Question, blocking.Stream])
def test_the_blocking_names_say_themselves_what_they_do_and_wait_for_nothing(blocks: type) -> None:
    for name, member in public(blocks).items():
        told = member.__doc__ or ""
        assert told, name
        assert "await " not in told.replace("await_human", ""), name
        assert "async " not in told, name
    assert "Raises" in (Agent.await_human.__doc__ or "")
    assert "choices: 1 to 100" in (Agent.ask.__doc__ or "")


def test_an_agent_shows_who_it_is_and_where(agent: Agent) -> None:
    assert repr(agent).startswith("<Agent 'research-bot' in '")
    assert repr(agent).endswith("': live>")


def test_every_public_name_is_there() -> None:
    for name in jupyter_agentchat.__all__:
        assert getattr(jupyter_agentchat, name).__name__ == name
    assert set(jupyter_agentchat.__all__) <= set(dir(jupyter_agentchat))
    with pytest.raises(AttributeError, match="nonsense"):
        jupyter_agentchat.nonsense  # noqa: B018


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_importing_the_agent_loads_nothing_heavy() -> None:
    heavy = "httpx", "websockets", "anyio", "tornado", "IPython", "ipywidgets", "anywidget", "markdown_it", "sqlite3"
    ended = run(f"import sys; from jupyter_agentchat import Agent; print([n for n in {heavy} if n in sys.modules])")
    assert ended.stdout.strip() == "[]", ended.stderr


def test_a_script_that_forgets_to_close_ends(hub: object) -> None:
    ended = run("from jupyter_agentchat import Agent; a = Agent('bot'); a.post('x'); q = a.ask('Go on?'); print('end')")
    assert (ended.returncode, ended.stdout.strip()) == (0, "end")
    assert "bot asks: Go on?\nAnswer at http://127.0.0.1:" in ended.stderr


def test_a_script_goes_on_with_the_answer(hub: object) -> None:
    ended = run(
        "from jupyter_agentchat import Agent\nagent = Agent('bot')\n"
        "print(agent.await_human('Go on?', timeout=0.1, default='yes'), agent.history()[0].question.state)"
    )
    assert ended.stdout.strip() == "yes default", ended.stderr


def test_a_forked_child_is_told_to_make_its_own_agent(hub: object) -> None:
    ended = run("""
import os
from jupyter_agentchat import Agent
agent = Agent("bot")
if os.fork() == 0:
    try:
        agent.post("x")
    except Exception as error:
        print(type(error).__name__, error, flush=True)
    agent.close()
    os._exit(0)
os.wait()
""")
    assert ended.stdout.startswith("HubUnreachable This agent was made before the process forked"), ended.stderr


@pytest.mark.anyio
async def test_a_blocking_agent_inside_a_loop_names_the_async_one(hub: object) -> None:
    with pytest.raises(BlockingInLoop, match="AsyncAgent"):
        Agent("bot")


def test_a_closed_agent_says_so(agent: Agent) -> None:
    agent.close()
    agent.close()
    assert agent.state == "closed"
    with pytest.raises(HubUnreachable, match="closed"):
        agent.post("x")


@pytest.mark.anyio
async def test_an_async_agent_that_never_connected_says_how(hub: object) -> None:
    agent = AsyncAgent("bot")
    with pytest.raises(HubUnreachable, match=r"await agent\.connect\(\)"):
        _ = agent.me
    await agent.close()
