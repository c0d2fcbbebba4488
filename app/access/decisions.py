"""May this person do this here, and why? Every answer comes from the grants as they stand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.access.grants import (
    HeldGrant,
    grants_reaching,
    permissions_in,
    permissions_reaching,
)
from app.access.many import grants_reaching_each
from app.access.permissions import ACCOUNT_ACTIONS, ACTIONS, FOLDER_ACTIONS, role_named
from app.store.types import now
from app.words import Said, say

QUESTIONS_LIMIT = 1000
"""How many questions are answered at once."""

SURFACES = {"scim": "SCIM", "saml": "SAML"}
"""Where providers' grants come from, in words."""

Question = tuple[str, str, str | None]
"""Whether this user may do this action on this folder; no folder: on the account."""


class UnknownAction(ValueError):
    """The action is none that Gatehouse knows. The message lists those it knows."""

    def __init__(self, action: str) -> None:
        super().__init__(
            say(
                "Unknown action %(action)r. Known: %(known)s.", action=action, known=sorted(ACTIONS)
            )
        )


@dataclass(frozen=True)
class Decision:
    """An answer, with the grants that decided it, nearest folder first."""

    allowed: bool
    action: str
    because: tuple[HeldGrant, ...]

    def in_words(self) -> Said:
        """Return one sentence a person can act on."""
        if not self.allowed:
            return say("No grant gives %(action)s here.", action=self.action)
        grant = self.because[0]
        told = {
            "role": role_named(grant.role_name),
            "where": say("the account") if grant.depth is None else _above(grant.depth),
            "how": given_by(grant),
        }
        if not grant.group_name:
            return say("%(role)s on %(where)s, %(how)s.", **told)
        return say(
            "%(role)s on %(where)s, through the group %(group)s, %(how)s.",
            group=grant.group_name,
            **told,
        )


def given_by(grant: HeldGrant) -> Said:
    """Return by whom a grant was given, and how, to stand in a sentence."""
    by = grant.granted_by
    if grant.origin == "mapping":
        return say("by a mapping after a change by %(by)s", by=by)
    if grant.origin in SURFACES:
        return say("by %(by)s over %(surface)s", by=by, surface=SURFACES[grant.origin])
    return say("by %(by)s", by=by)


def check(account_id: str, user_id: str, action: str, folder_id: str | None) -> Decision:
    """Decide whether a user may do an action, on a folder or (account actions) on the account.

    An unknown user, an inactive one and an unknown folder are answered with no.

    :raises UnknownAction: When the action is none that exists.
    """
    check_action(action)
    if action in FOLDER_ACTIONS and folder_id is None:
        return Decision(False, action, ())
    return _decided(action, grants_reaching(account_id, user_id, folder_id, now()))


def is_allowed(account_id: str, name: str, action: str, folder_id: str | None) -> bool:
    """Decide as :func:`check` does, without what decided it, in one statement.

    :param name: The id of a user, or their userName in any case. An id goes before a userName
        that is the same.
    :raises UnknownAction: When the action is none that exists.
    """
    check_action(action)
    if action in FOLDER_ACTIONS and folder_id is None:
        return False
    return action in permissions_reaching(account_id, name, folder_id, now())


def check_many(account_id: str, questions: Sequence[Question]) -> list[Decision]:
    """Decide many questions as :func:`check` does, in the order they are asked.

    How many statements it takes does not depend on how many are asked.

    :raises ValueError: When there are more than ``QUESTIONS_LIMIT``.
    :raises UnknownAction: When an action is none that exists.
    """
    if len(questions) > QUESTIONS_LIMIT:
        raise ValueError(f"more than {QUESTIONS_LIMIT} questions at once")
    for _, action, _ in questions:
        check_action(action)
    places = {(user_id, folder_id) for user_id, _, folder_id in questions}
    held = grants_reaching_each(account_id, places, now()) if places else {}
    return [
        Decision(False, action, ())
        if action in FOLDER_ACTIONS and folder_id is None
        else _decided(action, held[user_id, folder_id])
        for user_id, action, folder_id in questions
    ]


def check_action(action: str) -> None:
    """Refuse what is no action.

    :raises UnknownAction: When there is none of this name.
    """
    if action not in ACTIONS:
        raise UnknownAction(action)


def deciding(action: str, held: Iterable[HeldGrant]) -> tuple[HeldGrant, ...]:
    """Return those of the grants that permit an action, the nearest first."""
    found = [grant for grant in held if action in grant.permissions]
    found.sort(key=lambda grant: (grant.depth is None, grant.depth, grant.id))
    return tuple(found)


def _decided(action: str, held: Iterable[HeldGrant]) -> Decision:
    because = deciding(action, held)
    return Decision(bool(because), action, because)


def permissions_on(account_id: str, user_id: str, folder_id: str) -> frozenset[str]:
    """Return every folder action the user may do on the folder."""
    return permissions_in(grants_reaching(account_id, user_id, folder_id, now())) & FOLDER_ACTIONS


def account_roles(account_id: str, user_id: str) -> list[HeldGrant]:
    """Return the roles the user holds on the account, directly or through groups."""
    return grants_reaching(account_id, user_id, None, now())


def may_administer(account_id: str, user_id: str) -> bool:
    """Tell whether the user holds any account action, and so has business in the console."""
    return any(grant.permissions & ACCOUNT_ACTIONS for grant in account_roles(account_id, user_id))


def _above(depth: int) -> Said:
    if depth == 0:
        return say("this folder")
    if depth == 1:
        return say("the folder above")
    return say("a folder %(depth)s levels above", depth=depth)
