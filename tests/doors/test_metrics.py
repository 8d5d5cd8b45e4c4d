"""What a hub counts, as a scraper finds it: every series is fed by what it is named after, and tells nobody's business."""

from __future__ import annotations

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.actors import PATIENCE, Actor, Owner, Start
from tests.doors.test_jupyter import TOKEN, Jupyter, jupyter  # noqa: F401 (a fixture)

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def series_in(text: str) -> Series:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("agentchat_")
    }


def scrape(url: str) -> Series:
    response = requests.get(f"{url}metrics", timeout=PATIENCE)
    assert (response.status_code, response.headers["Content-Type"].partition(";")[0]) == (200, "text/plain")
    return series_in(response.text)


def at(found: Series, name: str, **labels: str) -> float:
    return found.get((name, tuple(sorted(labels.items()))), 0.0)


def moved(before: Series, after: Series, name: str, **labels: str) -> float:
    return at(after, name, **labels) - at(before, name, **labels)


def test_every_series_is_fed(serve: Start) -> None:
    server = serve("--Limits.rate=50", "--Limits.burst=60", "--Limits.signals_per_second=1", "--Limits.send_buffer_bytes=65536")
    owner = Owner(server.url)
    agent, before = owner.agent, scrape(server.url)
    with agent.connect() as sender, owner.connect() as reader:
        reader.ask("subscribe", channel_id=owner.channel_id)
        message = agent.post("over REST", client_id="c1")
        agent.post("over REST", client_id="c1")
        sender.ask("send_message", channel_id=owner.channel_id, content="over its WebSocket")
        assert reader.messages(2)[0]["id"] == message["id"]
        reader.ask("ack", channel_id=owner.channel_id, seq=message["seq"])
        owner.answer(agent.ask("Go on?"), "yes")
        agent.call("POST", agent.path(f"/messages/{agent.ask('Or not?')['id']}/withdraw"), {})
        for _ in range(3):
            sender.ask("signal", channel_id=owner.channel_id, kind="typing")
        with agent.http.get(f"{agent.url}api/v1/{agent.path('/events')}", stream=True, timeout=PATIENCE):
            during = scrape(server.url)
        for n in range(80):  # past its rate
            sender.say("send_message", channel_id=owner.channel_id, content="x", request_id=str(n))
        assert sender.until("error")["code"] == "rate_limited"
        after = scrape(server.url)
    for name, times in {
        "agentchat_post_durable_seconds_count": 6,
        "agentchat_post_delivered_seconds_count": 6,
        "agentchat_post_acked_seconds_count": 1,
        "agentchat_question_answered_seconds_count": 1,
        "agentchat_repeated_commands_total": 1,
        "agentchat_signals_dropped_total": 1,
    }.items():
        assert moved(before, during, name) == times, name
    for name in ("agentchat_fsync_seconds_count", "agentchat_batch_commands_count"):
        assert moved(before, during, name) > 0, name
    assert moved(before, during, "agentchat_signals_total", kind="typing") == 3
    assert moved(before, during, "agentchat_commands_total", kind="post") == 5, "with the one that was repeated"
    assert moved(before, during, "agentchat_connections", door="websocket") == 2
    assert moved(before, during, "agentchat_connections", door="events") == 1
    assert moved(before, after, "agentchat_refusals_total", code="rate_limited") > 0
    assert {("agentchat_queue_commands", ()), ("agentchat_queue_bytes", ())} <= after.keys()


def test_metrics_hold_no_ids_and_no_words(serve: Start) -> None:
    owner = Owner(serve().url)
    owner.agent.post("something nobody else should read")
    text = requests.get(f"{owner.url}metrics", timeout=PATIENCE).text
    assert "agentchat_" in text
    for secret in (owner.id, owner.channel_id, owner.agent.id, "nobody else", "research-bot", owner.EMAIL):
        assert secret not in text


def test_from_behind_a_proxy_metrics_need_an_agents_key_or_the_owner(serve: Start) -> None:
    owner = Owner(serve().url)
    guest = owner.agent.guest("Gil")
    via = {"X-Forwarded-For": "203.0.113.7"}
    statuses = [who.send("GET", "metrics", headers=via).status_code for who in (Actor(owner.url), guest, owner, owner.agent)]
    assert statuses == [401, 403, 200, 200]


def test_jupyters_own_endpoint_shows_ours_under_its_login(jupyter: Jupyter) -> None:  # noqa: F811
    agent = jupyter.user.call("GET", "me")
    assert agent["participant"]["kind"] == "human"
    shown = jupyter.user.http.get(f"{jupyter.server}metrics", timeout=PATIENCE)
    assert shown.status_code == 200
    assert at(series_in(shown.text), "agentchat_batch_commands_count") > 0
    assert requests.get(f"{jupyter.server}metrics", timeout=PATIENCE).status_code == 403
    assert TOKEN not in shown.text
