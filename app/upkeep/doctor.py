"""A check-up: everything that may be amiss with an installation is looked at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from app.settings import Settings
from app.store.database import db
from app.upkeep.checks import Check, Finding, accounts, database, machine, work

ON_THE_MACHINE: dict[str, Check] = {
    "settings": machine.settings_are_known,
    "address": machine.address,
    "files": machine.secret_key_file,
    "disk": machine.disk,
    "mail": machine.mail_server,
}
OF_THE_DATABASE: dict[str, Check] = {"database": database.reachable}
"""What must be well for the others to make sense."""
IN_THE_DATABASE: dict[str, Check] = {
    "secret key": database.secret_key,
    "damage": database.whole,
    "durability": database.durable,
    "clock": database.clock,
    "signing keys": database.signing_keys,
    "administrators": accounts.administrators,
    "certificates": accounts.certificates,
    "folder tree": accounts.folders,
    "audit log": accounts.audit_log,
    "background jobs": work.jobs,
    "operations": work.operations,
    "events": work.events,
}
log = structlog.get_logger("gatehouse")


@dataclass(frozen=True)
class Result:
    """What one check has found."""

    check: str
    findings: list[Finding]

    @property
    def state(self) -> str:
        """``ok``, ``warning`` or ``problem``, whichever is worst."""
        states = {each.state for each in self.findings}
        return next((each for each in ("problem", "warning") if each in states), "ok")


def examine(settings: Settings) -> Iterator[Result]:
    """Return what each check finds, one after the other, as it is found."""
    for name, check in ON_THE_MACHINE.items():
        yield _result(name, check, settings)
    can_go_on = True
    for name, check in OF_THE_DATABASE.items():
        result = _result(name, check, settings)
        can_go_on &= result.state == "ok"
        yield result
    for name, check in IN_THE_DATABASE.items() if can_go_on else ():
        yield _result(name, check, settings)


def _result(name: str, check: Check, settings: Settings) -> Result:
    try:
        return Result(name, list(check(settings)))
    except Exception as error:  # One that cannot look must not keep the others from it.
        log.error("check failed", check=name, exc_info=error)
        reason = f"It cannot be looked at: {type(error).__name__}: {error}"
        return Result(name, [Finding("problem", reason, "The log says more; please report it.")])
    finally:
        db.session.rollback()
