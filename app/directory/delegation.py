"""At most what you hold: nobody gives, takes back or takes over what they may not do themselves.

It binds people and tokens of the API. A provider is bound by the scopes of its token; the command
line and mappings, which an administrator made, are not bound.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, select

from app.access.grants import grants_reaching, permissions_in
from app.access.many import grants_reaching_each
from app.access.membership import groups_around, groups_containing_each
from app.access.permissions import ACCOUNT_ACTIONS, FOLDER_ACTIONS, permissions_of
from app.directory.errors import Forbidden
from app.directory.work import Work
from app.store.bulk import among
from app.store.database import db
from app.store.models import Grant, Mapping, Role, Token
from app.words import Said, all_of, say

FOLDERS_LIMIT = 100
"""On how many folders of a group the rights of somebody without them everywhere are looked up."""


def held(work: Work, folder_id: str | None = None) -> frozenset[str] | None:
    """Return what the actor may do on a folder, or on the account and every folder.

    It is what they could when the transaction began to ask: what they give themselves in it does
    not count. None: they are not bound.
    """
    actor = work.actor
    if actor.type == "token" and actor.surface == "api":
        return _scopes_now(work) if actor.scopes is None else actor.scopes
    if actor.type != "user" or actor.id is None:
        return None
    if folder_id not in work.held:
        grants = grants_reaching(work.account_id, actor.id, folder_id, work.at)
        work.held[folder_id] = permissions_in(grants)
    return work.held[folder_id]


def _scopes_now(work: Work) -> frozenset[str]:
    """Return what a token of the API permits now whose request is over, such as to an operation.

    Nothing, once it has ended.
    """
    if None not in work.held:
        query = select(Token.scopes).where(
            Token.account_id == work.account_id,
            Token.id == work.actor.id,
            Token.surface == "api",
            Token.expires_at.is_(None) | (Token.expires_at > work.at),
        )
        work.held[None] = frozenset(db.session.scalar(query) or ())
    return work.held[None]


def check_gift(work: Work, role: Any, folder_id: str | None) -> None:
    """Refuse an actor who gives or takes back a role without holding all that it permits.

    :param role: A row of ``roles``.
    :raises Forbidden: With what they lack.
    """
    permissions = permissions_of(role.scope, role.id, role.built_in, role.permissions)
    if work.actor.surface == "scim":
        _check_scopes(work, role.name, permissions)
    giving = "role.assign" if folder_id is None else "folder.share"
    check_permissions(work, permissions | {giving}, folder_id)


def check_gifts(work: Work, given: Collection[tuple[str, str | None]]) -> None:
    """Refuse an actor who takes back roles without holding all that each permits where it is given.

    :param given: Ids of roles, each with that of its folder; None: the account.
    :raises Forbidden: With what they lack.
    """
    if held(work) is None:
        return
    query = select(Role.__table__).where(
        Role.account_id == work.account_id, Role.id.in_({role_id for role_id, _ in given})
    )
    roles = {role.id: role for role in db.session.execute(query)}
    _learn(work, {folder_id for _, folder_id in given})
    for role_id, folder_id in given:
        check_gift(work, roles[role_id], folder_id)


def check_gift_anywhere(work: Work, role: Any) -> None:
    """Refuse an actor who says that a role may be given, wherever that may be, or no more.

    :param role: A row of ``roles``.
    :raises Forbidden: With what they lack on the account and every folder.
    """
    permissions = permissions_of(role.scope, role.id, role.built_in, role.permissions)
    giving = "folder.share" if role.scope == "folder" else "role.assign"
    check_permissions(work, permissions | {giving})


def check_permissions(work: Work, wanted: Iterable[str], folder_id: str | None = None) -> None:
    """Refuse an actor who does not hold all of these on a folder, or on the account.

    :raises Forbidden: With what they lack.
    """
    own = held(work, folder_id)
    missing = set() if own is None else set(wanted) - own
    if missing:
        raise Forbidden(
            say(
                "One can give and take back at most what one holds. You lack: %(permissions)s.",
                permissions=sorted(missing),
            )
        )


def check_over(work: Work, user_id: str) -> None:
    """Refuse an actor who changes a user that may do more on the account than they may.

    Otherwise whoever may change a user's address or password could become that user.

    :raises Forbidden: With what they lack.
    """
    _raise_of(over_users(work, [user_id]))


def check_gained(work: Work, user_id: str) -> None:
    """Refuse an actor who has made a user one that may do more on the account than they may.

    Such as by a value that a mapping gives a role for, also to themselves.

    :raises Forbidden: With what they lack.
    """
    own = held(work)
    if user_id != work.actor.id:
        _raise_of(over_users(work, [user_id], say("With this the user")))
    elif own is not None:
        more = permissions_in(grants_reaching(work.account_id, user_id, None, work.at)) - own
        if more:
            raise _over(say("With this the user"), more)


def check_over_group(work: Work, *group_ids: str) -> None:
    """Refuse an actor who changes who is in a group that holds what they don't.

    :raises Forbidden: With what they lack.
    """
    _raise_of(over_groups(work, group_ids))


def over_users(
    work: Work, user_ids: Collection[str], who: Said | None = None
) -> dict[str, Forbidden]:
    """Return why the actor may not change which of some users (see :func:`check_over`)."""
    own = held(work)
    if own is None:
        return {}
    who = who or say("This user")
    others = [each for each in user_ids if each != work.actor.id]
    roles = _roles_beyond(work, own, "account")
    if not roles or not others:
        return {}
    more: dict[str, frozenset[str]] = {}
    for user_id, role_id in _held_by_each(work, others, list(roles)):
        more[user_id] = more.get(user_id, frozenset()) | roles[role_id] - own
    return {user_id: _over(who, actions) for user_id, actions in more.items()}


def over_groups(work: Work, group_ids: Collection[str]) -> dict[str, Forbidden]:
    """Return why the actor may not change who is in which of some groups."""
    own = held(work)
    roles = _roles_beyond(work, own)
    if own is None or not roles:
        return {}
    return _refused(work, own, roles, _roles_through(work, group_ids, list(roles)))


def over_names(
    work: Work, keys: Collection[str], connection_id: str | None = None
) -> dict[str, Forbidden]:
    """Return why the actor may not put anybody into groups of these names, were they made now.

    :param keys: Names for comparison, of groups that are not there yet.
    :param connection_id: The connection they would be of; its own mappings would take effect.
    """
    own = held(work)
    roles = _roles_beyond(work, own)
    if own is None or not roles:
        return {}
    waiting = select(Mapping.match_key, Mapping.role_id, Mapping.folder_id).where(
        Mapping.account_id == work.account_id,
        Mapping.match_by == "display_name",
        Mapping.match_key.in_(keys),
        Mapping.connection_id.is_(None) | (Mapping.connection_id == connection_id),
        Mapping.role_id.in_(list(roles)),
    )
    rows = db.session.execute(waiting)
    return _refused(work, own, roles, [(key, role, folder) for key, role, folder in rows])


def check_scim_scopes(work: Work, scopes: Iterable[str]) -> None:
    """Refuse an actor who issues a SCIM token that could make people more than they are.

    :raises Forbidden: With what they lack.
    """
    if "admins" in scopes:
        check_permissions(work, ACCOUNT_ACTIONS)


def _roles_beyond(
    work: Work, own: frozenset[str] | None, scope: str | None = None
) -> dict[str, frozenset[str]]:
    """Return the roles that permit what the actor does not hold on the account, by id."""
    if own is None:
        return {}
    query = select(Role.id, Role.scope, Role.built_in, Role.permissions).where(
        Role.account_id == work.account_id
    )
    permit = {
        row.id: permissions_of(row.scope, row.id, row.built_in, row.permissions)
        for row in db.session.execute(query)
        if scope in (None, row.scope)
    }
    return {role_id: actions for role_id, actions in permit.items() if actions - own}


def _held_by_each(
    work: Work, user_ids: list[str], role_ids: list[str]
) -> Iterator[tuple[str, str]]:
    """Return the users who hold one of some roles on the account, in force or not, each with it.

    Also what begins later, and what waits for them to be active again: whoever has their address
    or password by then would have it.
    """
    inside = groups_containing_each(work.account_id, user_ids)
    people = defaultdict(set)
    for user_id, group_id in db.session.execute(select(inside)):
        people[group_id].add(user_id)
    on_account = Grant.folder_id.is_(None)
    for row in _given(work, role_ids, Grant.user_id.in_(user_ids), on_account):
        yield row.user_id, row.role_id
    for row in _given(work, role_ids, among(Grant.group_id, people), on_account):
        for user_id in people[row.group_id]:
            yield user_id, row.role_id


def _roles_through(
    work: Work, group_ids: Collection[str], role_ids: list[str]
) -> Iterator[tuple[str, str, str | None]]:
    """Return which of some roles being in each group brings, or will bring: group, role, folder."""
    inner = defaultdict(set)
    for group_id, around in groups_around(work.account_id, list(group_ids)).items():
        for outer in around:
            inner[outer].add(group_id)
    for row in _given(work, role_ids, among(Grant.group_id, inner)):
        for group_id in inner[row.group_id]:
            yield group_id, row.role_id, row.folder_id


def _given(work: Work, role_ids: list[str], *conditions: ColumnElement[bool]) -> list[Any]:
    """Return the grants of some roles, those that are over left out.

    Asked by users or groups that are known: SQLite would begin a join with all grants there are.
    """
    query = select(Grant.user_id, Grant.group_id, Grant.role_id, Grant.folder_id).where(
        Grant.account_id == work.account_id,
        Grant.role_id.in_(role_ids),
        Grant.expires_at.is_(None) | (Grant.expires_at > work.at),
        *conditions,
    )
    return list(db.session.execute(query))


def _refused(
    work: Work,
    own: frozenset[str],
    roles: dict[str, frozenset[str]],
    given: Iterable[tuple[str, str, str | None]],
) -> dict[str, Forbidden]:
    """Return why those are refused who would give more than their own, by what gives it.

    :param own: What the actor holds on the account.
    :param roles: What each role permits.
    :param given: What gives which role on which folder.
    """
    by_giver: dict[str, dict[str | None, frozenset[str]]] = {}
    for giver, role_id, folder_id in given:
        places = by_giver.setdefault(giver, {})
        places[folder_id] = places.get(folder_id, frozenset()) | roles[role_id]
    few = {
        giver: len(places.keys() - {None}) <= FOLDERS_LIMIT for giver, places in by_giver.items()
    }
    _learn(work, {each for giver, places in by_giver.items() if few[giver] for each in places})
    found = {}
    for giver, places in by_giver.items():
        beyond = (_more(work, *place) for place in places.items())
        more = next(filter(None, beyond), None) if few[giver] else FOLDER_ACTIONS - own
        if more:
            found[giver] = _over(say("This group"), more)
    return found


def _more(work: Work, folder_id: str | None, permits: frozenset[str]) -> frozenset[str]:
    return permits - (held(work, folder_id) or frozenset())


def _learn(work: Work, folder_ids: set[str | None]) -> None:
    """Ask at once what the actor holds on some folders."""
    actor = work.actor
    if actor.type != "user" or actor.id is None:
        return
    places = [(actor.id, each) for each in folder_ids - work.held.keys()]
    for (_, folder_id), grants in grants_reaching_each(work.account_id, places, work.at).items():
        work.held[folder_id] = permissions_in(grants)


def _raise_of(refused: dict[str, Forbidden]) -> None:
    for error in refused.values():
        raise error


def _check_scopes(work: Work, name: str, permissions: frozenset[str]) -> None:
    """Refuse a provider's token that gives or takes back a role it has no scope for."""
    if work.actor.scopes is None:
        return
    needed = {"grants", "admins"} if permissions & ACCOUNT_ACTIONS else {"grants"}
    missing = sorted(needed - work.actor.scopes)
    if missing:
        raise Forbidden(
            say(
                "To give or take back %(role)s, a token needs the scope %(what)s.",
                role=name,
                what=all_of(missing),
            )
        )


def _over(who: Said, more: Iterable[str]) -> Forbidden:
    return Forbidden(
        say("%(who)s may do what you may not: %(permissions)s.", who=who, permissions=sorted(more))
    )
