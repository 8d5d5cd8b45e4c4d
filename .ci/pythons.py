"""Prints the lowest and the newest Python (3.10 or later) that is installed, other than the one that runs this."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path


def installed() -> dict[tuple[int, int], str]:
    """(major, minor) → a working interpreter: from the PATH, and pyenv's versions, which its PATH hides."""
    names = [f"python3.{minor}" for minor in range(10, 20)]
    candidates = [path for name in names if (path := shutil.which(name))]
    candidates += [str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))]
    found: dict[tuple[int, int], str] = {}
    for path in candidates:
        command = [path, "-c", "import venv, ensurepip, sys; print(sys.version)"]
        said = subprocess.run(command, capture_output=True, text=True, check=False)  # one that does not run is none
        if said.returncode == 0 and (match := re.match(r"3\.(\d+)", said.stdout)) and int(match[1]) >= 10:
            found.setdefault((3, int(match[1])), path)
    return found


versions = installed()
ends = {min(versions), max(versions)} if versions else set()
print("\n".join(versions[version] for version in sorted(ends) if version != sys.version_info[:2]))
