"""One connection in the console: what belongs to it; renamed, deleted."""

from __future__ import annotations

from app.directory import domains, provisioning_log
from app.directory.provisioning_log import Entry
from app.directory.work import Actor
from app.store.models import Connection, Domain, Token, User
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import (
    a_connection,
    a_custom_role,
    a_grant,
    a_mapping,
    a_session,
    a_token,
    a_user,
)
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


def test_what_belongs_to_a_connection_stands_on_its_page(admin, account, okta):
    scim = a_connection(account, name="Okta push")
    a_token(account, scim, name="of this one")
    a_token(account, name="of another one")
    a_mapping(account, "Designers", "reports", connection_id=scim)
    a_mapping(account, "Anybody", "reports")
    failure = Entry(
        method="GET", path="/Users/nobody", status=404, duration_us=10, detail="There is no user."
    )
    actor = Actor(type="token", name="t", surface="scim", connection_id=scim)
    provisioning_log.note_failure(account, actor, failure)
    shown = admin.text(f"/connections/{scim}")
    for expected in (
        *("of this one", "Designers", "What failed lately", "There is no user."),
        "a token that is none of these",  # whose requests nobody can tell
    ):
        assert expected in shown, expected
    assert "of another one" not in shown and "Anybody" not in shown
    links = admin.page(f"/connections/{scim}").xpath("//main//a/@href")
    assert {
        f"/tokens/new/scim?connection={scim}",
        f"/clients/new?connection={scim}",
        f"/mappings/new?connection={scim}",
        f"/provisioning?connection={scim}",
        f"/provisioning?connection={scim}&failures=1",
    } <= set(links)
    with write(account) as work:
        domains.add(work, "example.com", okta)
    assert "example.com" in admin.text(f"/connections/{okta}")
    assert "example.com" in admin.text(f"/domains?connection={okta}")
    assert "No domain yet." in admin.text(f"/domains?connection={scim}")


def test_a_token_is_revoked_where_it_is_seen(admin, account):
    scim = a_connection(account, name="Okta")
    token = a_token(account, scim)
    page = f"/connections/{scim}"
    assert admin.submit(page, f"/tokens/{token.id}/revoke").location == page
    assert rows(Token) == []


def test_who_may_issue_no_token_sees_none(app, account):
    scim = a_connection(account, name="Okta")
    a_token(account, scim, name="a secret of others")
    user_id = a_user(account)
    a_grant(account, user_id, a_custom_role(account, "account", {"connection.view"}))
    viewer = Browser(app)
    viewer.sign_in(a_session(account, user_id))
    shown = viewer.text(f"/connections/{scim}")
    assert "a secret of others" not in shown and "New token" not in shown


def test_a_domain_is_moved_where_there_is_a_choice(admin, account, okta):
    other = a_connection(account, "saml", "Other")
    with write(account) as work:
        domains.add(work, "example.com", okta)
    admin.submit("/domains", "/domains/example.com/move", connection=other)
    assert row(Domain).connection_id == other


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
