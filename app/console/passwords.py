"""Signing in with a password, and setting one by a link."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Flask, current_app, make_response, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app import invitation_mails, mail
from app.access.identity import primary_email
from app.console.errors import error_page
from app.console.person import go_on, take_refused_cookie_back
from app.console.telling import told
from app.directory import attempts, invitations, passwords
from app.directory.attempts import Counted, TooManyAttempts
from app.directory.errors import DirectoryError, NotFound
from app.directory.invitations import Holder
from app.directory.password_sign_in import Given, SeveralAccounts, WrongPassword, sign_in
from app.directory.sessions import open_session
from app.directory.work import Actor, transaction
from app.security import devices
from app.security.passwords import WeakPassword, check, hash_password
from app.security.paths import same_site_path
from app.security.requests import client_address, client_network, request_id, settings
from app.security.sessions import cookie_attributes
from app.store.types import now

blueprint = Blueprint("passwords", __name__)
blueprint.after_request(take_refused_cookie_back)

LONGEST_NAME = 256
FREE_RESETS = 3
"""How many mails to reset a password one name, and one network, may ask for without waiting."""


@blueprint.post("/sign-in/password")
def sign_in_with_password() -> Response:
    """Sign in with a name and a password."""
    given = Given(
        who=request.form.get("who", "")[:LONGEST_NAME],
        password=request.form.get("password", ""),
        account=request.form.get("account", "")[:LONGEST_NAME] or None,
        network=client_network(),
        device=devices.read(settings(), request.cookies.get(devices.cookie_name(settings()))),
        user_agent=request.user_agent.string,
    )
    path = same_site_path(request.form.get("next", "/"))
    try:
        opened = sign_in(given, _somebody(given.who), timedelta(hours=settings().session_hours))
    except TooManyAttempts as wait:
        return too_many(wait)
    except SeveralAccounts:
        return password_page(given.who, path, ask_account=True)
    except (WrongPassword, DirectoryError):
        return password_page(given.who, path, 401, wrong=True, account=given.account)
    response = go_on(opened.secret, path)
    response.set_cookie(
        devices.cookie_name(settings()),
        devices.proof(settings(), opened.user_id, opened.password_changed_at),
        max_age=devices.LIFETIME,
        **cookie_attributes(secure=settings().https),
    )
    return response


def password_page(
    who: str,
    path: str,
    status: int = 200,
    *,
    wrong: bool = False,
    ask_account: bool = False,
    account: str | None = None,
) -> Response:
    """Return the page that asks for a password.

    :param wrong: Whether the last one was.
    :param ask_account: Whether the name of the account is needed too.
    """
    page = render_template(
        "console/password.html",
        who=who,
        path=path,
        wrong=wrong,
        ask_account=ask_account or bool(account),
        account=account,
    )
    return make_response(page, status)


@blueprint.get("/sign-in/forgotten")
def forgotten() -> Response:
    """Ask whose password is forgotten."""
    who = request.args.get("who", "")[:LONGEST_NAME]
    return make_response(render_template("console/forgotten.html", who=who))


@blueprint.post("/sign-in/forgotten")
def send_reset() -> Response:
    """Send a link by which the password can be set. The answer does not say whether one was."""
    who = request.form.get("who", "")[:LONGEST_NAME]
    try:
        attempts.begin(
            [
                Counted(f"reset:{who.strip().lower()}", FREE_RESETS),
                Counted(f"reset network:{client_network()}", FREE_RESETS * 5),
            ]
        )
    except TooManyAttempts as wait:
        return too_many(wait)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    somebody = _somebody(who)
    # Elsewhere, since whether there is anybody shows in how long it takes.
    mail.later(lambda: _mail_resets(app, who, somebody))
    return make_response(render_template("console/forgotten.html", who=who, sent=True))


@blueprint.get("/sign-in/set-password/<secret>")
def ask_password(secret: str) -> Response:
    """Ask for the password that a link lets somebody set."""
    holder = invitations.holder_of(secret, now())
    if holder is None:
        return _dead_link()
    return _set_page(holder)


@blueprint.post("/sign-in/set-password/<secret>")
def set_by_link(secret: str) -> Response:
    """Set the password, and sign in. The link is used up."""
    holder = invitations.holder_of(secret, now())
    if holder is None:
        return _dead_link()
    about = (holder.user_name, holder.display_name, holder.account_name)
    try:
        password = check(request.form.get("password", ""), about)
    except WeakPassword as weak:
        return _set_page(holder, told(weak))
    password_hash = hash_password(password)  # outside of the transaction: it takes a while
    try:
        with transaction(holder.account_id, _somebody(holder.user_name)) as work:
            user_id = invitations.use(work, secret)
            passwords.set_password(work, user_id, password_hash)
            opened = open_session(
                work,
                user_id,
                method="password",
                lifetime=timedelta(hours=settings().session_hours),
                user_agent=request.user_agent.string,
                note=f"by a link: {holder.purpose}",
            )
    except NotFound:  # used in this very moment
        return _dead_link()
    except DirectoryError as refused:
        return error_page(403, _("This link does not sign you in"), told(refused))
    return go_on(opened)


def _mail_resets(app: Flask, who: str, somebody: Actor) -> None:
    with app.app_context():
        for candidate in passwords.candidates(who):
            email = primary_email(candidate.account_id, candidate.user_id)
            if candidate.active and candidate.may and email:
                with transaction(candidate.account_id, somebody) as work:
                    secret = invitations.create(work, candidate.user_id, "reset")
                invitation_mails.send_reset(candidate.user_name, email, secret)


def _somebody(who: str) -> Actor:
    """Return who writes while nobody is signed in yet."""
    return Actor(
        type="user",
        name=who.strip()[:LONGEST_NAME] or "somebody",
        surface="console",
        address=client_address(),
        request_id=request_id(),
    )


def _set_page(holder: Holder, problem: str | None = None) -> Response:
    page = render_template("console/set_password.html", holder=holder, problem=problem)
    return make_response(page, 400 if problem else 200)


def too_many(wait: TooManyAttempts) -> Response:
    """Return the page that asks somebody to wait before the next try."""
    advice = ngettext(
        "Wait one second, then try again.",
        "Wait %(num)s seconds, then try again.",
        wait.seconds,
    )
    forgotten = _("If you do not remember your password, use “Forgotten password?” at the sign-in.")
    response = error_page(429, _("Too many attempts"), f"{advice} {forgotten}")
    response.headers["Retry-After"] = str(wait.seconds)
    return response


def _dead_link() -> Response:
    return error_page(
        410,
        _("This link does not work any more"),
        _("It works once and for a limited time. Ask for a new one on the sign-in page."),
    )
