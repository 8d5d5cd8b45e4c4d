"""Secrets on their way: each once, none pushed out by another asker's."""

from __future__ import annotations

from jupyter_agentchat.hub.secrets import MOST_OF_ONE, Secrets


def test_a_secret_is_taken_once() -> None:
    secrets = Secrets()
    secrets.hold("msg_1", "hunter2", "ag_1")
    assert "msg_1" in secrets
    assert (secrets.take("msg_1"), secrets.take("msg_1"), secrets.take(None)) == ("hunter2", None, None)


def test_one_asker_pushes_out_its_own_oldest_and_nobody_elses() -> None:
    secrets = Secrets()
    secrets.hold("msg_other", "theirs", "ag_other")
    for number in range(MOST_OF_ONE + 5):
        secrets.hold(f"msg_{number}", str(number), "ag_1")
    held = [number for number in range(MOST_OF_ONE + 5) if f"msg_{number}" in secrets]
    assert held == list(range(5, MOST_OF_ONE + 5))
    assert secrets.take("msg_other") == "theirs"


def test_their_values_are_not_in_what_is_shown_of_them() -> None:
    secrets = Secrets()
    secrets.hold("msg_1", "hunter2", "ag_1")
    assert "hunter2" not in repr(secrets)
