"""The journal's clock: the wall's, but it never falls and never stands still."""

from __future__ import annotations

import time

import pytest

from jupyter_agentchat.journal.clock import PACE, Clock


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    times = {"wall": 1_000_000.0, "monotonic": 50.0}
    monkeypatch.setattr(time, "time", lambda: times["wall"])
    monkeypatch.setattr(time, "monotonic", lambda: times["monotonic"])
    return times


def later(wall: dict[str, float], seconds: float) -> None:
    wall["wall"] += seconds
    wall["monotonic"] += seconds


def test_set_back_it_goes_on_from_where_it_was_until_the_wall_clock_has_caught_up(wall: dict[str, float]) -> None:
    clock = Clock()
    assert clock.now() == 1_000_000.0
    wall["wall"] -= 3_600
    later(wall, 10)
    assert clock.now() == pytest.approx(1_000_000 + 10 * PACE)
    later(wall, 3_600 / (1 - PACE))
    assert clock.now() == wall["wall"]


def test_set_forward_it_jumps_too(wall: dict[str, float]) -> None:
    clock = Clock()
    wall["wall"] += 86_400
    assert clock.now() == wall["wall"]


def test_it_starts_behind_nothing_that_was_said(wall: dict[str, float]) -> None:
    clock = Clock(last=2_000_000.0)
    later(wall, 100)
    assert clock.now() == pytest.approx(2_000_000 + 100 * PACE)
