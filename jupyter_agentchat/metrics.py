"""What a hub counts, as Prometheus reads it at ``/metrics``. Labels hold no ids, and nothing that anyone wrote.

One process has one set: in Jupyter they stand beside Jupyter's own.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
HUMAN_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600, 7 * 24 * 3600)

POST_DURABLE = Histogram("agentchat_post_durable_seconds", "From a message's arrival to its being durable.", buckets=SECONDS)
POST_DELIVERED = Histogram(
    "agentchat_post_delivered_seconds",
    "From a message's arrival to its hand-over to connections.",
    buckets=SECONDS,
)
POST_ACKED = Histogram("agentchat_post_acked_seconds", "From a message's arrival to a reader's ack.", buckets=HUMAN_SECONDS)
QUESTION_ANSWERED = Histogram("agentchat_question_answered_seconds", "From a question to its answer.", buckets=HUMAN_SECONDS)
FSYNC = Histogram("agentchat_fsync_seconds", "A commit: the time in which the disk says that it has a batch.", buckets=SECONDS)
BATCH = Histogram("agentchat_batch_commands", "Commands in one commit.", buckets=(1, 2, 5, 10, 25, 50, 100, 250, 1000, 5000))

COMMANDS = Counter("agentchat_commands_total", "Commands that were applied, by kind.", ["kind"])
REPEATED = Counter("agentchat_repeated_commands_total", "Posts and enrolments that came again and changed nothing.")
REFUSALS = Counter("agentchat_refusals_total", "Calls and frames that were refused, by the error's code.", ["code"])
LAGS = Counter("agentchat_lags_total", "Times that a connection which does not read was told `lagged`.")
SIGNALS = Counter("agentchat_signals_total", "Signals that came in, by kind.", ["kind"])
SIGNALS_DROPPED = Counter("agentchat_signals_dropped_total", "Signals not passed on: coalesced, or a reader was busy.")

QUEUE_COMMANDS = Gauge("agentchat_queue_commands", "Commands that wait for the disk now.")
QUEUE_BYTES = Gauge("agentchat_queue_bytes", "Bytes of content that wait for the disk now.")
CONNECTIONS = Gauge("agentchat_connections", "Readers now, by door.", ["door"])
"""``door``: websocket, events (SSE), poll."""
