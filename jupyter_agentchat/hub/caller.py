"""Who calls: settled at the door from a key, a session or Jupyter's identity; never from a request's body."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from ..errors import Unauthenticated
from ..protocol import Participant


@dataclass(frozen=True, slots=True)
class Principal:
    """A participant, and the credential it came with.

    ``owns_workspace``: a Jupyter user of a server of one's own, or an owner who signed in; may enter every channel.
    ``expires_at``: when the credential ends by itself.
    """

    participant: Participant
    credential_id: str | None = None
    owns_workspace: bool = False
    is_jupyter: bool = False
    expires_at: str | None = None

    @property
    def id(self) -> str:
        return self.participant.id


@dataclass(frozen=True, slots=True)
class Caller:
    """One call's circumstances: who, where the caller sees the hub (``http://host/agentchat/``), and from which address."""

    who: Principal | None
    base_url: str
    address: str = ""

    def origin(self, via: str | None = None) -> str | None:
        """From where, for an audit trail: the front end, as it calls itself, and the address."""
        return " · ".join(filter(None, (via, self.address))) or None

    @property
    def known(self) -> Principal:
        if self.who is None:
            raise Unauthenticated("Say who you are first.")
        return self.who


def hash_of(secret: str) -> str:
    """Keys and tokens have 256 random bits: a plain hash is enough, and fast."""
    return hashlib.sha256(secret.encode()).hexdigest()
