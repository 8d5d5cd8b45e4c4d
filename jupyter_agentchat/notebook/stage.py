"""Where panels stand in a notebook: one live panel a channel, under the cell that showed or asked last.

What a panel leaves behind when it moves on is its own part of the conversation, as it stood then: so the notebook, read from
top to bottom, tells everything once, each cell what was said while its panel stood there.

Displays are sent by the thread that runs the cell: the caller's, for the blocking `Agent` too.
"""

from __future__ import annotations

import sys
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import msgspec

from ..protocol import PANEL_MIME, Message, PanelData
from . import kernel, transcript

if TYPE_CHECKING:
    from .panel import Panel, Scene


@dataclass
class Shown:
    """One output that holds a panel."""

    scene: Scene
    panel: Panel | None
    """The widget; None where nobody could use it (a headless run)."""
    cell: str | None
    after: int
    """The seq behind which its part of the conversation begins."""
    question_id: str | None = None
    asked: set[str] = field(default_factory=set)
    """The questions of this cell: told here even if they were asked before (and taken up)."""
    has_view: bool = False
    """Whether the output holds the widget's view now."""
    display_id: str = field(default_factory=lambda: uuid.uuid4().hex)


_live: dict[str, Shown] = {}
"""The live panel of each channel id. Of the module, not the agent: a re-run cell makes a new Agent on the same channel."""


_told: dict[str, int] = {}
"""Up to which seq of each channel the panels that moved on have told the conversation."""

_waiting: deque[tuple[Shown, int]] = deque(maxlen=100)
"""Outputs that a panel left while a question of theirs was open, and how far they tell: each is written anew at its answer."""

placed: WeakSet[Panel] = WeakSet()
"""Panels that their user asked for and that no cell displayed by itself (yet)."""


def show(panel: Panel) -> None:
    """Displays the panel under the current cell; a panel that stood elsewhere becomes its transcript."""
    scene = panel.scene
    placed.discard(panel)
    _retire(scene.channel_id)
    _stand(scene, panel, panel.question_id)


def _stand(scene: Scene, panel: Panel | None, question_id: str | None) -> None:
    shown = Shown(scene, panel, kernel.cell(), _told.get(scene.channel_id, 0), question_id)
    if question_id:
        shown.asked.add(question_id)
    _live[scene.channel_id] = shown
    _publish(shown, widget=panel is not None)


def asked(scene: Scene, message: Message) -> None:
    """A question was asked: the cell that asks gets a panel, unless it has one. A script says on stderr where to answer."""
    question_id = message.id
    if kernel.kernel() is None:
        if scene.page_url and message.question and message.question.state == "open":
            sys.stderr.write(f"{message.author_name} asks: {message.content}\nAnswer at {scene.page_url}\n")
        return
    shown = _live.get(scene.channel_id)
    if any(panel.channel_id == scene.channel_id and panel.connection == "live" for panel in placed):
        return  # the user has put one where they want it: in a VBox, a dashboard
    if shown is not None and shown.cell == kernel.cell():
        shown.scene, shown.question_id = scene, question_id
        shown.asked.add(question_id)
        if shown.panel is not None:
            shown.panel.question_id, shown.panel.page_url = question_id, scene.page_url
        if not shown.has_view:
            _publish(shown, widget=True, update=True)
        return
    _retire(scene.channel_id, before=message)
    panel = None
    if not kernel.headless():
        from .panel import Panel

        panel = Panel(scene, question_id)
        placed.discard(panel)
    _stand(scene, panel, question_id)


def closed(scene: Scene) -> None:
    """A question closed: the output holds the transcript from now on, without the widget view, which nbconvert prefers."""
    if kernel.kernel() is None:
        return
    shown = _live.get(scene.channel_id)
    if shown is not None:
        shown.scene = scene
        _publish(shown, update=True)
    for left, last in list(_waiting):
        if not _open(left):
            _waiting.remove((left, last))
            _publish(left, update=True, live=False, up_to=last)


def _open(shown: Shown) -> bool:
    """Whether a question of its cell still waits for an answer."""
    asked = [message.question for message in shown.scene.transcript() if message.id in shown.asked]
    return any(question is not None and question.state == "open" for question in asked)


def _retire(channel_id: str, before: Message | None = None) -> None:
    """Leaves what was said here so far; ``before`` is the question with which the next cell begins."""
    shown = _live.pop(channel_id, None)
    if shown is not None:
        last = max((message.seq for message in shown.scene.transcript()), default=0)
        if before is not None and before.seq > shown.after:  # else it was asked long ago, and is taken up
            last = min(last, before.seq - 1)
        _publish(shown, update=True, live=False, up_to=last)
        _told[channel_id] = max(last, _told.get(channel_id, 0))
        if _open(shown):
            _waiting.append((shown, last))


def _part(shown: Shown, up_to: int | None) -> list[Message]:
    """What a panel's transcript tells: what was said since the one before it, and its questions with their answers."""
    return [
        message
        for message in shown.scene.transcript()
        if (message.seq > shown.after and (up_to is None or message.seq <= up_to))
        or message.id in shown.asked
        or (message.closes is not None and message.closes.question_id in shown.asked)
    ]


def _publish(shown: Shown, *, widget: bool = False, update: bool = False, live: bool = True, up_to: int | None = None) -> None:
    from IPython import display

    scene = shown.scene
    page_url = scene.page_url if live else None
    title = f"Chat in {scene.channel_name}"
    messages = _part(shown, up_to)
    bundle: dict[str, Any] = {
        "text/plain": f"<Panel of {scene.channel_name!r}>",
        "text/markdown": transcript.markdown(title, messages, page_url),
        "text/html": transcript.html(title, messages, page_url),
    }
    shown.has_view = False
    if live and not kernel.headless():
        panel_data = PanelData(scene.channel_id, scene.channel_name, shown.question_id, page_url)
        bundle[PANEL_MIME] = msgspec.to_builtins(panel_data)
        if widget and shown.panel is not None:
            bundle.update(shown.panel.view())
            shown.has_view = True
    publish: Callable[..., None] = display.publish_display_data
    publish(bundle, transient={"display_id": shown.display_id}, update=update)
