"""The schema, as numbered steps. A step that was released is never edited: add the next one."""

from __future__ import annotations

import sqlite3

from ..errors import NewerDatabase

STEPS: dict[str, str] = {
    "0001_conversation": """
        -- directory
        CREATE TABLE workspace (epoch TEXT NOT NULL, created_at TEXT NOT NULL);
        CREATE TABLE participants (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, description TEXT, owner_id TEXT,
            identity TEXT UNIQUE, created_at TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE credentials (
            id TEXT PRIMARY KEY, participant_id TEXT NOT NULL, kind TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,
            created_at TEXT NOT NULL, expires_at TEXT, revoked_at TEXT
        ) WITHOUT ROWID;
        CREATE TABLE passwords (participant_id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, hash TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE handles (
            scope TEXT NOT NULL, name TEXT NOT NULL, channel_id TEXT NOT NULL, PRIMARY KEY (scope, name)
        ) WITHOUT ROWID;
        -- a channel
        CREATE TABLE channels (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, topic TEXT, archived INTEGER NOT NULL DEFAULT 0,
            last_seq INTEGER NOT NULL DEFAULT 0, created_by TEXT NOT NULL, created_at TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE members (
            channel_id TEXT NOT NULL, participant_id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL,
            read_seq INTEGER NOT NULL DEFAULT 0, joined_at TEXT NOT NULL, PRIMARY KEY (channel_id, participant_id)
        ) WITHOUT ROWID;
        CREATE INDEX members_by_participant ON members (participant_id);
        CREATE TABLE messages (
            channel_id TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
            author_id TEXT NOT NULL, author_name TEXT NOT NULL, author_kind TEXT NOT NULL,
            content TEXT NOT NULL, created_at TEXT NOT NULL, client_id TEXT, parent_id TEXT, lamport INTEGER,
            mentions TEXT, parts TEXT, closes TEXT, edited_at TEXT, deleted_at TEXT, changed_seq INTEGER
        );
        CREATE UNIQUE INDEX messages_by_seq ON messages (channel_id, seq);
        CREATE UNIQUE INDEX messages_by_client_id ON messages (channel_id, author_id, client_id) WHERE client_id IS NOT NULL;
        CREATE INDEX messages_by_change ON messages (channel_id, changed_seq) WHERE changed_seq IS NOT NULL;
        CREATE TABLE questions (
            message_id TEXT PRIMARY KEY, channel_id TEXT NOT NULL, asker_id TEXT NOT NULL, key TEXT NOT NULL,
            seq INTEGER NOT NULL, state TEXT NOT NULL, choices TEXT, "default" TEXT, "to" TEXT, deadline_at TEXT, closing TEXT,
            consumed INTEGER NOT NULL DEFAULT 0
        ) WITHOUT ROWID;
        CREATE INDEX questions_by_key ON questions (channel_id, asker_id, key, seq);
        CREATE INDEX questions_open ON questions (channel_id, deadline_at) WHERE state = 'open';
        CREATE TABLE invites (
            id TEXT PRIMARY KEY, channel_id TEXT NOT NULL, hash TEXT NOT NULL UNIQUE, name TEXT, created_by TEXT NOT NULL,
            created_by_name TEXT NOT NULL, created_at TEXT NOT NULL, expires_at TEXT NOT NULL, max_uses INTEGER NOT NULL,
            uses INTEGER NOT NULL DEFAULT 0, revoked_at TEXT
        ) WITHOUT ROWID;
        -- how far the journal has been applied, by partition
        CREATE TABLE partitions (partition TEXT PRIMARY KEY, seq INTEGER NOT NULL, at TEXT NOT NULL) WITHOUT ROWID;
    """,
    "0002_receipts": """
        -- what was sent with a client_id, in the order of arrival, so that the oldest are found without an index
        CREATE TABLE receipts (
            "partition" TEXT NOT NULL, actor TEXT NOT NULL, client_id TEXT NOT NULL, subject TEXT NOT NULL, until TEXT NOT NULL,
            outcome TEXT
        );
        CREATE UNIQUE INDEX receipts_by_client_id ON receipts ("partition", actor, client_id);
        INSERT INTO receipts SELECT channel_id, author_id, client_id,
            CASE WHEN closes IS NULL THEN 'post' ELSE 'close ' || parent_id END,
            strftime('%Y-%m-%dT%H:%M:%fZ', created_at, '+1 day'), id
            FROM messages WHERE client_id IS NOT NULL AND created_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day');
        DROP INDEX messages_by_client_id;
        -- the channel's logical clock: at or above that of all its messages
        ALTER TABLE channels ADD COLUMN clock INTEGER NOT NULL DEFAULT 0;
        UPDATE channels SET clock = coalesce((SELECT max(lamport) FROM messages WHERE channel_id = channels.id), 0);
    """,
    "0003_questions": """
        -- terms: what else was asked (rows.Terms). next_at: when the first of deadline, reminder and escalation is due
        ALTER TABLE questions ADD COLUMN kind TEXT NOT NULL DEFAULT 'question';
        ALTER TABLE questions ADD COLUMN terms TEXT;
        ALTER TABLE questions ADD COLUMN batch_id TEXT;
        ALTER TABLE questions ADD COLUMN digest TEXT;
        ALTER TABLE questions ADD COLUMN next_at TEXT;
        -- as asked: the seconds, and who. closing_id: the message that closed it
        ALTER TABLE questions ADD COLUMN timeout REAL;
        ALTER TABLE questions ADD COLUMN asked_to TEXT;
        ALTER TABLE questions ADD COLUMN closing_id TEXT;
        CREATE INDEX questions_due ON questions (next_at) WHERE state = 'open' AND next_at IS NOT NULL;
        CREATE INDEX questions_by_batch ON questions (channel_id, asker_id, batch_id) WHERE batch_id IS NOT NULL;
        ALTER TABLE channels ADD COLUMN archived_by TEXT;
        UPDATE questions SET asked_to = "to", next_at = CASE
            WHEN channel_id IN (SELECT id FROM channels WHERE archived) THEN '1970-01-01T00:00:00.000Z' ELSE deadline_at END;
        CREATE TABLE approvals (
            id TEXT PRIMARY KEY, channel_id TEXT NOT NULL, agent_id TEXT NOT NULL, action TEXT NOT NULL,
            by_id TEXT NOT NULL, by_name TEXT NOT NULL, created_at TEXT NOT NULL, UNIQUE (channel_id, agent_id, action)
        ) WITHOUT ROWID;
        CREATE TABLE snoozes (
            message_id TEXT NOT NULL, participant_id TEXT NOT NULL, channel_id TEXT NOT NULL, until TEXT NOT NULL,
            PRIMARY KEY (message_id, participant_id)
        ) WITHOUT ROWID;
        CREATE INDEX snoozes_by_participant ON snoozes (participant_id);
        CREATE TABLE audit (
            channel_id TEXT NOT NULL, seq INTEGER NOT NULL, at TEXT NOT NULL, action TEXT NOT NULL,
            by_id TEXT NOT NULL, by_name TEXT NOT NULL, message_id TEXT, agent_id TEXT, origin TEXT, saw TEXT, detail TEXT,
            PRIMARY KEY (channel_id, seq)
        ) WITHOUT ROWID;
        CREATE INDEX audit_by_message ON audit (channel_id, message_id, seq) WHERE message_id IS NOT NULL;
    """,
    "0004_control": """
        -- what is wanted of agents, beside the log, though their seq is the journal's too
        CREATE TABLE intents (
            channel_id TEXT NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL UNIQUE, agent_id TEXT NOT NULL, kind TEXT NOT NULL,
            by_id TEXT NOT NULL, by_name TEXT NOT NULL, created_at TEXT NOT NULL, text TEXT, acknowledged_at TEXT,
            PRIMARY KEY (channel_id, seq)
        ) WITHOUT ROWID;
        CREATE INDEX intents_pending ON intents (channel_id, agent_id, seq) WHERE acknowledged_at IS NULL;
        -- what an agent last said of its run, in a channel
        CREATE TABLE controls (
            channel_id TEXT NOT NULL, agent_id TEXT NOT NULL, state TEXT NOT NULL, run TEXT, at TEXT NOT NULL,
            PRIMARY KEY (channel_id, agent_id)
        ) WITHOUT ROWID;
        -- what was posted of messages whose author was lost in the making of them
        CREATE TABLE halves (
            channel_id TEXT NOT NULL, author_id TEXT NOT NULL, stream TEXT NOT NULL, message_id TEXT NOT NULL, at TEXT NOT NULL,
            PRIMARY KEY (channel_id, author_id, stream)
        ) WITHOUT ROWID;
    """,
}


def migrate(db: sqlite3.Connection, path: str) -> None:
    """Brings the schema up to date.

    Raises: NewerDatabase if a step that this version does not know was applied.
    """
    known = set(STEPS)
    try:
        applied = {name for (name,) in db.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'agentchat'")}
    except sqlite3.OperationalError:
        applied = set()
    if applied - known:
        raise NewerDatabase(
            f"The database {path} was written by a newer jupyter_agentchat ({', '.join(sorted(applied - known))}): "
            "upgrade with `pip install -U jupyter_agentchat`, or name another --store."
        )
    if applied == known:
        return  # sqlite_utils takes 100 ms to import: a server start does not pay it
    import sqlite_utils
    from sqlite_utils.migrations import Migrations

    steps = Migrations("agentchat")
    for name, script in STEPS.items():
        steps(name=name, transactional=True)(_step(script))
    steps.apply(sqlite_utils.Database(db))


def _step(script: str):  # type: ignore[no-untyped-def] # sqlite_utils has no public name for the type
    def run(db) -> None:  # type: ignore[no-untyped-def] # as above
        for statement in script.split(";"):
            if statement.strip():
                db.execute(statement)

    return run
