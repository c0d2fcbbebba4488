"""Signed tokens of a session, and the keys to verify them with."""

from __future__ import annotations

from datetime import timedelta

import pytest
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet
from sqlalchemy import update

from app.directory import signing_keys
from app.security.secrets import SealError
from app.security.signing_keys import published_keys, signing_key
from app.store.database import db
from app.store.models import SigningKey
from app.store.types import now
from tests.conftest import SECRET_KEY
from tests.console.client import Browser
from tests.factories import a_session, a_user
from tests.inspection import rows

HOST = "http://127.0.0.1:8000"


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada", display_name="Ada L.")


@pytest.fixture
def browser(app, account, ada) -> Browser:
    found = Browser(app)
    found.sign_in(a_session(account, ada))
    return found


def keys(browser) -> KeySet:
    return KeySet.import_key_set(browser.get("/.well-known/jwks.json").get_json())


def token(browser, **query) -> str:
    return browser.get("/api/session/token", query_string=query).get_json()["token"]


def test_a_token_says_who_is_signed_in(browser, account, ada):
    answer = browser.get("/api/session/token").get_json()
    assert answer["token_type"] == "JWT" and 290 <= answer["expires_in"] <= 300
    found = jwt.decode(answer["token"], keys(browser), algorithms=["ES256"])
    assert set(found.header) == {"alg", "kid", "typ"} and found.header["alg"] == "ES256"
    claims = found.claims
    at = now().timestamp()
    assert claims["nbf"] == claims["iat"] and abs(claims["iat"] - at) < 10
    assert claims["exp"] - claims["iat"] == 300
    session_id = claims.pop("sid")
    assert len(session_id) == 36
    assert {name: value for name, value in claims.items() if name not in ("iat", "nbf", "exp")} == {
        "iss": HOST,
        "aud": HOST,
        "sub": ada,
        "account": account,
        "account_name": "Acme",
        "preferred_username": "ada",
        "name": "Ada L.",
        "amr": ["saml"],
    }


def test_a_token_is_for_the_application_that_is_named(browser):
    claims = jwt.decode(token(browser, audience="media"), keys(browser)).claims
    assert claims["aud"] == "media"
    for audience in ("", "x" * 201, "a\0"):
        answer = browser.get("/api/session/token", query_string={"audience": audience})
        assert answer.status_code == 400


def test_a_token_does_not_outlive_the_session(app, account, ada):
    browser = Browser(app)
    browser.sign_in(a_session(account, ada, lifetime=timedelta(seconds=60)))
    claims = jwt.decode(token(browser), keys(browser)).claims
    assert 50 <= claims["exp"] - claims["iat"] <= 60


def test_nobody_gets_none(app):
    answer = Browser(app).get("/api/session/token")
    assert answer.status_code == 401
    assert rows(SigningKey) == []


def test_an_altered_token_is_worth_nothing(browser):
    head, body, signature = token(browser).split(".")
    other = token(browser, audience="other").split(".")[1]
    with pytest.raises(BadSignatureError):
        jwt.decode(f"{head}.{other}.{signature}", keys(browser))
    assert body != other


def test_private_keys_are_nowhere_to_be_read(browser):
    token(browser)
    (published,) = browser.get("/.well-known/jwks.json").get_json()["keys"]
    assert set(published) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    (stored,) = rows(SigningKey)
    assert "PRIVATE" not in stored.sealed_key and stored.public == published
    assert "max-age=300" in browser.get("/.well-known/jwks.json").headers["Cache-Control"]


def made(key_id: str, ago: timedelta) -> None:
    db.session.execute(
        update(SigningKey).where(SigningKey.id == key_id).values(created_at=now() - ago)
    )
    db.session.commit()


def test_a_new_key_is_published_before_it_signs_and_the_old_one_after(app):
    at = now()
    first = signing_keys.key_to_sign_with(SECRET_KEY).id
    made(first, timedelta(days=30))
    second = signing_keys.rotate(SECRET_KEY)
    assert [key["kid"] for key in published_keys(at)] == [second, first]
    assert signing_key(SECRET_KEY, at).id == first
    later = at + timedelta(hours=1, minutes=1)
    assert signing_key(SECRET_KEY, later).id == second
    assert [key["kid"] for key in published_keys(later)] == [second, first]
    assert [key["kid"] for key in published_keys(at + timedelta(hours=26))] == [second]


def test_where_the_secret_key_was_lost_the_new_key_signs_at_once(app):
    """Nothing else could be signed for an hour, and every poll for events would be a 500."""
    made(signing_keys.key_to_sign_with(SECRET_KEY).id, timedelta(days=30))
    another = "another key of 32 characters, or more"
    with pytest.raises(SealError):
        signing_key(another, now())
    second = signing_keys.rotate(another)
    assert signing_key(another, now()).id == second


def test_a_key_made_with_a_wrong_secret_key_keeps_no_other_from_signing(app):
    first = signing_keys.key_to_sign_with(SECRET_KEY).id
    made(first, timedelta(days=30))
    made(signing_keys.rotate("another key of 32 characters, or more"), timedelta(hours=2))
    assert signing_key(SECRET_KEY, now()).id == first


def test_two_first_keys_are_both_good(app):
    first, second = signing_keys.rotate(SECRET_KEY), signing_keys.rotate(SECRET_KEY)
    assert signing_keys.key_to_sign_with(SECRET_KEY).id == first
    assert {key["kid"] for key in published_keys(now())} == {first, second}
