"""What people edit of somebody: names, job and e-mail addresses. All else of a profile stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from sqlalchemy import select

from app.directory import profiles, users
from app.directory.errors import Forbidden, existing
from app.directory.profiles import Profile
from app.directory.work import Work
from app.store.database import db
from app.store.models import User, UserValue
from app.store.types import comparison_key
from app.words import say

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_PLACES: dict[str, tuple[str | None, str]] = {
    "given_name": ("name", "givenName"),
    "family_name": ("name", "familyName"),
    "title": (None, "title"),
    "department": (ENTERPRISE, "department"),
}
"""Where the attributes of a profile have each: in which part, and under which SCIM name."""


@dataclass(frozen=True)
class Names:
    """What somebody is called. None: they have no such name."""

    display_name: str | None = None
    given_name: str | None = None
    family_name: str | None = None


@dataclass(frozen=True)
class Details(Names):
    user_name: str = ""
    title: str | None = None
    department: str | None = None
    emails: tuple[str, ...] = ()
    """The primary one first."""


def read(account_id: str, user_id: str) -> Details:
    """Return what there is to edit of a user.

    :raises NotFound: When the account has no such user.
    """
    names = (User.user_name, User.external_id, User.display_name)
    query = select(*names, User.active, User.attributes)
    row = db.session.execute(query.where(User.account_id == account_id, User.id == user_id)).first()
    emails = select(UserValue.__table__).where(
        UserValue.account_id == account_id,
        UserValue.user_id == user_id,
        UserValue.attribute == "emails",
    )
    values = db.session.execute(emails.order_by(UserValue.position)).all()
    return _details_of(profiles.stored(existing(row, "user", user_id), list(values)))


def change(
    work: Work, user_id: str, details: Details, *, expected_version: int | None = None
) -> bool:
    """Make the names, job and addresses of a user these, and return whether that changed anything.

    :raises NotFound: When the account has no such user.
    :raises VersionMismatch: When the user is not at ``expected_version``.
    :raises Invalid: When a value is out of bounds.
    :raises Taken: When another user of the account has this user name.
    :raises Forbidden: When the user may do more on the account than the actor.
    """
    profile = _with(users.profile_of(work, user_id), details)
    profile.user_name = details.user_name
    profile.values["emails"] = _emails(profile, details.emails)
    return users.replace(work, user_id, profile, expected_version=expected_version)


def change_own(work: Work, names: Names, *, expected_version: int | None = None) -> bool:
    """Give the actor, a user, other names, and return whether that changed anything.

    No more than names: by an address or a user name they could become somebody else.

    :raises Forbidden: When a provider tells what they are called.
    """
    user_id = work.actor.id or ""
    where = (User.account_id == work.account_id) & (User.id == user_id)
    origin = existing(db.session.scalar(select(User.origin).where(where)), "user", user_id)
    if origin != "manual":
        raise Forbidden(say("Your provider says what you are called. Change it there."))
    profile = _with(users.profile_of(work, user_id), names)
    return users.replace(work, user_id, profile, expected_version=expected_version)


def _details_of(profile: Profile) -> Details:
    attributes = {name: _read(profile, *place) for name, place in _PLACES.items()}
    return Details(
        user_name=profile.user_name,
        display_name=profile.display_name,
        emails=tuple(str(each.get("value") or "") for each in _primary_first(profile)),
        **attributes,
    )


def _with(profile: Profile, names: Names) -> Profile:
    """Return a copy of a profile with these names, and with all the details there are of them."""
    attributes = dict(profile.attributes)
    told = {spec.name: getattr(names, spec.name) for spec in fields(names)}
    before = {name: _read(profile, *_PLACES[name]) for name in told.keys() & _PLACES.keys()}
    for name, value in before.items():
        if told[name] != value:
            _write(attributes, *_PLACES[name], told[name])
    return replace(
        profile,
        display_name=names.display_name,
        attributes=attributes,
        values=dict(profile.values),
    )


def _read(profile: Profile, part: str | None, name: str) -> str | None:
    within = profile.attributes if part is None else profile.attributes.get(part)
    value = within.get(name) if isinstance(within, dict) else None
    return value if isinstance(value, str) else None


def _write(attributes: dict[str, Any], part: str | None, name: str, value: str | None) -> None:
    """Set or remove an attribute; of a name, the whole as it was written out no longer holds."""
    found = attributes if part is None else dict(attributes.get(part) or {})
    found.pop(name, None)
    if value is not None:
        found[name] = value
    if part == "name":
        found.pop("formatted", None)
    if part is not None:
        attributes.pop(part, None)
        if found:
            attributes[part] = found


def _primary_first(profile: Profile) -> list[dict[str, Any]]:
    return sorted(profile.values.get("emails", []), key=lambda each: not each.get("primary"))


def _emails(profile: Profile, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Return the addresses wanted, the first of them primary. Those known keep what else they have.

    An address that is named twice is taken once.
    """
    stored = _primary_first(profile)
    if list(wanted) == [str(each.get("value") or "") for each in stored]:
        return profile.values.get("emails", [])
    known = {comparison_key(str(each.get("value"))): each for each in stored}
    found: dict[str, dict[str, Any]] = {}
    for address in wanted:
        key = comparison_key(address)
        entry = known.get(key, {"type": "work"})
        kept = {name: value for name, value in entry.items() if name != "primary"}
        first = {} if found else {"primary": True}
        found.setdefault(key, kept | {"value": address} | first)
    return list(found.values())
