"""How much of anything a hub takes: every bound, in one place, set like any Jupyter option (``--Limits.rate=100``)."""

from __future__ import annotations

from traitlets import Float, Int
from traitlets.config import Configurable


class Limits(Configurable):
    """What is past a limit is refused with a reason and ``retry_after``, or told ``lagged``; nothing accepted is dropped."""

    rate = Float(
        2_000.0,
        min=0.001,
        help="Commands a second that one participant may send for long; one counts for each 4 KiB of it. Past it: 429.",
    ).tag(config=True)
    burst = Int(20_000, min=1, help="Commands that one participant may send at once, before `rate` counts.").tag(config=True)
    queue_commands = Int(20_000, min=1, help="Commands that may wait for the disk. Past it: 503, overloaded.").tag(config=True)
    queue_bytes = Int(64 * 1024 * 1024, min=1, help="Bytes that may wait for the disk. Past it: 503, overloaded.").tag(
        config=True
    )
    send_buffer_bytes = Int(
        1024 * 1024,
        min=4096,
        help="Bytes that wait in a connection whose peer does not read. A channel that goes on meanwhile, beyond what the hub"
        " keeps at hand, is told `lagged`.",
    ).tag(config=True)
    connections = Int(2_000, min=1, help="WebSockets and event streams of one participant at a time. Past it: 429.").tag(
        config=True
    )
    dedup_window = Float(
        86_400.0, min=0.1, help="Seconds for which a client_id is remembered at least, so that a repeated command is told."
    ).tag(config=True)
    presence_grace = Float(
        10.0, min=0.0, help="Seconds after its last connection for which a participant still counts as present."
    ).tag(config=True)
    signals_per_second = Float(
        20.0, min=0.1, help="Signals a second of one sender and kind in a channel that are passed on; of more, the newest."
    ).tag(config=True)
