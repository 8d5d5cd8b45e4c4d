"""Where panels stand in a notebook: one live panel a channel, under the cell that showed or asked last.

Displays are sent by the thread that runs the cell: the caller's, for the blocking `Agent` too.
"""

from __future__ import annotations

import sys
import uuid
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
    question_id: str | None = None
    has_view: bool = False
    """Whether the output holds the widget's view now."""
    display_id: str = field(default_factory=lambda: uuid.uuid4().hex)


_live: dict[str, Shown] = {}
"""The live panel of each channel id. Of the module, not the agent: a re-run cell makes a new Agent on the same channel."""


placed: WeakSet[Panel] = WeakSet()
"""Panels that their user asked for and that no cell displayed by itself (yet)."""


def show(panel: Panel) -> None:
    """Displays the panel under the current cell; a panel that stood elsewhere becomes its transcript."""
    scene = panel.scene
    placed.discard(panel)
    _retire(scene.channel_id)
    shown = _live[scene.channel_id] = Shown(scene, panel, kernel.cell(), panel.question_id)
    _publish(shown, widget=True)


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
        if shown.panel is not None:
            shown.panel.question_id, shown.panel.page_url = question_id, scene.page_url
        if not shown.has_view:
            _publish(shown, widget=True, update=True)
    elif kernel.headless():
        _retire(scene.channel_id)
        shown = _live[scene.channel_id] = Shown(scene, None, kernel.cell(), question_id)
        _publish(shown)
    else:
        from .panel import Panel

        show(Panel(scene, question_id))


def closed(scene: Scene) -> None:
    """A question closed: the output holds the transcript from now on, without the widget view, which nbconvert prefers."""
    shown = _live.get(scene.channel_id)
    if kernel.kernel() is None or shown is None:
        return
    shown.scene = scene
    _publish(shown, update=True)


def _retire(channel_id: str) -> None:
    shown = _live.pop(channel_id, None)
    if shown is not None:
        _publish(shown, update=True, live=False)


def _publish(shown: Shown, *, widget: bool = False, update: bool = False, live: bool = True) -> None:
    from IPython import display

    scene = shown.scene
    page_url = scene.page_url if live else None
    title = f"Chat in {scene.channel_name}"
    messages = scene.transcript()
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
