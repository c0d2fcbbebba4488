"""The benchmarks run. What they measure is no test: it depends on the machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_the_assertion_consumer_is_measured():
    if shutil.which("xmlsec1") is None:
        pytest.skip("xmlsec1 is not installed (Debian: scripts/install-test-packages.sh).")
    run = subprocess.run(
        [sys.executable, BENCHMARKS / "assertion_consumer.py", "--rounds", "2"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode in (0, 1), run.stderr
    assert "Gatehouse: the whole request" in run.stdout
    assert "of it: the transaction" in run.stdout
    assert "pysaml2, stock" in run.stdout
    assert "the target is 0.2" in run.stdout


def test_the_pages_of_the_console_are_measured():
    run = subprocess.run(
        [sys.executable, BENCHMARKS / "console_pages.py", "--rounds", "1", "--part", "1000"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode in (0, 1), run.stderr
    assert "/sign-in-rules" in run.stdout
    assert "the target is 150 ms" in run.stdout


def test_an_import_is_measured_and_its_result_looked_at():
    sizes = ("--people", "600", "--there", "100", "--groups", "50")
    run = subprocess.run(
        [sys.executable, BENCHMARKS / "imports.py", *sizes, "--database", "sqlite"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode in (0, 1), run.stderr
    assert "once more" in run.stdout
    assert "the target is 3000 new people a second" in run.stdout


def test_what_is_missing_is_said(tmp_path):
    run = subprocess.run(
        [sys.executable, BENCHMARKS / "assertion_consumer.py"],
        capture_output=True,
        text=True,
        timeout=300,
        env={"PATH": str(tmp_path)},
    )
    assert run.returncode == 1
    assert "xmlsec1" in run.stderr and "Traceback" not in run.stderr
