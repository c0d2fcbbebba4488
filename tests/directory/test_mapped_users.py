"""Mappings by a value of ``roles`` or ``entitlements``, whichever comes first: value or mapping."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert

from app.access.decisions import check
from app.directory import grants, mappings, users
from app.directory.errors import LastMasterAdmin
from app.directory.users import Profile
from app.directory.work import Actor, transaction
from app.store.database import db
from app.store.models import Grant, User, UserValue
from app.store.types import new_id
from tests.conftest import write
from tests.factories import (
    a_connection,
    a_folder,
    a_grant,
    a_group,
    a_mapping,
    a_user,
    an_account,
    count_again,
)
from tests.inspection import audit, epoch, fingerprint, plans, row, rows, statements
from tests.threads import at_once

ATTRIBUTES = {"role": "roles", "entitlement": "entitlements"}


def values(*texts: str, attribute: str = "roles") -> dict:
    return {attribute: [{"value": text} for text in texts]}


def a_user_with(account_id: str, *roles: str, name: str | None = None, **profile) -> str:
    return a_user(account_id, name, values=values(*roles), **profile)


def set_roles(account_id: str, user_id: str, *roles: str, **profile) -> None:
    name = row(User, id=user_id).user_name
    with write(account_id) as work:
        users.replace(work, user_id, Profile(name, values=values(*roles), **profile))


def provisioned(account_id: str, connection_id: str, name: str, *roles: str) -> str:
    actor = Actor(type="token", name="t", surface="scim", connection_id=connection_id)
    with transaction(account_id, actor) as work:
        return users.create(work, Profile(name, values=values(*roles)))


def holders() -> set[str]:
    return {grant.user_id for grant in rows(Grant)}


@pytest.fixture
def folder(account) -> str:
    return a_folder(account, "Brand")


@pytest.mark.parametrize(("match_by", "attribute"), ATTRIBUTES.items())
def test_who_has_the_value_gets_the_role_at_once(account, folder, match_by, attribute):
    ada = a_user(account, "ada", values=values("Brand-Editor", attribute=attribute))
    (other,) = set(ATTRIBUTES.values()) - {attribute}
    a_user(account, values=values("Brand-Editor", attribute=other))
    a_user(account, values=values("brand-editors", attribute=attribute))
    a_user(account, values=values("Brand-Editor", attribute="emails"))
    a_user(an_account(), values=values("Brand-Editor", attribute=attribute))
    before = epoch(account)
    mapping = a_mapping(account, "BRAND-editor", "editor", folder, match_by=match_by)
    grant = row(Grant)
    assert (grant.user_id, grant.role_id, grant.folder_id) == (ada, "editor", folder)
    assert (grant.origin, grant.mapping_id, grant.granted_by) == ("mapping", mapping, "tests")
    assert check(account, ada, "asset.edit", folder).allowed
    assert epoch(account) == before + 1
    *_, made, given = audit(account)
    assert [made.action, given.action] == ["mapping.created", "grant.given"]
    assert (given.target_type, given.target_id, given.target_name) == ("user", ada, "ada")
    assert given.after["mapping_id"] == mapping


@pytest.mark.parametrize(("match_by", "attribute"), ATTRIBUTES.items())
def test_a_mapping_waits_for_its_value(account, folder, match_by, attribute):
    a_mapping(account, "Editor", "editor", folder, match_by=match_by)
    ada = a_user(account, values=values("EDITOR", attribute=attribute))
    ben = a_user(account, "ben")
    assert holders() == {ada}
    with write(account) as work:
        users.replace(work, ben, Profile("ben", values=values("editor", attribute=attribute)))
    assert holders() == {ada, ben}
    assert check(account, ben, "asset.edit", folder).allowed


def test_a_user_and_a_mapping_made_at_the_same_time_meet(app, account, folder):
    outcomes = at_once(
        app,
        [
            (lambda value: a_user_with(account, value), "Editor"),
            (lambda value: a_mapping(account, value, "editor", folder, match_by="role"), "Editor"),
        ],
    )
    assert outcomes == [None, None]
    assert len(rows(Grant)) == 1


def test_the_value_goes_and_the_role_with_it(account, folder):
    mapping = a_mapping(account, "Editor", "editor", folder, match_by="role")
    ada = a_user_with(account, "Editor", "Other")
    a_grant(account, ada, "viewer", folder)
    ben = a_user_with(account, "Editor")
    before = epoch(account)
    set_roles(account, ada, "Other")
    assert {(g.user_id, g.origin) for g in rows(Grant)} == {(ada, "manual"), (ben, "mapping")}
    assert not check(account, ada, "asset.edit", folder).allowed
    assert epoch(account) == before + 1
    (event,) = audit(account, "grant.revoked")
    assert (event.target_id, event.before["mapping_id"]) == (ada, mapping)


def test_one_value_for_another(account, folder):
    a_mapping(account, "Editor", "editor", folder, match_by="role")
    a_mapping(account, "Viewer", "viewer", folder, match_by="role")
    ada = a_user_with(account, "Editor")
    set_roles(account, ada, "Viewer")
    assert row(Grant).role_id == "viewer"
    set_roles(account, ada)
    assert rows(Grant) == []


def test_changed_in_case_only_it_keeps_its_grant(account, folder):
    a_mapping(account, "Éditeur", "editor", folder, match_by="role")
    ada = a_user_with(account, "éditeur")
    grant = row(Grant)
    set_roles(account, ada, "E\u0301DITEUR")
    assert row(Grant) == grant


def test_the_same_value_twice_counts_once(account, folder):
    ada = a_user_with(account, "editor", "Editor")
    a_mapping(account, "editor", "editor", folder, match_by="role")
    assert row(Grant).user_id == ada
    set_roles(account, ada, "EDITOR")
    assert row(Grant).user_id == ada


def test_of_a_long_value_the_end_counts_too(account, folder):
    long = "x" * 300
    others = (long + "b", long, long[:256], "x" * 60_000)
    a_user_with(account, *others)
    ada = a_user_with(account, long + "a")
    a_mapping(account, long + "A", "viewer", folder, match_by="role")
    assert holders() == {ada}
    a_user_with(account, *others)
    ben = a_user_with(account, long + "a")
    assert holders() == {ada, ben}


def test_values_without_a_text_match_nothing(account, folder):
    a_mapping(account, "Editor", "editor", folder, match_by="role")
    a_user(account, values={"roles": [{"display": "Editor"}, {"type": "Editor"}]})
    a_mapping(account, "Editor", "viewer", folder, match_by="role")
    assert rows(Grant) == []


def test_two_mappings_on_one_value(account, folder):
    press = a_folder(account, "Press")
    first = a_mapping(account, "Editor", "editor", folder, match_by="role")
    a_mapping(account, "editor", "viewer", press, match_by="role")
    a_mapping(account, "editor", "reports", match_by="role")
    a_mapping(account, "editor", "billing", match_by="entitlement")
    ada = a_user_with(account, "EDITOR")
    assert {g.role_id for g in rows(Grant)} == {"editor", "viewer", "reports"}
    with write(account) as work:
        mappings.delete(work, first)
    assert {g.role_id for g in rows(Grant)} == {"viewer", "reports"}
    set_roles(account, ada)
    assert rows(Grant) == []


def test_a_group_and_a_value_of_one_name_are_two_things(account, folder):
    a_group(account, "Editor", external_id="editor")
    a_user_with(account, "Editor")
    a_mapping(account, "Editor", "editor", folder, match_by="role")
    assert row(Grant).group_id is None
    a_mapping(account, "Editor", "editor", folder)
    assert len(rows(Grant)) == 2


def test_users_of_one_connection_only(account, folder):
    okta, entra = a_connection(account), a_connection(account)
    a_user_with(account, "Editor")
    early = provisioned(account, okta, "early", "Editor")
    provisioned(account, entra, "early at entra", "Editor")
    a_mapping(account, "Editor", "editor", folder, match_by="role", connection_id=okta)
    assert holders() == {early}
    late = provisioned(account, okta, "late", "Editor")
    provisioned(account, entra, "late at entra", "Editor")
    manual = a_user(account)
    set_roles(account, manual, "Editor")
    assert holders() == {early, late}


def test_an_inactive_user_keeps_its_grant(account, folder):
    a_mapping(account, "Editor", "editor", folder, match_by="role")
    ada = a_user_with(account, "Editor", active=False)
    assert holders() == {ada}
    assert not check(account, ada, "asset.edit", folder).allowed
    set_roles(account, ada, "Editor", active=True)
    assert check(account, ada, "asset.edit", folder).allowed


def test_delete_takes_back_what_it_gave(account, folder):
    ada = a_user_with(account, "Editor")
    ben = a_user_with(account, "editor")
    mapping = a_mapping(account, "Editor", "editor", folder, match_by="role")
    a_grant(account, ada, "editor", folder)
    assert len(rows(Grant)) == 3
    with write(account) as work:
        mappings.delete(work, mapping)
    assert (row(Grant).user_id, row(Grant).origin) == (ada, "manual")
    assert {event.target_id for event in audit(account, "grant.revoked")} == {ada, ben}


def test_the_last_master_admin_stays_one(account):
    ada = a_user_with(account, "Root")
    mapping = a_mapping(account, "root", "master_admin", match_by="role")
    audited = len(audit(account))
    before = fingerprint()
    for call in (
        lambda: set_roles(account, ada, "Other"),
        lambda: set_roles(account, ada, "Root", active=False),
        lambda: delete(account, mapping),
    ):
        with pytest.raises(LastMasterAdmin):
            call()
    after = fingerprint()
    del before["audit_events"], after["audit_events"]
    assert after == before
    assert [e.action for e in audit(account)][audited:] == ["directory.refused"] * 3
    a_user_with(account, "ROOT")
    set_roles(account, ada, "Other")
    assert ada not in holders()


def delete(account_id: str, mapping_id: str) -> None:
    with write(account_id) as work:
        mappings.delete(work, mapping_id)


def test_swapping_the_values_that_make_the_last_master_admin_is_allowed(account):
    ada = a_user_with(account, "Root")
    a_mapping(account, "root", "master_admin", match_by="role")
    a_mapping(account, "owner", "master_admin", match_by="role")
    set_roles(account, ada, "Owner")
    assert row(Grant).user_id == ada


def test_a_manual_grant_of_the_same_role_is_left_alone(account, folder):
    ada = a_user_with(account, "Editor")
    a_grant(account, ada, "editor", folder)
    a_mapping(account, "Editor", "editor", folder, match_by="role")
    with write(account) as work:
        grants.revoke(work, row(Grant, origin="manual").id)
    assert row(Grant).origin == "mapping"


def cost_of_replace(account_id: str, user_id: str, profile: Profile) -> int:
    with statements() as seen, write(account_id) as work:
        assert users.replace(work, user_id, profile)
    return len(seen)


def test_a_write_that_leaves_the_values_alone_costs_nothing_more(account, folder):
    a_mapping(account, "Editor", "editor", folder, match_by="role")
    plain, ada = a_user(account, "ben"), a_user_with(account, "Editor", name="ada")
    without = cost_of_replace(account, plain, Profile("ben", display_name="B"))
    same = Profile("ada", display_name="A", values=values("Editor"))
    assert cost_of_replace(account, ada, same) == without
    with statements() as seen:
        a_user(account)
    assert not [text for text in seen if "mappings" in text or "grants" in text]


def many_with(account_id: str, value: str, count: int) -> None:
    """So many users who have a role value, written as plain rows to be quick."""
    people, texts = [], []
    for number in range(count):
        key = {"account_id": account_id, "user_id": new_id()}
        name = f"many{number}"
        people.append(
            {"account_id": account_id, "id": key["user_id"]}
            | {"user_name": name, "user_name_key": name}
        )
        texts.append(
            key | {"attribute": "roles", "position": 0, "value": value, "value_key": value.lower()}
        )
    with write(account_id):
        db.session.execute(insert(User), people)
        db.session.execute(insert(UserValue), texts)
        count_again(account_id)


def test_mapping_many_users_takes_no_more_statements_than_mapping_one(account, folder):
    a_user_with(account, "One")
    many_with(account, "Many", 3000)
    costs = []
    for value in ("One", "Many"):
        with statements() as seen:
            mapping = a_mapping(account, value, "editor", folder, match_by="role")
            delete(account, mapping)
        costs.append(len(seen))
    assert costs[1] <= costs[0]  # Events of very many are copied into PostgreSQL.
    assert len(audit(account, "grant.given")) == len(audit(account, "grant.revoked")) == 3001


def test_nothing_is_looked_for_in_the_whole_account(app, account, folder):
    if db.engine.dialect.name != "sqlite":
        return
    with plans() as steps:
        a_mapping(account, "Editor", "editor", folder, match_by="role")
        ada = a_user_with(account, "Editor")
        set_roles(account, ada, "Other")
    for wanted in (
        "SEARCH user_values USING INDEX .*account_id=. AND attribute=. AND value_key=.",
        "SEARCH mappings USING INDEX .*account_id=. AND match_by=. AND match_key=.",
        "SEARCH grants USING INDEX .*account_id=. AND user_id=.",
    ):
        assert any(re.match(wanted, step) for step in steps), steps
    assert not [step for step in steps if "grants" in step and "(account_id=?)" in step]
