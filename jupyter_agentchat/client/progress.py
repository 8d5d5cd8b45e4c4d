"""Progress that humans see: what `track` counts, and a twin of tqdm's bars."""

from __future__ import annotations

import operator
import time
import weakref
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sized
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TextIO, TypeVar

from .runs import shown
from .signals import EVERY, activity, ended, length

if TYPE_CHECKING:
    from .link import Link

T = TypeVar("T")


class Count:
    """How far a loop is. Its thread counts, and never looks at a clock; the agent's event loop looks at this now and then."""

    __slots__ = ("done", "over")

    def __init__(self) -> None:
        self.done = 0
        self.over = False


def watch(link: Link, look: Callable[[], dict[str, Any] | None]) -> None:
    """Tells the progress that ``look`` gives, as it changes, also while one item takes long; until it gives None.

    From any thread; ``look`` is called on the agent's event loop.
    """

    def see(told: dict[str, Any] | None) -> None:
        said = look()
        if said is None or link.conversation.state == "closed":
            return
        if said != told:
            link.signals.say("progress", said)
        link.later(EVERY, partial(see, said))

    link.soon(partial(see, None))


def begin(link: Link, text: str, total: float | None) -> Count:
    """A count that humans see."""
    count = Count()
    watch(link, lambda: None if count.over else activity(text, count.done, total)[1])
    return count


def finish(link: Link, count: Count, text: str, total: float | None, complete: bool) -> None:
    """Its last word; ``complete``: all of them are done."""
    count.over = True
    link.soon(partial(link.signals.say, "progress", ended(text, count.done, total, complete)))


def tracked(link: Link, items: Iterable[T], text: str, total: float | None) -> Iterator[T]:
    """What `Agent.track` gives."""
    count, complete = begin(link, text, total), False
    try:
        for place, item in enumerate(items, 1):
            yield item
            count.done = place
        complete = True
    finally:
        finish(link, count, text, total, complete)


class Bars:
    """``tqdm = agent.tqdm``: called as `tqdm.tqdm` is. A bar inside another's loop says which it is in."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def __call__(
        self,
        iterable: Iterable[T] | None = None,
        desc: str | None = None,
        total: float | None = None,
        *ignored: Any,
        disable: bool | None = False,
        initial: float = 0,
        postfix: Mapping[str, Any] | str | None = None,
        **also_ignored: Any,
    ) -> Bar[T]:
        """A bar over the iterable, or one that `Bar.update` moves. What says how tqdm draws is ignored: humans see it in the
        panel."""
        return Bar(self._link, iterable, desc, total, disable=bool(disable), initial=initial, postfix=postfix)

    def trange(self, *args: int, **options: Any) -> Bar[int]:
        """As `tqdm.trange`: a bar over a `range`."""
        return self(range(*args), **options)

    @staticmethod
    def write(s: str, file: TextIO | None = None, end: str = "\n", nolock: bool = False) -> None:
        """Prints; there is no bar on the screen to be in its way."""
        print(s, file=file, end=end)


class Bar(Generic[T]):
    """One bar. It ends with its loop, by `close`, or when nothing refers to it any more."""

    def __init__(
        self,
        link: Link,
        iterable: Iterable[T] | None,
        desc: str | None,
        total: float | None,
        *,
        disable: bool,
        initial: float,
        postfix: Mapping[str, Any] | str | None,
    ) -> None:
        self._link = link
        self._closed = True  # until all of it is there: for `__del__`
        self.iterable: Any = iterable
        self.desc = desc or ""
        self.total = length(iterable, total)
        self.n = initial
        self.disable = disable
        self.postfix = ""
        self.start_t = time.time()
        if isinstance(postfix, Mapping):
            self.set_postfix(postfix, refresh=False)
        elif postfix is not None:
            self.postfix = str(postfix)
        if not disable:
            self._open()

    def __repr__(self) -> str:
        of = "" if self.total is None else f" of {self.total}"
        return f"<Bar {self.desc or 'of ' + type(self.iterable).__name__!s}: {self.n}{of}>"

    def __iter__(self) -> Iterator[T]:
        if self.iterable is None:
            raise TypeError("This bar has no iterable: move it with update(), or give it one.")
        if self._closed:
            yield from self.iterable
            return
        began, complete = self.n, False
        try:
            for place, item in enumerate(self.iterable, 1):
                yield item
                self.n = began + place
            complete = True
        finally:
            self._end(complete)

    def update(self, n: float | None = 1) -> bool | None:
        """``n`` more are done."""
        if not self._closed:
            self.n += 1 if n is None else n
        return None

    def close(self) -> None:
        """Ends the bar: what is done by then is all."""
        self._end(complete=True)

    def reset(self, total: float | None = None) -> None:
        """Begins again from 0."""
        self.n = 0
        if total is not None:
            self.total = length(None, total)
        if self._closed and not self.disable:
            self._open()

    def set_description(self, desc: str | None = None, refresh: bool | None = True) -> None:
        """What is counted."""
        self.desc = desc or ""
        if refresh:
            self.refresh()

    set_description_str = set_description

    def set_postfix(self, ordered_dict: Mapping[str, Any] | None = None, refresh: bool | None = True, **kwargs: Any) -> None:
        """Values to show beside it: ``bar.set_postfix(loss=0.2)``."""
        values = {**(ordered_dict or {}), **kwargs}
        self.set_postfix_str(", ".join(f"{name}={shown(value)}" for name, value in values.items()), refresh)

    def set_postfix_str(self, s: str = "", refresh: bool | None = True) -> None:
        """The same, as text."""
        self.postfix = str(s)
        if refresh:
            self.refresh()

    def refresh(self, nolock: bool = False, lock_args: Any = None) -> bool:
        """Tells how it stands now, or a tenth of a second after it was told last."""
        if self._closed:
            return False
        self._link.soon(partial(self._link.signals.say, "progress", self._said()))
        return True

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """As `refresh`."""
        return self.refresh()

    def clear(self, nolock: bool = False) -> None:
        """Nothing is drawn here, so there is nothing to clear."""

    def unpause(self) -> None:
        """No rate is shown, so no pause counts in it."""

    def __len__(self) -> int:
        if isinstance(self.iterable, Sized):
            return len(self.iterable)
        if hasattr(self.iterable, "__length_hint__"):
            return operator.length_hint(self.iterable)
        if self.total is None:
            raise TypeError("This bar's length is not known: give total=.")
        return int(self.total)

    def __bool__(self) -> bool:
        if self.total is not None:
            return self.total > 0
        if self.iterable is None:
            raise TypeError("bool() of a bar without a total and an iterable is not defined.")
        return bool(self.iterable)

    def __contains__(self, item: object) -> bool:
        return item in (self.iterable if isinstance(self.iterable, Container) else iter(self))

    def __reversed__(self) -> Iterator[T]:
        forwards = self.iterable
        self.iterable = reversed(forwards)
        try:
            yield from self
        finally:
            self.iterable = forwards

    def __enter__(self) -> Bar[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end(complete=kind is None)

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            self._end(complete=False)

    # ------------------------------------------------------------------ inside

    def _open(self) -> None:
        self._closed = False
        self._link.bars.append(weakref.ref(self))
        reference = weakref.ref(self)

        def look() -> dict[str, Any] | None:
            bar = reference()
            return bar._said() if bar is not None and not bar._closed else None

        watch(self._link, look)

    def _said(self) -> dict[str, Any]:
        return activity(self._text(), self.n, self.total)[1]

    def _text(self) -> str:
        outer: list[str] = []
        for reference in list(self._link.bars):
            bar = reference()
            if bar is self:
                break
            if bar is None:
                continue
            outer.append(f"{bar.desc} {shown(bar.n)}{'' if bar.total is None else f'/{shown(bar.total)}'}".strip())
        own = ": ".join(filter(None, (self.desc, self.postfix))) or "working"
        return " > ".join([*outer, own])

    def _end(self, complete: bool) -> None:
        if self._closed:
            return
        said = ended(self._text(), self.n, self.total, complete)
        self._closed = True
        self._link.bars[:] = [reference for reference in self._link.bars if reference() not in (None, self)]
        self._link.soon(partial(self._link.signals.say, "progress", said))
