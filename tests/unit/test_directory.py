"""The directory: identities, credentials, owners."""

from __future__ import annotations

from jupyter_agentchat import commands as c
from jupyter_agentchat.commands import CredentialRevoked
from jupyter_agentchat.errors import Conflict, NameTaken, NotFound
from jupyter_agentchat.state import read
from tests.unit.machine import Room


def agent(id_: str, name: str = "bot") -> c.NewPerson:
    return c.NewPerson(id_, "agent", name, f"agent:hu_1//{name}", owner_id="hu_1")


def key(id_: str, of: str) -> c.NewCredential:
    return c.NewCredential(id_, of, "key", f"hash of {id_}")


def test_a_known_identity_keeps_its_first_id_and_gets_the_new_key(room: Room) -> None:
    room.do(c.Enrol(c.HUB, [agent("ag_1")], [key("key_1", "ag_1")]))
    again = room.do(c.Enrol(c.HUB, [agent("ag_2")], [key("key_2", "ag_2")]))
    assert again.participant_ids == ["ag_1"]
    for credential in ("key_1", "key_2"):
        holder = read.holder(room.db, f"hash of {credential}")
        assert holder
        assert holder.participant.id == "ag_1"


def test_a_new_agent_may_not_take_a_siblings_name(room: Room) -> None:
    room.do(c.Enrol(c.HUB, [agent("ag_1")], [], refuse_known=True))
    room.refuses(NameTaken, c.Enrol(c.HUB, [agent("ag_2")], [key("key_2", "ag_2")], refuse_known=True))


def test_a_revoked_key_is_nobodys(room: Room) -> None:
    room.do(c.Enrol(c.HUB, [agent("ag_1")], [key("key_1", "ag_1")]))
    room.do(c.Revoke("ag_1", "key_1"))
    assert room.events == [CredentialRevoked("key_1")]
    assert read.holder(room.db, "hash of key_1") is None
    room.refuses(NotFound, c.Revoke("ag_1", "key_1"))


def test_a_workspace_is_founded_and_owned_once(room: Room) -> None:
    assert room.do(c.Found(c.HUB, "epoch_1")) == "epoch_1"
    assert room.do(c.Found(c.HUB, "epoch_2")) == "epoch_1"
    owner = c.NewPerson("hu_1", "human", "o", "owner:o@x.org")
    room.do(c.Enrol(c.HUB, [owner], password=("hu_1", "o@x.org", "argon2"), first_owner=True))
    other = c.NewPerson("hu_2", "human", "p", "owner:p@x.org")
    room.refuses(Conflict, c.Enrol(c.HUB, [other], password=("hu_2", "p@x.org", "argon2"), first_owner=True))


def test_the_same_owner_twice_in_a_race_is_a_conflict_not_a_failure(room: Room) -> None:
    owner = c.NewPerson("hu_1", "human", "o", "owner:o@x.org")
    room.do(c.Enrol(c.HUB, [owner], password=("hu_1", "o@x.org", "argon2")))
    again = c.NewPerson("hu_2", "human", "o", "owner:o@x.org")
    room.refuses(Conflict, c.Enrol(c.HUB, [again], password=("hu_2", "o@x.org", "argon2")))


def test_a_handle_keeps_its_first_channel(room: Room) -> None:
    assert room.do(c.Enrol(c.HUB, handle=("local", "a.ipynb", "ch_1"))).channel_id == "ch_1"
    assert room.do(c.Enrol(c.HUB, handle=("local", "a.ipynb", "ch_2"))).channel_id == "ch_1"
    assert room.do(c.Enrol(c.HUB, handle=("local", "b.ipynb", "ch_2"))).channel_id == "ch_2"
