"""Every write of a user. Deactivation ends the sessions in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, bindparam, select, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError

from app.directory import bounds, delegation, grants, mapped_users, profiles, tombstones, user_rows
from app.directory.errors import DirectoryError, Invalid, NotFound, VersionMismatch
from app.directory.kept_grants import kept
from app.directory.profiles import Profile as Profile  # known by this name too
from app.directory.user_rows import Change, New
from app.directory.work import Target, Work
from app.security.passwords import hash_password
from app.store.bulk import among
from app.store.database import db
from app.store.models import Group, Membership, User, UserValue
from app.store.prepared import prepared
from app.store.types import Id, comparison_key

_ACCOUNT = bindparam("account", type_=Id)
_USER = bindparam("user", type_=Id)


def create(
    work: Work,
    profile: Profile,
    *,
    password: str | None = None,
    restored: Mapping[str, Any] | None = None,
) -> str:
    """Add a user and return its id. Waiting mappings take effect.

    :param restored: Of one that is brought back: its id and other columns.
    :raises Invalid: When a value is out of bounds.
    :raises Taken: When another user of the account has this user name, in any case.
    :raises Forbidden: When a mapping makes it more than the actor is (see ``delegation``).
    """
    profile = profiles.cleaned(profile)
    new = New(profile, dict(restored or {}) | _password(password))
    if restored:
        new.id = str(restored["id"])
    try:
        user_rows.insert(work, [new])
    except IntegrityError as error:
        raise user_rows.taken(profile.user_name) from error
    mapped_users.apply_to_user(work, _target(new.id, profile), {}, profile.values)
    delegation.check_gained(work, new.id)
    return new.id


def create_each(
    work: Work, wanted: Sequence[Profile], refusals: int | None = None
) -> list[str | DirectoryError]:
    """Add users as :func:`create` does one after the other, those left out that are refused.

    Returns of each its id, or why it is refused.

    :param wanted: Without values that mappings match users by, such as ``roles``.
    :param refusals: After so many nothing more is done, and the list ends; None: however many.
    """
    cleaned = [_cleaned(each) for each in wanted]
    keys = {comparison_key(each.user_name) for each in cleaned if isinstance(each, Profile)}
    query = select(User.user_name_key).where(
        User.account_id == work.account_id, among(User.user_name_key, keys)
    )
    held = set(db.session.scalars(query))
    outcomes: list[str | DirectoryError] = []
    people = []
    for each in cleaned:
        if isinstance(each, Invalid):
            outcomes.append(each)
        elif (key := comparison_key(each.user_name)) in held:
            outcomes.append(user_rows.taken(each.user_name))
        else:
            held.add(key)
            people.append(New(each))
            outcomes.append(people[-1].id)
        if len(outcomes) - len(people) == refusals:
            break
    user_rows.insert(work, people)
    return outcomes


def _cleaned(profile: Profile) -> Profile | Invalid:
    try:
        return profiles.cleaned(profile)
    except Invalid as error:
        return error


def replace(
    work: Work,
    user_id: str,
    profile: Profile,
    *,
    password: str | None = None,
    expected_version: int | None = None,
) -> bool:
    """Make a user what the profile says, and return whether that changed anything.

    ``active`` going to false is a deactivation: sessions end, links die.

    :raises NotFound: When the account has no such user.
    :raises VersionMismatch: When the user is not at ``expected_version``.
    :raises Taken: When another user of the account has this user name.
    :raises LastMasterAdmin: When it would deactivate the last master admin, or take away the
        value of ``roles`` or ``entitlements`` that makes it one.
    """
    row = _row(work, user_id, expected_version)
    delegation.check_over(work, user_id)
    stored = profiles.stored(row, _stored_values(work, user_id))
    change = Change.between(user_id, stored, profiles.cleaned(profile))
    profile = change.profile
    if not change and password is None:
        return False
    if password is not None:
        change.after["password"] = "changed"  # noqa: S105 - said, never shown
    try:
        user_rows.change(work, [change], _password(password))
    except IntegrityError as error:
        raise user_rows.taken(profile.user_name) from error
    mapped_users.apply_to_user(work, _target(user_id, profile), stored.values, profile.values)
    delegation.check_gained(work, user_id)
    return True


def profile_of(work: Work, user_id: str) -> Profile:
    """Return what is known of a user.

    :raises NotFound: When the account has no such user.
    """
    return profiles.stored(_row(work, user_id), _stored_values(work, user_id))


def set_active(work: Work, user_id: str, active: bool) -> bool:
    """Activate or deactivate a user, and return whether that changed anything.

    :raises NotFound: When the account has no such user.
    :raises LastMasterAdmin: When it would deactivate the last master admin.
    """
    row = _row(work, user_id)
    delegation.check_over(work, user_id)
    if row.active == active:
        return False
    action = "user.updated"  # from none to false: they were not let in before either
    if bool(row.active) != active:
        user_rows.switch(work, [user_id], active)
        action = "user.activated" if active else "user.deactivated"
    user_rows.update_columns(work, [(user_id, {"active": active})])
    target = Target("user", user_id, row.user_name)
    work.record(action, target, before={"active": row.active}, after={"active": active})
    return True


def delete(work: Work, user_id: str, *, expected_version: int | None = None) -> None:
    """Remove a user with everything that hangs on it: memberships, grants, sessions.

    For a while it can be brought back (see ``restoring``).

    :raises NotFound: When the account has no such user.
    :raises VersionMismatch: When the user is not at ``expected_version``.
    :raises LastMasterAdmin: When it is the last master admin.
    """
    row = _row(work, user_id, expected_version)
    delegation.check_over(work, user_id)
    work.may_remove_access()
    stored = profiles.stored(row, _stored_values(work, user_id))
    groups = select(Membership.group_id).where(
        Membership.account_id == work.account_id, Membership.user_id == user_id
    )
    snapshot = profiles.snapshot(stored) | {"groups": sorted(db.session.scalars(groups))}
    db.session.execute(  # They lose a member, so their version must tell.
        update(Group)
        .where(Group.account_id == work.account_id, Group.id.in_(groups))
        .values(version=Group.version + 1, updated_at=work.at)
    )
    target = _target(user_id, stored)
    content = {"profile": asdict(stored), "groups": snapshot["groups"]}
    content["grants"] = kept(grants.revoke_all_of(work, target))
    tombstones.bury(work, target, content)
    db.session.execute(sql_delete(User).where(_is(work, user_id)))
    work.record("user.deleted", target, before=snapshot)


def _is(work: Work, user_id: str) -> Any:
    return (User.account_id == work.account_id) & (User.id == user_id)


def _row(work: Work, user_id: str, expected_version: int | None = None) -> Any:
    row = _stored.first(account=work.account_id, user=user_id)
    if row is None:
        raise NotFound("user", user_id)
    if expected_version is not None and row.version != expected_version:
        raise VersionMismatch
    return row


@prepared
def _stored() -> Select[*tuple[Any, ...]]:
    return select(
        User.user_name,
        User.external_id,
        User.display_name,
        User.active,
        User.attributes,
        User.version,
    ).where(User.account_id == _ACCOUNT, User.id == _USER)


@prepared
def _values() -> Select[*tuple[Any, ...]]:
    return (
        select(UserValue.__table__)
        .where(UserValue.account_id == _ACCOUNT, UserValue.user_id == _USER)
        .order_by(UserValue.attribute, UserValue.position)
    )


def _password(password: str | None) -> dict[str, Any]:
    if password is None:
        return {}
    bounds.required("password", password, bounds.TEXT_LENGTH)
    return {"password_hash": hash_password(password)}


def _stored_values(work: Work, user_id: str) -> list[Any]:
    return _values.all(account=work.account_id, user=user_id)


def _target(user_id: str, profile: Profile) -> Target:
    return Target("user", user_id, profile.user_name)
