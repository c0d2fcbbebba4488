"""Who looks at the console: asked of the store at each request, never remembered."""

from __future__ import annotations

from flask import Response, g, request

from app.directory import sessions
from app.directory.work import Actor
from app.security.requests import client_address, request_id, settings
from app.security.sessions import SignedIn, clear_cookie, cookie_name, signed_in


def signed_in_person() -> SignedIn | None:
    """Return the person behind the request's cookie, or None.

    A cookie that stands for nobody (any more) is taken back with the answer.
    """
    secret = request.cookies.get(cookie_name(settings()))
    person = signed_in(secret, settings())
    g.take_cookie_back = secret is not None and person is None
    if person is not None and person.wants_touch:
        sessions.touch(person.session_id, person.account_id)
    return person


def actor(person: SignedIn) -> Actor:
    """Return who writes when a person does something in the console."""
    return Actor(
        type="user",
        id=person.user_id,
        name=person.user_name,
        surface="console",
        address=client_address(),
        request_id=request_id(),
    )


def take_refused_cookie_back(response: Response) -> Response:
    if g.get("take_cookie_back"):
        clear_cookie(response, settings())
    return response
