"""After any changes of folders the closure and every decision are right."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.access.decisions import permissions_on
from app.access.permissions import FOLDER_ACTIONS
from app.directory.errors import Invalid, NotEmpty
from app.store.models import Folder
from tests.access.oracle import World, build, worlds
from tests.directory.moving import change, closure, closure_of_parents, delete, seen_by
from tests.factories import a_folder
from tests.inspection import rows


@st.composite
def changes(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    kinds = st.sampled_from(["create", "move", "move", "move", "restrict", "delete"])
    place = st.integers(0, 20)
    return draw(st.lists(st.tuples(kinds, place, place), max_size=12))


class Tree:
    """Applies changes to an account and, in plain Python, to the world it was made from."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.account_id = build(world)
        self.ids: list[str] = world.ids["folders"]
        self.living = set(world.folders)

    def apply(self, kind: str, first: int, second: int) -> None:
        alive = sorted(self.living)
        folder, other = alive[first % len(alive)], alive[second % len(alive)]
        if kind == "create":
            self.create(folder, restricted=second % 2 == 1)
        elif folder == 0:
            return
        elif kind == "move":
            self.move(folder, other)
        elif kind == "restrict":
            now = not self.world.restricted[folder - 1]
            change(self.account_id, self.ids[folder], restricted=now)
            self.world.restricted[folder - 1] = now
        else:
            self.delete(folder)

    def create(self, parent: int, *, restricted: bool) -> None:
        number = len(self.ids)
        name = f"f{number}"
        made = a_folder(self.account_id, name, parent=self.ids[parent], restricted=restricted)
        self.ids.append(made)
        self.world.parents.append(parent)
        self.world.restricted.append(restricted)
        self.living.add(number)

    def move(self, folder: int, parent: int) -> None:
        above = [parent]
        while above[-1]:
            above.append(self.world.parents[above[-1] - 1])
        if folder in above:
            with pytest.raises(Invalid):
                change(self.account_id, self.ids[folder], parent_id=self.ids[parent], name="x")
            return
        change(self.account_id, self.ids[folder], parent_id=self.ids[parent])
        self.world.parents[folder - 1] = parent

    def delete(self, folder: int) -> None:
        if any(self.world.parents[each - 1] == folder for each in self.living - {0}):
            with pytest.raises(NotEmpty):
                delete(self.account_id, self.ids[folder])
            return
        delete(self.account_id, self.ids[folder])
        self.living.discard(folder)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(world=worlds(), steps=changes())
def test_after_any_changes_the_closure_and_every_decision_are_right(app, world, steps):
    tree = Tree(world)
    for step in steps:
        tree.apply(*step)
    assert closure(tree.account_id) == closure_of_parents(tree.account_id)
    assert len(rows(Folder, account_id=tree.account_id)) == len(tree.living)
    for user, user_id in enumerate(world.ids["users"]):
        for folder, folder_id in enumerate(tree.ids):
            here = folder in tree.living
            expected = world.permissions(user, folder) & FOLDER_ACTIONS if here else frozenset()
            assert permissions_on(tree.account_id, user_id, folder_id) == expected
        visible = [
            world.path(folder)
            for folder in tree.living
            if "folder.view" in world.permissions(user, folder)
        ]
        assert seen_by(tree.account_id, user_id) == sorted(visible)
