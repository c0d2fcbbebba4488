"""May this person do this here, and why? Every answer comes from the grants as they stand."""

from __future__ import annotations

from dataclasses import dataclass

from app.access.grants import HeldGrant, grants_reaching
from app.access.permissions import ACCOUNT_ACTIONS, ACTIONS, FOLDER_ACTIONS
from app.store.types import now


class UnknownAction(ValueError):
    """The action is none that Gatehouse knows. The message lists those it knows."""

    def __init__(self, action: str) -> None:
        super().__init__(f"Unknown action {action!r}. Known: {', '.join(sorted(ACTIONS))}.")


@dataclass(frozen=True)
class Decision:
    """An answer, with the grants that decided it, nearest folder first."""

    allowed: bool
    action: str
    because: tuple[HeldGrant, ...]

    def in_words(self) -> str:
        """Return one sentence a person can act on."""
        if not self.allowed:
            return f"No grant gives {self.action} here."
        grant = self.because[0]
        where = "the account" if grant.depth is None else _above(grant.depth)
        via = f", through the group {grant.group_name}" if grant.group_name else ""
        return f"{grant.role_name} on {where}{via} ({grant.origin}, by {grant.granted_by})."


def check(account_id: str, user_id: str, action: str, folder_id: str | None) -> Decision:
    """Decide whether a user may do an action, on a folder or (account actions) on the account.

    An unknown user, an inactive one and an unknown folder are answered with no.

    :raises UnknownAction: When the action is none that exists.
    """
    if action not in ACTIONS:
        raise UnknownAction(action)
    if action in FOLDER_ACTIONS and folder_id is None:
        return Decision(False, action, ())
    held = grants_reaching(account_id, user_id, folder_id, now())
    deciding = [grant for grant in held if action in grant.permissions]
    deciding.sort(key=lambda grant: (grant.depth is None, grant.depth, grant.id))
    return Decision(bool(deciding), action, tuple(deciding))


def permissions_on(account_id: str, user_id: str, folder_id: str) -> frozenset[str]:
    """Return every folder action the user may do on the folder."""
    held = grants_reaching(account_id, user_id, folder_id, now())
    return frozenset().union(*(grant.permissions for grant in held)) & FOLDER_ACTIONS


def account_roles(account_id: str, user_id: str) -> list[HeldGrant]:
    """Return the roles the user holds on the account, directly or through groups."""
    return grants_reaching(account_id, user_id, None, now())


def may_administer(account_id: str, user_id: str) -> bool:
    """Tell whether the user holds any account action, and so has business in the console."""
    return any(grant.permissions & ACCOUNT_ACTIONS for grant in account_roles(account_id, user_id))


def _above(depth: int) -> str:
    if depth == 0:
        return "this folder"
    return "the folder above" if depth == 1 else f"a folder {depth} levels above"
