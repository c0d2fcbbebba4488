"""A proxy asks whether a request may pass, and who it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from app.api.forward_auth import encoded
from app.directory import sessions, users
from app.store.models import Session
from tests.conftest import make_app, write
from tests.console.client import Browser
from tests.factories import (
    a_folder,
    a_grant,
    a_group,
    a_session,
    a_user,
    an_account,
)
from tests.inspection import fingerprint, row, statements

ASK = "/api/forward-auth"


@pytest.fixture
def ada(account) -> str:
    values = {"emails": [{"value": "second@x"}, {"value": "ada@x", "primary": True}]}
    with write(account) as work:
        return users.create(work, users.Profile("ada", display_name="Ada L.", values=values))


@pytest.fixture
def browser(app, account, ada) -> Browser:
    found = Browser(app)
    found.sign_in(a_session(account, ada))
    return found


def test_who_it_is(browser, account, ada):
    inner = a_group(account, "Designers", members=[ada])
    a_group(account, "Everybody", members=[inner])
    a_grant(account, ada, "reports")
    answer = browser.get(ASK)
    assert answer.status_code == 204
    found = {name: value for name, value in answer.headers if name.startswith("X-Gatehouse")}
    assert found == {
        "X-Gatehouse-User": "ada",
        "X-Gatehouse-User-Id": ada,
        "X-Gatehouse-Name": "Ada L.",
        "X-Gatehouse-Email": "ada@x",
        "X-Gatehouse-Account": "Acme",
        "X-Gatehouse-Groups": "Designers,Everybody",
        "X-Gatehouse-Roles": "reports",
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_writes_nothing_and_asks_little(browser):
    browser.get(ASK)
    before = fingerprint()
    with statements() as seen:
        assert browser.get(ASK).status_code == 204
    assert len(seen) == 4  # who, address, groups, roles
    assert fingerprint() == before


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_it_may_be_asked_with_the_method_of_the_request(browser, app, method):
    assert browser.open(method, ASK).status_code == 204
    assert Browser(app).open(method, ASK).status_code == 401


def test_nobody_is_sent_to_sign_in(app):
    nobody = Browser(app)
    answer = nobody.get(ASK)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Cookie realm="Gatehouse"'
    assert answer.headers["X-Gatehouse-Sign-In"] == "http://127.0.0.1:8000/sign-in?next=%2F"
    onwards = nobody.get(f"{ASK}?redirect")
    assert (onwards.status_code, onwards.location) == (302, answer.headers["X-Gatehouse-Sign-In"])


def test_out_at_the_next_request(browser, account, ada):
    assert browser.get(ASK).status_code == 204
    with write(account) as work:
        users.set_active(work, ada, False)
    assert browser.get(ASK).status_code == 401


def test_a_session_that_was_ended_or_is_over_does_not_pass(browser, account, ada):
    with write(account) as work:
        sessions.revoke(work, row(Session).id, reason="test")
    assert browser.get(ASK).status_code == 401
    browser.sign_in(a_session(account, ada, lifetime=timedelta(0)))
    assert browser.get(ASK).status_code == 401


def test_only_people_of_the_account_pass_where_it_is_named(browser, account):
    an_account("Other")
    for name, status in {"Acme": 204, account: 204, "Other": 403, "Nobody": 403, "": 403}.items():
        assert browser.get(ASK, query_string={"account": name}).status_code == status


def test_a_misspelled_condition_lets_nobody_pass(browser):
    for query in ("acount=Acme", "account=Acme&folders=/Brand"):
        assert browser.get(f"{ASK}?{query}").status_code == 400


def test_only_who_may_do_it_passes(browser, account, ada):
    brand, press = a_folder(account, "Brand"), a_folder(account, "Press")
    theirs = a_folder(an_account("Other"), "Brand")
    a_grant(account, ada, "viewer", brand)
    for query, status in (
        ({"folder": brand}, 204),
        ({"folder": "/Brand"}, 204),
        ({"folder": "/Brand", "action": "asset.edit"}, 403),
        ({"folder": press}, 403),
        ({"folder": "/Nothing"}, 403),
        ({"folder": theirs}, 403),
        ({"folder": ""}, 403),
        ({"folder": brand, "action": "no.such"}, 403),
        ({"action": "user.view"}, 403),
        ({"action": "folder.view"}, 403),
    ):
        assert browser.get(ASK, query_string=query).status_code == status, query
    a_grant(account, ada, "admin")
    assert browser.get(ASK, query_string={"action": "user.view"}).status_code == 204


def test_names_end_no_header_and_add_no_group(app, account):
    hostile = "x,admins\u00e9%2C<>\u4e2d"
    user_id = a_user(account, "eve", display_name="Ève\u2028x")
    a_group(account, hostile, members=[user_id])
    found = Browser(app)
    found.sign_in(a_session(account, user_id))
    headers = found.get(ASK).headers
    assert headers["X-Gatehouse-Name"] == "%C3%88ve%E2%80%A8x"
    assert headers["X-Gatehouse-Groups"] == "x%2Cadmins%C3%A9%252C<>%E4%B8%AD"
    assert encoded("a\r\nX: y") == "a%0D%0AX: y"


def test_a_header_is_never_too_long(app, account):
    user_id = a_user(account)
    for number in range(100):
        a_group(account, f"{number:03}" + "é" * 100, members=[user_id])
    found = Browser(app)
    found.sign_in(a_session(account, user_id))
    groups = found.get(ASK).headers["X-Gatehouse-Groups"].split(",")
    assert 5 < len(groups) < 20
    assert all(len(each) == 603 for each in groups)


def test_a_token_for_the_application(browser, ada):
    assert "X-Gatehouse-Token" not in browser.get(ASK).headers
    token = browser.get(f"{ASK}?audience=media").headers["X-Gatehouse-Token"]
    keys = KeySet.import_key_set(browser.get("/.well-known/jwks.json").get_json())
    claims = jwt.decode(token, keys, algorithms=["ES256"]).claims
    assert (claims["aud"], claims["sub"], claims["email"]) == ("media", ada, "ada@x")
    for audience in ("", "x" * 201, "a\nb"):
        answer = browser.get(ASK, query_string={"audience": audience})
        assert answer.status_code == 400


def test_forwarded_headers_count_from_a_trusted_proxy_alone(database_url):
    forwarded = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "media.example.com",
        "X-Forwarded-Uri": "/a?b",
    }
    applications = ("https://media.example.com",)
    for trusted, where in {
        (): "http://127.0.0.1:8000/sign-in?next=%2F",
        ("127.0.0.0/8",): "https://media.example.com/.gatehouse/start?to=%2Fa%3Fb",
    }.items():
        from ipaddress import ip_network

        app = make_app(
            database_url,
            applications=applications,
            trusted_proxies=tuple(map(ip_network, trusted)),
        )
        answer = Browser(app).get(ASK, headers=forwarded)
        assert answer.headers["X-Gatehouse-Sign-In"] == where
