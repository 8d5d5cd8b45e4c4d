"""The stand-alone pages: an invite's, and the chat behind it. A shell; the labextension's UI bundle does the rest."""

from __future__ import annotations

from html import escape
from pathlib import Path

from tornado.web import HTTPError, StaticFileHandler

from .door import Door

STATIC = Path(__file__).parent.parent / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class PageHandler(Door):
    """``invite/{token}``, ``chat/``, ``chat/{channel_id}``"""

    view = "chat"

    def get(self, subject: str = "") -> None:
        # Read for its effect: the page's own calls need the _xsrf cookie.
        _ = self.xsrf_token
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", CSP)
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        base = escape(self.gate.path)
        field = "token" if self.view == "invite" else "channel-id"
        self.finish(
            "<!doctype html><html lang=en><meta charset=utf-8>"
            '<meta name=viewport content="width=device-width, initial-scale=1">'
            '<meta name=color-scheme content="light dark"><title>Agent chat</title>'
            f'<div id=agentchat data-base-url="{base}" data-view={self.view} data-{field}="{escape(subject)}" '
            "data-auth=session>"
            "<noscript>This conversation needs JavaScript.</noscript></div>"
            f'<script type=module src="{base}static/page.js"></script></html>'
        )


class InvitePage(PageHandler):
    view = "invite"


class Static(StaticFileHandler):
    """``static/…``: the page's bundle, for anyone."""

    def prepare(self) -> None:
        self.request.uri = self.request.path  # tornado logs what it refuses, and a key may stand in the query

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")

    def parse_url_path(self, url_path: str) -> str:
        if "\0" in url_path:
            raise HTTPError(404)
        return super().parse_url_path(url_path)

    def check_xsrf_cookie(self) -> None:
        pass
