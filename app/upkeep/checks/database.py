"""The database, its clock, and whether the secret key is the one it was written with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlalchemy import func, literal_column, select, text
from sqlalchemy.exc import SQLAlchemyError

from app.settings import Settings, file_of
from app.store.database import db, is_current
from app.store.models import AuditEvent, SigningKey
from app.store.types import now
from app.upkeep import inspection
from app.upkeep.checks import Findings, problem, warning

NAMED = 5
"""So many of those that something is wrong with are named."""
APART = timedelta(seconds=5)
"""So far two clocks may be apart: sign-ins are good for minutes, one-time codes for seconds."""
SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
"""How PostgreSQL keeps what it has acknowledged, whatever happens to the machine."""
SAFE_ENOUGH = ("on", "local", "remote_write", "remote_apply")


def reachable(_settings: Settings) -> Findings:
    """It answers, and its tables are those of this version. Without it no more can be looked at."""
    try:
        if not is_current():
            yield problem("The tables are not those of this version.", "Run: gatehouse db upgrade")
    except SQLAlchemyError as error:
        said = str(getattr(error, "orig", error)).splitlines()
        yield problem(
            f"The database cannot be used: {said[0] if said else type(error).__name__}",
            "Check GATEHOUSE_DATABASE_URL, and that the database runs and may be reached.",
        )


def whole(_settings: Settings) -> Findings:
    """The file is not damaged, as far as SQLite can tell."""
    for damage in inspection.damages():
        yield problem(f"The database is damaged: {damage}", "Restore a backup (docs/disaster.md).")


def durable(_settings: Settings) -> Findings:
    """What was acknowledged outlives a power cut."""
    if db.engine.dialect.name != "postgresql":
        return
    for name, wanted in SAFE.items():
        value = db.session.scalar(text(f"SHOW {name}"))
        if value != wanted and not (name == "synchronous_commit" and value in SAFE_ENOUGH):
            yield problem(
                f"PostgreSQL's {name} is {value}: acknowledged changes may be lost.",
                f"Set {name} = {wanted} in postgresql.conf.",
            )


def clock(settings: Settings) -> Findings:
    """Everybody has the same time: this machine, the database, and what was written before."""
    before = now()
    theirs = _time_of_database(settings)
    if theirs < before - APART or theirs > now() + APART:
        yield problem(
            f"The clocks differ: {before:%H:%M:%S} here, {theirs:%H:%M:%S} where the database is.",
            "Let both follow a time server (NTP): sign-ins depend on it.",
        )
    newest = db.session.scalar(select(func.max(AuditEvent.at)))
    if newest is not None and newest > now() + APART:
        yield problem(
            f"The audit log has an event of {newest:%Y-%m-%d %H:%M:%S}, which is to come: the "
            "clock was put back, or was wrong.",
            "Let every machine follow a time server (NTP).",
        )


def _time_of_database(settings: Settings) -> datetime:
    """Return the time where the database is: PostgreSQL's, or that of the disk of SQLite's file."""
    if db.engine.dialect.name == "postgresql":
        found = db.session.scalar(select(literal_column("clock_timestamp()")))
        assert isinstance(found, datetime)
        return found
    path = file_of(settings.resolved_database_url)
    with NamedTemporaryFile(dir=path and path.parent, prefix=".gatehouse-clock-") as file:
        file.write(b"?")
        file.flush()
        changed = Path(file.name).stat().st_mtime
    return datetime.fromtimestamp(changed, UTC)


def secret_key(settings: Settings) -> Findings:
    """The secret key opens what is stored."""
    found = inspection.opened(settings.secret_key)
    if any(found) and (lost := inspection.lost_connection_keys(settings.secret_key)):
        names = ", ".join(f"{connection!r} of {account!r}" for account, connection in lost[:NAMED])
        more = f" and {len(lost) - NAMED} more" if len(lost) > NAMED else ""
        yield problem(
            f"Our key was sealed with another secret key, at {names}{more}.",
            "Bring that secret key back; if it is lost, for each: gatehouse connection key "
            "ACCOUNT CONNECTION announce, then use, then forget (docs/disaster.md).",
        )
    elif reason := inspection.what_is_wrong(found):
        yield problem(
            reason,
            "Set GATEHOUSE_SECRET_KEY to the one it was made with, or put the file secret_key "
            "back; if it is lost: docs/disaster.md.",
        )


def signing_keys(_settings: Settings) -> Findings:
    """The keys that sign for applications are replaced now and then."""
    newest = db.session.scalar(select(func.max(SigningKey.created_at)))
    if newest is not None and newest < now() - timedelta(days=365):
        yield warning(
            f"The key that signs for applications is of {newest:%Y-%m-%d}.",
            "Run: gatehouse key rotate (applications notice nothing).",
        )
