"""Which hub is mine: the one that was given, that of the Jupyter server that started this kernel, or an embedded one."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import NotFound
from ..notebook import kernel
from ..protocol import KernelReply, Nothing, OneChannel, ProveKernel, ProveLocal
from .rest import Rest

DEFAULT_NAME = "agent"


@dataclass(frozen=True)
class Place:
    """Where an agent works: the hub's root ``url`` (ends in "/"), its ``key``, and the channel that is its own."""

    url: str
    key: str
    channel_id: str
    channel_name: str


class Way(Protocol):
    """How to get to a hub, also again after the key was refused or the hub went away."""

    @property
    def local(self) -> bool:
        """A hub that may move when the process that owns the database ends."""

    @property
    def needs_page(self) -> bool:
        """No front end of this notebook talks to this hub: a human needs a link to its own page."""

    async def join(self) -> Place: ...


def find(name: str | None, url: str | None, key: str | None, channel: str | None) -> Way:
    """The way to the agent's hub: ``url=``/``key=`` → ``AGENTCHAT_URL``, ``AGENTCHAT_KEY`` → this kernel's server → embedded.

    Raises:
        ValueError: a url without a key or a key without a url.
    """
    env_url, env_key = os.environ.get("AGENTCHAT_URL"), os.environ.get("AGENTCHAT_KEY")
    if url is None:
        url = env_url
    elif key is None and env_url is not None and _root(env_url) != _root(url):
        env_key = None  # the environment's key is for another hub: it is not shown to this one
    key = key or env_key
    if url and key:
        return ByKey(_root(url), key, channel)
    if url:
        raise ValueError(f"key: the hub at {url} needs an API key (au_…): give key= or set AGENTCHAT_KEY.")
    if key:
        raise ValueError("url: an API key is given but no hub: give url= or set AGENTCHAT_URL.")
    name = name or DEFAULT_NAME
    server = jupyter_server_url()
    kernel_id, session_key = kernel.kernel_id(), kernel.session_key()
    if server and kernel_id and session_key:
        return ByKernel(server, kernel_id, session_key, name, kernel.notebook_name(under_server=True), channel)
    return Embedded(name, kernel.notebook_name(under_server=False), channel)


def jupyter_server_url() -> str | None:
    """The Jupyter server that started this kernel, by the file that it keeps in the runtime directory; ends in "/"."""
    pid = os.environ.get("JPY_PARENT_PID", "")
    if kernel.kernel() is None or not pid.isdigit():
        return None
    from jupyter_core.paths import jupyter_runtime_dir

    try:
        server = json.loads((Path(jupyter_runtime_dir()) / f"jpserver-{pid}.json").read_text())
    except (OSError, ValueError):
        return None
    # The file of a crashed server stays, and its pid may have become another process's: nbclient's, say.
    if server.get("pid") != int(pid) or not str(server.get("url", "")).startswith(("http://", "https://")):
        return None
    return _root(server["url"])


def _root(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"


@dataclass
class ByKey:
    """A hub by url and API key."""

    url: str
    key: str
    channel: str | None
    local = False

    @property
    def needs_page(self) -> bool:
        return kernel.kernel() is not None and self.url != f"{jupyter_server_url()}agentchat/"

    async def join(self) -> Place:
        if self.channel is not None:
            return await _in_channel(self.url, self.key, self.channel)
        rest = Rest(self.url, self.key)
        try:
            channels = (await rest.call("list_channels", Nothing())).channels
        finally:
            await rest.close()
        if not channels:
            raise NotFound(f"The agent of this key is in no channel of {self.url}: add it to one, or give channel=.")
        return Place(self.url, self.key, channels[0].id, channels[0].name)


@dataclass
class Embedded:
    """A hub of this process, or of another one on the same database."""

    name: str
    notebook: str
    channel: str | None
    local = True
    needs_page = True

    async def join(self) -> Place:
        import anyio.to_thread

        from ..server.embedded import join_or_start

        hub = await anyio.to_thread.run_sync(join_or_start, os.environ.get("AGENTCHAT_STORE"))
        url, secret = _root(hub.url), hub.secret
        rest = Rest(url)
        try:
            reply = await rest.call("prove_local", ProveLocal(secret, self.name, self.notebook))
        finally:
            await rest.close()
        return await _own_place(url, reply, self.channel)


@dataclass
class ByKernel:
    """The Jupyter server that started this kernel; a server without the extension leaves it to an embedded hub."""

    server: str
    kernel_id: str
    session_key: bytes
    name: str
    notebook: str
    channel: str | None
    _instead: Embedded | None = None
    _elsewhere: bool = False

    @property
    def local(self) -> bool:
        return self._instead is not None or self._elsewhere

    @property
    def needs_page(self) -> bool:
        return self._instead is not None

    async def join(self) -> Place:
        if self._instead is not None:
            return await self._instead.join()
        url = f"{self.server}agentchat/"
        at = int(time.time())
        signed = f"agentchat-kernel\n{self.kernel_id}\n{self.name}\n{self.notebook}\n{at}"
        proof = hmac.new(self.session_key, signed.encode(), hashlib.sha256).hexdigest()
        rest = Rest(url)
        try:
            reply = await rest.call("prove_kernel", ProveKernel(self.kernel_id, self.name, self.notebook, at, proof))
        except NotFound:
            self._instead = Embedded(self.name, self.notebook, self.channel)
            return await self._instead.join()
        finally:
            await rest.close()
        # Another server of the same user owns the database; when that ends, this one may take over.
        self._elsewhere = reply.hub_url is not None
        return await _own_place(reply.hub_url or url, reply, self.channel)


async def _own_place(url: str, reply: KernelReply, channel: str | None) -> Place:
    if channel is not None:
        return await _in_channel(url, reply.api_key, channel)
    return Place(url, reply.api_key, reply.channel_id, reply.channel_name)


async def _in_channel(url: str, key: str, channel_id: str) -> Place:
    rest = Rest(url, key)
    try:
        channel = (await rest.call("get_channel", OneChannel(channel_id))).channel
    finally:
        await rest.close()
    return Place(url, key, channel.id, channel.name)
