"""How long the database is waited for: never for ever, so that every request is answered."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL

LONGEST_CONNECT = 5
"""How long connecting may take at the most, in seconds."""
PREPARE = "prepare_threshold"
"""The parameter of a URL that says the how manieth time a statement is prepared on the server.
``none``: never, as there is no saying on which server connection PgBouncer runs the next one."""
STATEMENT = 4
"""How many times as long as for others a statement may take itself: it may have much to do."""


def engine_options(url: URL, seconds: int) -> dict[str, Any]:
    """Return the options of an engine that gives up after some seconds.

    What the URL says itself is left as it is.
    """
    options: dict[str, Any] = {"pool_timeout": seconds} if url.database else {}
    if url.get_backend_name() == "postgresql":
        ours = _of_libpq(seconds) | _preparing(url)
        options["connect_args"] = {
            k: v for k, v in ours.items() if k not in url.query or k == PREPARE
        }
    return options


def statements(backend: str, seconds: int) -> list[str]:
    """Return what a new connection is told.

    They are statements, as PgBouncer takes no ``options`` when a connection begins.
    """
    if backend == "sqlite":
        return [f"PRAGMA busy_timeout={seconds * 1000}"]
    return [
        f"SET lock_timeout='{seconds}s'",
        f"SET statement_timeout='{seconds * STATEMENT}s'",
        # Somebody whose process stands still, or whose machine is gone, holds no lock for ever.
        f"SET idle_in_transaction_session_timeout='{seconds * STATEMENT}s'",
    ]


def _preparing(url: URL) -> dict[str, int | None]:
    """Return what the URL says of preparing statements on the server, as the driver takes it."""
    times = url.query.get(PREPARE)
    if times is None:
        return {}
    return {PREPARE: int(times) if isinstance(times, str) and times.isdigit() else None}


def _of_libpq(seconds: int) -> dict[str, int | None]:
    """Return how PostgreSQL's driver finds out that the server, or the way to it, has gone."""
    return {
        "connect_timeout": max(2, min(seconds, LONGEST_CONNECT)),
        "tcp_user_timeout": seconds * 1000,
        "keepalives_idle": seconds,
        "keepalives_interval": max(1, seconds // 3),
        "keepalives_count": 3,
    }
