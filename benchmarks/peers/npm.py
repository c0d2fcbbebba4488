"""Peers that come from npm: installed once, outside of the tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
MINUTES = 15


class PeerMissing(Exception):
    """This peer cannot be measured here; the message says why."""


def versions(name: str) -> dict[str, str]:
    """The packages of this peer and their versions, as its package.json names them."""
    found: dict[str, str] = json.loads((HERE / name / "package.json").read_text())["dependencies"]
    return found


def server(name: str) -> list[str]:
    """The command that starts this peer, installing what it needs on first use.

    Raises PeerMissing when there is no node or npm, or npm fails.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise PeerMissing("node and npm are not installed")
    folder = _cache() / name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / name / "server.mjs", folder)  # node looks for packages beside the file
    wanted = (HERE / name / "package.json").read_text()
    installed = folder / "installed.json"
    if not installed.exists() or installed.read_text() != wanted:
        (folder / "package.json").write_text(wanted)
        _install(npm, name, folder)
        installed.write_text(wanted)
    return [node, str(folder / "server.mjs")]


def _install(npm: str, name: str, folder: Path) -> None:
    print(f"Installing {name} from npm into {folder}; this takes minutes.", file=sys.stderr)
    try:
        subprocess.run(
            [npm, "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=folder,
            check=True,
            timeout=MINUTES * 60,
            stdout=sys.stderr,
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise PeerMissing(f"npm install failed ({error})") from None


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "gatehouse-benchmarks"
