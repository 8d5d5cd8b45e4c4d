"""What waits for the disk is bounded by its bytes, so a command's size is about what somebody wrote, once."""

from __future__ import annotations

import pytest

from jupyter_agentchat import commands as c
from jupyter_agentchat.protocol import Ask

LONG = "ü" * 10_000


@pytest.mark.parametrize(
    "command",
    [
        c.Post("ag_1", "ch_1", "msg_1", LONG),
        c.Post("ag_1", "ch_1", "msg_1", "?", parts=[{"data": {"text/plain": LONG}}]),
        c.Post("ag_1", "ch_1", "msg_1", "?", question=Ask(schema={"type": "string", "description": LONG})),
        c.Edit("ag_1", "ch_1", "msg_1", LONG),
        c.Close("hu_1", "ch_1", "msg_1", "msg_2", LONG),
        c.Close("hu_1", "ch_1", "msg_1", "msg_2", {"name": LONG}),
        c.Intend("hu_1", "ch_1", "int_1", "ag_1", "steer", LONG),
    ],
    ids=["post", "parts", "question", "edit", "answer", "form", "steer"],
)
def test_what_somebody_wrote_counts_once(command: c.AnyCommand) -> None:
    assert 20_000 <= c.size_of(command) < 22_000


def test_a_lone_surrogate_is_refused_later_not_here() -> None:
    assert c.size_of(c.Close("hu_1", "ch_1", "msg_1", "msg_2", "\ud800")) < 1000
