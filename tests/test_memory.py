"""What a server does without: nothing is missing when it is wanted after all."""

from __future__ import annotations

import subprocess
import sys

from app import memory

LOGS_WITHOUT_RICH = """
import sys
from app import memory
memory.log_without_colours()
import structlog
structlog.get_logger().info("it logs")
assert not {"rich", "pygments"} & sys.modules.keys()
import rich.table
memory.log_without_colours()
assert "rich" in sys.modules
"""


def test_logs_are_written_without_what_draws_them_and_it_can_be_had_later():
    done = subprocess.run(
        [sys.executable, "-c", LOGS_WITHOUT_RICH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "it logs" in done.stdout


def test_what_is_large_is_given_back_where_the_system_can():
    memory.give_back()
    assert len(bytearray(2 * memory.LARGE)) == 2 * memory.LARGE
