"""Secrets do not get through a logger of ours: neither in a text, nor in a field, nor in a traceback."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from jupyter_agentchat import logs

KEY = "au_" + "k3y-" * 11
INVITE = "06gvr3e28n88bj4u3ergqrrve4." + "s3cr3t" * 8


@pytest.fixture(params=[logs.AsText, logs.AsJson])
def logged(request: pytest.FixtureRequest) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    logger = logs.named("jupyter_agentchat.tests.logged")
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(request.param())
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield logger, written
    logger.removeHandler(handler)


@pytest.mark.parametrize(
    "said",
    [
        KEY, f"GET /ws?token={KEY}&x=1", f"Authorization: Bearer {KEY[3:]}", f"{{'Authorization': 'Bearer {KEY[3:]}'}}",
        f'{{"password": "{KEY[3:]}"}}', f"owner_password='{KEY[3:]}'", rf"{{\"api_key\": \"{KEY[3:]}\"}}", f"/invite/{KEY[3:]}",
        f"/api/v1/invites/{KEY[3:]}/accept", f"token {INVITE}", f"?auth=session&session_token={KEY[3:]}",
        f"Cookie: a=b; agentchat-session-x=se_{KEY[3:]}", f"secret={KEY[3:]}", f"100% of {KEY}",
    ],
)  # fmt: skip
def test_a_secret_is_taken_out(logged: tuple[logging.Logger, io.StringIO], said: str) -> None:
    logger, written = logged
    logger.info(said)
    logger.info("with %s and %r", said, {"said": said})
    logs.log(logger, logging.INFO, "event", path=said, channel_id="ch_1")
    try:
        raise RuntimeError(said)
    except RuntimeError as error:
        logger.exception("failed")
        logs.log(logger, logging.ERROR, "failed", error=error)
    text = written.getvalue()
    assert KEY[3:] not in text
    assert INVITE not in text
    assert text.count("RuntimeError") >= 2
    assert "ch_1" in text


def test_what_is_no_secret_stays(logged: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = logged
    logs.log(logger, logging.INFO, "refused", code="rate_limited", participant_id="ag_1", reason="wait 3 s", absent=None)
    line = written.getvalue()
    if line.startswith("{"):
        assert json.loads(line).items() >= {"event": "refused", "code": "rate_limited", "reason": "wait 3 s"}.items()
    else:
        assert line.endswith('INFO agentchat: refused code=rate_limited participant_id=ag_1 reason="wait 3 s"\n')
    assert "absent" not in line


def test_a_flood_is_one_line(logged: tuple[logging.Logger, io.StringIO]) -> None:
    logger, written = logged
    seldom = logs.Seldom()
    for n in range(1000):
        seldom.log(logger, logging.WARNING, "lagged", connection=n)
    assert len(written.getvalue().splitlines()) == 1
