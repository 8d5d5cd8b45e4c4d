"""The rate of each sender: a burst at once, a rate for long, and no overtaking after a refusal."""

from __future__ import annotations

import pytest

from jupyter_agentchat.errors import RateLimited
from jupyter_agentchat.hub import intake as intakes
from jupyter_agentchat.hub.intake import Intake


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused(intake: Intake, sender: str = "ann") -> float:
    with pytest.raises(RateLimited) as caught:
        intake.take(sender)
    wait: float = caught.value.details["retry_after"]
    return wait


def test_a_burst_is_taken_at_once_and_then_the_rate_counts() -> None:
    clock = Clock()
    intake = Intake(10, 30, clock)
    for _ in range(30):
        intake.take("ann")
    assert refused(intake) > 0
    intake.take("ben")
    clock.now += 3600
    for _ in range(30):
        intake.take("ann")
    refused(intake)


def test_over_a_long_time_the_rate_is_kept_whatever_the_sender_tries() -> None:
    clock = Clock()
    intake = Intake(10, 30, clock)
    taken = 0
    for _ in range(60_000):
        clock.now += 0.001
        try:
            intake.take("ann")
            taken += 1
        except RateLimited:
            pass
    assert 10 * 60 <= taken <= 10 * 60 + 30


def test_who_was_refused_stays_refused_until_its_time_so_that_nothing_overtakes() -> None:
    clock = Clock()
    intake = Intake(10, 30, clock)
    for _ in range(30):
        intake.take("ann")
    wait = refused(intake)
    clock.now += wait * 0.9  # by now a single command would have a place again
    assert wait * 0.9 > 0.1
    assert refused(intake) == pytest.approx(wait * 0.1, abs=0.002)
    clock.now += wait * 0.1 + 0.001
    intake.take("ann")
    intake.take("ann")


def test_strangers_without_end_are_forgotten_and_a_busy_sender_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intakes, "SWEEP", 100)
    clock = Clock()
    intake = Intake(10, 30, clock)
    for _ in range(30):
        intake.take("ann")
    for stranger in range(1000):
        intake.take(f"address {stranger}")
        assert len(intake) <= 100
    refused(intake)
    clock.now += 3600
    for stranger in range(1000):
        intake.take(f"address {stranger}")
    assert len(intake) <= 100


def test_what_is_long_counts_for_more_and_nothing_is_too_long_for_ever() -> None:
    clock = Clock()
    intake = Intake(10, 30, clock)
    intake.take("ann", 20)
    with pytest.raises(RateLimited):
        intake.take("ann", 20)
    clock.now += 60
    intake.take("ann", 1000)
    refused(intake)
