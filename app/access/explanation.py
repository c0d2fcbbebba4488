"""Why somebody may do this here, or what is missing: in words, and as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from app.access.decisions import check
from app.access.grants import HeldGrant, grants_near
from app.access.membership import chains_of
from app.access.permissions import ACCOUNT_ACTIONS, FOLDER_ACTIONS
from app.access.tree import Step, path_of, reaching, ways_up
from app.store.database import db
from app.store.models import User
from app.store.types import now


@dataclass(frozen=True)
class GivenRole:
    """One grant, and how it comes to the user."""

    grant: HeldGrant
    folder_path: str | None
    """Where it was given; None: on the account."""
    chain: tuple[str, ...]
    """Names of the groups it comes through, the user's own first; none: given directly."""

    @property
    def role_and_place(self) -> str:
        return f"{self.grant.role_name} on {self.folder_path or 'the account'}"

    def in_words(self, user_name: str) -> str:
        grant = self.grant
        if self.chain:
            how = f"because {user_name} is in {' in '.join(self.chain)}"
        else:
            how = f"given to {user_name} directly"
        by = f"by {grant.granted_by} ({grant.origin}) at {iso(grant.created_at)}"
        since = f", from {iso(grant.not_before)}" if grant.not_before else ""
        until = f", until {iso(grant.expires_at)}" if grant.expires_at else ""
        why = f', for the reason "{grant.reason}"' if grant.reason else ""
        return f"{self.role_and_place}, {how}, {by}{since}{until}{why}."

    def as_data(self) -> dict[str, Any]:
        grant = self.grant
        return {
            "grant_id": grant.id,
            "role": {"id": grant.role_id, "name": grant.role_name},
            "folder": grant.folder_id and {"id": grant.folder_id, "path": self.folder_path},
            "group": grant.group_id and {"id": grant.group_id, "name": grant.group_name},
            "through": list(self.chain),
            "origin": grant.origin,
            "granted_by": grant.granted_by,
            "granted_at": iso(grant.created_at),
            "reason": grant.reason,
            "not_before": grant.not_before and iso(grant.not_before),
            "expires_at": grant.expires_at and iso(grant.expires_at),
        }


@dataclass(frozen=True)
class Obstacle:
    """One thing in the way of a yes."""

    kind: str
    """``unknown_user``, ``inactive_user``, ``unknown_folder``, ``needs_folder``, ``not_begun``,
    ``expired``, ``cut_off``, ``lacks_action`` or ``no_grant``."""
    sentence: str
    given: GivenRole | None = None
    """The grant that would do, were it not for this; or that does not permit the action."""

    def as_data(self) -> dict[str, Any]:
        given = self.given and self.given.as_data()
        return {"kind": self.kind, "sentence": self.sentence, "grant": given}


@dataclass(frozen=True)
class Explanation:
    """A decision, with every grant that decided it, or else with all that is in the way."""

    allowed: bool
    action: str
    user_id: str
    user_name: str | None
    folder_id: str | None
    folder_path: str | None
    because: tuple[GivenRole, ...] = ()
    missing: tuple[Obstacle, ...] = ()

    def sentences(self) -> list[str]:
        """Return the reasons, one sentence each."""
        if self.allowed:
            return [each.in_words(self.user_name or "") for each in self.because]
        return [each.sentence for each in self.missing]

    def as_data(self) -> dict[str, Any]:
        """Return all of it as JSON has it."""
        folder = self.folder_id and {"id": self.folder_id, "path": self.folder_path}
        return {
            "allowed": self.allowed,
            "action": self.action,
            "user": {"id": self.user_id, "user_name": self.user_name},
            "folder": folder,
            "because": [each.as_data() for each in self.because],
            "missing": [each.as_data() for each in self.missing],
            "sentences": self.sentences(),
        }


def explain(account_id: str, user_id: str, action: str, folder_id: str | None) -> Explanation:
    """Decide as :func:`app.access.decisions.check` does, and say why.

    At most seven statements, whatever the size of the account.

    :raises UnknownAction: When the action is none that exists.
    """
    decision = check(account_id, user_id, action, folder_id)
    is_user = (User.account_id == account_id) & (User.id == user_id)
    user = db.session.execute(select(User.user_name, User.active).where(is_user)).first()
    way = [] if folder_id is None else ways_up(account_id, [folder_id]).get(folder_id, [])
    found = Explanation(
        decision.allowed,
        action,
        user_id,
        user.user_name if user else None,
        folder_id,
        path_of(way) if way else None,
    )
    if decision.allowed:
        because = _given_roles(account_id, user_id, decision.because, way)
        return replace(found, because=tuple(because))
    return replace(found, missing=tuple(_missing(account_id, found, user, way)))


def iso(at: datetime) -> str:
    """Return a time as people and programs read it: ``2026-03-01T09:30:00Z``."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _given_roles(
    account_id: str, user_id: str, grants: Iterable[HeldGrant], way: Sequence[Step]
) -> list[GivenRole]:
    """Return how grants come to the user, the nearest first."""
    depths: dict[str | None, int] = {step.id: depth for depth, step in enumerate(way)}
    found = sorted(grants, key=lambda grant: (depths.get(grant.folder_id, len(way)), grant.id))
    through_groups = any(grant.group_id for grant in found)
    chains = chains_of(account_id, user_id) if through_groups else {}
    return [
        GivenRole(
            grant,
            path_of(way[depths[grant.folder_id] :]) if grant.folder_id else None,
            chains.get(grant.group_id, ()) if grant.group_id else (),
        )
        for grant in found
        if grant.folder_id is None or grant.folder_id in depths
    ]


def _missing(account_id: str, asked: Explanation, user: Any, way: Sequence[Step]) -> list[Obstacle]:
    """Return what is in the way: what keeps anything from counting, or grant by grant."""
    if user is None:
        return [Obstacle("unknown_user", "There is no such user.")]
    if not user.active:
        sentence = f"{user.user_name} is not active, so nothing given to them counts."
        return [Obstacle("inactive_user", sentence)]
    if asked.folder_id is not None and not way:
        return [Obstacle("unknown_folder", "There is no such folder.")]
    if asked.folder_id is None and asked.action in FOLDER_ACTIONS:
        sentence = f"{asked.action} is done on a folder, and none is named."
        return [Obstacle("needs_folder", sentence)]
    grants = grants_near(account_id, asked.user_id, [step.id for step in way])
    if asked.action in ACCOUNT_ACTIONS:
        grants = [grant for grant in grants if grant.scope == "account"]
    given_roles = _given_roles(account_id, asked.user_id, grants, way)
    found = [each for given in given_roles for each in _obstacles(asked.action, given, way)]
    return found or [_nothing_given(asked, user.user_name)]


def _obstacles(action: str, given: GivenRole, way: Sequence[Step]) -> list[Obstacle]:
    """Return why a grant does not do; nothing if it is not worth telling."""
    grant, at, found = given.grant, now(), []
    reached = reaching(way)
    is_cut_off = grant.folder_id is not None and grant.folder_id not in {
        step.id for step in reached
    }
    begins_later = grant.not_before is not None and grant.not_before > at
    is_over = grant.expires_at is not None and grant.expires_at <= at
    if action not in grant.permissions:
        if not (is_cut_off or begins_later or is_over):
            sentence = f"{given.role_and_place} does not permit {action}."
            found.append(Obstacle("lacks_action", sentence, given))
        return found
    if grant.not_before is not None and begins_later:
        sentence = f"{given.role_and_place} begins at {iso(grant.not_before)}."
        found.append(Obstacle("not_begun", sentence, given))
    if grant.expires_at is not None and is_over:
        sentence = f"{given.role_and_place} ended at {iso(grant.expires_at)}."
        found.append(Obstacle("expired", sentence, given))
    if is_cut_off:
        barrier = path_of(way[len(reached) - 1 :])
        sentence = f"{given.role_and_place} does not reach here: {barrier} is restricted."
        found.append(Obstacle("cut_off", sentence, given))
    return found


def _nothing_given(asked: Explanation, user_name: str) -> Obstacle:
    where = "on the account"
    if asked.folder_path is not None and asked.action in FOLDER_ACTIONS:
        where = f"on {asked.folder_path}, on a folder above it or on the account"
    sentence = f"Neither {user_name} nor a group of theirs has a role {where} that permits it."
    return Obstacle("no_grant", sentence)
