"""The inline chat panel: an ipywidget, and the one mime bundle under a cell that every front end finds its part of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import anywidget
import traitlets

from ..protocol import Message
from . import stage

_SCRIPT = Path(__file__).parents[1] / "static" / "widget.js"
_NOT_BUILT = """
export default { render({ el }) {
  el.textContent = "The chat panel's script is not part of this checkout: run `make build`, restart the kernel. "
    + "Questions can still be answered on the agent's page (agent.invite()).";
} };
"""


class Scene(Protocol):
    """What a panel shows of its agent."""

    @property
    def channel_id(self) -> str: ...

    @property
    def channel_name(self) -> str: ...

    @property
    def page_url(self) -> str | None:
        """Where a browser may answer, if there is no Jupyter server to do it."""

    def transcript(self) -> list[Message]:
        """The messages since the agent joined, and every question it took up."""


class Panel(anywidget.AnyWidget):
    """The conversation of one channel, live. The last expression of a cell displays it; it also goes into a VBox.

    Its traits are data for the front end, never a secret: which channel, which question, and the page where a browser may
    answer too. ``connection`` is the panel's own, as the front end tells it (``live``, ``retrying``, ``unreachable`` …);
    empty until it is drawn.
    """

    _esm = _SCRIPT if _SCRIPT.is_file() else _NOT_BUILT

    channel_id = traitlets.Unicode().tag(sync=True)
    channel_name = traitlets.Unicode().tag(sync=True)
    question_id = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    page_url = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    connection = traitlets.Unicode().tag(sync=True)

    def __init__(self, scene: Scene, question_id: str | None = None) -> None:
        super().__init__(
            channel_id=scene.channel_id,
            channel_name=scene.channel_name,
            question_id=question_id,
            page_url=scene.page_url,
        )
        self.scene = scene
        stage.placed.add(self)

    def __repr__(self) -> str:
        return f"<Panel of {self.channel_name!r}>"

    def _ipython_display_(self) -> None:
        stage.show(self)

    def view(self) -> dict[str, Any]:
        """The widget's part of a mime bundle."""
        bundle: Any = self._repr_mimebundle_()
        mimetype = "application/vnd.jupyter.widget-view+json"
        return {mimetype: bundle[0][mimetype]} if bundle else {}
