"""A person with a browser: joined by an invite link, acting over HTTP alone."""

from __future__ import annotations

from typing import Any

import httpx


class Human:
    def __init__(self, invite_url: str, name: str) -> None:
        base, token = invite_url.split("invite/")
        self._http = httpx.Client(base_url=f"{base}api/v1/", trust_env=False)
        joined = self._did(self._http.post(f"invites/{token}/accept", json={"name": name}))
        self._http.cookies.clear()
        self._http.headers["Authorization"] = f"Bearer {joined['session_token']}"
        self.channel_id: str = joined["channel_id"]

    def say(self, content: str) -> dict[str, Any]:
        message: dict[str, Any] = self._did(self._http.post(self._path("messages"), json={"content": content}))["message"]
        return message

    def questions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._did(self._http.get("questions"))["questions"]
        return found

    def answer(self, value: Any, question_id: str | None = None) -> None:
        """Answers this question, or the only one that is open."""
        if question_id is None:
            [question] = self.questions()
            question_id = question["id"]
        self._did(self._http.post(self._path(f"messages/{question_id}/answer"), json={"value": value}))

    def reopen(self, question_id: str) -> None:
        """Takes back an answer."""
        self._did(self._http.post(self._path(f"messages/{question_id}/reopen"), json={}))

    def want(self, agent_id: str, kind: str, text: str | None = None) -> dict[str, Any]:
        """Steers an agent."""
        wanted = {"agent_id": agent_id, "kind": kind, **({"text": text} if text else {})}
        intent: dict[str, Any] = self._did(self._http.post(self._path("intents"), json=wanted))["intent"]
        return intent

    def status(self, agent_id: str) -> dict[str, Any]:
        """What `GET status` says of an agent in this channel."""
        agents = self._did(self._http.get("status", params={"channel_id": self.channel_id}))["agents"]
        found: dict[str, Any] = next(agent for agent in agents if agent["participant_id"] == agent_id)
        return found

    def run(self, agent_id: str) -> tuple[str, str | None, list[str]]:
        """(state, run, what is still wanted) of an agent."""
        control = self.status(agent_id).get("control") or {"state": "idle", "pending": []}
        return control["state"], control.get("run"), [intent["kind"] for intent in control.get("pending", [])]

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._did(self._http.get(self._path("messages?limit=1000")))["messages"]
        return found

    def __enter__(self) -> Human:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _path(self, rest: str) -> str:
        return f"channels/{self.channel_id}/{rest}"

    @staticmethod
    def _did(response: httpx.Response) -> Any:
        assert response.is_success, response.text
        return response.json()
