"""Who makes a SCIM request: a connection with its token, or at ``/Me`` a person signed in."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request
from scim2_models import UnauthorizedException
from werkzeug.exceptions import TooManyRequests

from app.directory import accounts, tokens
from app.directory.work import Actor
from app.security import addresses
from app.security.limits import seconds_to_wait
from app.security.requests import client_address, current_request, request_id, settings
from app.security.sessions import SignedIn, cookie_name, signed_in
from app.security.tokens import RefusedToken, TokenIdentity, identify
from app.words import say

REFUSALS_NOTED = 10
"""How often a minute the provisioning log notes that a connection's token is refused."""


@dataclass(frozen=True)
class Person:
    """Somebody signed in, who may read the one resource that stands for them."""

    account_id: str
    user_id: str
    name: str
    scim_epoch: int
    scopes = frozenset({"users"})
    keeps_unknown = False


Identity = TokenIdentity | Person


class Unauthenticated(UnauthorizedException):
    """There is no live token that may come from here."""

    refused: RefusedToken | None = None
    """The token, where it is one we know."""


def authenticate(path: str) -> Identity:
    """Return who makes the request.

    :param path: Under the SCIM root.
    :raises Unauthenticated: When nobody does that we know.
    :raises TooManyRequests: When the connection has made too many.
    """
    person = _person() if path.strip("/") == "Me" and request.method in ("GET", "HEAD") else None
    if person is not None:
        epoch = accounts.scim_epoch(person.account_id)
        return Person(person.account_id, person.user_id, person.user_name, epoch)
    presented = current_request().environ.get("HTTP_AUTHORIZATION", "")
    identity = identify(_token(presented), client_address())
    if not isinstance(identity, TokenIdentity):
        error = Unauthenticated(detail=say("A valid bearer token is required"))
        error.refused = identity
        raise error
    wait = seconds_to_wait(f"scim:{identity.connection_id}", settings().scim_requests_per_minute)
    if wait:
        sentence = say("Too many requests: try again in %(seconds)s s.", seconds=wait)
        raise TooManyRequests(sentence, retry_after=wait)
    if identity.wants_touch:
        tokens.touch(identity.account_id, identity.token_id)
    return identity


def actor_of(identity: Identity) -> Actor:
    """Return who writes, for the audit."""
    if isinstance(identity, Person):
        return _actor("user", identity.user_id, identity.name, None, identity.scopes)
    return _actor(
        "token", identity.token_id, identity.name, identity.connection_id, identity.scopes
    )


def actor_refused(token: RefusedToken) -> Actor | None:
    """Return whose refusal is to be noted; None when enough have been."""
    if seconds_to_wait(f"refused:{token.connection_id}", REFUSALS_NOTED):
        return None
    return _actor("token", token.token_id, token.name, token.connection_id, frozenset())


def _actor(
    type_: str, id_: str, name: str, connection_id: str | None, scopes: frozenset[str]
) -> Actor:
    return Actor(
        type=type_,
        id=id_,
        name=name,
        surface="scim",
        connection_id=connection_id,
        address=client_address(),
        request_id=request_id(),
        scopes=scopes,
    )


def _token(header: str) -> str | None:
    """Return the token of an Authorization header.

    Okta's header authentication sends it as it is, without the scheme.
    """
    scheme, _, token = header.strip().partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return scheme if not token and scheme.startswith("gh_") else None


def _person() -> SignedIn | None:
    """Return who is signed in, when the request brings a session and no token.

    None too where they come from an address that is not allowed for SCIM.
    """
    if "Authorization" in request.headers:
        return None
    person = signed_in(request.cookies.get(cookie_name(settings())), settings())
    if person is None or not addresses.allowed(person.account_id, "scim", client_address()):
        return None
    return person
