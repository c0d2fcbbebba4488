"""``/api/v1/mappings``."""

from __future__ import annotations

import pytest

from app.directory import users
from app.directory.users import Profile
from tests.api.v1.client import Api, an_api_token
from tests.conftest import write
from tests.factories import (
    a_connection,
    a_custom_role,
    a_folder,
    a_group,
    a_mapping,
    a_master_admin,
    an_account,
)
from tests.inspection import statements


def values(found) -> list[str]:
    return [each["match_value"] for each in found]


def waiting(api) -> dict[str, bool | None]:
    return {each["match_value"]: each["waiting"] for each in api.all("/mappings")}


def test_a_mapping_is_made_read_and_deleted(api, account):
    brand, okta = a_folder(account, "Brand"), a_connection(account, name="Okta")
    body = {"match_value": "Designers", "role_id": "editor", "folder_id": brand}
    made = api.post("/mappings", body | {"connection_id": okta})
    assert made.status_code == 201
    path = made.headers["Location"].removeprefix("/api/v1")
    mapping = api.get(path).json
    assert mapping == made.json
    assert (mapping["match_by"], mapping["match_value"]) == ("display_name", "Designers")
    assert mapping["role"] == {"id": "editor", "name": "editor"}
    assert mapping["folder"] == {"id": brand, "path": "/Brand"}
    assert mapping["connection"] == {"id": okta, "name": "Okta"}
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == 404


def test_a_post_with_a_key_is_done_once(api):
    body = {"match_value": "Auditors", "role_id": "reports"}
    first = api.post("/mappings", body, Idempotency_Key="k")
    again = api.post("/mappings", body, Idempotency_Key="k")
    assert (again.status_code, again.json) == (201, first.json)
    assert (first.json["folder"], first.json["connection"]) == (None, None)
    assert len(api.all("/mappings")) == 1


def test_mappings_by_what_administrators_look_for(api, account):
    brand, okta = a_folder(account, "Brand"), a_connection(account)
    a_mapping(account, "b designers", "editor", brand)
    a_mapping(account, "A auditors", "reports", connection_id=okta)
    a_mapping(account, "c-1", "reports", match_by="external_id")
    a_mapping(account, "d", "viewer", brand, match_by="entitlement")
    everything = ["A auditors", "b designers", "c-1", "d"]
    assert values(api.all("/mappings", limit=1)) == everything
    assert values(api.all("/mappings?match_by=external_id")) == ["c-1"]
    assert values(api.all(f"/mappings?connection={okta}")) == ["A auditors"]
    assert values(api.all("/mappings?role=reports")) == ["A auditors", "c-1"]
    assert values(api.all(f"/mappings?folder={brand}&role=viewer")) == ["d"]
    assert api.get("/mappings?match_by=name").status_code == 422


def test_which_wait_for_their_group(api, account):
    okta = a_connection(account)
    a_mapping(account, "Designers", "reports")
    a_mapping(account, "d-1", "reports", match_by="external_id")
    a_mapping(account, "Auditors", "reports", connection_id=okta)
    a_mapping(account, "press", "reports", match_by="role")
    assert waiting(api) == {"Designers": True, "d-1": True, "Auditors": True, "press": None}
    group = a_group(account, "DESIGNERS", external_id="d-1")
    a_group(account, "Auditors")  # not through the connection
    assert waiting(api) == {"Designers": False, "d-1": False, "Auditors": True, "press": None}
    assert api.delete(f"/groups/{group}").status_code == 204
    assert waiting(api)["Designers"] is True


def test_which_lack_what_they_give(api, account):
    okta = a_connection(account)
    a_group(account, "Designers", external_id="d-1")
    made = a_mapping(account, "Designers", "reports")
    a_mapping(account, "d-1", "reports", match_by="external_id")
    a_mapping(account, "Designers", "admin", connection_id=okta)  # not through it
    a_mapping(account, "press", "reports", match_by="role")
    a_mapping(account, "Later", "reports")

    def lacking() -> list[bool | None]:
        return [each["lacking"] for each in api.all("/mappings")]

    assert lacking() == [False, False, False, False, None]
    (grant,) = [each for each in api.all("/grants") if each["mapping_id"] == made]
    assert api.delete(f"/grants/{grant['id']}").status_code == 204
    assert lacking() == [False, True, False, False, None]
    assert api.get(f"/mappings/{made}").json["lacking"] is True
    again = api.post("/mappings", {"match_value": "designers", "role_id": "reports"})
    assert (again.status_code, again.json["id"]) == (201, made)
    assert again.json["lacking"] is False


def test_who_matches_has_the_role_until_the_mapping_goes(api, account):
    group = a_group(account, "Designers")
    made = api.post("/mappings", {"match_value": "designers", "role_id": "reports"}).json
    (grant,) = api.get(f"/grants?group={group}").json["items"]
    assert (grant["origin"], grant["mapping_id"]) == ("mapping", made["id"])
    api.delete(f"/mappings/{made['id']}")
    assert api.get(f"/grants?group={group}").json["items"] == []


def test_a_longer_page_takes_no_more_statements(api, account):
    for number in range(8):
        a_mapping(account, f"group {number}", "viewer", a_folder(account))
    api.get("/mappings")  # the first use of a token is noted
    counts = []
    for limit in (2, 8):
        with statements() as seen:
            assert len(api.get(f"/mappings?limit={limit}").json["items"]) == limit
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    "change",
    [
        {"match_by": "name"},
        {"match_value": ""},
        {"match_value": " "},
        {"match_value": "x\0"},
        {"role_id": "viewer"},
        {"waiting": True},
    ],
)
def test_what_no_mapping_can_be(api, change):
    body = {"match_value": "Auditors", "role_id": "reports"}
    assert api.post("/mappings", body | change).status_code == 422


def test_another_accounts_ids_do_not_exist(api):
    theirs = an_account()
    folder, okta = a_folder(theirs), a_connection(theirs)
    role = a_custom_role(theirs, "account", {"user.view"})
    mapping = a_mapping(theirs, "Theirs", "viewer", folder, connection_id=okta)
    for method in ("GET", "DELETE"):
        assert api.call(method, f"/mappings/{mapping}").status_code == 404
    for ids in (
        {"role_id": role},
        {"role_id": "viewer", "folder_id": folder},
        {"role_id": "reports", "connection_id": okta},
    ):
        assert api.post("/mappings", {"match_value": "x"} | ids).status_code == 404
    for query in (f"folder={folder}", f"connection={okta}", f"role={role}"):
        assert api.get(f"/mappings?{query}").json["items"] == []


def test_another_accounts_group_ends_no_waiting(api, account):
    a_mapping(account, "Designers", "reports")
    a_group(an_account(), "Designers")
    assert waiting(api) == {"Designers": True}


def test_who_may(app, account):
    mapping = a_mapping(account, "Designers", "reports")
    reader = Api(app, an_api_token(account, {"connection.view"}))
    assert reader.get(f"/mappings/{mapping}").status_code == 200
    assert reader.post("/mappings", {"match_value": "x", "role_id": "reports"}).status_code == 403
    assert reader.delete(f"/mappings/{mapping}").status_code == 403
    assert Api(app, an_api_token(account, {"user.view"})).get("/mappings").status_code == 403


def test_nobody_maps_more_than_they_hold(app, account):
    """A token that manages connections, and nothing else, is not a way to a role."""
    mapping = a_mapping(account, "Admins", "admin")
    manager = Api(app, an_api_token(account, {"connection.view", "connection.manage"}))
    for body in (
        {"match_value": "x", "role_id": "admin"},
        {"match_value": "x", "role_id": "viewer", "folder_id": a_folder(account)},
    ):
        assert manager.post("/mappings", body).status_code == 403
    assert manager.delete(f"/mappings/{mapping}").status_code == 403


def test_the_last_master_admin_stays(api, account):
    mapping = a_mapping(account, "root", "master_admin", match_by="role")
    with write(account) as work:
        users.create(work, Profile("ada", values={"roles": [{"value": "root"}]}))
    assert api.delete(f"/mappings/{mapping}").status_code == 409
    a_master_admin(account)
    assert api.delete(f"/mappings/{mapping}").status_code == 204
