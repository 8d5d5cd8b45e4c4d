"""A message in the making whose author is lost: half of it stands and says so, until the whole one comes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.actors import PATIENCE, Actor, Json, Owner, Serve, Start

BROKEN_OFF = "*(broken off: connection lost)*"

WRITES = """
import os, signal, sys, time
from jupyter_agentchat import Agent
agent = Agent(url=sys.argv[1], key=sys.argv[2])
with agent.stream() as stream:
    for word in "The answer is".split():
        stream.write(word + " ")
        time.sleep(0.15)
    print("written", flush=True)
    time.sleep(600)
"""


def until(true: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "in vain"
        time.sleep(0.01)


def contents(reader: Actor) -> list[str]:
    return [message["content"] for message in reader.history()]


def write(author: Actor, text: str, stream: str = "draft") -> None:
    """Begins a message, and is gone."""
    with author.connect() as socket:
        reply = socket.ask("signal", channel_id=author.channel_id, kind="stream", data={"id": stream, "text": text})
        assert reply["type"] == "done"


@pytest.fixture
def server(serve: Start) -> Serve:
    return serve("--Limits.presence_grace=0.3")


def test_half_a_message_of_a_killed_process_is_kept_and_marked(server: Serve) -> None:
    owner = Owner(server.url)
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES, owner.url, str(owner.agent.token)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "written\n"
        assert contents(owner) == []
        process.kill()
    until(owner.history)
    [half] = owner.history()
    assert half["content"] == f"The answer is \n\n{BROKEN_OFF}"
    assert half["author_id"] == owner.agent.id


def test_the_whole_message_takes_the_place_of_its_half(server: Serve) -> None:
    owner = Owner(server.url)
    with owner.connect() as reader:
        reader.ask("subscribe", channel_id=owner.channel_id)
        write(owner.agent, "The answer")
        half = reader.until("new_message")["message"]
        assert half["content"] == f"The answer\n\n{BROKEN_OFF}"
        owner.agent.post("The answer is 42.", client_id="draft")
        assert reader.until("new_message")["message"]["content"] == "The answer is 42."
        assert reader.until("message_deleted")["message_id"] == half["id"]
    assert contents(owner) == ["The answer is 42."]


def test_who_comes_back_in_time_goes_on_writing(serve: Start) -> None:
    owner = Owner(serve("--Limits.presence_grace=600").url)
    write(owner.agent, "The answer")
    owner.agent.post("The answer is 42.", client_id="draft")
    assert contents(owner) == ["The answer is 42."]


def test_what_was_posted_leaves_no_half(server: Serve) -> None:
    owner = Owner(server.url)
    owner.agent.post("The answer is 42.", client_id="draft")
    write(owner.agent, "The answer")  # it comes late
    write(owner.agent, "Another", stream="other")
    until(lambda: len(contents(owner)) == 2)
    assert contents(owner) == ["The answer is 42.", f"Another\n\n{BROKEN_OFF}"]


def test_the_whole_comes_also_to_a_hub_that_began_anew(server: Serve, serve: Start) -> None:
    owner = Owner(server.url)
    write(owner.agent, "The answer")
    until(owner.history)
    server.kill()
    owner.url = owner.agent.url = serve("--Limits.presence_grace=0.3").url
    owner.agent.post("The answer is 42.", client_id="draft")
    until(lambda: contents(owner) == ["The answer is 42."])


def test_who_is_shut_out_says_nothing_more(server: Serve) -> None:
    owner = Owner(server.url)
    guest = owner.guest("Gil")
    data: Json = {"id": "draft", "text": "and another thing"}
    with guest.connect() as socket:
        assert socket.ask("signal", channel_id=owner.channel_id, kind="stream", data=data)["type"] == "done"
        owner.call("DELETE", owner.path(f"/members/{guest.id}"))
    write(owner.agent, "later")
    until(owner.history)
    assert contents(owner) == [f"later\n\n{BROKEN_OFF}"]
