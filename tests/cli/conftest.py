"""Runs the ``gatehouse`` command in this process, on a fresh database."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from app.cli import cli
from tests.conftest import shared_app


@pytest.fixture
def gatehouse(database_url):
    """Run the command and return its result; ``json=True`` asks for JSON and decodes it."""

    def run(*args: str, exit_code: int = 0):
        result = CliRunner().invoke(cli, args, obj=lambda **_: run.app)
        assert result.exit_code == exit_code, result.output
        if "--json" in args and exit_code == 0:
            return json.loads(result.stdout)
        return result

    with shared_app(database_url) as run.app:
        yield run
