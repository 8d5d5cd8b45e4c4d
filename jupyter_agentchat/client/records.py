"""What an agent hands out: a list of messages, a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from ..protocol import InviteReply, Message

if TYPE_CHECKING:
    import pandas as pd


class History(list[Message]):
    """Messages in seq order. In a notebook it shows as a transcript."""

    def to_pandas(self) -> pd.DataFrame:
        """One row a message, one column a field of `Message` (``created_at`` as a time in UTC), in seq order.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas as pd

        columns = list(Message.__struct_fields__)
        rows: list[dict[str, Any]] = [msgspec.to_builtins(message) for message in self]
        frame: pd.DataFrame = pd.DataFrame(rows, columns=columns)
        frame["created_at"] = pd.to_datetime(frame["created_at"], utc=True)
        return frame

    def __repr__(self) -> str:
        lines = [f"{message.seq:>6} {message.created_at[:19]} {message.author_name}: {message.content}" for message in self]
        return "\n".join([self._title(), *lines])

    def _repr_html_(self) -> str:
        from ..notebook import transcript

        return transcript.html(self._title(), self)

    def _repr_markdown_(self) -> str:
        from ..notebook import transcript

        return transcript.markdown(self._title(), self)

    def _title(self) -> str:
        return f"{len(self)} message{'' if len(self) == 1 else 's'}"


class Invite(str):
    """The link that lets a human into the channel; the string is the url. ``expires_at``: RFC 3339, UTC."""

    __slots__ = ("expires_at", "token")

    expires_at: str
    token: str

    @classmethod
    def of(cls, reply: InviteReply) -> Invite:
        invite = cls(reply.invite_url)
        invite.expires_at, invite.token = reply.expires_at, reply.token
        return invite

    def _repr_markdown_(self) -> str:
        return f"[{self}]({self}) (until {self.expires_at})"
