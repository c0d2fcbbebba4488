"""The lines of libraries have our form too."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from app.logs import _line

SCRIPT = """
import logging
from app.factory import create_app
app = create_app(faces=False)
with app.test_request_context():
    logging.getLogger("some.library").info("all is well")
    app.logger.error("something failed", exc_info=ValueError("why"))
logging.getLogger("some.library").warning("a %s thing", "strange")
"""


@pytest.mark.parametrize("value", ["\ud800", 2**70])
def test_a_line_is_written_whatever_it_holds(value):
    assert json.loads(_line({"event": "x", "value": value}))["value"] == value


def test_a_librarys_warnings_are_json_lines(tmp_path):
    """In a process of its own: pytest has taken over the logging of this one."""
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"GATEHOUSE_DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
    )
    failure, warning = map(json.loads, result.stderr.splitlines())
    assert (failure["event"], failure["level"]) == ("something failed", "error")
    assert "ValueError: why" in failure["exception"] and failure["request_id"]
    assert (warning["event"], warning["logger"]) == ("a strange thing", "some.library")
    assert "request_id" not in warning
