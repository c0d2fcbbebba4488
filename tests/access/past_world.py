"""An account to which random things are done, and what it answered after each."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from app.access.decisions import check_many
from app.access.difference import access_of
from app.directory import folders, grants, groups, mappings, memberships, restoring, roles, users
from app.directory.errors import DirectoryError, NotFound
from app.directory.folders import FolderProfile
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from app.store.database import db
from app.store.models import Folder, Grant, Group, Mapping, Tombstone, User
from app.store.types import now
from tests.conftest import Work, write
from tests.factories import a_master_admin, a_principal, an_account
from tests.inspection import rows

ACTIONS = ("folder.view", "asset.upload", "user.manage")
ON_FOLDERS = ("viewer", "contributor", "manager", "painter")
ON_ACCOUNT = ("reports", "admin", "media_library_admin", "media_library_user")
HOUR = timedelta(hours=1)
PERIODS = ((None, None), (None, None), (-HOUR, HOUR), (HOUR, None), (None, -HOUR))
"""From when until when a grant holds, counted from now."""


@dataclass(frozen=True)
class Moment:
    """What the account answered at a time."""

    at: datetime
    who: dict[tuple[str, str | None], dict[str, tuple[str, frozenset[str]]]]
    """By action and folder: userName and ids of the deciding grants by user."""
    what: dict[str, Any]
    """By user: userName, names of the account roles, visible folders with paths and roles."""


class World:
    """Each method does one thing to what there is by then, chosen by numbers."""

    def __init__(self) -> None:
        self.account = an_account()
        a_master_admin(self.account)
        self.made = 0
        with write(self.account) as work:
            self.painter = roles.create(work, "folder", "painter", ["folder.view"])
        for _ in range(2):
            self.add_user(0, 0, 0)
            self.add_group(0, 0, 0)
            self.add_folder(0, 0, 0)

    def do(self, what: str, *numbers: int) -> None:
        """Do something; what the directory refuses is not done."""
        with suppress(DirectoryError):
            getattr(self, what)(*numbers)

    # -- what people do -------------------------------------------------------

    def add_user(self, number: int, *_: int) -> None:
        roles_ = {"roles": [{"value": "mapped"}]} if number % 3 == 2 else {}
        with write(self.account) as work:
            users.create(work, Profile(self.name("u"), active=number % 4 != 1, values=roles_))

    def switch_user(self, number: int, *_: int) -> None:
        user = self.one(User, number)
        with write(self.account) as work:
            users.set_active(work, user.id, not user.active)

    def rename_user(self, number: int, other: int, *_: int) -> None:
        user = self.one(User, number)
        with write(self.account) as work:
            profile = users.profile_of(work, user.id)
            if other % 2:
                profile.user_name = self.name("u")
            else:
                profile.display_name = self.name("d")
            users.replace(work, user.id, profile)

    def delete_user(self, number: int, *_: int) -> None:
        with write(self.account) as work:
            users.delete(work, self.one(User, number).id)

    def add_group(self, number: int, *_: int) -> None:
        with write(self.account) as work:
            groups.create(work, GroupProfile("Mapped" if number % 3 == 2 else self.name("g")))

    def rename_group(self, number: int, other: int, *_: int) -> None:
        name = "Mapped" if other % 3 == 2 else self.name("g")
        with write(self.account) as work:
            groups.replace(work, self.one(Group, number).id, GroupProfile(name))

    def delete_group(self, number: int, *_: int) -> None:
        with write(self.account) as work:
            groups.delete(work, self.one(Group, number).id)

    def add_member(self, number: int, other: int, *_: int) -> None:
        with write(self.account) as work:
            memberships.add(work, self.one(Group, number).id, [self.somebody(other)])

    def set_members(self, number: int, other: int, third: int, *_: int) -> None:
        members = [self.somebody(other), self.somebody(third)]
        with write(self.account) as work:
            memberships.set_members(work, self.one(Group, number).id, members)

    def remove_member(self, number: int, other: int, *_: int) -> None:
        with write(self.account) as work:
            memberships.remove(work, self.one(Group, number).id, [self.somebody(other)])

    def share(self, number: int, other: int, third: int, fourth: int) -> None:
        role = ON_FOLDERS[third % len(ON_FOLDERS)]
        with write(self.account) as work:
            self.give(work, number, role, self.one(Folder, other).id, fourth)

    def promote(self, number: int, other: int, third: int, *_: int) -> None:
        with write(self.account) as work:
            self.give(work, number, ON_ACCOUNT[other % len(ON_ACCOUNT)], None, third)

    def change_period(self, number: int, other: int, *_: int) -> None:
        with write(self.account) as work:
            grants.change(work, self.one(Grant, number).id, **self.period(other), reason="new")

    def revoke(self, number: int, *_: int) -> None:
        with write(self.account) as work:
            grants.revoke(work, self.one(Grant, number).id)

    def add_folder(self, number: int, other: int, *_: int) -> None:
        with write(self.account) as work:
            folders.create(
                work, self.one(Folder, number).id, self.name("f"), restricted=other % 3 == 2
            )

    def change_folder(self, number: int, other: int, third: int, *_: int) -> None:
        folder = self.one(Folder, number)
        changed = (
            (self.name("f"), folder.parent_id, folder.restricted),
            (folder.name, self.one(Folder, other).id, folder.restricted),
            (folder.name, folder.parent_id, not folder.restricted),
        )[third % 3]
        with write(self.account) as work:
            folders.replace(work, folder.id, FolderProfile(*changed))

    def delete_folder(self, number: int, *_: int) -> None:
        with write(self.account) as work:
            folders.delete(work, self.one(Folder, number).id)

    def change_role(self, number: int, *_: int) -> None:
        permitted = (["folder.view"], ["asset.upload"], [], ["folder.view", "asset.upload"])
        with write(self.account) as work:
            roles.replace(work, self.painter, "painter", permitted[number % 4])

    def add_mapping(self, number: int, other: int, third: int, *_: int) -> None:
        by = {"match_by": "role"} if number % 2 else {}
        role = ON_FOLDERS[third % len(ON_FOLDERS)]
        with write(self.account) as work:
            folder = self.one(Folder, other).id
            mappings.create(work, "mapped", self.role_id(role), folder, **by)

    def delete_mapping(self, number: int, *_: int) -> None:
        with write(self.account) as work:
            mappings.delete(work, self.one(Mapping, number).id)

    def restore(self, number: int, *_: int) -> None:
        with write(self.account) as work:
            restoring.restore(work, self.one(Tombstone, number).id)

    def several(self, number: int, other: int, third: int, fourth: int) -> None:
        """In and out and in again within one transaction: all at the same moment."""
        with write(self.account) as work:
            group, who = self.one(Group, number).id, self.somebody(other)
            memberships.remove(work, group, [who])
            memberships.add(work, group, [who])
            self.give(work, other, "viewer", self.one(Folder, third).id, fourth)
            memberships.remove(work, group, [self.somebody(fourth)])
            folder = self.one(Folder, third)
            folders.replace(
                work, folder.id, FolderProfile(folder.name, folder.parent_id, not folder.restricted)
            )

    # -- what it answers ------------------------------------------------------

    def moment(self) -> Moment:
        """What the account answers now, at a time between any two writes."""
        at = now()
        while now() == at:
            pass
        places = [None, *(each.id for each in rows(Folder, account_id=self.account))]
        people = {each.id: each.user_name for each in rows(User, account_id=self.account)}
        asked = [(u, a, p) for u in people for a in ACTIONS for p in places]
        who = {(action, place): {} for action in ACTIONS for place in places}
        decisions = check_many(self.account, asked)
        for (user, action, place), decision in zip(asked, decisions, strict=True):
            if decision.allowed:
                ids = frozenset(grant.id for grant in decision.because)
                who[action, place][user] = (people[user], ids)
        return Moment(at, who, access_of(self.account, people))

    # -- helpers --------------------------------------------------------------

    def name(self, letter: str) -> str:
        self.made += 1
        return f"{letter}{self.made}"

    def one(self, table: type[Any], number: int) -> Any:
        """One row of a table, the same for the same number in the same account."""
        columns = table.__table__
        query = select(columns).where(columns.c.account_id == self.account)
        found = db.session.execute(query.order_by(columns.c.id)).all()
        if not found:
            raise NotFound("row", table.__tablename__)
        return found[number % len(found)]

    def somebody(self, number: int) -> str:
        """The id of a user or a group."""
        return self.one(User if number % 2 else Group, number // 2).id

    def role_id(self, name: str) -> str:
        return self.painter if name == "painter" else name

    def give(self, work: Work, to: int, role: str, folder: str | None, period: int) -> None:
        principal = a_principal(self.account, self.somebody(to))
        grants.give(work, principal, self.role_id(role), folder, **self.period(period))

    def period(self, number: int) -> dict[str, datetime | None]:
        start, end = PERIODS[number % len(PERIODS)]
        return {"not_before": start and now() + start, "expires_at": end and now() + end}


OPERATIONS = (
    *("add_user", "switch_user", "rename_user", "delete_user"),
    *("add_group", "rename_group", "delete_group", "add_member", "set_members", "remove_member"),
    *("share", "promote", "change_period", "revoke", "change_role"),
    *("add_folder", "change_folder", "delete_folder"),
    *("add_mapping", "delete_mapping", "restore", "several"),
)
OFTEN = ("add_member", "share", "change_folder", "delete_user", "delete_group", "restore")
