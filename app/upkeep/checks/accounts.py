"""What is in the accounts: who may administer them, certificates, the tree, the audit log."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from sqlalchemy import select

from app.directory import accounts, admins, audit_check, tree_check
from app.lists import pending
from app.saml_parts import saml_part
from app.settings import Settings
from app.store.database import db
from app.store.models import Connection
from app.store.types import now
from app.upkeep import inspection
from app.upkeep.checks import Finding, Findings, problem, warning
from app.upkeep.checks.work import LATE


def administrators(_settings: Settings) -> Findings:
    """Every account has somebody who may do everything."""
    for account_id, name in accounts.listed():
        kept = admins.master_admin(account_id)
        if kept < 2:
            lack = "no active master admin" if not kept else "no master admin without an end"
            yield (warning if kept else problem)(
                f"Account {name!r} has {lack}.",
                f"Run: gatehouse admin create EMAIL --account {name!r}",
            )


def certificates(_settings: Settings) -> Findings:
    """No certificate of a SAML connection ends soon; metadata can be read."""
    for account_id, account in accounts.listed():
        query = select(Connection.id, Connection.name, Connection.problem).where(
            Connection.account_id == account_id, Connection.kind == "saml", Connection.enabled
        )
        rows = db.session.execute(query).all()
        endings = saml_part("expiry").endings_of(account_id, [row.id for row in rows])
        for row in rows:
            which = f"connection {row.name!r} of account {account!r}"
            for ending in endings.get(row.id, ()):
                yield _ending(which, ending.whose, ending.not_after)
            if row.problem:
                yield warning(
                    f"The metadata of {which} cannot be read: {row.problem}",
                    "Run: gatehouse connection renew-metadata --help",
                )


def _ending(which: str, whose: str, not_after: datetime) -> Finding:
    is_over = not_after <= now()
    if whose == "provider":
        what = "The provider's certificate"
        fix = "Have the provider renew it, then read its metadata anew (connection renew-metadata)."
    else:
        what = "Our certificate"
        fix = "Replace our key without a gap: gatehouse connection key --help"
    verb = "ended on" if is_over else "ends on"
    reason = f"{what} of {which} {verb} {not_after:%Y-%m-%d}."
    return (problem if is_over else warning)(reason, fix)


def folders(_settings: Settings) -> Findings:
    """What decisions read of the folder tree is what the tree says."""
    for account_id, name in accounts.listed():
        report = tree_check.check(account_id)
        if not report.is_right:
            yield problem(
                f"The tree of account {name!r} is wrong: {report.missing} pairs missing, "
                f"{report.extra} too many, such as of folder {report.example}.",
                f"Run: gatehouse folder verify {name!r} --repair",
            )


def audit_log(settings: Settings) -> Findings:
    """Nobody has changed the audit log, and it is being sealed."""
    key_is_wrong = cache(lambda: inspection.wrong_key(settings.secret_key) is not None)
    for account_id, name in accounts.listed():
        findings = audit_check.check(account_id).findings
        if audit_check.WRONG_KEY in findings and key_is_wrong():
            # Nobody is to be blamed for it.
            findings.remove(audit_check.WRONG_KEY)
            yield warning(
                f"Audit log of account {name!r}: no seal can be checked with this secret key.",
                "See the check of the secret key.",
            )
        if not findings:
            continue
        more = f" ({len(findings)} findings)" if len(findings) > 1 else ""
        yield problem(
            f"Audit log of account {name!r}: {findings[0]}{more}.",
            f"Run: gatehouse audit verify {name!r}; find out who may write to the database, and "
            "compare with a backup. If the secret key was lost and replaced, no seal of before "
            "fits any more (docs/disaster.md).",
        )
    unsealed = pending.unsealed_events()
    if unsealed.age > LATE:
        yield problem(
            f"{unsealed.count} audit events wait for their seal, the oldest since "
            f"{unsealed.oldest:%Y-%m-%d %H:%M} UTC.",
            "Run: gatehouse jobs run; if that helps, see to it that gatehouse serve runs.",
        )
