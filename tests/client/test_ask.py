"""An agent asks, a human answers, over a real hub."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from jupyter_agentchat import Agent, AsyncAgent, InvalidAnswer, NoAnswer, QuestionChanged
from tests.client.human import Human

pytestmark = pytest.mark.anyio


def when_asked(human: Human, value: str) -> threading.Thread:
    """The human looks until a question is there, and answers it."""

    def look() -> None:
        while not (questions := human.questions()):
            pass
        human.answer(value, questions[0]["id"])

    thread = threading.Thread(target=look)
    thread.start()
    return thread


def test_await_human_gives_the_humans_answer(agent: Agent, human: Human) -> None:
    thread = when_asked(human, "yes")
    assert agent.await_human("Go on?", choices=["yes", "no"]) == "yes"
    thread.join()


def test_a_question_without_choices_takes_any_text(agent: Agent, human: Human) -> None:
    question = agent.ask("What is it called?")
    human.answer("Rosalind *Franklin*")
    assert question.wait() == "Rosalind *Franklin*"
    assert (question.state, question.outcome, question.by) == ("answered", "answered", "Ann")


def test_asking_again_takes_up_the_open_question(make_agent: Callable[..., Agent], agent: Agent, human: Human) -> None:
    first = agent.ask("Which?", choices=["a", "b"], key="which")
    second = make_agent().ask("Which?", choices=["a", "b"], key="which")
    assert second.id == first.id
    human.answer("b")
    assert second.wait() == "b"


def test_an_answer_that_came_meanwhile_is_not_lost(make_agent: Callable[..., Agent], human: Human) -> None:
    interrupted = make_agent()
    question = interrupted.ask("Which?", choices=["a", "b"], key="which")
    interrupted.close()
    human.answer("a", question.id)
    again = make_agent().ask("Which?", choices=["a", "b"], key="which")
    assert (again.id, again.answer) == (question.id, "a")
    assert again.wait() == "a"


def test_an_answer_that_was_handed_out_is_asked_anew(agent: Agent, human: Human) -> None:
    first = agent.ask("Again?", choices=["yes"], key="again")
    human.answer("yes")
    assert first.wait() == "yes"
    assert first.wait() == "yes"  # the object keeps it
    second = agent.ask("Again?", choices=["yes"], key="again")
    assert second.id != first.id
    assert second.state == "open"


def test_the_same_question_twice_at_once_is_two_questions(agent: Agent, human: Human) -> None:
    first, second = agent.ask("Sure?"), agent.ask("Sure?")
    assert first.id != second.id
    assert second.key == f"{first.key}#2"
    human.answer("two", second.id)
    human.answer("one", first.id)
    assert (first.wait(), second.wait()) == ("one", "two")


def test_a_question_that_nobody_waits_for_any_more_is_taken_up_under_its_automatic_key(agent: Agent, human: Human) -> None:
    """As when the cell is interrupted and run again."""
    question = agent.ask("Sure?")
    question.release()
    assert agent.ask("Sure?").id == question.id


def test_another_question_under_an_open_key_is_an_error_that_shows_both(agent: Agent) -> None:
    agent.ask("Delete a?", key="delete")
    with pytest.raises(QuestionChanged, match=r"Delete a\?.*Delete b\?.*key='delete'\)\.withdraw\(\)"):
        agent.ask("Delete b?", key="delete")


def test_the_default_answers_when_nobody_does(agent: Agent) -> None:
    question = agent.ask("Which?", choices=["a", "b"], timeout=0.1, default="b")
    assert question.wait() == "b"
    assert question.outcome == "default"


def test_no_answer_and_no_default_raises(agent: Agent) -> None:
    with pytest.raises(NoAnswer, match="timed out") as caught:
        agent.await_human("Which?", choices=["a", "b"], timeout=0.1)
    assert caught.value.outcome == "timed_out"
    with pytest.raises(TimeoutError):
        agent.await_human("Which?", choices=["a", "b"], timeout=0.1)


def test_a_local_wait_that_runs_out_leaves_the_question_open(agent: Agent, human: Human) -> None:
    question = agent.ask("Which?")
    with pytest.raises(NoAnswer, match="stays open") as caught:
        question.wait(timeout=0.05)
    assert caught.value.outcome is None
    assert question.state == "open"
    human.answer("this one")
    assert question.wait() == "this one"


def test_a_question_taken_back_cannot_be_answered(agent: Agent, human: Human) -> None:
    question = agent.ask("Which?")
    question.withdraw()
    assert question.state == "withdrawn"
    assert human.questions() == []
    with pytest.raises(NoAnswer, match="withdrawn"):
        question.wait()
    question.withdraw()  # nothing happens


def test_answers_from_the_environment_close_the_question_and_say_so(
    agent: Agent, human: Human, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"Which?": "b"}')
    assert agent.await_human("Which?", choices=["a", "b"]) == "b"
    asked = human.messages()[-1]
    assert asked["question"]["closing"]["source"] == "AGENTCHAT_ANSWERS"
    monkeypatch.setenv("AGENTCHAT_ANSWERS", '{"Which?": "c"}')
    with pytest.raises(InvalidAnswer, match=r"'Which\?' with 'c'.*'a', 'b'"):
        agent.await_human("Which?", choices=["a", "b"])


def test_many_threads_ask_through_one_agent_and_each_gets_its_own_answer(agent: Agent, human: Human) -> None:
    with ThreadPoolExecutor(8) as pool:
        waiting = {number: pool.submit(agent.await_human, f"Number {number}?") for number in range(8)}
        while len(questions := human.questions()) < 8:
            pass
        for question in questions:
            human.answer(f"{question['content']}!", question["id"])
        assert {number: answer.result() for number, answer in waiting.items()} == {n: f"Number {n}?!" for n in range(8)}


async def test_the_async_agent_asks_in_the_same_words(hub: object) -> None:
    async with AsyncAgent("research-bot") as agent:
        question = await agent.ask("Go on?", choices=["yes", "no"])
        with Human(await agent.invite(), "Ann") as ann:
            ann.answer("no")
        assert await question.wait() == "no"


def test_listen_gives_what_others_say_from_now_on_or_from_a_cursor(agent: Agent, human: Human) -> None:
    seq = human.say("before")["seq"]
    agent.post("my own")
    live = agent.listen()
    human.say("after")
    assert next(live).content == "after"
    replayed = agent.listen(after=seq - 1)
    assert [next(replayed).content, next(replayed).content] == ["before", "after"]


def test_history_holds_everything_in_order(agent: Agent, human: Human) -> None:
    first = agent.post("one")
    human.say("two")
    agent.post("three", parent=first)
    history = agent.history()
    assert [message.content for message in history] == ["one", "two", "three"]
    assert history[2].parent_id == first.id
    assert history[2].lamport is not None
    assert [message.content for message in agent.history(limit=2)] == ["two", "three"]
    assert "Ann: two" in repr(history)
    with pytest.raises(ValueError, match="limit"):
        agent.history(limit=0)


def test_history_becomes_a_data_frame(agent: Agent) -> None:
    pytest.importorskip("pandas")
    agent.post("one")
    frame = agent.history().to_pandas()
    assert list(frame["content"]) == ["one"]
    assert "UTC" in str(frame["created_at"].dtype)


def test_a_listener_that_is_far_behind_reads_the_rest_from_the_hub(
    agent: Agent, human: Human, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_agentchat.client.log.KEPT", 3)
    listener = agent.listen()
    for number in range(10):
        human.say(str(number))
    assert [next(listener).content for _ in range(10)] == [str(number) for number in range(10)]


def test_a_question_of_an_older_kernel_can_be_taken_back(make_agent: Callable[..., Agent], human: Human) -> None:
    """As the error says: asked again in its own words, withdrawn."""
    make_agent().ask("Delete a?", key="delete")
    later = make_agent()
    later.ask("Delete a?", key="delete").withdraw()
    assert human.questions() == []
    assert later.ask("Delete b?", key="delete").state == "open"
