"""The people of some rows: found, compared, added or changed, all in a few statements."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.directory import delegation, members, profiles, user_rows
from app.directory.errors import DirectoryError, Invalid
from app.directory.imports.finding import There, find
from app.directory.imports.groups import Groups
from app.directory.imports.persons import Person, profile_of
from app.directory.imports.refusals import Problem, Refused, all_but_refused
from app.directory.members import Members
from app.directory.profiles import Profile
from app.directory.user_rows import Change, New
from app.directory.work import AUDITED_REFUSALS, Target, Work
from app.store.bulk import among
from app.store.database import db
from app.store.models import Group, Membership, User, UserValue
from app.store.types import comparison_key

PROFILE = (User.user_name, User.display_name, User.active, User.attributes)
"""The columns of a user's profile, beside those it is found by."""
COLUMNS = {"emails.value": "email"}
"""What a field of a profile is called in a file, where that differs."""


@dataclass
class Step:
    """What came of some rows."""

    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    created: list[str] = field(default_factory=list)
    updated: list[tuple[str, list[str]]] = field(default_factory=list)
    """User names, with what changes."""
    user_ids: dict[int, str] = field(default_factory=dict)
    """Whom each row is about, by its line; those that are refused are left out."""
    audited: list[tuple[Target, str]] = field(default_factory=list)
    """Refusals that an administrator should know of."""


@dataclass
class _Plan:
    """What is to become of one person."""

    person: Person
    user_id: str
    new: New | None = None
    change: Change | None = None
    leaves: dict[str, str] = field(default_factory=dict)
    """Groups, by id, with their names."""

    def __bool__(self) -> bool:
        return bool(self.new or self.change or self.leaves)


@dataclass
class Stored:
    """What is known of those who may be meant by some rows."""

    users: There
    values: dict[str, list[Any]]
    """Rows of ``user_values``, by user."""
    groups: dict[str, list[Any]]
    """The groups each is in, by user; as far as it matters."""


def write(
    work: Work,
    persons: Sequence[Person],
    groups: Groups,
    columns: Mapping[str, Any] | None = None,
) -> tuple[int, Step]:
    """Write some people, and return how many of them were taken, and what came of these.

    :param columns: What those who are new have besides (see ``user_rows.New``).

    It ends before somebody on whom an earlier one of them bears, such as the same person once
    more: they are for the next time, when the earlier one is written.
    """
    step = Step()
    found = stored_of(work.account_id, persons, with_groups=groups.exactly)
    plans: list[_Plan] = []
    claimed: set[tuple[str, str]] = set()
    taken = 0
    for person in persons:
        keys = _keys(person.key, person.external_id)
        if not claimed.isdisjoint(keys):
            break
        taken += 1
        try:
            plan = _plan(person, found, groups, columns or {})
        except Refused as error:
            step.problems.append(Problem(person.line, error.column, person.login, error.reason))
            continue
        if plan:
            plans.append(plan)
            claimed.update(keys, *map(_keys_of, _profiles_of(plan)))
        else:
            step.counts["unchanged"] += 1
            step.user_ids[person.line] = plan.user_id
    plans = _permitted(work, plans, step)
    refused = {id(plan): error for plan, error in all_but_refused(work, plans, _write)}
    for plan in plans:
        if id(plan) in refused:
            _refuse(step, plan, refused[id(plan)])
        else:
            _tell(step, plan)
    return taken, step


def _keys(key: str, external_id: str | None) -> set[tuple[str, str]]:
    """Return by what a person is looked for."""
    name = ("name", key)
    return {name} if external_id is None else {name, ("external id", external_id)}


def _keys_of(profile: Profile) -> set[tuple[str, str]]:
    return _keys(comparison_key(profile.user_name), profile.external_id)


def _profiles_of(plan: _Plan) -> list[Profile]:
    """Return what the person was, and what it becomes."""
    if plan.new:
        return [plan.new.profile]
    assert plan.change is not None
    return [plan.change.stored, plan.change.profile]


def stored_of(account_id: str, persons: Sequence[Person], *, with_groups: bool) -> Stored:
    """Return what is known of those who may be meant by some rows.

    :param with_groups: Whether it is asked in which groups they are.
    """
    there = find(account_id, persons, PROFILE)
    ids = sorted({row.id for row in there.rows()})
    values = defaultdict(list)
    groups_of = defaultdict(list)
    if ids:
        query = select(UserValue.__table__).where(
            UserValue.account_id == account_id, among(UserValue.user_id, ids)
        )
        for row in db.session.execute(query.order_by(UserValue.attribute, UserValue.position)):
            values[row.user_id].append(row)
    if ids and with_groups:
        for row in _groups_of(account_id, ids):
            groups_of[row.user_id].append(row)
    return Stored(there, values, groups_of)


def _groups_of(account_id: str, user_ids: list[str]) -> list[Any]:
    columns = (Group.id, Group.display_name, Group.display_name_key, Group.connection_id)
    query = (
        select(Membership.user_id, *columns)
        .join(
            Group, (Group.account_id == Membership.account_id) & (Group.id == Membership.group_id)
        )
        .where(Membership.account_id == account_id, among(Membership.user_id, user_ids))
    )
    return list(db.session.execute(query))


def _plan(person: Person, found: Stored, groups: Groups, columns: Mapping[str, Any]) -> _Plan:
    """Return what is to become of a person.

    :raises Refused: When nothing can.
    """
    groups.check(person)
    row = found.users.whose(person)
    try:
        if row is None:
            new = New(profiles.cleaned(profile_of(person)), columns)
            return _Plan(person, new.id, new=new)
        stored = profiles.stored(row, found.values.get(row.id, ()))
        profile = profiles.cleaned(profile_of(person, stored))
    except Invalid as error:
        column = COLUMNS.get(error.field or "", error.field)
        raise Refused(column, error.sentence) from error
    leaves = {
        group.id: group.display_name
        for group in found.groups.get(row.id, ())
        if groups.names(group.display_name_key)
        and group.display_name_key not in (person.groups or {})
    }
    change = Change.between(row.id, stored, profile)
    return _Plan(person, row.id, change=change, leaves=leaves)


def _permitted(work: Work, plans: list[_Plan], step: Step) -> list[_Plan]:
    """Return the plans that the actor may carry out."""
    over_users = delegation.over_users(work, [each.change.id for each in plans if each.change])
    over_groups = delegation.over_groups(
        work, sorted({id_ for each in plans for id_ in each.leaves})
    )
    if not over_users and not over_groups:
        return plans
    permitted = []
    for plan in plans:
        error = plan.change and over_users.get(plan.change.id)
        beyond = [over_groups[each] for each in plan.leaves if each in over_groups]
        if error:
            _refuse(step, plan, error)
        elif beyond:
            _refuse(step, plan, beyond[0], "groups")
        else:
            permitted.append(plan)
    return permitted


def _write(work: Work, plans: Sequence[_Plan]) -> None:
    user_rows.change(work, [each.change for each in plans if each.change])
    user_rows.insert(work, [each.new for each in plans if each.new])
    leaving: dict[Target, Members] = defaultdict(Members)
    for plan in plans:
        for group_id, name in plan.leaves.items():
            leaving[Target("group", group_id, name)].users.add(plan.user_id)
    if leaving:
        members.take_out(work, leaving)


def _refuse(step: Step, plan: _Plan, error: Exception, column: str | None = None) -> None:
    if not isinstance(error, DirectoryError):
        error = user_rows.taken(plan.person.login)
    reason = error.sentence
    step.problems.append(Problem(plan.person.line, column, plan.person.login, reason))
    if isinstance(error, AUDITED_REFUSALS):
        step.audited.append((Target("user", plan.user_id, plan.person.login), reason))


def _tell(step: Step, plan: _Plan) -> None:
    step.user_ids[plan.person.line] = plan.user_id
    step.counts["left"] += len(plan.leaves)
    if plan.new:
        step.counts["created"] += 1
        step.created.append(plan.new.profile.user_name)
        return
    step.counts["updated"] += 1
    assert plan.change is not None
    changed = sorted(plan.change.before.keys() | plan.change.after.keys())
    changed += ["groups"] if plan.leaves else []
    step.updated.append((plan.change.profile.user_name, changed))
