"""The pages of the console: home, signing in, signing out."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, make_response, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.access.permissions import ACCOUNT_ACTIONS
from app.console.errors import error_page
from app.console.languages import LANGUAGES, choose
from app.console.me import access_page
from app.console.overview import overview_page
from app.console.pages import back, find_visitor
from app.console.passwords import password_page
from app.console.person import (
    actor,
    go_on,
    half_signed_in_person,
    signed_in_person,
    take_refused_cookie_back,
)
from app.console.single_sign_on import single_sign_on_of
from app.console.telling import told
from app.directory import sessions
from app.directory.errors import Forbidden, NotFound
from app.directory.work import Actor, transaction
from app.security.paths import same_site_path
from app.security.requests import client_address, request_id, settings
from app.security.sessions import clear_cookie
from app.words import say

LONGEST_NAME = 256
"""Of what the sign-in form takes, in characters."""

blueprint = Blueprint(
    "console",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)
blueprint.after_request(take_refused_cookie_back)


@blueprint.get("/")
def home() -> Response:
    """Show an administrator how the account stands, and everybody else what they can reach."""
    who = find_visitor()
    if who is None:
        return _go_to("console.sign_in")
    if who.permissions & ACCOUNT_ACTIONS:
        return make_response(overview_page(who))
    return make_response(access_page(who.person.display_name))


@blueprint.get("/language/<language>")
def choose_language(language: str) -> Response:
    """Show the pages in another language from now on, the one it was chosen on first."""
    if language not in LANGUAGES:
        return error_page(404, _("This is not there"), _("There is no such language here."))
    return choose(language, back(url_for("console.home")))


@blueprint.get("/sign-in")
def sign_in() -> Response:
    """Ask who wants to sign in.

    ``next`` is the path to go on to afterwards.
    """
    path = same_site_path(request.args.get("next", "/"))
    if signed_in_person(from_anywhere=True) is not None:
        return redirect(path, 303)
    if half_signed_in_person() is not None:
        return redirect(url_for("second_factor.ask", next=path), 303)
    return make_response(render_template("console/sign_in.html", path=path))


@blueprint.post("/sign-in")
def sign_in_with_company() -> Response:
    """Go to the identity provider of the company."""
    who = request.form.get("who", "").strip()
    path = same_site_path(request.form.get("next", "/"))
    connection_id = single_sign_on_of(who) if len(who) <= LONGEST_NAME else None
    if connection_id is None:
        return password_page(who[:LONGEST_NAME], path)
    query = "" if path == "/" else "?" + urlencode({"next": path})
    return redirect(f"/saml/{connection_id}/login{query}", 303)


@blueprint.get("/sign-in/link/<secret>")
def show_link(secret: str) -> Response:
    """Ask for a click. Programs that look into mail follow links, and must not use this one up."""
    return make_response(render_template("console/sign_in_link.html"))


@blueprint.post("/sign-in/link/<secret>")
def use_link(secret: str) -> Response:
    """Sign in with the link, once."""
    try:
        session_secret = _open_session(secret)
    except NotFound:
        return error_page(
            410,
            _("This link does not work any more"),
            _(
                "A sign-in link works once and for a limited time. "
                "Ask your administrator for a new one."
            ),
        )
    except Forbidden as forbidden:
        return error_page(403, _("This link does not sign you in"), told(forbidden))
    return go_on(session_secret)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session, here and in the store."""
    person = signed_in_person(from_anywhere=True) or half_signed_in_person()
    if person is not None:
        with transaction(person.account_id, actor(person)) as work:
            sessions.revoke(work, person.session_id, reason="signed out")
    session.clear()
    response = _go_to("console.sign_in")
    if person is not None and person.connection_id is not None:
        # The provider signs people out too. It may know how, or not; that is for SAML to say.
        session["signed_out_session"] = person.session_id
        response = redirect(f"/saml/{person.connection_id}/logout", 303)
    clear_cookie(response, settings())
    return response


def _open_session(link_secret: str) -> str:
    """Return the secret of a new session.

    :raises NotFound: When the link does not work (any more).
    """
    account_id = sessions.account_of_link(link_secret)
    if account_id is None:
        raise NotFound("sign-in link", say("that still works"))
    holder = Actor(
        type="user",
        name="holder of a sign-in link",
        surface="console",
        address=client_address(),
        request_id=request_id(),
    )
    with transaction(account_id, holder) as work:
        return sessions.use_link(
            work,
            link_secret,
            lifetime=timedelta(hours=settings().session_hours),
            user_agent=request.user_agent.string,
        )


def _go_to(endpoint: str) -> Response:
    return redirect(url_for(endpoint), 303)
