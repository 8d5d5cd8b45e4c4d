"""The connection: what its user sees of it, and how it comes back."""

from __future__ import annotations

import asyncio
import json
import random
from itertools import pairwise

import pytest

from jupyter_agentchat import AsyncAgent, HubUnreachable
from jupyter_agentchat.client import connection
from jupyter_agentchat.client.waits import full_jitter
from jupyter_agentchat.errors import NameTaken, NotFound
from jupyter_agentchat.protocol import CreateChannel, CreateInvite
from tests.client.human import Human
from tests.client.scripted import Line, Scripted

pytestmark = pytest.mark.anyio


async def test_the_state_is_seen_and_can_be_watched() -> None:
    cut = asyncio.Event()

    async def once_cut(line: Line) -> None:
        if line.number == 1:
            await cut.wait()
            return
        await line.serve()

    states: list[str] = []
    async with Scripted(once_cut) as hub:
        agent = hub.agent()
        assert agent.state == "connecting"
        end = agent.on_state(states.append)
        agent.on_state(lambda state: 1 / 0)  # is logged, and ends nothing
        await agent.connect()
        assert repr(agent) == "<AsyncAgent 'bot' in 'work': live>"
        cut.set()
        await hub.until(lambda: states[-2:] == ["retrying", "live"])
        end()
        await agent.close()
        assert states == ["live", "retrying", "live"]
        assert "closed" in repr(agent)


async def test_frames_that_are_not_understood_do_not_end_the_connection() -> None:
    odd: list[str | bytes] = [
        "no json", b"\xff\xfe", "{", "[]", "1", '{"type": "of a newer hub", "x": 1}', '{"type": "new_message"}',
        '{"type": "new_message", "message": {"id": 3}}', json.dumps({"type": "error", "code": "new", "message": "?"}),
        '{"type": "signal", "channel_id": "ch_1", "participant_id": "ag_2", "kind": "of a newer hub", "data": {}}',
        '{"type": "sent", "message_id": "msg_9", "seq": 9, "request_id": "of nobody"}', '{"type": "pong", "more": 1}',
    ]  # fmt: skip

    async def strange(line: Line) -> None:
        for data in odd:
            await line.raw(data)
        await line.message(1, field_of_a_newer_hub=1)
        await line.serve()

    async with Scripted(strange) as hub, hub.agent() as agent:
        assert (await anext(agent.listen(after=0))).content == "1"
        await agent.post("still here")
        assert hub.lines == 1


async def test_a_connection_that_dies_at_once_does_not_reset_the_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def no_delay(tried: int, first: float, longest: float) -> float:
        tries.append(tried)
        return 0.0

    monkeypatch.setattr(connection, "full_jitter", no_delay)

    async def mortal(line: Line) -> None:
        if line.number > 5:
            await line.serve()

    async with Scripted(mortal) as hub, hub.agent() as agent:
        await hub.until(lambda: hub.lines == 6)
        assert tries == [0, 1, 2, 3, 4]
        monkeypatch.setattr(connection, "STOOD", 0.0)
        await hub.until(lambda: agent.state == "live")
        tries.clear()
        assert agent._connection._socket
        await agent._connection._socket.close()
        await hub.until(lambda: tries)
        assert tries == [0]


def test_agents_that_lose_their_hub_together_come_back_one_by_one() -> None:
    random.seed(1)
    delays = sorted(full_jitter(0, connection.LATER_DELAY, connection.LONGEST_DELAY) for _ in range(1000))
    assert delays[0] < 0.01
    assert max(later - earlier for earlier, later in pairwise(delays)) < 0.01, "evenly spread"
    assert 0.45 < delays[-1] <= connection.LATER_DELAY
    assert max(full_jitter(10_000, 0.5, 5.0) for _ in range(100)) <= 5.0


async def test_a_call_that_is_repeated_is_the_same_change(hub: object) -> None:
    async with AsyncAgent("bot") as agent:
        request = CreateChannel("plans")
        made = [(await agent.call("create_channel", request)).channel.id for _ in range(2)]
        assert made[0] == made[1]
        with pytest.raises(NameTaken):
            await agent.call("create_channel", CreateChannel("plans"))
        link = CreateInvite(agent.channel_id)
        lost, given = [(await agent.call("create_invite", link)).invite_url for _ in range(2)]
        assert lost != given
        with Human(given, "Ann") as ann:
            ann.say("let in")


async def test_every_frame_that_changes_something_has_a_client_id(hub: object) -> None:
    async def answered(line: Line) -> None:
        closing = {"question_id": "msg_1", "outcome": "answered", "value": "yes", "source": "AGENTCHAT_ANSWERS"}
        asked = {"key": "k", "state": "answered", "closing": closing}
        while True:
            frame = await line.hear()
            if frame["type"] != "send_message":
                await line.confirm(frame)
                continue
            await line.message(1, content=frame["content"], author_id="ag_1", author_kind="agent", question=asked)
            said = {
                "id": "msg_1", "channel_id": "ch_1", "seq": 1, "author_id": "ag_1", "author_name": "bot",
                "author_kind": "agent", "content": frame["content"], "created_at": "2026-11-21T06:00:00.000Z",
                "question": asked,
            }  # fmt: skip
            await line.say("sent", message_id="msg_1", seq=1, request_id=frame["request_id"], message=said)

    async with Scripted(answered) as scripted, scripted.agent() as agent:
        assert await agent.await_human("Go on?", key="k") == "yes"
        assert await agent.flush(20)
        frames = scripted.of("send_message") + scripted.of("consume")
        assert len({frame["client_id"] for frame in frames}) == 2


async def test_where_a_jupyter_server_answers_the_error_names_its_hub() -> None:
    async with Scripted() as hub:
        agent = AsyncAgent(url=hub.url, key="au_1")
        with pytest.raises(NotFound, match=rf"its hub is at {hub.url}agentchat/"):
            await agent.connect()
        await agent.close()


async def test_a_hub_that_was_never_there_is_an_error_and_a_signal_to_it_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_CONNECT", 0.2)
    agent = AsyncAgent(url="http://127.0.0.1:9/", key="au_1", channel="ch_1")
    await agent.status("beginning")
    await agent.typing()
    with pytest.raises(HubUnreachable):
        await agent.post("x")
    await agent.close()
