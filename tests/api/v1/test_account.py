"""``/api/v1/account`` and ``/api/v1/me``."""

from __future__ import annotations

import pytest

from app.directory import requiring_saml
from app.store.models import Session
from tests.api.v1.client import Api, an_api_token, signed_in
from tests.conftest import write
from tests.factories import a_connection, a_grant, a_session, a_user, an_account
from tests.inspection import audit, row

PATH = "/account"


def test_settings_are_shown_and_changed_one_by_one(account, api):
    shown = api.get(PATH).json
    assert (
        shown.items()
        >= {
            "id": account,
            "name": "Acme",
            "requires_saml": False,
            "requires_second_factor": False,
            "keeps_unknown": False,
        }.items()
    )
    assert api.patch(PATH, {"keeps_unknown": True}).json == shown | {"keeps_unknown": True}
    both = {"keeps_unknown": False, "requires_second_factor": True}
    assert api.patch(PATH, both).json == shown | both
    assert api.patch(PATH, {}).json == api.get(PATH).json == shown | both
    before = [each.before for each in audit(account, "account.updated")]
    assert before == [
        {"keeps_unknown": False},
        {"requires_second_factor": False},
        {"keeps_unknown": True},
    ]


def test_saml_is_required_where_people_can_sign_in_so(account, api):
    refused = api.patch(PATH, {"keeps_unknown": True, "requires_saml": True})
    assert refused.status_code == 422
    assert api.get(PATH).json["keeps_unknown"] is False  # all of it, or nothing
    ada = a_user(account)
    a_connection(account, "saml")
    with write(account) as work:
        requiring_saml.set_break_glass(work, ada, True)
    assert api.patch(PATH, {"requires_saml": True}).json["requires_saml"] is True
    assert api.patch(PATH, {"requires_saml": False}).json["requires_saml"] is False


def test_a_second_factor_is_required_from_now_on(account, api):
    a_session(account, a_user(account))
    api.patch(PATH, {"requires_second_factor": True})
    assert row(Session).revoked_at is not None


def test_a_dry_run_changes_nothing(account, api):
    seen = api.patch(PATH, {"keeps_unknown": True}, Prefer="dry-run").json
    assert seen["answer"]["keeps_unknown"] is True
    assert [each["action"] for each in seen["changes"]] == ["account.updated"]
    assert api.get(PATH).json["keeps_unknown"] is False


@pytest.mark.parametrize("body", [{"name": "Other"}, {"keeps_unknown": None}, {"id": "x"}])
def test_what_cannot_be_is_refused(api, body):
    assert api.patch(PATH, body).status_code == 422


def test_who_may(app, account):
    viewer = Api(app, an_api_token(account, {"user.view"}))
    assert viewer.get(PATH).status_code == 403
    assert viewer.patch(PATH, {"keeps_unknown": True}).status_code == 403


def test_a_token_says_what_it_is(app, account):
    me = Api(app, an_api_token(account, {"user.view", "asset.view"})).get("/me").json
    assert me.pop("id") in [each.target_id for each in audit(account, "token.created")]
    assert me == {
        "type": "token",
        "name": "tests",
        "account": {"id": account, "name": "Acme"},
        "permissions": ["asset.view", "user.view"],
    }
    assert Api(app, None).get("/me").status_code == 401


def test_a_person_says_who_they_are(app, account):
    ada = a_user(account, "ada")
    a_grant(account, ada, "reports")
    me = signed_in(app, account, ada).get("/me").json
    assert (me["type"], me["id"], me["name"]) == ("user", ada, "ada")
    assert me["permissions"] == ["audit.view", "report.view"]


def test_each_sees_their_own_account(app, api):
    other = an_account("Other")
    assert Api(app, an_api_token(other)).get(PATH).json["name"] == "Other"
    api.patch(PATH, {"keeps_unknown": True})
    assert Api(app, an_api_token(other)).get(PATH).json["keeps_unknown"] is False
