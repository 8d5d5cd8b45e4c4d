"""Who takes part: bootstrap, sign-in, kernels, agents and their keys."""

from __future__ import annotations

import asyncio
import hmac
import time
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from .. import commands as c
from .. import protocol as p
from ..commands import NewCredential, NewMember, NewPerson
from ..errors import Conflict, Forbidden, InvalidRequest, NotFound, RateLimited, Unauthenticated
from ..state import read
from .caller import Caller, Principal, hash_of

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from . import Hub

SESSION_SECONDS = 30 * 86400.0
KERNEL_KEY_SECONDS = 30 * 86400.0
PROOF_SECONDS = 60
LOGIN_TRIES, LOGIN_SECONDS = 5, 60.0


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobodys_hash() -> str:
    """Verified against for an unknown address, so that the time taken does not tell which addresses are known."""
    return _hasher().hash("nobody")


class People:
    """The hub's operations on participants and credentials."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._failed_logins: dict[str, tuple[int, float]] = {}
        self._one_guess = asyncio.Lock()

    # ------------------------------------------------------------------ settling who calls

    async def authenticate(self, secret: str) -> Principal:
        """Whose key (``au_``) or session (``se_``) this is. Raises: Unauthenticated."""
        found = await self._hub.store.read(lambda db: read.holder(db, hash_of(secret)))
        if found is None or (found.expires_at and found.expires_at <= p.timestamp(time.time())):
            what = "key" if secret.startswith("au_") else "session"
            raise Unauthenticated(f"This {what} is not valid: it was revoked, has expired, or belongs to another workspace.")
        return Principal(found.participant, found.credential_id, found.owns_workspace, expires_at=found.expires_at)

    async def jupyter_user(self, username: str, name: str) -> Principal:
        """A user whom Jupyter let in: an owner of this server's workspace."""
        identity = f"jupyter:{username}"
        known = await self._hub.store.read(lambda db: read.by_identity(db, identity))
        if known is None:
            person = NewPerson(p.new_id("hu"), "human", name or username, identity)
            enrolled = await self._hub.journal.submit(c.Enrol(c.HUB, [person]))
            known = await self._participant(enrolled.participant_ids[0])
        return Principal(known, owns_workspace=True, is_jupyter=True)

    async def _participant(self, participant_id: str) -> p.Participant:
        found = await self._hub.store.read(lambda db: read.participant(db, participant_id))
        if found is None:
            raise NotFound(f"There is no participant {participant_id}.")
        return found

    # ------------------------------------------------------------------ owners

    async def bootstrap(self, caller: Caller, request: p.Bootstrap) -> p.Bootstrapped:
        if self._hub.workspace_owner_needed and not (caller.who and caller.who.is_jupyter):
            raise Unauthenticated("On a Jupyter server, bootstrap needs Jupyter's own login or token.")
        for _ in range(2):  # somebody else may found the workspace between our look and our command
            try:
                return await self._bootstrap(caller, request)
            except Conflict:
                continue
        raise Conflict("This workspace has an owner already: bootstrap with that owner's e-mail address and password.")

    async def _bootstrap(self, caller: Caller, request: p.Bootstrap) -> p.Bootstrapped:
        email = _check_email(request.owner_email)
        known = await self._hub.store.read(lambda db: read.owner_password(db, email))
        founded = await self._hub.store.read(read.has_owner)
        people: list[NewPerson] = []
        password = None
        if known or (founded and not self._hub.workspace_owner_needed):
            owner_id = (await self._verified(caller, email, request.owner_password)).id
        else:
            owner_id = p.new_id("hu")
            people.append(NewPerson(owner_id, "human", email.partition("@")[0], f"owner:{email}"))
            password = (owner_id, email, await asyncio.to_thread(_hasher().hash, request.owner_password))
        agent = NewPerson(
            p.new_id("ag"), "agent", request.agent_name, f"agent:{owner_id}//{request.agent_name}",
            request.agent_description, owner_id,
        )  # fmt: skip
        key, credential = _new_key(agent.id)
        enrolled = await self._hub.journal.submit(
            c.Enrol(c.HUB, [*people, agent], [credential], (owner_id, f"agent:{request.agent_name}", p.new_id("ch")), password,
                    first_owner=password is not None and not self._hub.workspace_owner_needed)
        )  # fmt: skip
        owner = await self._participant(enrolled.participant_ids[0] if people else owner_id)
        agent_id, channel_id = enrolled.participant_ids[-1], enrolled.channel_id
        members = [
            NewMember(agent_id, "agent", request.agent_name, "owner"),
            NewMember(owner.id, "human", owner.name, "owner"),
        ]
        await self._hub.journal.submit(
            c.FoundChannel(agent_id, channel_id, request.agent_name, request.agent_description, members)
        )
        invite = await self._hub.conversations.invite_to(caller, agent_id, p.CreateInvite(channel_id))
        return p.Bootstrapped(key, channel_id, invite.invite_url, agent_id, owner.id)

    async def _verified(self, caller: Caller, email: str, password: str) -> p.Participant:
        """The owner, if the password is right. Raises: Unauthenticated; RateLimited after five wrong ones in a minute."""
        from argon2.exceptions import VerificationError

        async with self._one_guess:  # else any number of guesses could be made before the first one is counted
            self._check_throttle(caller.address, email)
            known = await self._hub.store.read(lambda db: read.owner_password(db, email))
            try:
                await asyncio.to_thread(_hasher().verify, known[1] if known else _nobodys_hash(), password)
            except VerificationError:
                known = None
            if known is None:
                self._count_failure(caller.address, email)
                raise Unauthenticated("This e-mail address and password do not go together here.")
            return known[0]

    def _check_throttle(self, *who: str) -> None:
        for key in who:
            failures, until = self._failed_logins.get(key, (0, 0.0))
            if failures >= LOGIN_TRIES and time.monotonic() < until:
                raise RateLimited("Too many wrong passwords: wait a minute.", retry_after=round(until - time.monotonic(), 1))

    def _count_failure(self, *who: str) -> None:
        if len(self._failed_logins) > 10_000:
            self._failed_logins.clear()
        now = time.monotonic()
        for key in who:
            failures, until = self._failed_logins.get(key, (0, 0.0))
            self._failed_logins[key] = (failures + 1 if now < until else 1, now + LOGIN_SECONDS)

    async def login(self, caller: Caller, request: p.Login) -> p.SignedIn:
        owner = await self._verified(caller, _check_email(request.email), request.password)
        return p.SignedIn(owner, await self.new_session(owner.id))

    async def new_session(self, participant_id: str, person: NewPerson | None = None) -> str:
        """A session's token, for somebody known or for ``person``, who is enrolled with it."""
        token = p.new_secret("se")
        expires_at = p.timestamp(time.time() + SESSION_SECONDS)
        credential = NewCredential(p.new_id("cred"), participant_id, "session", hash_of(token), expires_at)
        await self._hub.journal.submit(c.Enrol(c.HUB, [person] if person else [], [credential]))
        return token

    async def logout(self, caller: Caller, request: p.Nothing) -> p.Done:
        if caller.known.credential_id is None:
            raise InvalidRequest("Jupyter's own login ends in Jupyter: use its log-out.")
        await self._hub.journal.submit(c.Revoke(caller.known.id, caller.known.credential_id))
        return p.Done(ok=True)

    # ------------------------------------------------------------------ kernels and local processes

    async def prove_kernel(self, caller: Caller, request: p.ProveKernel) -> p.KernelReply:
        check_kernel(self._hub.kernel_key(request.kernel_id), request)
        return await self._seat_agent(request.agent_name, request.notebook)

    async def prove_local(self, caller: Caller, request: p.ProveLocal) -> p.KernelReply:
        self._check_local_secret(request.secret)
        return await self._seat_agent(request.agent_name, request.notebook)

    async def prove_user(self, caller: Caller, request: p.ProveUser) -> p.SignedIn:
        self._check_local_secret(request.secret)
        user = await self.jupyter_user(request.username, request.name)
        return p.SignedIn(user.participant, await self.new_session(user.id))

    def _check_local_secret(self, secret: str) -> None:
        expected = self._hub.local_secret
        if expected is None or not hmac.compare_digest(expected.encode(), secret.encode()):
            raise Forbidden("This is not the secret that lies beside the database of this hub.")

    async def _seat_agent(self, agent_name: str, notebook: str) -> p.KernelReply:
        """The agent of that name in that notebook, the same again after a restart, with a fresh key and its channel."""
        agent = NewPerson(p.new_id("ag"), "agent", agent_name, f"agent:local/{notebook}/{agent_name}")
        key, credential = _new_key(agent.id, KERNEL_KEY_SECONDS)
        enrolled = await self._hub.journal.submit(c.Enrol(c.HUB, [agent], [credential], ("local", notebook, p.new_id("ch"))))
        agent_id, channel_id = enrolled.participant_ids[0], enrolled.channel_id
        name = _channel_name(notebook)
        await self._hub.journal.submit(
            c.FoundChannel(agent_id, channel_id, name, None, [NewMember(agent_id, "agent", agent_name, "owner")])
        )
        participant = await self._participant(agent_id)
        return p.KernelReply(participant, key, channel_id, name)

    # ------------------------------------------------------------------ agents and keys

    async def list_agents(self, caller: Caller, request: p.Nothing) -> p.AgentsReply:
        who = caller.known
        owner_id = None if who.owns_workspace else _owner_of(who)
        return p.AgentsReply(await self._hub.store.read(lambda db: read.agents(db, owner_id)))

    async def create_agent(self, caller: Caller, request: p.CreateAgent) -> p.AgentReply:
        who = caller.known
        self._hub.check_may_create(who, "agents")
        owner_id = _owner_of(who)
        agent = NewPerson(
            p.new_id("ag"), "agent", request.name, f"agent:{owner_id}//{request.name}", request.description, owner_id
        )
        key, credential = _new_key(agent.id)
        enrolled = await self._hub.submit(c.Enrol(who.id, [agent], [credential], refuse_known=True), request)
        return p.AgentReply(await self._participant(enrolled.participant_ids[0]), key, enrolled.credential_ids[0])

    async def create_key(self, caller: Caller, request: p.CreateKey) -> p.KeyReply:
        await self._check_may_manage_agent(caller.known, request.agent_id)
        key, credential = _new_key(request.agent_id)
        enrolled = await self._hub.submit(c.Enrol(caller.known.id, [], [credential]), request)
        return p.KeyReply(key, enrolled.credential_ids[0])

    async def revoke_key(self, caller: Caller, request: p.RevokeKey) -> p.Done:
        await self._check_may_manage_agent(caller.known, request.agent_id)
        if await self._hub.store.read(lambda db: read.credential_owner(db, request.key_id)) != request.agent_id:
            raise NotFound(f"The agent {request.agent_id} has no key {request.key_id}.")
        await self._hub.submit(c.Revoke(caller.known.id, request.key_id), request)
        return p.Done(ok=True)

    async def _check_may_manage_agent(self, who: Principal, agent_id: str) -> None:
        """An agent manages itself, an owner its agents. Anybody else does not learn that the agent exists."""
        agent = await self._hub.store.read(lambda db: read.participant(db, agent_id))
        allowed = agent is not None and agent.kind == "agent" and (
            who.owns_workspace or who.id in (agent.id, agent.owner_id)
        )  # fmt: skip
        if not allowed:
            raise NotFound(f"There is no agent {agent_id} of yours.")


def check_kernel(key: bytes | None, request: p.ProveKernel) -> None:
    """Raises: Forbidden unless the request was signed within the last minute with this kernel's connection key."""
    signed = f"agentchat-kernel\n{request.kernel_id}\n{request.agent_name}\n{request.notebook}\n{request.at}"
    proof = hmac.new(key or b"unknown kernel", signed.encode(), "sha256").hexdigest()
    genuine = hmac.compare_digest(proof.encode(), request.proof.encode())
    if not genuine or not key or abs(time.time() - request.at) > PROOF_SECONDS:
        raise Forbidden("This is not the proof of a running kernel of this server: restart the kernel, or give url= and key=.")


def _new_key(agent_id: str, seconds: float | None = None) -> tuple[str, NewCredential]:
    key = p.new_secret("au")
    expires_at = None if seconds is None else p.timestamp(time.time() + seconds)
    return key, NewCredential(p.new_id("key"), agent_id, "key", hash_of(key), expires_at)


def _owner_of(who: Principal) -> str:
    """Whose the agents are that ``who`` makes: an agent's belong to its owner, so that siblings can be managed together."""
    return who.participant.owner_id or who.id


def _check_email(email: str) -> str:
    address = email.strip().casefold()
    if "@" not in address[1:-1]:
        raise InvalidRequest(f"owner_email {email!r} is not an e-mail address.")
    return address


def _channel_name(notebook: str) -> str:
    kind, _, rest = notebook.partition(":")
    return "run" if kind == "run" else (PurePath(rest if kind == "script" else notebook).stem or "notebook")[:200]
