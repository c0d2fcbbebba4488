"""Who calls the API, and what they may do: a program with its token, or a person signed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from flask import current_app, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, TooManyRequests, Unauthorized

from app.access.permissions import ACCOUNT_ACTIONS
from app.access.powers import Powers, permissions_of
from app.directory import sessions, tokens
from app.directory.work import Actor, record_refusal
from app.security import addresses, api_tokens
from app.security.limits import seconds_to_wait
from app.security.requests import client_address, request_id, settings
from app.security.sessions import cookie_name, signed_in

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class Caller(Powers):
    """Who makes a request of the API."""

    actor: Actor


def caller() -> Caller:
    """Return who makes this request.

    :raises Unauthorized: When it is nobody we know.
    :raises TooManyRequests: When they have made too many.
    """
    found: Caller | None = g.get("caller")
    if found is None:
        found = g.caller = _by_token() if "HTTP_AUTHORIZATION" in request.environ else _by_session()
        _check_rate(found)
    return found


def needs(action: str | None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a view answer those alone who may do an action on the account.

    :param action: None where the view decides itself, such as by the folder it is about.
    """

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            known = caller()
            if action is not None and not known.may(action):
                raise Forbidden(f"This needs the permission {action}.")
            return view(*args, **kwargs)

        guarded.needs = action  # type: ignore[attr-defined]  # the documentation says it
        return guarded

    return decorate


def _by_token() -> Caller:
    scheme, _, secret = request.environ["HTTP_AUTHORIZATION"].strip().partition(" ")
    found = None
    if scheme.lower() == "bearer":
        found = api_tokens.identify(secret.strip(), client_address())
    if found is None:
        raise _unauthorized("A valid token of the API is required.")
    actor = _actor("token", found.token_id, found.name, found.scopes)
    _check_address(found.account_id, actor, addresses.lets_in(found.address_rules, actor.address))
    if found.wants_touch:
        tokens.touch(found.account_id, found.token_id)
    return Caller(account_id=found.account_id, actor=actor, permissions=found.scopes)


def _by_session() -> Caller:
    """Return the person behind the cookie.

    What another site may have sent is refused, as the console's forms are: a write needs the
    header ``X-CSRFToken``.
    """
    person = signed_in(request.cookies.get(cookie_name(settings())), settings())
    if person is None:
        raise _unauthorized("Send a token of the API as Authorization: Bearer …, or sign in.")
    current_app.extensions["csrf"].protect()
    permissions = permissions_of(person.account_id, person.user_id)
    actor = _actor("user", person.user_id, person.user_name, None)
    # A session comes from the console: where administrators may not use that, it opens no API.
    from_console = addresses.lets_in(person.console_rules, actor.address)
    let_in = addresses.allowed(person.account_id, "api", actor.address) and (
        from_console or not permissions & ACCOUNT_ACTIONS
    )
    _check_address(person.account_id, actor, let_in)
    if person.wants_touch:
        sessions.touch(person.session_id, person.account_id)
    return Caller(
        account_id=person.account_id,
        actor=actor,
        permissions=permissions,
        user_id=person.user_id,
    )


def _actor(type_: str, id_: str, name: str, scopes: frozenset[str] | None) -> Actor:
    return Actor(
        type=type_,
        id=id_,
        name=name,
        surface="api",
        address=client_address(),
        request_id=request_id(),
        scopes=scopes,
    )


def _check_address(account_id: str, actor: Actor, let_in: bool) -> None:
    """Refuse who comes from an address that is not allowed.

    The audit log notes it once a minute for each token or person.

    :raises Forbidden: With the address.
    """
    if let_in:
        return
    reason = f"The address {actor.address or 'of the client'} is not allowed for the API."
    if not seconds_to_wait(f"address:{actor.id}", 1):
        record_refusal(account_id, actor, "address.refused", reason)
    raise Forbidden(reason)


def _check_rate(found: Caller) -> None:
    wait = seconds_to_wait(f"api:{found.actor.id}", settings().api_requests_per_minute)
    if wait:
        raise TooManyRequests(f"Too many requests: try again in {wait} s.", retry_after=wait)


def _unauthorized(detail: str) -> Unauthorized:
    challenge = WWWAuthenticate("bearer", {"realm": "Gatehouse"})
    return Unauthorized(detail, www_authenticate=challenge)
