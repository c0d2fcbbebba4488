"""Signed tokens of a session, for applications to read (RFC 7519).

They live for minutes: an application that must know at once that somebody was deactivated asks
Gatehouse, by forward-auth or by a new token.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.jwk import ECKey

from app.security.sessions import SignedIn
from app.security.signing_keys import PrivateKey

ALGORITHM = "ES256"
LIFETIME = timedelta(minutes=5)
LONGEST_AUDIENCE = 200


def is_audience(text: str) -> bool:
    """Tell whether a text can name an application."""
    return 0 < len(text) <= LONGEST_AUDIENCE and text.isprintable()


def token_of(
    person: SignedIn,
    key: PrivateKey,
    *,
    issuer: str,
    audience: str,
    email: str | None,
    at: datetime,
) -> str:
    """Return a JWT that says who is signed in.

    :param audience: The application it is for; another must not take it.
    :param email: Their primary address, if they have one.
    """
    moment = int(at.timestamp())
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": person.user_id,
        "sid": person.session_id,
        "iat": moment,
        "nbf": moment,
        "exp": int(min(at + LIFETIME, person.expires_at).timestamp()),
        "account": person.account_id,
        "account_name": person.account_name,
        "preferred_username": person.user_name,
        "name": person.display_name,
        "amr": [person.method],
    }
    if email:
        claims["email"] = email
    header = {"alg": ALGORITHM, "kid": key.id, "typ": "JWT"}
    return jwt.encode(header, claims, ECKey.import_key(key.pem))
