"""An account knows how many users and groups it has, whichever way they come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask_migrate import downgrade
from sqlalchemy import func, select

from app.directory import groups, just_in_time, preview, restoring, users
from app.directory.errors import Taken
from app.directory.just_in_time import Arrival
from app.directory.users import Profile
from app.store.database import db, upgrade_database, use_migrations
from app.store.models import Account, Group, User
from tests.conftest import CLI_ACTOR, write
from tests.factories import a_group, a_large_group, a_user, an_account
from tests.imports import imported
from tests.inspection import row
from tests.scim.conftest import GROUP, USER, new_client

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


def counted(account_id: str) -> tuple[int, int]:
    """What the account says, which is what there is."""
    account = row(Account, id=account_id)
    there = [
        db.session.scalar(select(func.count()).where(model.account_id == account_id))
        for model in (User, Group)
    ]
    db.session.rollback()
    assert [account.user_count, account.group_count] == there
    return account.user_count, account.group_count


@contextmanager
def grows(account_id: str, users: int = 0, groups: int = 0) -> Iterator[None]:
    """So many more there are after the block; its version tells when they are others."""
    before, version = counted(account_id), row(Account, id=account_id).list_version
    yield
    assert counted(account_id) == (before[0] + users, before[1] + groups)
    account = row(Account, id=account_id)
    assert (account.list_version > version) == bool(users or groups)


def test_made_changed_deleted_and_brought_back(account):
    other = an_account()
    with grows(account, users=2, groups=1), grows(other):
        ada, _eve, group = a_user(account), a_user(account), a_group(account)
    with grows(account), write(account) as work:
        users.set_active(work, ada, False)
    with grows(account, users=-1), write(account) as work:
        users.delete(work, ada)
    with grows(account, groups=-1), write(account) as work:
        groups.delete(work, group)
    with grows(account, users=1, groups=1), write(account) as work:
        restoring.restore(work, ada)
        restoring.restore(work, group)


def test_what_is_refused_or_undone_counts_for_nothing(account):
    a_user(account, "ada")
    with grows(account), pytest.raises(Taken), write(account) as work:
        users.create(work, Profile("eve"))
        users.create(work, Profile("ada"))
    with grows(account):
        preview.preview(account, CLI_ACTOR, lambda work: users.create(work, Profile("eve")))


def test_a_part_that_is_undone_counts_for_nothing(account):
    a_user(account, "ada")
    with grows(account, users=2), write(account) as work:
        with preview.part(work):
            users.create(work, Profile("eve"))
        with pytest.raises(Taken), preview.part(work):
            users.create(work, Profile("bob"))
            users.create(work, Profile("ada"))
        users.create(work, Profile("cyd"))


def test_an_import_with_somebody_who_is_refused(account):
    a_user(account, "ada")
    a_user(account, "eve", external_id="E1")
    file = (
        "userName,externalId,groups\nada,,Old\nbob,,New;Newer\ncyd,,Newer\n"
        "eve,,New\nada2,E1,\nADA,E9,\n"
    )
    people, in_groups = counted(account)
    imported(account, file)
    assert counted(account) == (people + 2, in_groups + 3)


def test_somebody_who_comes_with_an_assertion(account):
    arrival = Arrival("ada", "ada", {}, None, groups=["Designers", "Press"])
    with grows(account, users=1, groups=2), write(account) as work:
        just_in_time.provision(work, None, arrival, "create")


def test_many_at_once_over_scim(app, account):
    scim = new_client(app, account)
    ada, group = a_user(account, "ada"), a_group(account)
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "1"}
        | {"data": {"schemas": [USER], "userName": "eve"}},
        {"method": "POST", "path": "/Groups", "bulkId": "2"}
        | {"data": {"schemas": [GROUP], "displayName": "New"}},
        {"method": "POST", "path": "/Users", "bulkId": "3"}
        | {"data": {"schemas": [USER], "userName": "ADA"}},
        {"method": "DELETE", "path": f"/Groups/{group}"},
    ]
    with grows(account, users=1):
        answer = scim.call("POST", "/Bulk", {"schemas": [BULK], "Operations": operations})
    assert [each["status"] for each in answer.get_json()["Operations"]] == [
        "201",
        "201",
        "409",
        "204",
    ]
    with grows(account, users=-1):
        assert scim.call("DELETE", f"/Users/{ada}").status_code == 204


def test_an_upgrade_counts_what_is_there(account):
    a_large_group(account, 3)
    a_group(an_account())
    before = counted(account)
    use_migrations()
    downgrade(revision="0009")
    upgrade_database()
    assert counted(account) == before
