"""OAuth 2.0 client credentials: a token for a secret, and it ends with its client."""

from __future__ import annotations

import base64
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy.exc import OperationalError

from app.api import oauth
from app.directory import accounts, clients, connections
from app.directory.errors import NotFound
from app.security.clients import identify_client
from app.store.database import db
from app.store.models import (
    AuditEvent,
    Connection,
    OAuthClient,
    OutgoingEvent,
    ProvisioningEntry,
    Token,
)
from app.store.types import now
from tests.conftest import CLI_ACTOR, make_app, write
from tests.inspection import row, rows

FORM = {"grant_type": "client_credentials"}


def new_client(account, *scopes, name="Okta", **options):
    with write(account) as work:
        connection_id = connections.find_or_create_scim(work, "Okta")
        return clients.create(work, connection_id, name, scopes or ("users", "groups"), **options)


@pytest.fixture
def client(account):
    return new_client(account)


def basic(client_id, secret):
    pair = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def ask(app, data=None, headers=None, **more):
    return app.test_client().post("/oauth/token", data=data, headers=headers, **more)


def issued(app, client, **form):
    answer = ask(app, FORM | form, basic(client.id, client.secret))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()["access_token"]


def users(app, token):
    headers = {"Authorization": f"Bearer {token}"}
    return app.test_client().get("/scim/v2/Users", headers=headers).status_code


@pytest.mark.parametrize("way", ["basic", "post"])
def test_a_token_is_issued_and_works(app, client, way):
    if way == "basic":
        answer = ask(app, FORM, basic(client.id, client.secret))
    else:
        secret = {"client_id": client.id, "client_secret": client.secret}
        answer = ask(app, FORM | secret)
    body = answer.get_json()
    assert answer.status_code == 200
    assert (body["token_type"], body["expires_in"], body["scope"]) == (
        "Bearer",
        3600,
        "groups users",
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    assert users(app, body["access_token"]) == 200
    assert row(OAuthClient).last_used_at is not None


def test_a_parameter_without_a_value_counts_as_left_out(app, client):
    empty = {"client_id": "", "client_secret": "", "scope": ""}
    answer = ask(app, FORM | empty, basic(client.id, client.secret))
    assert (answer.status_code, answer.get_json()["scope"]) == (200, "groups users")
    answer = ask(app, {"grant_type": ""}, basic(client.id, client.secret))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_a_body_too_large_is_not_read(app, client):
    form = FORM | {"x": "a" * (app.config["MAX_CONTENT_LENGTH"] + 1)}
    answer = ask(app, form, basic(client.id, client.secret))
    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")


def test_it_carries_no_more_scopes_than_asked_for(app, client):
    headers = {"Authorization": f"Bearer {issued(app, client, scope='groups')}"}
    browser = app.test_client()
    assert browser.get("/scim/v2/Users", headers=headers).status_code == 403
    assert browser.get("/scim/v2/Groups", headers=headers).status_code == 200


def test_it_ends_with_its_client_at_the_next_request(app, client, account):
    token = issued(app, client)
    assert users(app, token) == 200
    with write(account) as work:
        clients.revoke(work, "Okta")
    assert users(app, token) == 401
    assert ask(app, FORM, basic(client.id, client.secret)).status_code == 401


def test_it_ends_after_an_hour(app, client, account):
    token = issued(app, client)
    with write(account):
        db.session.execute(Token.__table__.update().values(expires_at=now()))
    assert users(app, token) == 401


def test_two_secrets_live_while_one_replaces_the_other(app, client, account):
    with write(account) as work:
        new = clients.rotate(work, client.id)
    assert new.id == client.id
    for secret in (client.secret, new.secret):
        assert ask(app, FORM, basic(client.id, secret)).status_code == 200
    with write(account):
        db.session.execute(OAuthClient.__table__.update().values(previous_expires_at=now()))
    assert ask(app, FORM, basic(client.id, client.secret)).status_code == 401
    assert ask(app, FORM, basic(client.id, new.secret)).status_code == 200


def test_old_tokens_make_way(app, client):
    tokens = [issued(app, client) for _ in range(clients.LIVE_TOKENS + 2)]
    assert len(rows(Token)) == clients.LIVE_TOKENS
    assert [users(app, each) for each in (tokens[0], tokens[-1])] == [401, 200]


@pytest.mark.parametrize(
    ("form", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        (FORM | {"scope": "users admins"}, 400, "invalid_scope"),
        (FORM | {"scope": "everything"}, 400, "invalid_scope"),
        (FORM | {"client_secret": "twice"}, 400, "invalid_request"),
        (FORM | {"client_id": "another"}, 400, "invalid_request"),
    ],
)
def test_what_is_refused(app, client, form, status, code):
    answer = ask(app, form, basic(client.id, client.secret))
    assert (answer.status_code, answer.get_json()["error"]) == (status, code)
    assert answer.headers["Cache-Control"] == "no-store"


def test_only_a_form_is_read(app, client):
    answer = ask(app, headers=basic(client.id, client.secret), json=FORM)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    assert app.test_client().get("/oauth/token").status_code == 405


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": "Basic " + base64.b64encode(b"no colon").decode()},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:x").decode()},
        {"Authorization": "Bearer x"},
        basic("unknown", "secret"),
        basic("a\0b", "c\0d"),
        basic("x" * 5000, "y" * 5000),
    ],
)
def test_nobody_is_told_which_part_was_wrong(app, client, headers):
    answers = [
        ask(app, FORM, each) for each in (headers, basic(client.id, "wrong"), basic(client.id, ""))
    ]
    assert {each.status_code for each in answers} == {401}
    assert {each.headers["WWW-Authenticate"] for each in answers} == {'Basic realm="Gatehouse"'}
    assert len({each.get_data() for each in answers}) == 1


def test_a_client_is_held_to_its_addresses(app, account):
    away = new_client(account, allowed=["203.0.113.0/24"])
    assert ask(app, FORM, basic(away.id, away.secret)).status_code == 401
    with write(account):
        db.session.execute(OAuthClient.__table__.update().values(networks=["127.0.0.0/8"]))
    token = issued(app, away)
    assert users(app, token) == 200
    with write(account):
        db.session.execute(Token.__table__.update().values(networks=["203.0.113.0/24"]))
    assert users(app, token) == 401


def test_a_disabled_connection_issues_nothing(app, client, account):
    with write(account):
        db.session.execute(Connection.__table__.update().values(enabled=False))
    answer = ask(app, FORM, basic(client.id, client.secret))
    assert (answer.status_code, answer.get_json()["error"]) == (400, "unauthorized_client")
    answer = ask(app, FORM, basic(client.id, "wrong"))  # Who has not the secret learns nothing.
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert rows(Token) == []


def test_a_client_revoked_while_it_asks_is_refused(app, client, account, monkeypatch):
    identity = identify_client(client.id, client.secret, None)
    with write(account) as work:
        clients.revoke(work, client.id)
    with pytest.raises(NotFound):
        clients.issue_access_token(identity, ["users"])
    monkeypatch.setattr(oauth, "identify_client", lambda *_: identity)
    answer = ask(app, FORM, basic(client.id, client.secret))
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert rows(Token) == []


def test_tokens_asked_for_at_once_are_bounded_too(app, client):
    db.session.remove()
    many = [Thread(target=lambda: [issued(app, client) for _ in range(7)]) for _ in range(4)]
    for each in many:
        each.start()
    for each in many:
        each.join()
    assert len(rows(Token)) == clients.LIVE_TOKENS


@pytest.mark.parametrize("known", [True, False])
def test_guessing_is_slow_and_locks_out_no_other(app, account, client, known, monkeypatch):
    monkeypatch.setattr(oauth, "REQUESTS_PER_MINUTE", 3)
    other = new_client(account, name="Another")
    guessed = client.id if known else f"{client.id}-unknown"
    answers = [ask(app, FORM, basic(guessed, f"guess {n}")) for n in range(9)]
    codes = [each.status_code for each in answers]
    assert codes[:3] == [401, 401, 401] and set(codes) == {401, 429}  # a minute may end meanwhile
    refused = answers[codes.index(429)]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.content_type == "application/problem+json"
    assert ask(app, FORM, basic(other.id, other.secret)).status_code == 200
    far = {"environ_base": {"REMOTE_ADDR": "203.0.113.9"}}
    assert ask(app, FORM, basic(client.id, client.secret), **far).status_code == 200


def test_a_busy_database_says_when_to_come_again(app, client, monkeypatch):
    def busy(*_):
        raise OperationalError("BEGIN", {}, Exception("database is locked"))

    monkeypatch.setattr(clients, "issue_access_token", busy)
    answer = ask(app, FORM, basic(client.id, client.secret))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) >= 1


def test_no_secret_is_kept_or_told(database_url, capsys):
    app = make_app(database_url)  # Made here, so that it logs to where we look.
    with app.app_context():
        _no_secret_is_kept_or_told(app, accounts.create(CLI_ACTOR, "Acme"), capsys)
        db.session.remove()
        db.engine.dispose()


def _no_secret_is_kept_or_told(app, account, capsys):
    client = new_client(account)
    token = issued(app, client)
    posted = {"client_id": client.id, "client_secret": client.secret}
    ask(app, FORM | posted)
    ask(app, FORM | posted | {"client_secret": client.secret[:-1]})
    app.test_client().post("/oauth/token", query_string=posted)  # in the URL, where it must not be
    assert users(app, token) == 200
    with write(account) as work:
        new = clients.rotate(work, "Okta", overlap=timedelta(hours=1))
    tables = (AuditEvent, OutgoingEvent, OAuthClient, Token, ProvisioningEntry)
    stored = repr([tuple(each) for table in tables for each in rows(table)])
    printed = "".join(capsys.readouterr())
    assert "/oauth/token" in printed
    unseen = token.split("_", 2)[2]  # Its prefix is shown on purpose.
    for secret in (client.secret[:-1], new.secret, unseen):
        assert secret not in stored
        assert secret not in printed
    actions = [each.action for each in rows(AuditEvent) if each.target_type == "client"]
    assert actions == ["client.created", "client.rotated"]
