"""What the local journal promises beyond the contract: group commit, durability, a bound, and where its file lies."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest

from jupyter_agentchat.commands import Event
from jupyter_agentchat.errors import InternalError, InvalidRequest, NewerDatabase, Overloaded, StoreUnavailable
from jupyter_agentchat.journal import local
from jupyter_agentchat.journal.local import LocalJournal, _Entry
from jupyter_agentchat.state.store import Store, path_of
from tests.journal.engines import Run, post


class Watched(Store):
    """Keeps the writer's connection, so that a test may look at it and limit it."""

    writer: sqlite3.Connection

    def open_writer(self) -> sqlite3.Connection:
        self.writer = super().open_writer()
        return self.writer


async def test_a_burst_shares_its_commits(database: Path) -> None:
    store = Watched(database)
    async with Run(LocalJournal(store), store) as run:
        statements: list[str] = []
        store.writer.set_trace_callback(statements.append)
        await asyncio.gather(*(run.journal.submit(post(n)) for n in range(500)))
        store.writer.set_trace_callback(None)
        assert statements.count("COMMIT") < 100


async def test_a_commit_waits_for_the_disk_unless_asked_not_to(database: Path) -> None:
    for relaxed, level in ((False, 2), (True, 1)):
        store = Watched(database, relaxed=relaxed)
        async with Run(LocalJournal(store), store):
            assert store.writer.execute("PRAGMA synchronous").fetchone() == (level,)
            assert store.writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)


class FailsTogether(LocalJournal):
    """The mutant: one command's fault is everybody's in its batch."""

    def _commit(self, entries: list[_Entry]) -> list[Event]:
        try:
            return self._transact(entries)
        except Exception:
            for entry in entries:
                entry.error = InternalError("failed")
            return []


@pytest.mark.parametrize("journal", [LocalJournal, FailsTogether])
async def test_a_bad_command_in_a_batch_is_noticed_by_its_sender_alone(database: Path, journal: type[LocalJournal]) -> None:
    store = Store(database)
    async with Run(journal(store), store) as run:
        batch = [post(n) for n in range(50)] + [post(50, mentions=[object()])] + [post(n) for n in range(51, 100)]
        outcomes = await asyncio.gather(*map(run.journal.submit, batch), return_exceptions=True)
        failed = [outcome for outcome in outcomes if isinstance(outcome, InternalError)]
        if journal is FailsTogether:
            assert len(failed) > 1
        else:
            assert failed == [outcomes[50]]


async def test_a_full_queue_refuses_at_the_door_and_loses_nothing(database: Path) -> None:
    store = Store(database)
    async with Run(LocalJournal(store, max_queued=10), store) as run:
        outcomes = await asyncio.gather(*(run.journal.submit(post(n)) for n in range(50)), return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, StoreUnavailable)]
        assert len(refused) == 40
        assert refused[0].details["retry_after"] > 0
        assert len(await run.log()) == 10
        await run.journal.submit(post(99))


async def test_a_full_database_refuses_each_and_recovers(database: Path) -> None:
    store = Watched(database)
    async with Run(LocalJournal(store), store) as run:
        await run.journal.submit(post(0))
        pages = store.writer.execute("PRAGMA page_count").fetchone()[0]
        store.writer.execute(f"PRAGMA max_page_count = {pages}")
        large = [post(n, content="x" * 100_000) for n in range(1, 20)]
        outcomes: list[Any] = await asyncio.gather(*map(run.journal.submit, large), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        assert str(database) in outcomes[0].message
        assert await run.log() == [(2, "message 0")]
        store.writer.execute("PRAGMA max_page_count = 1000000")
        outcomes = await asyncio.gather(*map(run.journal.submit, large))
        assert [content[0] for _, content in await run.log()] == ["m", *["x"] * 19]


async def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "made" / "workspace.db"
    store = Store(path)
    async with Run(LocalJournal(store), store) as run:
        await run.journal.submit(post(0))
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_a_database_of_a_newer_version_is_left_alone(database: Path) -> None:
    store = Watched(database)
    async with Run(LocalJournal(store), store):
        store.writer.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('agentchat', '9999', 'now')"
        )
    again = Store(database)
    journal = LocalJournal(again)
    with pytest.raises(NewerDatabase, match="pip install -U"):
        await journal.start(lambda events: None)
    await journal.close()
    again.close()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@pytest.mark.parametrize("content", [b"not a database" * 100, None])
async def test_what_is_no_database_is_said_to_be_none(database: Path, content: bytes | None) -> None:
    os.mkdir(database) if content is None else _write(database, content)
    store = Store(database)
    with pytest.raises(StoreUnavailable, match=str(database)):
        await LocalJournal(store).start(lambda events: None)
    store.close()


@pytest.mark.parametrize("url", ["nats://localhost", "postgres:///x", "sqlite:", "sqlite:///", "", "x"])
def test_a_store_that_is_not_known_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest):
        path_of(url)


async def test_the_queue_is_bounded_by_bytes_too_and_takes_a_large_one_alone(database: Path) -> None:
    store = Store(database)
    async with Run(LocalJournal(store, max_queued_bytes=50_000), store) as run:
        alone = await run.journal.submit(post(1, content="x" * 100_000))
        assert alone.created
        burst = [asyncio.ensure_future(run.journal.submit(post(n, content="x" * 10_000))) for n in range(2, 22)]
        outcomes = await asyncio.gather(*burst, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
        assert 0 < len(refused) < len(outcomes)
        assert all(error.details["retry_after"] > 0 for error in refused)
        assert (await run.journal.submit(post(99, content="x" * 10_000))).created, "room again"


async def test_client_ids_are_forgotten_once_their_window_is_over(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "SWEEP_SECONDS", 0.0)
    store = Store(database)
    async with Run(LocalJournal(store), store) as run:
        for n in range(20):
            await run.journal.submit(post(n, client_id=f"c{n}", window=0.05))
        await asyncio.sleep(0.1)
        await run.journal.submit(post(20))
        await run.journal.submit(post(21))
        (left,) = await store.read(lambda db: db.execute("SELECT count(*) FROM receipts").fetchone())
        assert left == 0
        assert (await run.journal.submit(post(22, client_id="c1"))).created
