"""Whatever is done to an account, every answer is the model's, and they agree with each other."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.access.decisions import check, check_many
from app.access.explanation import explain
from app.access.folders import folders_visible_to, folders_where, names_above
from app.access.permissions import ACCOUNT_ROLES, FOLDER_ROLES
from app.access.who import who_can
from app.directory import folders, grants, groups, memberships, users
from app.directory.errors import Invalid, NotEmpty
from app.directory.grants import Principal
from app.directory.groups import GroupProfile
from app.directory.users import Profile
from app.store.types import now
from tests.access.model import PERIODS, Model, ModelFolder, ModelGrant
from tests.conftest import write
from tests.factories import a_custom_role, a_folder, a_grant, a_master_admin, a_user, an_account

EXAMPLES = {"sqlite": 20, "postgresql": 6}
STEPS = 20
ACTIONS = ("folder.view", "asset.upload", "folder.share", "user.manage")
ON_FOLDERS = [*FOLDER_ROLES, "uploader"]
ON_ACCOUNT = ["reports", "admin", "media_library_admin", "media_library_user", "onlooker"]
CUSTOM = {"uploader": frozenset({"asset.upload"}), "onlooker": frozenset({"folder.view"})}
AT_MOST = 6
"""How many users, groups and folders there are of each."""

some = st.integers(0, 5)
periods = st.sampled_from(sorted(PERIODS))


class AccountMachine(RuleBasedStateMachine):
    """Does to an account what people do, and to its model too."""

    @initialize()
    def begin(self) -> None:
        self.account, self.other, self.step = an_account(), an_account(), 0
        self.model = Model(ACCOUNT_ROLES | FOLDER_ROLES | CUSTOM)
        self.role_ids = {name: name for name in self.model.roles}
        for scope, name in (("folder", "uploader"), ("account", "onlooker")):
            role = a_custom_role(self.account, scope, CUSTOM[name], name=name)
            self.role_ids[name] = role
        self.model.folders[folders.root_of(self.account)] = ModelFolder("", None)
        self.boss = a_master_admin(self.account)
        self.model.users[self.boss] = True
        self.model.grants["boss"] = ModelGrant(self.boss, "master_admin", None)
        for restricted in (False, True):
            self.add_folder(0, restricted)
        self.add_user()
        self.add_user()
        self.add_group()
        self.add_member(0, 1)
        self.share(0, "viewer", 1, "always")
        self.share(2, "manager", 2, "always")
        self.others = [
            (user, action, folder)
            for folder in (a_folder(self.other), a_folder(self.other))
            for user in (a_master_admin(self.other), a_user(self.other))
            for action in ("folder.view", "asset.edit")
        ]
        a_grant(self.other, self.others[-1][0], "viewer", self.others[-1][2])
        self.others_answers = self.ask_others()

    # -- what people do -------------------------------------------------------

    @rule()
    @precondition(lambda self: len(self.model.users) < AT_MOST)
    def add_user(self) -> None:
        with write(self.account) as work:
            user = users.create(work, Profile(f"u{work.at.timestamp()}"))
        self.model.users[user] = True

    @rule()
    @precondition(lambda self: len(self.model.members) < AT_MOST)
    def add_group(self) -> None:
        with write(self.account) as work:
            group = groups.create(work, GroupProfile(f"g{len(self.model.members)}"))
        self.model.members[group] = set()

    @rule(parent=some, restricted=st.booleans())
    @precondition(lambda self: len(self.model.folders) < AT_MOST)
    def add_folder(self, parent: int, restricted: bool) -> None:
        above = self.one_of(self.model.folders, parent)
        with write(self.account) as work:
            name = f"f{work.at.timestamp()}"
            folder = folders.create(work, above, name, restricted=restricted)
        self.model.folders[folder] = ModelFolder(name, above, restricted)

    @rule(group=some, member=st.integers(0, 11))
    def add_member(self, group: int, member: int) -> None:
        into = self.one_of(self.model.members, group)
        who = self.one_of([*self.model.users, *self.model.members], member)
        if into in self.model.inside(who):
            with pytest.raises(Invalid), write(self.account) as work:
                memberships.add(work, into, [who])
            return
        with write(self.account) as work:
            memberships.add(work, into, [who])
        self.model.members[into].add(who)

    @rule(group=some, member=some)
    def remove_member(self, group: int, member: int) -> None:
        out_of = self.one_of(self.model.members, group)
        if not self.model.members[out_of]:
            return
        who, before = self.one_of(self.model.members[out_of], member), self.may_do()
        with write(self.account) as work:
            memberships.remove(work, out_of, [who])
        self.model.members[out_of].discard(who)
        assert self.may_do() <= before

    @rule(to=st.integers(0, 11), role=st.sampled_from(ON_FOLDERS), folder=some, period=periods)
    def share(self, to: int, role: str, folder: int, period: str) -> None:
        self.give(to, role, self.one_of(self.model.folders, folder), period)

    @rule(to=st.integers(0, 11), role=st.sampled_from(ON_ACCOUNT), period=periods)
    def promote(self, to: int, role: str, period: str) -> None:
        self.give(to, role, None, period)

    @rule(grant=st.integers(0, 20))
    def revoke(self, grant: int) -> None:
        grant_id, before = self.a_grant(grant), self.may_do()
        if grant_id is None:
            return
        with write(self.account) as work:
            grants.revoke(work, grant_id)
        del self.model.grants[grant_id]
        assert self.may_do() <= before

    @rule(grant=st.integers(0, 20), period=periods)
    def change_period(self, grant: int, period: str) -> None:
        grant_id = self.a_grant(grant)
        if grant_id is not None:
            with write(self.account) as work:
                grants.change(work, grant_id, **times(period))
            self.model.with_period(grant_id, period)

    @rule(folder=some, into=some)
    def move(self, folder: int, into: int) -> None:
        moved = self.one_of(self.model.folders, folder)
        target = self.one_of(self.model.folders, into)
        if self.model.folders[moved].parent is None:
            return
        if moved in self.model.way_up(target):
            with pytest.raises(Invalid):
                self.change_folder(moved, parent=target)
        else:
            self.change_folder(moved, parent=target)

    @rule(folder=some, into=some)
    def move_there_and_back(self, folder: int, into: int) -> None:
        moved = self.one_of(self.model.folders, folder)
        target, home = self.one_of(self.model.folders, into), self.model.folders[moved].parent
        if home is None or moved in self.model.way_up(target):
            return
        before = self.may_do()
        self.change_folder(moved, parent=target)
        self.change_folder(moved, parent=home)
        assert self.may_do() == before

    @rule(folder=some)
    def restrict_or_open(self, folder: int) -> None:
        switched = self.one_of(self.model.folders, folder)
        if self.model.folders[switched].parent is not None:
            self.change_folder(switched, restricted=not self.model.folders[switched].restricted)

    @rule(user=some)
    def switch_off_or_on(self, user: int) -> None:
        who, before = self.one_of(self.model.users, user), self.may_do()
        if who == self.boss:
            return
        active = not self.model.users[who]
        with write(self.account) as work:
            users.set_active(work, who, active)
        self.model.users[who] = active
        assert active or self.may_do() <= before

    @rule(folder=some)
    def delete_folder(self, folder: int) -> None:
        gone = self.one_of(self.model.folders, folder)
        if self.model.folders[gone].parent is None:
            return
        if any(each.parent == gone for each in self.model.folders.values()):
            with pytest.raises(NotEmpty), write(self.account) as work:
                folders.delete(work, gone)
            return
        with write(self.account) as work:
            folders.delete(work, gone)
        self.model.forget(gone)

    @rule(who=st.integers(0, 11))
    def delete_user_or_group(self, who: int) -> None:
        gone = self.one_of([*self.model.users, *self.model.members], who)
        if gone == self.boss or list(self.model.members) == [gone]:
            return
        with write(self.account) as work:
            (users if gone in self.model.users else groups).delete(work, gone)
        self.model.forget(gone)

    # -- what must be so after each -------------------------------------------

    @invariant()
    def answers_are_the_models(self) -> None:
        questions = [
            (user, action, folder)
            for user in self.model.users
            for folder in (None, *self.model.folders)
            for action in ACTIONS
        ]
        decisions = check_many(self.account, questions)
        for asked, decision in zip(questions, decisions, strict=True):
            expected = self.model.deciding(*asked)
            assert decision.allowed is bool(expected)
            assert self.known(decision.because) == expected
        self.step += 1
        for number in range(2):  # One by one is slow: some each time.
            turn = (self.step * 7 + number * 13) % len(questions)
            assert check(self.account, *questions[turn]) == decisions[turn]
            self.explanation_agrees(*questions[turn])

    def explanation_agrees(self, user: str, action: str, folder: str | None) -> None:
        explained, expected = (
            explain(self.account, user, action, folder),
            self.model.deciding(user, action, folder),
        )
        assert explained.allowed is bool(expected)
        assert self.known(each.grant for each in explained.because) == expected
        for each in explained.because:
            assert each.folder_path == (
                self.model.path(each.grant.folder_id) if each.grant.folder_id else None
            )
            assert bool(each.chain) is (each.grant.group_id is not None)
        found = {
            (each.kind, each.given and self.key_of(each.given.grant)) for each in explained.missing
        }
        assert found == (set() if expected else self.model.obstacles(user, action, folder))

    @invariant()
    def lists_are_the_models(self) -> None:
        for user in self.some_users():
            seen = {
                each: self.model.role_names(self.model.deciding(user, "folder.view", each))
                for each in self.model.folders
            }
            expected = [
                (each, self.model.path(each), roles) for each, roles in seen.items() if roles
            ]
            listed = folders_visible_to(self.account, user)
            assert {(each.id, each.path, each.roles) for each in listed} == set(expected)
            by_name = names_above(self.account, user, self.model.folders)
            assert {each.id for each in by_name} == self.model.shown_by_name(user)
        action = ACTIONS[self.step % len(ACTIONS)]
        for user in self.some_users():
            paged, after = [], None
            while page := folders_where(self.account, user, action, limit=3, after=after):
                after = page[-1].id
                paged += [each.id for each in page]
            possible = {each for each in self.model.folders if action != "user.manage"}
            assert paged == sorted(
                each for each in possible if self.model.allowed(user, action, each)
            )

    @invariant()
    def who_can_is_the_models(self) -> None:
        places = [None, *self.model.folders]
        for number in range(3):
            folder = places[(self.step + number) % len(places)]
            action = ACTIONS[(self.step + number) % len(ACTIONS)]
            paged, after = [], None
            while page := who_can(self.account, action, folder, limit=4, after=after):
                after = page[-1].user_id
                paged += page
            expected = {
                user: deciding
                for user in self.model.users
                if (deciding := self.model.deciding(user, action, folder))
            }
            assert [each.user_id for each in paged] == sorted(expected)
            assert {each.user_id: self.known(each.because) for each in paged} == expected

    @invariant()
    def the_other_account_is_as_it_was(self) -> None:
        assert self.ask_others() == self.others_answers
        folder = self.others[0][2]
        strangers = [(user, "folder.view", folder) for user in self.model.users]
        for account in (self.account, self.other):
            assert not any(each.allowed for each in check_many(account, strangers))
        assert who_can(self.account, "folder.view", folder) == []

    # -- helpers --------------------------------------------------------------

    def some_users(self) -> list[str]:
        """Two users, others at the next step."""
        known = [*self.model.users]
        return [known[(self.step + number) % len(known)] for number in range(2)]

    def give(self, to: int, role: str, folder: str | None, period: str) -> None:
        id_ = self.one_of([*self.model.users, *self.model.members], to)
        type_ = "user" if id_ in self.model.users else "group"
        given = ModelGrant(id_, role, folder, period)
        with write(self.account) as work:
            principal = Principal(type_, id_, "somebody")
            stored = grants.give(work, principal, self.role_ids[role], folder, **times(period))
        assert self.model.grant_at(given.place) in (None, stored.id)
        self.model.grants[stored.id] = given

    def change_folder(self, folder: str, **changes) -> None:
        stored = self.model.folders[folder]
        changed = ModelFolder(
            stored.name,
            changes.get("parent", stored.parent),
            changes.get("restricted", stored.restricted),
        )
        profile = folders.FolderProfile(changed.name, changed.parent, changed.restricted)
        with write(self.account) as work:
            folders.replace(work, folder, profile)
        self.model.folders[folder] = changed

    def may_do(self) -> set[tuple[str, str, str | None]]:
        """All that anybody may do."""
        questions = [
            (user, action, folder)
            for user in self.model.users
            for folder in (None, *self.model.folders)
            for action in ACTIONS
        ]
        found = check_many(self.account, questions)
        return {asked for asked, each in zip(questions, found, strict=True) if each.allowed}

    def ask_others(self) -> list[bool]:
        return [each.allowed for each in check_many(self.other, self.others)]

    def known(self, held) -> set[str]:
        return {self.key_of(each) for each in held}

    def key_of(self, held) -> str:
        """The model's name of a grant: its id, but for the first one."""
        return held.id if held.id in self.model.grants else "boss"

    def a_grant(self, number: int) -> str | None:
        given = [each for each in self.model.grants if each != "boss"]
        return self.one_of(given, number) if given else None

    @staticmethod
    def one_of(things, number: int) -> str:
        among = sorted(things)
        return among[number % len(among)]


def times(period: str) -> dict:
    start, end = PERIODS[period]
    return {"not_before": start and now() + start, "expires_at": end and now() + end}


def test_every_answer_is_the_models_whatever_is_done(app, database_url):
    run_state_machine_as_test(
        AccountMachine,
        settings=settings(
            max_examples=EXAMPLES[database_url.partition(":")[0].partition("+")[0]],
            stateful_step_count=STEPS,
            deadline=None,
            phases=[Phase.reuse, Phase.generate],  # Shrinking would take minutes.
            suppress_health_check=list(HealthCheck),
        ),
    )
