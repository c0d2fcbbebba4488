"""People who come with an assertion: made at their first sign-in, kept up to date at the next.

Only what came through SAML is touched. Somebody a provider pushes over SCIM, or an administrator
made by hand, signs in as they are: SCIM wins.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.directory import account_role, direct_roles, groups, memberships, users
from app.directory.errors import Forbidden, Invalid
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from app.directory.work import Work
from app.store.database import db
from app.store.models import Group, Membership
from app.store.types import comparison_key
from app.words import Said, say

MODES = ("off", "create", "update")
GROUPS_LIMIT = 500
"""Most groups one assertion may name."""


@dataclass(frozen=True)
class Arrival:
    """Somebody who signs in, as the assertion tells of them."""

    name_id: str
    user_name: str
    profile: dict[str, Any]
    """Single-valued attributes by SCIM name; those the assertion does not tell are left out."""
    email: str | None
    groups: list[str] | None
    """Names of groups; None when the assertion does not tell."""
    account_role: str | None = None
    """Name of a role on the account, empty for none; None when the assertion does not tell."""
    folders: list[str] | None = None
    """Roles on folders, ``role:/path`` each; None when the assertion does not tell."""


@dataclass(frozen=True)
class Provisioned:
    """Who signs in, and what was made of what the assertion tells."""

    user_id: str
    user_name: str
    outcome: Said
    """A sentence for an administrator."""


def provision(
    work: Work, found: Any, arrival: Arrival, mode: str, may_give: Collection[str] = ()
) -> Provisioned:
    """Return the user who signs in, made or brought up to date as the mode says.

    :param found: The row of the user there is, as ``sign_in.find_user`` returns it, or None.
    :param mode: One of ``MODES``.
    :param may_give: Ids of the roles the connection may give directly, at the most.
    :raises Forbidden: When it would make somebody whose name is taken, or not allowed; when
        nobody is found and nobody is to be made; when it names a role the connection may not give.
    """
    if found is None and mode == "off":
        raise Forbidden(
            say(
                "nobody here is %(name_id)r; the provider pushes them first, or the connection "
                "makes people at their first sign-in",
                name_id=arrival.name_id[:200],
            )
        )
    if found is None:
        try:
            user_id = users.create(work, _profile(arrival, Profile(arrival.user_name)))
        except Invalid as invalid:
            raise Forbidden(
                say("nobody can be made of it: %(why)s", why=invalid.sentence)
            ) from invalid
        _set_access(work, user_id, arrival, may_give)
        made = say("made now, of what the assertion tells")
        return Provisioned(user_id, arrival.user_name, made)
    reason = _why_unchanged(work, found, mode)
    if reason is None:
        user_id = str(found.id)
        users.replace(work, user_id, _profile(arrival, users.profile_of(work, user_id)))
        _set_access(work, user_id, arrival, may_give)
    outcome = (
        say("found; %(why)s", why=reason)
        if reason
        else say("found, and brought up to date with the assertion")
    )
    return Provisioned(str(found.id), str(found.user_name), outcome)


def _why_unchanged(work: Work, found: Any, mode: str) -> Said | None:
    """Return why the assertion changes nothing about somebody; None when it does."""
    if mode == "off":
        return say("the connection changes nobody")
    if found.origin == "scim":
        return say("managed over SCIM, so the assertion changes nothing")
    if found.origin != "saml" or found.connection_id != work.actor.connection_id:
        return say("not of this connection, so it changes nothing")
    if mode == "create":
        return say("the connection makes people and changes nobody")
    return None


def _profile(arrival: Arrival, stored: Profile) -> Profile:
    """Return a profile with what the assertion tells; all else stays."""
    told = dict(arrival.profile)
    name = {**stored.attributes.get("name", {}), **told.pop("name", {})}
    values = dict(stored.values)
    if arrival.email is not None:
        values["emails"] = [{"value": arrival.email, "type": "work", "primary": True}]
    differs = comparison_key(arrival.name_id) != comparison_key(stored.user_name)
    return Profile(
        user_name=stored.user_name,
        external_id=arrival.name_id if differs else stored.external_id,
        display_name=told.pop("displayName", stored.display_name),
        active=stored.active,
        attributes=stored.attributes | ({"name": name} if name else {}),
        values=values,
    )


def _set_access(work: Work, user_id: str, arrival: Arrival, may_give: Collection[str]) -> None:
    if arrival.groups is not None:
        _set_groups(work, user_id, arrival.groups)
    if arrival.account_role is not None:
        role_id = direct_roles.account_role_named(work, arrival.account_role, may_give)
        account_role.assign(work, user_id, role_id)
    if arrival.folders is not None:
        wanted = direct_roles.folder_roles_named(work, arrival.folders, may_give)
        direct_roles.set_on_folders(work, user_id, wanted)


def _set_groups(work: Work, user_id: str, names: Iterable[str]) -> None:
    """Make a user's groups of this connection exactly these; groups of other origins stay."""
    wanted = {comparison_key(name): name for name in names}
    if len(wanted) > GROUPS_LIMIT:
        raise Forbidden(say("it names more than %(limit)s groups", limit=GROUPS_LIMIT))
    own = (
        (Group.account_id == work.account_id)
        & (Group.origin == "saml")
        & (Group.connection_id == work.actor.connection_id)
    )
    held = select(Group.id, Group.display_name_key).join(
        Membership,
        (Membership.account_id == Group.account_id) & (Membership.group_id == Group.id),
    )
    in_now = db.session.execute(held.where(own, Membership.user_id == user_id)).all()
    for row in in_now:
        if row.display_name_key not in wanted:
            memberships.remove(work, row.id, [user_id])
    missing = wanted.keys() - {row.display_name_key for row in in_now}
    there = select(Group.id, Group.display_name_key).where(own)
    known = {
        row.display_name_key: row.id
        for row in db.session.execute(there.where(Group.display_name_key.in_(sorted(missing))))
    }
    for key in sorted(missing):
        group_id = known.get(key) or groups.create(work, GroupProfile(wanted[key]))
        memberships.add(work, group_id, [user_id])
