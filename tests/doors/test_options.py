"""``jupyter agentchat serve``: what it is told, it does or says why not; every limit is an option."""

from __future__ import annotations

import subprocess

import pytest
import requests

from tests.actors import CLI, PATIENCE, Owner, Start


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--port", "99999"], "65535"),
        (["--port", "-1"], "port"),
        (["--prot", "8080"], "--port"),
        (["--ip", "no.such.host.invalid"], "--ip"),
        (["--ip", "192.0.2.1"], "--ip"),
        (["--Limits.rat=5"], "--Limits.rate"),
        (["--Limits.rate=fast"], "rate"),
        (["--Limits.burst=0"], "burst"),
        (["8080"], "8080"),
    ],
)
def test_what_cannot_be_is_named_and_not_served(arguments: list[str], named: str, tmp_path: object) -> None:
    command = [*CLI, "serve", "--store", f"sqlite:///{tmp_path}/x.db", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2, done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_every_limit_is_listed() -> None:
    from jupyter_agentchat.limits import Limits

    told = subprocess.run([*CLI, "serve", "--help-all"], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
    for name in Limits.class_trait_names(config=True):
        assert f"--Limits.{name}=" in told


@pytest.mark.parametrize("trusted", [True, False])
def test_a_tls_proxy_is_believed_only_when_told_to(serve: Start, trusted: bool) -> None:
    owner = Owner(serve(*(["--trust-xheaders"] if trusted else [])).url)
    forwarded = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    owner.http.headers.update(forwarded)
    invite = owner.invite()
    assert invite["invite_url"].startswith("https://" if trusted else "http://")
    login = {"email": Owner.EMAIL, "password": "correct horse"}
    reply = requests.post(f"{owner.url}api/v1/login", json=login, headers=forwarded, timeout=PATIENCE)
    assert reply.status_code == 200
    assert ("; secure" in reply.headers["Set-Cookie"].lower()) == trusted
