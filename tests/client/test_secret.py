"""A secret reaches its asker and stays nowhere else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jupyter_agentchat import Agent, AsyncAgent, HubUnreachable, InvalidAnswer, NoAnswer, NoHuman
from jupyter_agentchat.client.secret import Secret
from jupyter_agentchat.protocol import OneMessage
from tests.client.human import Human

pytestmark = pytest.mark.anyio
PASSWORD = "correct-horse-battery-staple"


def asked_in_a_thread(agent: Agent, **options: Any) -> tuple[threading.Thread, list[Secret]]:
    given: list[Secret] = []
    thread = threading.Thread(target=lambda: given.append(agent.secret("db password", **options)))
    thread.start()
    return thread, given


def open_question(human: Human) -> dict[str, Any]:
    while not (questions := human.questions()):
        pass
    return questions[0]


def nowhere(database: Path, told: str) -> None:
    for file in database.parent.rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes(), file
    assert PASSWORD not in told


def test_a_secret_is_told_to_its_asker_and_kept_nowhere(
    agent: Agent, human: Human, hub: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    thread, given = asked_in_a_thread(agent)
    human.answer(PASSWORD, open_question(human)["id"])
    thread.join()
    assert given == [PASSWORD]
    history = agent.history()
    nowhere(hub, f"{given!r} {history!r} {history._repr_html_()} {history._repr_markdown_()} {human.messages()} {caplog.text}")
    assert "a secret, told to research-bot only" in history._repr_html_()


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret(PASSWORD)
    assert repr(secret) == repr([secret])[1:-1] == "<Secret>"
    assert f"{secret}" == PASSWORD == secret
    pytest.importorskip("IPython")
    from IPython.lib import pretty

    show: Any = pretty.pretty
    assert show({"password": secret}) == "{'password': <Secret>}"


def test_a_secret_that_the_hub_lost_is_asked_for_again(agent: Agent, human: Human) -> None:
    question = agent.ask("something else")
    thread, given = asked_in_a_thread(agent)
    while len(asked := [each for each in human.questions() if each["id"] != question.id]) < 1:
        pass
    first = asked[0]["id"]
    call = agent._agent.call

    async def restarted(name: str, request: Any) -> Any:
        if name == "take_secret" and request.message_id == first:
            await call(name, OneMessage(request.channel_id, first))  # the hub has it no more
        return await call(name, request)

    agent._agent.call = restarted  # type: ignore[method-assign]
    human.answer(PASSWORD, first)
    while not (again := [each for each in human.questions() if each["id"] not in (question.id, first)]):
        pass
    human.answer("another", again[0]["id"])
    thread.join()
    assert given == ["another"]


def test_a_secret_given_meanwhile_is_taken_up_by_the_next_run(make_agent: Callable[..., Agent], human: Human) -> None:
    with pytest.raises(NoAnswer):
        make_agent().secret("db password", timeout=0.1)
    first = make_agent()

    def interrupted() -> None:
        with suppress(HubUnreachable, CancelledError):  # whichever of its waits is cut off
            first.secret("db password", key="db")

    thread = threading.Thread(target=interrupted)
    thread.start()
    asked = open_question(human)
    first.close()
    thread.join()
    human.answer(PASSWORD, asked["id"])
    assert make_agent().secret("db password", key="db") == PASSWORD


def test_a_headless_run_has_it_from_the_environment_and_posts_only_that(
    agent: Agent, human: Human, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCHAT_ANSWERS", f'{{"db password": "{PASSWORD}", "wrong": 3}}')
    assert agent.secret("db password") == PASSWORD
    [asked, *_] = human.messages()
    assert asked["question"]["closing"]["source"] == "AGENTCHAT_ANSWERS"
    nowhere(hub, f"{human.messages()}")
    with pytest.raises(InvalidAnswer, match="answers 'wrong', with what is not a text") as caught:
        agent.secret("wrong")
    assert "3" not in str(caught.value)
    monkeypatch.setattr("jupyter_agentchat.notebook.kernel.headless", lambda: True)
    with pytest.raises(NoHuman, match="AGENTCHAT_ANSWERS"):
        agent.secret("another")


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [({"prompt": ""}, ValueError, "prompt: it is empty"), ({"timeout": -1}, ValueError, "timeout: -1 seconds")],
)
def test_bad_input_is_said_before_anyone_is_asked(
    agent: Agent, wrong: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        agent.secret(**{"prompt": "db password", **wrong})


async def test_the_async_twin_takes_secrets_too(hub: object) -> None:
    async with AsyncAgent("research-bot") as agent:
        question = await agent.invite()
        with Human(question, "Ann") as ann:

            def answer() -> None:
                ann.answer(PASSWORD, open_question(ann)["id"])

            thread = threading.Thread(target=answer)
            thread.start()
            assert await agent.secret("db password") == PASSWORD
            thread.join()
