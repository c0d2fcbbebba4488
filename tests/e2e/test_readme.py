"""The README from the first command to the last, as somebody who reads it types it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.server import GATEHOUSE, running_server
from tests.saml.provider import TestProvider

ROOT = Path(__file__).parents[2]


def commands_under(title: str) -> list[str]:
    """The blocks of commands of a section, but for what makes ``.venv`` the one of the shell."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"\n\n((?:    .*\n)+)", section)
    return [dedent(block) for block in blocks if "bin/activate" not in block]


@pytest.fixture
def shell(tmp_path):
    """Run commands beside a server that was started for the first time; return how they ended."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed (Debian: scripts/install-test-packages.sh).")
    (tmp_path / "okta-metadata.xml").write_bytes(TestProvider().metadata())
    with running_server("", tmp_path / "data", GATEHOUSE_SECRET_KEY="") as server:
        env = server.env | {"PATH": f"{GATEHOUSE.parent}:{server.env['PATH']}"}

        def run(commands: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["sh", "-ec", commands], cwd=tmp_path, env=env, capture_output=True, text=True
            )

        yield run


def test_a_provider_is_connected_as_the_readme_says(shell):
    said, token = "", ""
    for block in commands_under("Connect a provider"):
        run = shell(block.replace("TOKEN=gh_…", f"TOKEN={token}"))
        assert run.returncode == 0, f"{block}\n{run.stdout}{run.stderr}"
        token = (re.findall(r"gh_[\w-]+", run.stdout) or [token])[0]
        said += run.stdout
    assert '"status":"201"' in said and '"status":"400"' not in said
    assert "allowed" in said and "Designers" in said
    assert shell("gatehouse check Main ada@example.com asset.edit /").returncode == 1
    assert shell("gatehouse check Main nobody@example.com asset.edit /Brand").returncode == 2
