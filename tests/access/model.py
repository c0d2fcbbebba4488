"""An account that changes, a second time: plain Python, slow, and written from the rules alone.

The state machine does everything twice, here and in the database, and compares the answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from app.access.permissions import FOLDER_ACTIONS

HOUR = timedelta(hours=1)
PERIODS = {
    "always": (None, None),
    "begun": (-HOUR, None),
    "within": (-HOUR, HOUR),
    "later": (HOUR, 2 * HOUR),
    "over": (None, -HOUR),
}
"""From when until when a grant holds, counted from now."""
OUT_OF_FORCE = {"later": "not_begun", "over": "expired"}


@dataclass(frozen=True)
class ModelFolder:
    name: str
    parent: str | None
    restricted: bool = False


@dataclass(frozen=True)
class ModelGrant:
    to: str
    """Id of a user or a group."""
    role: str
    folder: str | None
    period: str = "always"

    @property
    def place(self) -> tuple[str, str, str | None]:
        """What there is one grant of."""
        return (self.to, self.role, self.folder)


@dataclass
class Model:
    """Everything by its id; roles by their names, which are their ids here."""

    roles: dict[str, frozenset[str]]
    users: dict[str, bool] = field(default_factory=dict)
    """Whether each is active."""
    members: dict[str, set[str]] = field(default_factory=dict)
    """Who is right in each group: users and groups."""
    folders: dict[str, ModelFolder] = field(default_factory=dict)
    grants: dict[str, ModelGrant] = field(default_factory=dict)

    # -- what changes ---------------------------------------------------------

    def forget(self, id_: str) -> None:
        """Delete a user, a group or a folder, with the grants to it or on it."""
        for everything in (self.users, self.members, self.folders):
            everything.pop(id_, None)  # type: ignore[attr-defined]
        for members in self.members.values():
            members.discard(id_)
        self.grants = {
            key: each for key, each in self.grants.items() if id_ not in (each.to, each.folder)
        }

    def with_period(self, grant_id: str, period: str) -> None:
        self.grants[grant_id] = replace(self.grants[grant_id], period=period)

    def grant_at(self, place: tuple[str, str, str | None]) -> str | None:
        return next((key for key, each in self.grants.items() if each.place == place), None)

    # -- what is so -----------------------------------------------------------

    def inside(self, group: str) -> set[str]:
        """The group with all users and groups in it, however deep."""
        found, ahead = set(), {group}
        while ahead:
            found |= ahead
            ahead = {each for one in ahead for each in self.members.get(one, ())} - found
        return found

    def way_up(self, folder: str) -> list[str]:
        found, here = [], folder
        while here is not None:
            found.append(here)
            here = self.folders[here].parent
        return found

    def reaching(self, folder: str) -> list[str]:
        """The folders whose grants hold here: upwards as far as the first restricted one."""
        found = []
        for each in self.way_up(folder):
            found.append(each)
            if self.folders[each].restricted:
                break
        return found

    def path(self, folder: str) -> str:
        names = [self.folders[each].name for each in self.way_up(folder)]
        return "/" + "/".join(reversed(names[:-1]))

    def given_to(self, user: str) -> dict[str, ModelGrant]:
        """The grants to a user and to all groups that contain them, in force or not."""
        containing = {group for group in self.members if user in self.inside(group)}
        return {key: each for key, each in self.grants.items() if each.to in {user, *containing}}

    def deciding(self, user: str, action: str, folder: str | None) -> set[str]:
        """The ids of the grants by which a user may do an action on a folder, or the account."""
        if not self.users.get(user) or (folder is not None and folder not in self.folders):
            return set()
        if folder is None and action in FOLDER_ACTIONS:
            return set()
        places = {None} if folder is None else {None, *self.reaching(folder)}
        return {
            key
            for key, each in self.given_to(user).items()
            if each.folder in places
            and each.period not in OUT_OF_FORCE
            and action in self.roles[each.role]
        }

    def allowed(self, user: str, action: str, folder: str | None) -> bool:
        return bool(self.deciding(user, action, folder))

    def role_names(self, grant_ids: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted({self.grants[each].role for each in grant_ids}))

    def obstacles(self, user: str, action: str, folder: str | None) -> set[tuple[str, str | None]]:
        """What is in the way of a no: kinds, with the grant each is about."""
        if user not in self.users:
            return {("unknown_user", None)}
        if not self.users[user]:
            return {("inactive_user", None)}
        if folder is not None and folder not in self.folders:
            return {("unknown_folder", None)}
        if folder is None and action in FOLDER_ACTIONS:
            return {("needs_folder", None)}
        found: set[tuple[str, str | None]] = set()
        above = {None} if folder is None else {None, *self.way_up(folder)}
        near = {None} if folder is None else {None, *self.reaching(folder)}
        for key, each in self.given_to(user).items():
            if each.folder not in above or (each.folder and action not in FOLDER_ACTIONS):
                continue
            cut_off, out_of_force = each.folder not in near, OUT_OF_FORCE.get(each.period)
            if action in self.roles[each.role]:
                found |= {("cut_off", key)} if cut_off else set()
                found |= {(out_of_force, key)} if out_of_force else set()
            elif not cut_off and not out_of_force:
                found.add(("lacks_action", key))
        return found or {("no_grant", None)}

    def shown_by_name(self, user: str) -> set[str]:
        """The folders a user does not see above those they do."""
        seen = {each for each in self.folders if self.allowed(user, "folder.view", each)}
        return {above for each in seen for above in self.way_up(each)} - seen
