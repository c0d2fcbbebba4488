"""Who looks at the console: asked of the store at each request, never remembered."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, abort, g, redirect, request, session
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from app.access.decisions import may_administer
from app.console.errors import error_page
from app.directory import sessions
from app.directory.work import Actor, record_refusal
from app.security import addresses
from app.security.limits import seconds_to_wait
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
from app.words import say


def signed_in_person(*, from_anywhere: bool = False) -> SignedIn | None:
    """Return the person behind the request's cookie, or None.

    A cookie that stands for nobody (any more) is taken back with the answer. An administrator who
    comes from an address that is not allowed is answered with a page that says so.

    :param from_anywhere: For what shows nothing of the console, such as the way to an application.
    """
    secret = request.cookies.get(cookie_name(settings()))
    person = signed_in(secret, settings())
    g.take_cookie_back = secret and person is None and half_signed_in(secret) is None
    if person is not None and not from_anywhere:
        _check_address(person)
    if person is not None and person.wants_touch:
        sessions.touch(person.session_id, person.account_id)
    return person


def half_signed_in_person() -> HalfSignedIn | None:
    """Return who still has to prove with a second factor who they are, or None.

    An administrator who has none yet gets the first one where they may administer: from elsewhere,
    a password alone must not be enough to add one. They are answered with a page that says so.
    """
    person = half_signed_in(request.cookies.get(cookie_name(settings())))
    if person is not None and person.awaits == "enrolment":
        _check_address(person)
    return person


def _check_address(person: Person) -> None:
    """Refuse an administrator who comes from an address that is not allowed.

    What they may do is asked of those alone whom the rules refuse. The audit log notes it once a
    minute for each session.
    """
    address = client_address()
    if addresses.lets_in(person.console_rules, address):
        return
    if not may_administer(person.account_id, person.user_id):
        return
    if not seconds_to_wait(f"address:{person.session_id}", 1):
        reason = (
            say("The address %(address)s is not allowed for the console.", address=address)
            if address
            else say("The address of the client is not allowed for the console.")
        )
        record_refusal(person.account_id, actor(person), "address.refused", reason)
    whence = (
        _("Your address is %(address)s.", address=address)
        if address
        else _("Your address cannot be told.")
    )
    advice = _(
        "Administrators may use these pages from certain addresses alone, and this is none of "
        "them. Ask another administrator to allow it, or come from one that is."
    )
    abort(error_page(403, _("Not from this address"), f"{whence} {advice}"))


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
