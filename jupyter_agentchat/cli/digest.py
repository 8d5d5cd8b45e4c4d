"""``jupyter agentchat digest``: are two workspaces the same, row by row?"""

from __future__ import annotations

import json
import sys
from typing import Any, ClassVar

from jupyter_core.application import JupyterApp
from traitlets import Bool, Unicode

from .. import __version__
from ..errors import ChatError


class DigestApp(JupyterApp):
    """Prints a digest of a workspace's state, a line for each channel and table; reads only, also while a hub is at work.

    Two stores that applied the same commands in the same order print the same.
    """

    name = "jupyter agentchat digest"
    description = __doc__
    version = __version__
    examples = """
        jupyter agentchat digest --store sqlite:///team.db
        jupyter agentchat digest --json
    """

    store = Unicode("", help="sqlite:///path.db. Default: in Jupyter's data directory.").tag(config=True)
    json = Bool(False, help='Print JSON: {"<channel or directory>/<table>": "<sha256>"}.').tag(config=True)

    aliases: ClassVar[dict[str, str]] = {"store": "DigestApp.store"}  # type: ignore[misc] # traitlets declares it an instance's
    flags: ClassVar[dict[str, Any]] = {"json": ({"DigestApp": {"json": True}}, "Print JSON.")}  # type: ignore[misc] # as above

    def start(self) -> None:
        super().start()
        from ..server.ownership import default_store
        from ..state.digest import digest_of
        from ..state.store import path_of

        try:
            found = digest_of(path_of(self.store) if self.store else default_store())
        except ChatError as error:
            print(f"jupyter agentchat digest: {error.message}", file=sys.stderr)  # noqa: T201 (a command line's own output)
            self.exit(1)
        text = json.dumps(found, indent=2) if self.json else "\n".join(f"{value}  {name}" for name, value in found.items())
        print(text)  # noqa: T201 (as above)
