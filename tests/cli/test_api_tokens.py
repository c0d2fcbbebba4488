"""``gatehouse token create --api``: a token of the admin API."""

from __future__ import annotations

import pytest

from tests.api.v1.client import Api


def test_it_may_do_what_its_role_permits_and_nothing_else(gatehouse):
    gatehouse("account", "create", "Acme")
    create = ("token", "create", "Acme", "--name", "scripts", "--api", "reports")
    issued = gatehouse(*create, "--json")
    assert issued["api_base"] == "http://127.0.0.1:8000/api/v1"
    other = gatehouse(*(each.replace("scripts", "others") for each in create)).stdout
    assert other.startswith(f"API base:   {issued['api_base']}\nToken:")
    again = gatehouse(*create, exit_code=2).stderr
    assert f"There is a token 'scripts' already, {issued['prefix']}: rotate it" in again
    with gatehouse.app.app_context():
        api = Api(gatehouse.app, issued["token"])
        assert api.get("/account/access?action=user.manage").status_code == 200
        assert api.get("/users").status_code == 403
    listed = gatehouse("token", "list", "Acme")
    assert "scripts (API): audit.view, report.view" in listed.stdout
    assert issued["token"] not in listed.stdout


def test_it_is_no_token_of_scim_nor_the_other_way_round(gatehouse):
    gatehouse("account", "create", "Acme")
    create = ("token", "create", "Acme", "--name", "t", "--json")
    of_api, of_scim = gatehouse(*create, "--api", "admin"), gatehouse(*create)
    with gatehouse.app.app_context():
        client = gatehouse.app.test_client()
        headers = {"Authorization": f"Bearer {of_api['token']}"}
        assert client.get("/scim/v2/Users", headers=headers).status_code == 401
        assert Api(gatehouse.app, of_scim["token"]).get("/users").status_code == 401


def test_rotated_it_stays_one_of_the_api(gatehouse):
    gatehouse("account", "create", "Acme")
    gatehouse("token", "create", "Acme", "--name", "scripts", "--api", "admin")
    fresh = gatehouse("token", "rotate", "Acme", "scripts", "--json")
    with gatehouse.app.app_context():
        assert Api(gatehouse.app, fresh["token"]).get("/users").status_code == 200


def test_an_application_may_ask_decisions_and_nothing_else(gatehouse):
    gatehouse("account", "create", "Acme")
    create = ("token", "create", "Acme", "--name", "portal", "--action", "access.check")
    issued = gatehouse(*create, "--json")
    asked = {
        "subject": {"type": "user", "id": "ada@example.com"},
        "action": {"name": "folder.view"},
        "resource": {"type": "folder", "id": "/"},
    }
    with gatehouse.app.app_context():
        client = gatehouse.app.test_client()
        headers = {"Authorization": f"Bearer {issued['token']}"}
        answer = client.post("/access/v1/evaluation", json=asked, headers=headers)
        assert (answer.status_code, answer.json["decision"]) == (200, False)
        assert Api(gatehouse.app, issued["token"]).get("/users").status_code == 403
    wrong = gatehouse(*create[:-1], "access.everything", exit_code=2)
    assert "access.check" in wrong.stderr


def test_no_such_role(gatehouse):
    gatehouse("account", "create", "Acme")
    wrong = gatehouse("token", "create", "Acme", "--name", "t", "--api", "king", exit_code=2)
    assert "There is no account role 'king'" in wrong.stderr


@pytest.mark.parametrize("kind", [("--api", "admin"), ("--action", "access.check")])
@pytest.mark.parametrize("option", [("--scope", "users"), ("--connection", "Okta")])
def test_what_is_said_of_scim_is_not_ignored(gatehouse, kind, option):
    gatehouse("account", "create", "Acme")
    wrong = gatehouse("token", "create", "Acme", "--name", "t", *kind, *option, exit_code=2)
    assert f"{option[0]} is for a token of SCIM" in wrong.stderr
    assert gatehouse("token", "list", "Acme", "--json") == {"tokens": []}
