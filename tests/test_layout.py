"""The house stands as it was drawn: imports run one way, files stay readable in one sitting."""

from __future__ import annotations

from pathlib import Path

from importlinter.cli import lint_imports

PROJECT = Path(__file__).parents[1]
LONGEST_FILE = 400


def test_imports_run_one_way(monkeypatch, capsys):
    monkeypatch.chdir(PROJECT)
    assert lint_imports(cache_dir=None) == 0, capsys.readouterr().out


def test_no_file_is_too_long_to_read_in_one_sitting():
    for package in ("app", "scim", "saml"):
        for path in (PROJECT / package).rglob("*.py"):
            if "migrations" not in path.parts:
                assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE, path
