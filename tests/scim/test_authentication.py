"""Who may make a SCIM request, how often, and what an administrator sees of refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.directory import provisioning_log, tokens
from app.security.requests import settings
from app.security.sessions import cookie_name
from app.store.database import db
from app.store.models import Token
from app.store.types import now
from scim.authentication import REFUSALS_NOTED
from scim.routes import PREFIX
from tests.conftest import write
from tests.factories import a_folder, a_grant, a_session, a_user
from tests.scim.conftest import ENTERPRISE, USER, new_client

ACCESS = "urn:gatehouse:scim:schemas:extension:2.0:User"


def with_header(scim, value):
    return scim.app.test_client().get(f"{PREFIX}/Users", headers={"Authorization": value})


def test_okta_sends_the_bare_token(scim):
    assert with_header(scim, scim.token).status_code == 200
    assert with_header(scim, f"bearer  {scim.token} ").status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer gh_wrong", "gh_wrong", "Basic x", "x y z"])
def test_anything_else_is_refused(scim, value):
    answer = with_header(scim, value)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.get_json()["detail"] == "A valid bearer token is required"


def test_too_many_requests_are_told_when_to_come_again(scim):
    scim.app.extensions["gatehouse"] = replace(settings(), scim_requests_per_minute=3)
    answers = [scim.call("GET", "/Users") for _ in range(7)]
    refused = [each for each in answers if each.status_code == 429]
    assert len(refused) >= 1  # a minute may end in between
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 60
    assert refused[0].get_json()["status"] == "429"
    other = new_client(scim.app, scim.account_id, connection="Another")
    assert other.call("GET", "/Users").status_code == 200


def test_why_a_known_token_is_refused_stands_in_the_log(scim, account):
    with write(account):
        db.session.execute(Token.__table__.update().values(expires_at=now() - timedelta(days=1)))
    assert scim.refused("GET", "/Users")["detail"] == "A valid bearer token is required"
    (logged,) = provisioning_log.find(account, failures=True)
    assert (logged.row.status, logged.row.actor_name) == (401, "tests")
    assert "expired" in logged.row.detail
    for _ in range(3 * REFUSALS_NOTED):
        scim.refused("GET", "/Users")
    # A minute may end in between, and the count begin anew.
    assert REFUSALS_NOTED <= len(provisioning_log.find(account)) <= 2 * REFUSALS_NOTED


def test_a_token_from_another_address_is_refused_and_noted(scim, account):
    with write(account):
        db.session.execute(Token.__table__.update().values(networks=["203.0.113.0/24"]))
    assert scim.refused("GET", "/Users")["status"] == "401"
    (logged,) = provisioning_log.find(account)
    assert "address 127.0.0.1" in logged.row.detail


def test_a_revoked_token_is_out_at_the_next_request(scim, account):
    with write(account) as work:
        tokens.revoke(work, "tests")
    assert scim.refused("GET", "/Users")["status"] == "401"


# -- /Me ----------------------------------------------------------------------


def me(app, secret, method="GET", **query):
    client = app.test_client()
    client.set_cookie(cookie_name(settings()), secret)
    return client.open(f"{PREFIX}/Me", method=method, query_string=query)


def test_somebody_signed_in_reads_their_own_resource(app, account):
    ada = a_user(account, "ada", attributes={ENTERPRISE: {"department": "Engines"}})
    a_grant(account, ada, "viewer", a_folder(account, "Brand"))
    secret = a_session(account, ada)
    answer = me(app, secret)
    assert (answer.status_code, answer.get_json()["userName"]) == (200, "ada")
    assert answer.headers["Location"].endswith(f"/Users/{ada}")
    folders = me(app, secret, attributes=f"{ACCESS}:folders").get_json()[ACCESS]["folders"]
    assert [each["display"] for each in folders] == ["/Brand"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_with_a_session_nothing_is_written(app, account, method):
    assert me(app, a_session(account, a_user(account)), method).status_code == 401


def test_a_session_reaches_nothing_but_its_own(app, account):
    client = app.test_client()
    client.set_cookie(cookie_name(settings()), a_session(account, a_user(account)))
    for path in ("/Users", "/", "/Groups", "/Me/x", f"/Users/{a_user(account)}"):
        assert client.get(PREFIX + path).status_code == 401


def test_a_token_is_nobody(scim):
    assert scim.refused("GET", "/Me")["status"] == "404"
    assert scim.refused("POST", "/Me", {"schemas": [USER]})["status"] == "501"


def test_a_deactivated_person_is_out_at_once(app, account, scim):
    ada = a_user(account, "ada")
    secret = a_session(account, ada)
    assert me(app, secret).status_code == 200
    scim.patch(f"/Users/{ada}", {"op": "replace", "path": "active", "value": False})
    assert me(app, secret).status_code == 401
