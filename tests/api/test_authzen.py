"""The decision API: AuthZEN evaluations. That decisions are right is tried in tests/access."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from app.api.authzen import EXPLAINED_LIMIT
from app.directory import folders, roles
from app.store.database import db
from app.store.models import Grant, Group, Membership
from app.store.types import new_id
from tests.api.pep import (
    EVALUATION,
    EVALUATIONS,
    a_question,
    account_of,
    folder,
    user,
)
from tests.conftest import write
from tests.factories import a_folder, a_grant, a_group, a_master_admin, a_user, an_account
from tests.inspection import statements

# -- One question -----------------------------------------------------------------


def test_a_yes_and_a_no(pep, ada, brand):
    assert pep.may(ada, "folder.view", folder(brand))
    assert not pep.may(ada, "asset.edit", folder(brand))


def test_people_by_user_name_and_folders_by_path(pep, account, ada, brand):
    below = a_folder(account, "2026", parent=brand)
    for who in (ada, "ada@example.COM"):
        for where in (below, "/Brand/2026", "/bRAND//2026/"):
            assert pep.may(who, "folder.view", folder(where))
        assert not pep.may(who, "folder.view", folder("/"))
        assert not pep.may(who, "folder.view", folder("Brand/2026"))


def test_actions_on_the_account(pep, account, ada):
    a_grant(account, ada, "reports")
    other = an_account("Other")
    for name in (account, "aCME"):
        assert pep.may(ada, "audit.view", account_of(name))
        assert not pep.may(ada, "user.manage", account_of(name))
    for name in (other, "Other", "", "/"):
        assert not pep.may(ada, "audit.view", account_of(name))


def test_an_action_belongs_to_a_type_of_resource(pep, account, brand):
    admin = a_master_admin(account)
    assert pep.may(admin, "folder.view", folder(brand))
    assert pep.may(admin, "user.manage", account_of(account))
    assert not pep.may(admin, "user.manage", folder(brand))
    assert not pep.may(admin, "folder.view", account_of(account))
    assert not pep.may(admin, "folder.destroy", folder(brand))
    assert not pep.may(admin, "folder.view", {"type": "document", "id": brand})


def test_what_is_unknown_is_a_no_like_what_is_another_accounts(pep, account, ada, brand):
    theirs = an_account("Theirs")
    a_folder(theirs, "Press")
    strangers = [a_master_admin(theirs, "root@theirs.example"), "root@theirs.example", "nobody", ""]
    places = [a_folder(theirs), folders.root_of(theirs), "/Press", "/None", "none", "", "/\0", "\0"]
    admin = a_master_admin(account)
    for who in strangers:
        assert not pep.may(who, "folder.view", folder(brand))
        reason = pep.ask(who, "folder.view", folder(brand), explain=True)["context"]["reason"]
        assert reason == "There is no such user."
    for where in places:
        assert not pep.may(admin, "folder.view", folder(where))
        reason = pep.ask(admin, "folder.view", folder(where), explain=True)["context"]["reason"]
        assert reason == "There is no such folder."


def test_only_users_are_subjects(pep, account, ada, brand):
    group = a_group(account, "Team")
    a_grant(account, group, "viewer", brand)
    for subject in ({"type": "group", "id": group}, {"type": "User", "id": ada}):
        body = a_question(ada, "folder.view", folder(brand)) | {"subject": subject}
        assert pep.post(EVALUATION, body).json == {"decision": False}


def test_the_reason_is_told_when_it_is_asked_for(pep, ada, brand):
    yes = pep.ask(ada, "folder.view", folder(brand), explain=True)
    assert yes["decision"] is True
    assert yes["context"]["reason"].startswith(
        "viewer on /Brand, because Ada@Example.com is in Designers, by tests at 20"
    )
    no = pep.ask(ada, "asset.edit", folder(brand), explain=True)
    reason = "viewer on /Brand does not permit asset.edit."
    assert no == {"decision": False, "context": {"reason": reason}}
    for other in ("true", 1, "yes", None, {}):
        assert pep.ask(ada, "folder.view", folder(brand), explain=other) == {"decision": True}


def test_unknown_members_are_ignored(pep, ada, brand):
    body = a_question(ada, "folder.view", folder(brand)) | {"more": 1}
    for name in ("subject", "action", "resource"):
        body[name] |= {"properties": {"ip_address": "192.0.2.1"}, "other": [1]}
    assert pep.post(EVALUATION, body).json == {"decision": True}


def test_how_many_statements_an_evaluation_is_at_any_number_of_grants(pep, account, ada, brand):
    """Who asks, and what is allowed; before that, what a path or the account's name stands for."""
    questions = (
        a_question(ada, "folder.view", folder(brand)),
        a_question("ada@example.com", "folder.share", folder(brand)),
        a_question(ada, "audit.view", account_of(account)),
        a_question("ada@example.com", "folder.view", folder("/Brand")),
        a_question("ada@example.com", "audit.view", account_of("Acme")),
    )
    counts = []
    for more in (10, 990):
        share_through_groups(account, ada, brand, more)
        pep.post(EVALUATION, questions[0])  # notes that the token is in use
        for each in questions:
            with statements() as seen:
                assert pep.post(EVALUATION, each).status_code == 200
            counts.append(len(seen))
    assert counts == [2, 2, 2, 3, 3] * 2


def share_through_groups(account_id: str, user_id: str, folder_id: str, number: int) -> None:
    """Share a folder with so many groups that a user is in, written as plain rows to be quick."""
    ids = [new_id() for _ in range(number)]
    with write(account_id):
        for model, row in (
            (Group, {"display_name": "Team", "display_name_key": "team"}),
            (Membership, {"user_id": user_id}),
            (Grant, {"role_id": "viewer", "folder_id": folder_id, "granted_by": "tests"}),
        ):
            key = "id" if model is Group else "group_id"
            rows = [{"account_id": account_id, key: each, **row} for each in ids]
            db.session.execute(insert(model), rows)


def test_a_custom_role_counts_at_once(pep, account, ada):
    where = a_folder(account)
    with write(account) as work:
        role = roles.create(work, "folder", "Uploader", ["asset.upload"])
    a_grant(account, ada, role, where)
    assert pep.may(ada, "asset.upload", folder(where))
    assert not pep.may(ada, "folder.view", folder(where))


# -- Many questions ---------------------------------------------------------------


@pytest.fixture
def three(account, ada) -> list[dict]:
    """Folders of which ada sees the first and the third."""
    found = [a_folder(account, f"f{number}") for number in range(3)]
    for each in (found[0], found[2]):
        a_grant(account, ada, "viewer", each)
    return [{"resource": folder(each)} for each in found]


@pytest.mark.parametrize(
    ("semantic", "expected"),
    [
        (None, [True, False, True]),
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ],
)
def test_the_three_semantics(pep, ada, three, semantic, expected):
    body = {"subject": user(ada), "action": {"name": "folder.view"}, "evaluations": three}
    if semantic:
        body["options"] = {"evaluations_semantic": semantic, "another": "value"}
    answer = pep.post(EVALUATIONS, body)
    assert answer.json == {"evaluations": [{"decision": each} for each in expected]}


def test_what_stops_nothing(pep, ada, three):
    body = {"subject": user(ada), "action": {"name": "folder.view"}}
    for semantic, listed in (
        ("deny_on_first_deny", [three[0], three[2]]),
        ("permit_on_first_permit", [three[1], three[1]]),
    ):
        options = {"options": {"evaluations_semantic": semantic}}
        answer = pep.post(EVALUATIONS, body | options | {"evaluations": listed})
        assert len(answer.json["evaluations"]) == 2


def test_each_may_say_otherwise_than_the_defaults(pep, account, ada, brand):
    eve = a_user(account, "eve")
    body = a_question(ada, "folder.view", folder(brand)) | {
        "context": {"explain": True},
        "evaluations": [
            {},
            {"subject": user(eve)},
            {"action": {"name": "asset.edit"}, "context": {}},
            {"subject": user("nobody"), "context": {"explain": True}},
        ],
    }
    found = pep.post(EVALUATIONS, body).json["evaluations"]
    assert [each["decision"] for each in found] == [True, False, False, False]
    assert ["context" in each for each in found] == [True, True, False, True]


@pytest.mark.parametrize("listed", [{}, {"evaluations": []}])
def test_without_a_list_it_is_one_evaluation(pep, ada, brand, listed):
    body = a_question(ada, "folder.view", folder(brand)) | listed
    assert pep.post(EVALUATIONS, body).json == {"decision": True}
    answer = pep.post(EVALUATIONS, {"subject": user(ada)} | listed)
    assert answer.status_code == 400
    assert set(answer.json["errors"]) == {"action", "resource"}


def test_what_an_evaluation_lacks_is_said(pep, ada, three):
    body = {"subject": user(ada), "evaluations": three}
    answer = pep.post(EVALUATIONS, body)
    assert answer.status_code == 400
    assert set(answer.json["errors"]["evaluations"]) == {"0", "1", "2"}
    assert set(answer.json["errors"]["evaluations"]["1"]) == {"action"}


def test_a_thousand_at_once_take_few_statements(pep, account, ada, brand):
    inside = [a_folder(account, parent=brand) for _ in range(5)]
    body = {"subject": user(ada), "action": {"name": "folder.view"}}
    places = [folder(each) for each in (*inside, "/Brand", "/Press", "none")]
    listed = [{"resource": places[number % len(places)]} for number in range(1000)]
    pep.post(EVALUATIONS, body | {"evaluations": listed[:8]})
    with statements() as seen:
        found = pep.post(EVALUATIONS, body | {"evaluations": listed}).json["evaluations"]
    assert len(seen) == 4
    assert [each["decision"] for each in found[:8]] == [True] * 6 + [False] * 2
    assert len(found) == 1000
    assert pep.post(EVALUATIONS, body | {"evaluations": [*listed, {}]}).status_code == 400


def test_so_many_are_explained(pep, ada, brand):
    body = a_question(ada, "folder.view", folder(brand)) | {"context": {"explain": True}}
    many = [{}] * (EXPLAINED_LIMIT + 1)
    assert pep.post(EVALUATIONS, body | {"evaluations": many[1:]}).status_code == 200
    assert pep.post(EVALUATIONS, body | {"evaluations": many}).status_code == 400
