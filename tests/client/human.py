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
