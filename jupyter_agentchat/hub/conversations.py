"""What is said: channels, members, messages, questions, invites."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .. import commands as c
from .. import metrics, questions, rules
from .. import protocol as p
from ..commands import NewMember, NewPerson
from ..errors import InvalidRequest, InviteGone, NameTaken, NotFound
from ..feed import Follower
from ..state import read
from ..state.channels import check_invite, check_name_free
from .caller import Caller, hash_of

if TYPE_CHECKING:
    from . import Hub


GUEST_CLIENT_ID = 16


class Conversations:
    """The hub's operations on channels and what stands in them."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    # ------------------------------------------------------------------ channels

    async def list_channels(self, caller: Caller, request: p.Nothing) -> p.ChannelsReply:
        who = caller.known
        found = await self._hub.store.read(lambda db: read.channels(db, who.id, all_of_them=who.owns_workspace))
        self._hub.presence.mark(found)
        return p.ChannelsReply(found)

    async def create_channel(self, caller: Caller, request: p.CreateChannel) -> p.OneChannelReply:
        who = caller.known
        self._hub.check_may_create(who, "channels")
        owner_id = who.participant.owner_id
        owner = await self._hub.store.read(lambda db: read.participant(db, owner_id)) if owner_id else None
        channel_id = p.new_id("ch")
        # Apart from the handles of bootstrapped agents: a channel named like one to come must not become that agent's.
        # The maker's own: a name that is taken tells of a channel, and an agent's siblings may not know that one.
        handle = (who.id, f"channel:{request.name}", channel_id)
        enrolled = await self._hub.submit(c.Enrol(who.id, handle=handle), request)
        if await self._hub.store.read(lambda db: read.channel_exists(db, enrolled.channel_id)):
            if enrolled.created:
                raise NameTaken(f"You made a channel named {request.name!r} already: join it, or choose another name.")
        else:  # else it is founded: who was taken out since must not come back by sending this again
            people = [who.participant] + ([owner] if owner and owner.id != who.id else [])
            members = [NewMember(person.id, person.kind, person.name, "owner") for person in people]
            await self._hub.journal.submit(c.FoundChannel(who.id, enrolled.channel_id, request.name, request.topic, members))
        return await self._channel(caller, enrolled.channel_id)

    async def _channel(self, caller: Caller, channel_id: str) -> p.OneChannelReply:
        who = caller.known
        found = await self._hub.store.read(lambda db: read.channel(db, channel_id, who.id))
        self._hub.presence.mark([found])
        return p.OneChannelReply(found)

    async def get_channel(self, caller: Caller, request: p.OneChannel) -> p.OneChannelReply:
        return await self._channel(caller, request.channel_id)

    async def update_channel(self, caller: Caller, request: p.UpdateChannel) -> p.OneChannelReply:
        change = c.ChangeChannel(caller.known.id, request.channel_id, request.name, request.topic)
        await self._hub.submit(change, request)
        return await self._channel(caller, request.channel_id)

    async def archive_channel(self, caller: Caller, request: p.ArchiveChannel) -> p.Done:
        await self._hub.submit(c.ChangeChannel(caller.known.id, request.channel_id, archived=True), request)
        self._hub.something_is_due()
        return p.Done(ok=True)

    # ------------------------------------------------------------------ members

    async def list_members(self, caller: Caller, request: p.OneChannel) -> p.MembersReply:
        return p.MembersReply((await self._channel(caller, request.channel_id)).channel.members)

    async def add_member(self, caller: Caller, request: p.AddMember) -> p.MembersReply:
        person = await self._hub.store.read(lambda db: read.participant(db, request.participant_id))
        if person is None:
            raise NotFound(f"There is no participant {request.participant_id}.")
        member = NewMember(person.id, person.kind, person.name, request.role)
        await self._hub.submit(c.PutMember(caller.known.id, request.channel_id, member), request)
        return await self.list_members(caller, p.OneChannel(request.channel_id))

    async def remove_member(self, caller: Caller, request: p.RemoveMember) -> p.Done:
        await self._hub.submit(c.DropMember(caller.known.id, request.channel_id, request.participant_id), request)
        return p.Done(ok=True)

    async def mark_read(self, caller: Caller, request: p.MarkRead) -> p.Done:
        await self._hub.journal.submit(c.Read(caller.known.id, request.channel_id, request.seq))
        if arrived := self._hub.feed.arrived(request.channel_id, request.seq):
            metrics.POST_ACKED.observe(time.perf_counter() - arrived)
        return p.Done(ok=True)

    # ------------------------------------------------------------------ messages

    async def read_messages(self, caller: Caller, request: p.ReadMessages) -> p.MessagesReply:
        if request.after is not None and request.before is not None:
            raise InvalidRequest("Give after= or before=, not both: a page goes one way.")
        found = await self._page(caller, request)
        if request.wait:
            self._hub.presence.polled(caller.known.id, caller.known.credential_id)
        if not found.messages and request.wait and request.before is None:
            self._hub.check_connections(caller.known)
            follower = Follower(self._hub.feed, caller.known.id, caller.known.credential_id)
            try:
                follower.follow(request.channel_id, request.after or 0)
                deadline = time.monotonic() + request.wait
                while not found.messages and (left := deadline - time.monotonic()) > 0:
                    try:
                        # The wake-up comes before the read; `follow` gave the first one.
                        await asyncio.wait_for(follower.wait(), left)
                    except asyncio.TimeoutError:
                        break
                    found = await self._page(caller, request)
            finally:
                follower.close()
        return found

    async def _page(self, caller: Caller, request: p.ReadMessages) -> p.MessagesReply:
        who = caller.known
        messages, last_seq, more = await self._hub.store.read(
            lambda db: read.page(
                db, request.channel_id, who.id, after=request.after, before=request.before, limit=request.limit
            )
        )
        return p.MessagesReply(messages, last_seq, more, self._hub.epoch)

    async def get_message(self, caller: Caller, request: p.OneMessage) -> p.MessageReply:
        who = caller.known
        message = await self._hub.store.read(lambda db: read.message(db, request.channel_id, request.message_id, who.id))
        if message is None:
            raise NotFound(f"There is no message {request.message_id} in this channel.")
        return p.MessageReply(message)

    async def post_message(self, caller: Caller, request: p.PostMessage) -> tuple[int, p.MessageReply]:
        # Refused here too, so that what is far too large never enters the journal.
        rules.check_content(request.content)
        rules.check_parts(request.parts)
        if request.question:  # and no secret's value gets into a command
            questions.checked(request.question)
        post = c.Post(
            caller.known.id, request.channel_id, p.new_id("msg"), request.content, request.parent_id, request.lamport,
            request.mentions, request.parts, request.question,
        )  # fmt: skip
        posted = await self._hub.submit(post, request)
        return (201 if posted.created else 200), p.MessageReply(posted.message)

    async def edit_message(self, caller: Caller, request: p.EditMessage) -> p.MessageReply:
        edit = c.Edit(caller.known.id, request.channel_id, request.message_id, request.content)
        return p.MessageReply(await self._hub.submit(edit, request))

    async def delete_message(self, caller: Caller, request: p.ChangeMessage) -> p.Done:
        await self._hub.submit(c.Delete(caller.known.id, request.channel_id, request.message_id), request)
        return p.Done(ok=True)

    async def channel_of(self, message_id: str) -> str:
        """Raises: NotFound. The caller's membership is checked by what follows."""
        channel_id = await self._hub.store.read(lambda db: read.channel_of_message(db, message_id))
        if channel_id is None:
            raise NotFound(f"There is no message {message_id}.")
        return channel_id

    # ------------------------------------------------------------------ invites

    async def create_invite(self, caller: Caller, request: p.CreateInvite) -> p.InviteReply:
        return await self.invite_to(caller, caller.known.id, request)

    async def invite_to(self, caller: Caller, inviter_id: str, request: p.CreateInvite) -> p.InviteReply:
        # The token names its channel, so that a hub finds it without a directory of secrets.
        token = f"{request.channel_id.removeprefix('ch_')}.{p.new_secret('inv').removeprefix('inv_')}"
        expires_at = p.timestamp(time.time() + request.expires_in)
        invite = c.Invite(
            inviter_id, request.channel_id, p.new_id("inv"), hash_of(token), expires_at, request.max_uses, request.name
        )
        await self._hub.submit(invite, request)
        return p.InviteReply(f"{caller.base_url}invite/{token}", token, expires_at)

    async def look_up_invite(self, caller: Caller, request: p.LookUpInvite) -> p.InviteState:
        channel_name, inviter, name = await self._check_invite(request.token, caller.who.id if caller.who else None)
        return p.InviteState(channel_name, inviter, name)

    async def _check_invite(self, token: str, opener_id: str | None = None) -> tuple[str, str, str | None]:
        now, channel_id = p.timestamp(time.time()), _channel_of_invite(token)
        return await self._hub.store.read(lambda db: check_invite(db, channel_id, hash_of(token), now, opener_id))

    async def accept_invite(self, caller: Caller, request: p.AcceptInvite) -> p.SignedIn:
        """Who is known already joins as who they are; anybody else becomes a guest under the name given."""
        channel_id = _channel_of_invite(request.token)
        if caller.who and caller.who.participant.kind == "human":
            person, token = caller.who.participant, ""
            await self._use_invite(request.token, person)
            return p.SignedIn(person, token, channel_id)
        # Who accepts again under the same client_id lost the reply, and is the same guest.
        if request.client_id and len(request.client_id) < GUEST_CLIENT_ID:
            raise InvalidRequest(f"Here client_id tells who comes back: give {GUEST_CLIENT_ID} random characters or more.")
        repeats = f"guest:{hash_of(f'{request.token} {request.client_id}')}" if request.client_id else None
        known = await self._hub.store.read(lambda db: read.by_identity(db, repeats)) if repeats else None
        if known and p.seconds_of(known.created_at or "") + self._hub.limits.dedup_window < time.time():
            raise InviteGone("This client_id is no longer remembered: open the link anew, or ask for another one.")
        _, _, invited_name = await self._check_invite(request.token, known.id if known else None)
        name = known.name if known else (request.name or invited_name or "").strip()
        if not name:
            raise InvalidRequest("Give your name: the others in the channel will see it.")
        if not known:
            await self._hub.store.read(lambda db: check_name_free(db, channel_id, name))
        guest = known or p.Participant(p.new_id("hu"), "human", name)
        new = None if known else NewPerson(guest.id, "human", guest.name, repeats)
        # The guest is known before the invite is used: a crash in between costs an unused name, never the invite.
        token = await self._hub.people.new_session(guest.id, new)
        if new and repeats:  # the same call may have come twice at once
            enrolled = await self._hub.store.read(lambda db: read.by_identity(db, repeats))
            guest = guest if enrolled is None else enrolled
        await self._use_invite(request.token, guest)
        return p.SignedIn(guest, token, channel_id)

    async def _use_invite(self, token: str, person: p.Participant) -> None:
        member = NewMember(person.id, person.kind, person.name)
        await self._hub.journal.submit(c.UseInvite(c.HUB, _channel_of_invite(token), hash_of(token), member))


def _channel_of_invite(token: str) -> str:
    return "ch_" + token.partition(".")[0]
