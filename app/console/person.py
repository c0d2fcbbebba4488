"""Who looks at the console: asked of the store at each request, never remembered."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, g, redirect, request, session
from werkzeug.wrappers import Response as BaseResponse

from app.directory import sessions
from app.directory.work import Actor
from app.security.requests import client_address, request_id, settings
from app.security.sessions import (
    HalfSignedIn,
    Person,
    SignedIn,
    clear_cookie,
    cookie_name,
    half_signed_in,
    set_cookie,
    signed_in,
    way_on,
)


def signed_in_person() -> SignedIn | None:
    """Return the person behind the request's cookie, or None.

    A cookie that stands for nobody (any more) is taken back with the answer.
    """
    secret = request.cookies.get(cookie_name(settings()))
    person = signed_in(secret, settings())
    g.take_cookie_back = secret and person is None and half_signed_in(secret) is None
    if person is not None and person.wants_touch:
        sessions.touch(person.session_id, person.account_id)
    return person


def half_signed_in_person() -> HalfSignedIn | None:
    """Return who still has to prove with a second factor who they are, or None."""
    return half_signed_in(request.cookies.get(cookie_name(settings())))


def go_on(secret: str, path: str = "/", lifetime: timedelta | None = None) -> BaseResponse:
    """Answer a sign-in: give the browser its session, and send it on.

    It goes to the page that asks for the second factor first, where the session awaits one.

    :param secret: Of the session just opened (``app.directory.sessions.open_session``).
    :param path: Where the person wanted to go, on this site.
    """
    session.clear()
    response = redirect(way_on(secret, path), 303)
    set_cookie(response, secret, settings(), lifetime)
    return response


def actor(person: Person) -> Actor:
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
