from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.journal.engines import ENGINES, Run


@pytest.fixture(params=ENGINES)
def open_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Run]:
    """Opens the engine on this test's folder, as often as the test restarts it."""
    return lambda: Run(*ENGINES[request.param](tmp_path))
