"""Several processes count those who ask much together, once a second, behind their requests."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from app.background import Background

if TYPE_CHECKING:
    from flask import Flask

EVERY = 1.0
"""Seconds."""
log = structlog.get_logger("gatehouse")


def start(app: Flask) -> Background:
    """Tell and hear, in a thread, until it is told to end."""
    from app.directory.request_counts import Exchange

    exchange = Exchange()

    def work(stop: threading.Event) -> None:
        while not stop.wait(EVERY):
            with app.app_context():
                try:
                    exchange.once()
                except Exception as error:  # The database may be away; each counts for itself.
                    log.error("requests not counted together", exc_info=error)

    return Background("gatehouse-limits", work)
