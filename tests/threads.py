"""Several writes at the same time, as several processes would make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from flask import Flask

from app.store.database import db


def at_once(app: Flask, calls: Sequence[tuple[Callable, Any]]) -> list[Exception | None]:
    """Call each function with its argument, all at the same moment; return what each raised."""
    start = Barrier(len(calls))

    def run(call: Callable, argument: Any) -> Exception | None:
        with app.app_context():
            start.wait(timeout=10)
            try:
                call(argument)
            except Exception as error:
                return error
            finally:
                db.session.remove()
        return None

    db.session.rollback()
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: run(*call), calls))
