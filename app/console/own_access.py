"""What a person may see and do, with the reasons, as a page of theirs shows it."""

from __future__ import annotations

from dataclasses import dataclass

from app.access.decisions import Decision, account_roles, check_many
from app.access.folders import VISIBLE, folders_visible_to
from app.access.grants import HeldGrant

SHOWN = 100
"""How many folders the page shows at the most."""


@dataclass(frozen=True)
class SharedFolder:
    path: str
    roles: tuple[str, ...]
    reasons: tuple[str, ...]
    """One sentence for each grant that lets the person see it, the nearest first."""


@dataclass(frozen=True)
class OwnAccess:
    role_reasons: tuple[str, ...]
    """One sentence for each role held on the account."""
    folders: tuple[SharedFolder, ...]
    more: bool
    """Whether there are more folders than these."""


def access_of(account_id: str, user_id: str) -> OwnAccess:
    """Return what the account shares with a user."""
    visible = folders_visible_to(account_id, user_id, limit=SHOWN + 1)
    shown = visible[:SHOWN]
    decided = check_many(account_id, [(user_id, VISIBLE, folder.id) for folder in shown])
    folders = (
        SharedFolder(folder.path, folder.roles, _reasons(decision.because))
        for folder, decision in zip(shown, decided, strict=True)
    )
    return OwnAccess(
        role_reasons=_reasons(account_roles(account_id, user_id)),
        folders=tuple(folders),
        more=len(visible) > SHOWN,
    )


def _reasons(grants: tuple[HeldGrant, ...] | list[HeldGrant]) -> tuple[str, ...]:
    """Say of each grant what it gives, as if it alone had decided."""
    return tuple(Decision(True, VISIBLE, (grant,)).in_words() for grant in grants)
