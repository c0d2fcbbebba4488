"""The filters providers ask with all day, each as one prepared statement.

They find somebody by one value: before they create a user, and to learn who is in a group. What
is none of them, ``scim.search`` answers; a test holds both to the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from operator import attrgetter
from typing import Any

from sqlalchemy import Integer, and_, bindparam, or_, select

from app.store.functions import comparison_key as key_in_sql
from app.store.models import Group, Membership, NestedGroup, User, UserValue
from app.store.prepared import ByIds, Prepared
from app.store.types import Id, LongText, Name, comparison_key, storable
from scim import queries
from scim.resources.kind import Kind

_TEXT = r'"([^"\\\x00-\x1f]{0,255})"'
_BLANKS = " \t\f\r\n"
"""What may stand between the words of a filter, as scim2-models reads it."""
_ACCOUNT_ID = bindparam("account_id", type_=Id)


@dataclass
class Lookup:
    """One form of filter, where ``$`` stands for a text: the statement that answers it.

    :param names: What the texts are to the statement, in their order. Those that begin with
        ``key`` are compared regardless of case.
    """

    form: str
    statement: Callable[[bool], Prepared]
    """Of users with their groups, or without."""
    names: tuple[str, ...]

    @cached_property
    def written(self) -> re.Pattern[str]:
        spaced = re.escape(self.form).replace(r"\ ", f"[{_BLANKS}]+").replace(r"\$", _TEXT)
        return re.compile(spaced, re.IGNORECASE | re.ASCII)

    def of(self, text: str) -> dict[str, str] | None:
        """Return what the statement takes; None when a filter is not of this form."""
        match = self.written.fullmatch(text)
        if match is None:
            return None
        values = {
            name: comparison_key(text) if name.startswith("key") else text
            for name, text in zip(self.names, match.groups(), strict=True)
        }
        fits = all(storable(value) and len(value) < 256 for value in values.values())
        return values if fits else None


def rows(kind: Kind, account_id: str, text: str, limit: int, *, grouped: bool) -> list[Any] | None:
    """Return the rows a filter finds, as their kind renders them; None when it is none of ours.

    :param limit: Return no more of them; which, is not said.
    :param grouped: With the groups of a user.
    """
    for lookup in _LOOKUPS.get(kind.name, ()):
        values = lookup.of(text.strip(_BLANKS))
        if values is not None:
            statement = lookup.statement(grouped)
            found = statement.all(account_id=account_id, limit=limit, **values)
            return sorted(found, key=attrgetter("id"))
    return None


def _of_user(form: str, where: Callable[[], Any], *names: str) -> Lookup:
    @cache
    def statement(grouped: bool) -> Prepared:
        return Prepared(lambda: _limited(queries.users(grouped), where))

    return Lookup(form, statement, names)


def _of_group(form: str, where: Callable[[], Any], *names: str) -> Lookup:
    statement = Prepared(lambda: _limited(queries.groups, where))
    return Lookup(form, lambda _: statement, names)


def _limited(found: ByIds, where: Callable[[], Any]) -> Any:
    # In no order: SQLite would go through all of the account to save itself the sorting.
    return found.build(lambda _: where()).limit(bindparam("limit", type_=Integer))


def _by(column: Any, name: str, type_: Any) -> Callable[[], Any]:
    return lambda: column == bindparam(name, type_=type_)


def _mail(typed: bool) -> Callable[[], Any]:
    def where() -> Any:
        found = select(UserValue.user_id).where(
            UserValue.account_id == _ACCOUNT_ID,
            UserValue.attribute == "emails",
            UserValue.value_key == bindparam("key", type_=Name),
        )
        if typed:
            same = key_in_sql(UserValue.type) == bindparam("key_of_type", type_=LongText)
            found = found.where(same)
        return User.id.in_(found)

    return where


def _has_member() -> Any:
    member = bindparam("member", type_=Id)
    users = select(Membership.group_id).where(
        Membership.account_id == _ACCOUNT_ID, Membership.user_id == member
    )
    groups = select(NestedGroup.group_id).where(
        NestedGroup.account_id == _ACCOUNT_ID, NestedGroup.member_id == member
    )
    return Group.id.in_(users.union_all(groups))


def _is_with_member() -> Any:
    """The one row that would be the membership is looked at, whatever either side has."""
    group, member = bindparam("value", type_=Id), bindparam("member", type_=Id)
    user = select(Membership.group_id).where(
        Membership.account_id == _ACCOUNT_ID,
        Membership.group_id == group,
        Membership.user_id == member,
    )
    nested = select(NestedGroup.group_id).where(
        NestedGroup.account_id == _ACCOUNT_ID,
        NestedGroup.group_id == group,
        NestedGroup.member_id == member,
    )
    return and_(Group.id == group, or_(user.exists(), nested.exists()))


_MAILS = ("emails.value eq $", "emails eq $", "emails[value eq $]")
_MEMBERS = ("members.value eq $", "members eq $", "members[value eq $]")

_LOOKUPS: dict[str, tuple[Lookup, ...]] = {
    "User": (
        _of_user("userName eq $", _by(User.user_name_key, "key", Name), "key"),
        _of_user("externalId eq $", _by(User.external_id, "value", Name), "value"),
        _of_user("id eq $", _by(User.id, "value", Id), "value"),
        *(_of_user(form, _mail(False), "key") for form in _MAILS),
        _of_user("emails[type eq $ and value eq $]", _mail(True), "key_of_type", "key"),
        _of_user("emails[value eq $ and type eq $]", _mail(True), "key", "key_of_type"),
    ),
    "Group": (
        _of_group("displayName eq $", _by(Group.display_name_key, "key", Name), "key"),
        _of_group("externalId eq $", _by(Group.external_id, "value", Name), "value"),
        _of_group("id eq $", _by(Group.id, "value", Id), "value"),
        *(_of_group(form, _has_member, "member") for form in _MEMBERS),
        *(
            _of_group(f"id eq $ and {form}", _is_with_member, "value", "member")
            for form in _MEMBERS
        ),
    ),
}
"""By the names of their resource types."""
