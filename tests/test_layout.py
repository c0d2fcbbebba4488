"""The import directions that pyproject.toml states are kept."""

from __future__ import annotations

from pathlib import Path

from importlinter.cli import lint_imports

PROJECT = Path(__file__).parents[1]


def test_imports_run_one_way(monkeypatch, capsys):
    monkeypatch.chdir(PROJECT)
    assert lint_imports(cache_dir=None) == 0, capsys.readouterr().out
