"""One connection in the console: renamed, deleted."""

from __future__ import annotations

from app.directory import domains
from app.store.models import Connection, User
from tests.conftest import write
from tests.factories import a_connection, a_mapping, a_token
from tests.inspection import row, rows


def test_a_connection_is_renamed(admin, account):
    scim = a_connection(account, name="Okta")
    a_connection(account, name="Entra")
    page = f"/connections/{scim}/rename"
    answer = admin.submit(page, name="  Okta push ")
    assert answer.location == f"/connections/{scim}"
    assert row(Connection, id=scim).name == "Okta push"
    assert "It is called Okta push now." in admin.text(f"/connections/{scim}")
    for name, said in (("entra", "alert-danger"), ("", "name-wrong"), ("\0", "-wrong")):
        answer = admin.submit(page, name=name)
        assert answer.status_code == 200 and said in answer.get_data(as_text=True), name
    assert row(Connection, id=scim).name == "Okta push"


def test_what_stands_in_the_way_of_deleting_is_said_and_where_to_go(admin, account, okta):
    a_mapping(account, "Designers", "reports", connection_id=okta)
    with write(account) as work:
        domains.add(work, "example.com", okta)
    page = f"/connections/{okta}/delete"
    shown = admin.text(page)
    assert "It is in use." in shown and "Delete it for good" not in shown
    links = admin.page(page).xpath("//main//a/@href")
    assert {f"/domains?connection={okta}", f"/mappings?connection={okta}"} <= set(links)
    form = {"csrf_token": admin.form("/", "/sign-out").fields["csrf_token"]}
    answer = admin.post(page, data=form, headers={"Referer": admin.base_url + page})
    assert answer.status_code == 200 and "Take it out of use first." in answer.get_data(True)
    assert row(Connection, id=okta).enabled


def test_a_connection_out_of_use_is_deleted(admin, account):
    scim = a_connection(account, name="Okta")
    a_token(account, scim)
    admin.submit(f"/connections/{scim}", f"/connections/{scim}/disable")
    page = f"/connections/{scim}/delete"
    assert "Its tokens (1) and OAuth clients (0)" in admin.text(page)
    answer = admin.submit(page)
    assert answer.location == "/connections"
    assert "Okta is deleted." in admin.text("/connections")
    assert rows(Connection) == [] and rows(User) != []
    assert admin.get(page).status_code == 404
