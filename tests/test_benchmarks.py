"""The benchmarks run. What they measure is no test: it depends on the machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def test_the_assertion_consumer_is_measured():
    run = subprocess.run(
        [sys.executable, BENCHMARKS / "assertion_consumer.py", "--rounds", "2"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode in (0, 1), run.stderr
    assert "Gatehouse: the whole request" in run.stdout
    assert "pysaml2, stock" in run.stdout
    assert "the target is 0.2" in run.stdout
