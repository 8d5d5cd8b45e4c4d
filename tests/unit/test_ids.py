"""Ids sort by age and are nobody's twice."""

from __future__ import annotations

import os
import random
import time

import pytest

from jupyter_agentchat.protocol import new_id


def test_ids_sort_by_age_and_are_safe_in_a_url_and_a_subject() -> None:
    made = []
    for _ in range(3):
        made.append(new_id("msg"))
        time.sleep(0.002)
    assert made == sorted(made)
    assert all(one.isascii() and one.replace("_", "").isalnum() and len(one) == 30 for one in made)
    assert len({new_id("msg") for _ in range(100_000)}) == 100_000


def test_a_seeded_notebook_makes_no_id_twice() -> None:
    random.seed(0)
    first = new_id("c")[-16:]  # without the time
    random.seed(0)
    assert new_id("c")[-16:] != first


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_makes_ids_of_its_own() -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, new_id("c")[-16:].encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100).decode() != new_id("c")[-16:]
    os.close(reading)
    os.close(writing)
