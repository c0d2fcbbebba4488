"""Recovery codes: for the day the other factors are lost. Shown once, stored hashed, good once."""

from __future__ import annotations

import base64
import re
import secrets

from sqlalchemy import delete, func, insert, select, update

from app.directory.work import Work
from app.security.secrets import digest
from app.store.database import db
from app.store.models import RecoveryCode
from app.store.types import new_id

COUNT = 10
FEW = 3
"""With no more than these left it is time for new ones."""
GROUPS, GROUP_LENGTH = 4, 5
"""Letters of base32, of 5 random bits each: 100 in all."""
_FORM = re.compile(f"[a-z2-7]{{{GROUPS * GROUP_LENGTH}}}")


def renew(work: Work, user_id: str) -> list[str]:
    """Make new codes in place of all a user has, and return them."""
    forget(work, user_id)
    codes = [_new_code() for _ in range(COUNT)]
    rows = [
        {
            "account_id": work.account_id,
            "id": new_id(),
            "user_id": user_id,
            "hash": digest(plain(code)),
            "created_at": work.at,
        }
        for code in codes
    ]
    db.session.execute(insert(RecoveryCode), rows)
    return codes


def use(work: Work, user_id: str, text: str) -> bool:
    """Use up a code, and return whether it was one of the user's not used before."""
    code = plain(text)
    if not _FORM.fullmatch(code):
        return False
    query = (
        update(RecoveryCode)
        .where(
            RecoveryCode.account_id == work.account_id,
            RecoveryCode.user_id == user_id,
            RecoveryCode.hash == digest(code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=work.at)
        .returning(RecoveryCode.id)
    )
    return db.session.scalar(query) is not None


def left(account_id: str, user_id: str) -> int:
    """Return how many codes a user has that are not used."""
    query = select(func.count()).where(
        RecoveryCode.account_id == account_id,
        RecoveryCode.user_id == user_id,
        RecoveryCode.used_at.is_(None),
    )
    return db.session.scalar(query) or 0


def forget(work: Work, user_id: str) -> None:
    """Delete all codes of a user."""
    db.session.execute(
        delete(RecoveryCode).where(
            RecoveryCode.account_id == work.account_id, RecoveryCode.user_id == user_id
        )
    )


def plain(text: str) -> str:
    """Return a code as it is compared: however it was written down."""
    return re.sub(r"[\s-]+", "", text).lower()


def _new_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(13)).decode().lower()
    parts = range(0, GROUPS * GROUP_LENGTH, GROUP_LENGTH)
    return "-".join(letters[start : start + GROUP_LENGTH] for start in parts)
