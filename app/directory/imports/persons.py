"""What a row of a file says of a person.

An empty cell says nothing: it leaves things as they are.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from app.directory import bounds
from app.directory.errors import Invalid
from app.directory.imports.refusals import Refused
from app.directory.profiles import Profile
from app.store.types import comparison_key, storable
from app.words import say

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUPS_LIMIT = 100
"""Most groups one row may name."""
CELL_LIMIT = bounds.TEXT_LENGTH
"""Longest cell but that of the groups, in characters."""
GROUP_NAME_LIMIT = bounds.KEY_LENGTH * 2
"""Longest name of a group, in characters: the directory keeps no longer ones."""

_ALIASES = {
    "userName": ("login", "loginname", "upn", "userprincipalname", "userid", "username"),
    "displayName": ("displayname", "name", "fullname"),
    "givenName": ("givenname", "firstname", "forename"),
    "familyName": ("familyname", "lastname", "surname"),
    "email": ("email", "emailaddress", "mail", "workemail", "primaryemail"),
    "externalId": ("externalid", "objectid", "immutableid"),
    "active": ("active", "enabled", "accountenabled", "isactive"),
    "groups": ("groups", "group", "memberof"),
    "title": ("title", "jobtitle"),
    "nickName": ("nickname",),
    "userType": ("usertype", "type"),
    "preferredLanguage": ("preferredlanguage", "language"),
    "locale": ("locale",),
    "timezone": ("timezone",),
    "department": ("department", "dept"),
    "division": ("division",),
    "organization": ("organization", "organisation", "company"),
    "costCenter": ("costcenter", "costcentre"),
    "employeeNumber": ("employeenumber", "employeeid", "employeeno"),
}
COLUMNS = tuple(_ALIASES)
"""The columns that are read, by their names in SCIM."""
_BY_ALIAS = {alias: column for column, aliases in _ALIASES.items() for alias in aliases}
PATHS: dict[str, tuple[str, ...]] = {
    "givenName": ("name", "givenName"),
    "familyName": ("name", "familyName"),
    **{each: (each,) for each in ("title", "nickName", "userType", "preferredLanguage")},
    **{each: (each,) for each in ("locale", "timezone")},
    **{each: (ENTERPRISE, each) for each in ("department", "division", "organization")},
    **{each: (ENTERPRISE, each) for each in ("costCenter", "employeeNumber")},
}
"""Where the other attributes are in ``Profile.attributes``."""
_YES = frozenset({"true", "yes", "y", "t", "1", "on", "active", "enabled"})
_NO = frozenset({"false", "no", "n", "f", "0", "off", "inactive", "disabled", "deactivated"})


@dataclass(frozen=True, slots=True)
class Person:
    """What a row says; None where it says nothing."""

    line: int
    login: str
    """The user name, or the e-mail address where there is no column for the user name."""
    key: str
    """The same, for comparison."""
    renames: bool
    """Whether somebody found by the external id gets that user name."""
    external_id: str | None
    email: str | None
    active: bool | None
    texts: dict[str, str]
    """The other cells, by column."""
    groups: dict[str, str] | None
    """Names of groups, by name for comparison; None: the file has no such column."""
    emails: tuple[str, ...] | None = None
    """All addresses there are, where more than one can be told; None: ``email`` is one of them."""


def column_named(name: str) -> str | None:
    """Return which column a name in the head of a file means; None: none that is read."""
    return _BY_ALIAS.get(re.sub(r"[\W_]", "", name.lower()))


def read(line: int, cells: Sequence[str], columns: Sequence[str | None]) -> Person:
    """Return what a row says.

    :raises Refused: When it cannot be meant.
    """
    said = {column: cell.strip() for column, cell in zip(columns, cells, strict=False) if column}
    groups = said.pop("groups", "") if "groups" in columns else None
    check_cells(said.values(), said)
    user_name, email = said.pop("userName", ""), said.pop("email", "")
    login = user_name or email
    if not login:
        raise Refused("userName" if "userName" in columns else "email", say("It is empty."))
    active = said.pop("active", "")
    return Person(
        line=line,
        login=login,
        key=comparison_key(login),
        renames=bool(user_name),
        external_id=said.pop("externalId", "") or None,
        email=email or None,
        active=_switch(active) if active else None,
        texts={column: cell for column, cell in said.items() if cell},
        groups=None if groups is None else groups_in(groups),
    )


def check_cells(cells: Collection[str], columns: Iterable[str]) -> None:
    """Refuse cells that cannot be kept.

    :param columns: The column of each.
    :raises Refused: With the first that cannot.
    """
    # A row may end before all that is read.
    if max(map(len, cells), default=0) <= CELL_LIMIT and storable("".join(cells)):
        return
    for column, cell in zip(columns, cells, strict=False):
        if len(cell) > CELL_LIMIT:
            raise Refused(column, say("It is longer than %(limit)s characters.", limit=CELL_LIMIT))
        if not storable(cell):
            raise Refused(column, say("It holds a character that is not allowed."))


def groups_in(cell: str) -> dict[str, str]:
    """Return the names of groups in a cell, by name for comparison.

    :raises Refused: When one is too long, or there are too many.
    """
    return groups_named(cell.replace("|", ";").split(";"))


def groups_named(names: Iterable[str]) -> dict[str, str]:
    """Return names of groups by name for comparison, empty ones left out.

    :raises Refused: As :func:`groups_in`.
    """
    return few_groups({key_of_group(name): name for name in map(str.strip, names) if name})


def few_groups(found: dict[str, str]) -> dict[str, str]:
    """Return names of groups as they are.

    :raises Refused: When there are too many.
    """
    if len(found) > GROUPS_LIMIT:
        raise Refused("groups", say("It names more than %(limit)s groups.", limit=GROUPS_LIMIT))
    return found


def key_of_group(name: str, column: str = "groups") -> str:
    """Return the name of a group for comparison.

    :param column: Where the name is.
    :raises Refused: When no group can be called so.
    """
    try:
        return comparison_key(bounds.required(column, name, GROUP_NAME_LIMIT))
    except Invalid as error:
        raise Refused(column, error.sentence) from error


def profile_of(person: Person, stored: Profile | None = None) -> Profile:
    """Return the profile of a person with what the row says; all else stays.

    :param stored: None: it is somebody new.
    """
    if stored is None:
        names = (person.texts.get("givenName"), person.texts.get("familyName"))
        return _with(
            person,
            Profile(person.login, display_name=" ".join(filter(None, names)) or None),
        )
    return _with(person, stored)


def _with(person: Person, stored: Profile) -> Profile:
    other_name = person.renames and person.key != comparison_key(stored.user_name)
    return Profile(
        user_name=person.login if other_name else stored.user_name,
        external_id=person.external_id or stored.external_id,
        display_name=person.texts.get("displayName", stored.display_name),
        active=stored.active if person.active is None else person.active,
        attributes=_attributes(person, stored),
        values=_values(person, stored),
    )


def _attributes(person: Person, stored: Profile) -> dict[str, object]:
    attributes = dict(stored.attributes)
    for column, text in person.texts.items():
        path = PATHS.get(column)
        if path is None:
            continue
        if len(path) == 1:
            attributes[path[0]] = text
        else:
            attributes[path[0]] = {**attributes.get(path[0], {}), path[1]: text}
    return attributes


def _values(person: Person, stored: Profile) -> dict[str, list[dict[str, object]]]:
    emails = stored.values.get("emails", [])
    if person.emails is not None:
        return stored.values | {"emails": _exactly(person.emails, emails)}
    if person.email is None:
        return stored.values
    key = comparison_key(person.email)
    if any(comparison_key(each.get("value") or "") == key for each in emails):
        return stored.values
    # It takes the place of the primary address; the others stay.
    others = [each for each in emails if not each.get("primary")]
    new = {"value": person.email, "type": "work", "primary": True}
    return stored.values | {"emails": [new, *others]}


def _exactly(wanted: tuple[str, ...], stored: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return these addresses, the first one primary; those that are the same stay as they are."""
    there = {comparison_key(str(each.get("value") or "")): each for each in stored}
    if {comparison_key(each) for each in wanted} == there.keys():
        return stored
    found: dict[str, dict[str, object]] = {}
    for address in wanted:
        entry = there.get(comparison_key(address), {"value": address, "type": "work"})
        rest = {name: value for name, value in entry.items() if name != "primary"}
        found.setdefault(comparison_key(address), rest if found else rest | {"primary": True})
    return list(found.values())


def _switch(word: str) -> bool:
    said = word.lower()
    if said not in _YES | _NO:
        raise Refused("active", say("It must be true or false."))
    return said in _YES
