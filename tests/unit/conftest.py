from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.machine import Room


@pytest.fixture
def room(database: Path) -> Iterator[Room]:
    room = Room(database)
    yield room
    room.db.close()
