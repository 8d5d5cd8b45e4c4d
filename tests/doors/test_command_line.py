"""``jupyter agentchat agents · pause · resume · stop · steer``, as a shell runs them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.actors import CLI, PATIENCE, Owner, Start


def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """(exit status, stdout, stderr)."""
    done = subprocess.run(
        [*CLI, *arguments], capture_output=True, text=True, timeout=PATIENCE * 2, check=False, env={**os.environ, **environment}
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip()


@pytest.fixture
def owner(serve: Start) -> Owner:
    return Owner(serve().url)


@pytest.fixture
def door(owner: Owner) -> dict[str, str]:
    """The owner's session, in the environment."""
    return {"AGENTCHAT_URL": owner.url, "AGENTCHAT_KEY": str(owner.token)}


def pending(owner: Owner) -> list[tuple[str, str | None]]:
    intents = owner.call("GET", owner.path("/intents"))["intents"]
    return [(intent["kind"], intent.get("text")) for intent in intents]


def test_an_agent_is_steered_by_its_name_or_id(owner: Owner, door: dict[str, str]) -> None:
    assert run("pause", "research-bot", "--reason", "let me look", **door) == (
        0, "research-bot is asked to pause (it is not here now).", "",
    )  # fmt: skip
    status, said, _ = run("steer", owner.agent.id, "halve the rate", "--json", **door)
    assert (status, json.loads(said)["text"]) == (0, "halve the rate")
    assert run("resume", "research-bot", **door)[0] == 0
    assert run("stop", "research-bot", "--url", owner.url, "--key", str(owner.token))[0] == 0
    assert pending(owner) == [("pause", "let me look"), ("steer", "halve the rate"), ("resume", None), ("stop", None)]


def test_agents_lists_what_they_do(owner: Owner, door: dict[str, str]) -> None:
    with owner.agent.connect() as socket:
        socket.ask("report", channel_id=owner.channel_id, state="running", run="train")
        data = {"text": "epoch\x1b[31m", "done": 3, "total": 10}
        socket.ask("signal", channel_id=owner.channel_id, kind="progress", data=data)
        owner.call("POST", owner.path("/intents"), {"agent_id": owner.agent.id, "kind": "pause"})
        status, said, _ = run("agents", **door)
        assert status == 0
        head, line = said.splitlines()
        assert head.split() == ["AGENT", "STATE", "RUN", "SINCE", "DOING"]
        assert line.startswith("research-bot  running, asked to pause  train  20")
        assert line.endswith("epoch?[31m 3/10")
    [agent] = json.loads(run("agents", "--json", **door)[1])
    assert agent["control"]["state"] == "running"


def test_whoever_is_not_there_or_not_the_only_one_is_told_apart(owner: Owner, door: dict[str, str]) -> None:
    status, said, error = run("pause", "resarch-bot", **door)
    assert (status, said) == (2, "")
    assert error == "jupyter agentchat pause: there is no agent 'resarch-bot'; there are: research-bot"
    other = owner.new_channel("other")
    owner.call("POST", f"channels/{other}/members", {"participant_id": owner.agent.id})
    status, _, error = run("pause", "research-bot", **door)
    assert status == 2
    assert error.endswith("say which with --channel")
    assert run("pause", "research-bot", "--channel", "other", **door)[0] == 0
    assert run("pause", "research-bot", "--channel", "nowhere", **door)[0] == 2
    assert pending(owner) == []


@pytest.mark.parametrize("arguments", [("pause",), ("steer", "research-bot"), ("pause", "a", "--loud"), ("agents", "x")])
def test_what_is_not_understood_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_a_url_needs_a_key(owner: Owner) -> None:
    status, _, error = run("agents", "--url", owner.url)
    assert status == 2
    assert "--key" in error


def test_what_the_hub_refuses_ends_with_1(owner: Owner) -> None:
    worker = owner.agent.member("worker")
    key = {"AGENTCHAT_URL": owner.url, "AGENTCHAT_KEY": str(worker.token)}
    status, _, error = run("pause", "research-bot", **key)
    assert status == 1
    assert "owns" in error
    status, _, error = run("agents", AGENTCHAT_URL=owner.url, AGENTCHAT_KEY="se_wrong")
    assert status == 1


def test_without_a_url_it_is_this_users_own_hub(serve: Start, tmp_path: Path) -> None:
    database = tmp_path / "own.db"
    here = {"AGENTCHAT_STORE": f"sqlite:///{database}", "JUPYTER_DATA_DIR": str(tmp_path)}
    status, _, error = run("agents", **here)
    assert status == 1
    assert "No hub of yours is running" in error
    owner = Owner(serve(store=database).url)
    assert run("stop", "research-bot", **here)[0] == 0
    assert pending(owner) == [("stop", None)]
    members = {member["name"]: member["kind"] for member in owner.call("GET", owner.path("/members"))["members"]}
    assert "human" in members.values()
