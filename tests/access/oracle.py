"""A second answer to "who may do what, where?": plain Python over a small made-up account.

It is written from the rules alone (see docs and ``app.access``), slowly and without SQL, so that
the tests can compare the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from app.access.permissions import ACCOUNT_ROLES, ACTIONS, FOLDER_ACTIONS, FOLDER_ROLES
from app.directory import folders, grants, groups, memberships, users
from app.directory.grants import Principal
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from app.store.types import now
from tests.conftest import write
from tests.factories import a_custom_role, an_account

HOUR = timedelta(hours=1)
PERIODS = {
    "always": (None, None, True),
    "begun": (-HOUR, None, True),
    "within": (-HOUR, HOUR, True),
    "later": (HOUR, 2 * HOUR, False),
    "over": (None, -HOUR, False),
}


@dataclass(frozen=True)
class GivenGrant:
    """``to`` and ``folder`` are places in the lists of the world; no folder: on the account."""

    to_group: bool
    to: int
    role: str
    folder: int | None
    period: str

    @property
    def place(self) -> tuple[object, ...]:
        """What there is one grant of; given again, it takes the new period."""
        return (self.to_group, self.to, self.role, self.folder)


@dataclass
class World:
    """An account: folder 0 is the root, a folder's parent stands before it, as do a group's."""

    parents: list[int]
    restricted: list[bool]
    active: list[bool]
    outer_groups: list[set[int]]
    memberships: set[tuple[int, int]]
    grants: list[GivenGrant]
    roles: dict[str, frozenset[str]]
    ids: dict[str, Any] = field(default_factory=dict)

    @property
    def folders(self) -> range:
        return range(len(self.parents) + 1)

    @property
    def users(self) -> range:
        return range(len(self.active))

    def groups_of(self, user: int) -> set[int]:
        found = {group for member, group in self.memberships if member == user}
        while True:
            more = found.union(*(self.outer_groups[group] for group in found))
            if more == found:
                return found
            found = more

    def reaching(self, folder: int) -> set[int]:
        """The folders whose grants hold on a folder: upwards as far as the first restricted."""
        found = {folder}
        while folder and not self.restricted[folder - 1]:
            folder = self.parents[folder - 1]
            found.add(folder)
        return found

    def grants_of(self, user: int) -> list[GivenGrant]:
        inside = self.groups_of(user)
        return [
            grant
            for grant in self.grants
            if self.active[user]
            and PERIODS[grant.period][2]
            and (grant.to in inside if grant.to_group else grant.to == user)
        ]

    def roles_on(self, user: int, folder: int | None) -> set[str]:
        """The names of the roles held on a folder, account roles included."""
        places = {None} if folder is None else {None, *self.reaching(folder)}
        return {grant.role for grant in self.grants_of(user) if grant.folder in places}

    def permissions(self, user: int, folder: int | None) -> frozenset[str]:
        return frozenset().union(*(self.roles[role] for role in self.roles_on(user, folder)))

    def path(self, folder: int) -> str:
        names = []
        while folder:
            names.append(f"f{folder}")
            folder = self.parents[folder - 1]
        return "/" + "/".join(reversed(names))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    parents = [draw(st.integers(0, n)) for n in range(draw(st.integers(0, 7)))]
    active = draw(st.lists(st.sampled_from([True, True, True, False]), min_size=1, max_size=3))
    outer = [draw(st.sets(st.integers(0, n - 1))) if n else set() for n in range(4)]
    roles = ACCOUNT_ROLES | FOLDER_ROLES
    roles["custom on folders"] = draw(st.frozensets(st.sampled_from(sorted(FOLDER_ACTIONS))))
    roles["custom on account"] = draw(st.frozensets(st.sampled_from(sorted(ACTIONS))))
    on_folders = [*FOLDER_ROLES, "custom on folders"]
    on_account = ["admin", "reports", "media_library_admin", "custom on account"]

    def a_grant() -> GivenGrant:
        to_group = draw(st.booleans())
        folder = draw(st.none() | st.integers(0, len(parents)) | st.integers(0, len(parents)))
        role = draw(st.sampled_from(on_account if folder is None else on_folders))
        to = draw(st.integers(0, (4 if to_group else len(active)) - 1))
        return GivenGrant(to_group, to, role, folder, draw(st.sampled_from(sorted(PERIODS))))

    given = [a_grant() for _ in range(draw(st.integers(0, 8)))]
    return World(
        parents=parents,
        restricted=[draw(st.booleans()) for _ in parents],
        active=active,
        outer_groups=outer,
        memberships=draw(
            st.sets(st.tuples(st.integers(0, len(active) - 1), st.integers(0, 3)), max_size=6)
        ),
        grants=list({each.place: each for each in given}.values()),
        roles=roles,
    )


def build(world: World) -> str:
    """Write the world as a new account and return its id; ``world.ids`` then names its rows."""
    account_id = an_account()
    role_ids = {name: name for name in world.roles}
    for scope, name in (("folder", "custom on folders"), ("account", "custom on account")):
        role_ids[name] = a_custom_role(account_id, scope, world.roles[name], name=name)
    with write(account_id) as work:
        folder_ids = [folders.root_of(account_id)]
        for number, parent in enumerate(world.parents, start=1):
            restricted = world.restricted[number - 1]
            name = f"f{number}"
            folder_ids.append(folders.create(work, folder_ids[parent], name, restricted=restricted))
        user_ids = [users.create(work, Profile(f"u{user}")) for user in world.users]
        group_ids = [groups.create(work, GroupProfile(f"g{n}")) for n in range(4)]
        for inner, outer in enumerate(world.outer_groups):
            for group in outer:
                memberships.add(work, group_ids[group], [group_ids[inner]])
        for user, group in world.memberships:
            memberships.add(work, group_ids[group], [user_ids[user]])
        for grant in world.grants:
            start, end, _ = PERIODS[grant.period]
            ids, type_ = (group_ids, "group") if grant.to_group else (user_ids, "user")
            grants.give(
                work,
                Principal(type_, ids[grant.to], "someone"),
                role_ids[grant.role],
                None if grant.folder is None else folder_ids[grant.folder],
                not_before=start and now() + start,
                expires_at=end and now() + end,
            )
        for user in world.users:
            users.set_active(work, user_ids[user], world.active[user])
    world.ids = {"users": user_ids, "folders": folder_ids, "groups": group_ids}
    return account_id
