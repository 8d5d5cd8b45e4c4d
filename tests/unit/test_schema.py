"""The wire is defined once: what is generated from protocol.py is what is committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_agentchat import errors, schema
from jupyter_agentchat.protocol import OPERATIONS

PROTOCOL_TS = Path(__file__).parents[2] / "labextension" / "src" / "protocol.ts"


def test_the_committed_typescript_is_the_generated_one() -> None:
    assert PROTOCOL_TS.read_text() == schema.typescript(), "say `make protocol`"


def test_openapi_has_every_operation_and_its_fields() -> None:
    paths = schema.openapi()["paths"]
    for operation in OPERATIONS:
        assert operation.method.lower() in paths[f"/{operation.path}"]


@pytest.mark.parametrize("code", sorted(errors.tree()))
def test_a_code_comes_back_as_its_class(code: str) -> None:
    error = errors.from_wire(code, "what happened", retry_after=1.0)
    assert type(error) is errors.tree()[code]
    assert (error.message, error.details) == ("what happened", {"retry_after": 1.0})
