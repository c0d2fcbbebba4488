"""Why somebody may do this here, or what is missing: in words, and as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from sqlalchemy import select

from app.access.decisions import check, given_by
from app.access.grants import HeldGrant, grants_near
from app.access.membership import chains_of
from app.access.permissions import ACCOUNT_ACTIONS, FOLDER_ACTIONS, role_named
from app.access.tree import Step, path_of, reaching, ways_up
from app.store.database import db
from app.store.models import User
from app.store.types import now
from app.words import Said, iso, say


@dataclass(frozen=True)
class GivenRole:
    """One grant, and how it comes to the user."""

    grant: HeldGrant
    folder_path: str | None
    """Where it was given; None: on the account."""
    chain: tuple[str, ...]
    """Names of the groups it comes through, the user's own first; none: given directly."""

    @property
    def role_and_place(self) -> Said:
        where = self.folder_path or say("the account")
        return say("%(role)s on %(where)s", role=role_named(self.grant.role_name), where=where)

    def in_words(self, user_name: str) -> Said:
        return say("%(parts)s.", parts=self._parts(user_name))

    def _parts(self, user_name: str) -> list[Said]:
        grant = self.grant
        parts = [self.role_and_place]
        if self.chain:
            parts += [say("because %(user)s is in %(what)s", user=user_name, what=self._chain())]
        else:
            parts += [say("given to %(user)s directly", user=user_name)]
        parts += [say("%(how)s at %(at)s", how=given_by(grant), at=grant.created_at)]
        if grant.not_before:
            parts += [say("from %(at)s", at=grant.not_before)]
        if grant.expires_at:
            parts += [say("until %(at)s", at=grant.expires_at)]
        if grant.reason:
            parts += [say('for the reason "%(reason)s"', reason=grant.reason)]
        return parts

    def _chain(self) -> str:
        return reduce(
            lambda what, group: say("%(what)s in %(group)s", what=what, group=group), self.chain
        )

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
    sentence: Said
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

    def sentences(self) -> list[Said]:
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
        return [Obstacle("unknown_user", say("There is no such user."))]
    if not user.active:
        sentence = say(
            "%(user)s is not active, so nothing given to them counts.", user=user.user_name
        )
        return [Obstacle("inactive_user", sentence)]
    if asked.folder_id is not None and not way:
        return [Obstacle("unknown_folder", say("There is no such folder."))]
    if asked.folder_id is None and asked.action in FOLDER_ACTIONS:
        sentence = say("%(action)s is done on a folder, and none is named.", action=asked.action)
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
            sentence = say(
                "%(what)s does not permit %(action)s.", what=given.role_and_place, action=action
            )
            found.append(Obstacle("lacks_action", sentence, given))
        return found
    if grant.not_before is not None and begins_later:
        told = {"what": given.role_and_place, "at": grant.not_before}
        sentence = say("%(what)s begins at %(at)s.", **told)
        found.append(Obstacle("not_begun", sentence, given))
    if grant.expires_at is not None and is_over:
        told = {"what": given.role_and_place, "at": grant.expires_at}
        sentence = say("%(what)s ended at %(at)s.", **told)
        found.append(Obstacle("expired", sentence, given))
    if is_cut_off:
        told = {"what": given.role_and_place, "folder": path_of(way[len(reached) - 1 :])}
        sentence = say("%(what)s does not reach here: %(folder)s is restricted.", **told)
        found.append(Obstacle("cut_off", sentence, given))
    return found


def _nothing_given(asked: Explanation, user_name: str) -> Obstacle:
    if asked.folder_path is not None and asked.action in FOLDER_ACTIONS:
        sentence = say(
            "Neither %(user)s nor a group of theirs has a role on %(folder)s, "
            "on a folder above it or on the account that permits it.",
            user=user_name,
            folder=asked.folder_path,
        )
    else:
        sentence = say(
            "Neither %(user)s nor a group of theirs has a role on the account that permits it.",
            user=user_name,
        )
    return Obstacle("no_grant", sentence)
