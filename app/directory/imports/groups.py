"""The groups a file names: found or made before the people come, refused where need be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.directory import delegation, groups
from app.directory.errors import Forbidden
from app.directory.groups import GroupProfile
from app.directory.imports.persons import Person
from app.directory.imports.refusals import Refused
from app.directory.work import Work
from app.store.bulk import among
from app.store.database import db
from app.store.models import Group
from app.words import Said, say


@dataclass
class Groups:
    """The groups a file names, by name for comparison."""

    exactly: bool = False
    """Whether people leave those that their row does not name."""
    ids: dict[str, str | None] = field(default_factory=dict)
    """None: it was made for a trial, and is gone again."""
    refused: dict[str, Said] = field(default_factory=dict)
    """Those nobody can be put into, with why."""

    def names(self, key: str) -> bool:
        """Tell whether the file names a group."""
        return key in self.ids or key in self.refused

    def check(self, person: Person) -> None:
        """Refuse a person whose row names a group that is refused."""
        if self.refused and person.groups:
            for key, name in person.groups.items():
                if key in self.refused:
                    raise Refused("groups", refusal(name, self.refused[key]))


def refusal(name: str, why: Said) -> Said:
    """Return the sentence that says why nobody can be put into a group."""
    return say("%(group)s: %(why)s", group=name, why=why)


def find_or_make(
    work: Work,
    names: dict[str, str],
    found: Groups,
    *,
    make: bool,
    columns: Mapping[str, Any] | None = None,
) -> list[str]:
    """Find some groups by their names, and return which were made.

    :param names: By name for comparison.
    :param found: Gets them.
    :param make: Whether to make those that are not there.
    :param columns: What these have besides, such as the connection they are of.
    """
    there: dict[str, list[str]] = {}
    query = select(Group.display_name_key, Group.id).where(
        Group.account_id == work.account_id, among(Group.display_name_key, names)
    )
    for key, group_id in db.session.execute(query):
        there.setdefault(key, []).append(group_id)
    for key, ids in there.items():
        if len(ids) > 1:
            found.refused[key] = say("Several groups have this name.")
        else:
            found.ids[key] = ids[0]
    _refuse_beyond(work, [key for key in there if key in found.ids], found)
    missing = sorted(names.keys() - there.keys())
    if not make:
        found.refused.update(dict.fromkeys(missing, say("There is no such group.")))
        return []
    found.refused.update(
        {key: error.sentence for key, error in _beyond_once_made(work, missing, columns or {})}
    )
    missing = [key for key in missing if key not in found.refused]
    made = groups.create_all(work, [GroupProfile(names[key]) for key in missing], columns)
    found.ids.update(zip(missing, made, strict=True))
    return missing


def _beyond_once_made(
    work: Work, keys: Sequence[str], columns: Mapping[str, Any]
) -> Iterable[tuple[str, Forbidden]]:
    return delegation.over_names(work, keys, columns.get("connection_id")).items()


def _refuse_beyond(work: Work, keys: Sequence[str], found: Groups) -> None:
    """Refuse groups that hold more than the actor does."""
    by_id = {found.ids[key]: key for key in keys}
    for group_id, error in delegation.over_groups(work, [each for each in by_id if each]).items():
        key = by_id[group_id]
        found.refused[key] = error.sentence
        del found.ids[key]
