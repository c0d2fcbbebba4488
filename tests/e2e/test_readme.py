"""The README from the first command to the last, as somebody who reads it types it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from tests.e2e.server import GATEHOUSE, running_server
from tests.saml.provider import TestProvider

ROOT = Path(__file__).parents[2]


def commands_under(title: str, name: str = "README.md") -> list[str]:
    """The blocks of commands of a section, but for what makes ``.venv`` the one of the shell."""
    page = (ROOT / name).read_text(encoding="utf-8")
    section = ("\n" + page.partition(f"# {title}\n")[2]).partition("\n## ")[0]
    blocks = re.findall(r"\n\n((?:    .*\n)+)", section)
    return [dedent(block) for block in blocks if "bin/activate" not in block]


@pytest.fixture
def shell(tmp_path):
    """Run commands beside a server that was started for the first time; return how they ended."""
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


def test_the_admin_api_is_asked_as_its_page_says(shell):
    block = commands_under("The admin API", "docs/api.md")[0]
    create, rest = block.split("\n", 1)
    token = re.search(r"gh_[\w-]+", shell(create).stdout)[0]
    rest = rest.replace("gh_…", token).replace("http://127.0.0.1:8000", "$GATEHOUSE_PUBLIC_URL")
    run = shell(rest)
    assert '"items"' in run.stdout, run.stdout + run.stderr


def test_events_are_polled_as_their_page_says(shell):
    (block,) = commands_under("Poll (RFC 8936)", "docs/events.md")
    add, secret, poll, ask = block.split("\n", 3)
    printed = shell(add).stdout
    values = {line.split(":", 1)[0]: line.split()[1] for line in printed.splitlines()[:2]}
    rest = f"{secret}\n{poll}\n{ask}".replace("…", values["Secret"], 1)
    run = shell(rest.replace("POLL=…", f"POLL={values['Poll']}"))
    assert '"sets":{"' in run.stdout, run.stdout + run.stderr
