"""The page on which people see, add and remove their second factors.

Who must have one and has none comes here too, from the midst of a sign-in, to add the first.
"""

from __future__ import annotations

import segno
from flask import (
    Blueprint,
    abort,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.console.pages import find_visitor
from app.console.person import actor, half_signed_in_person, take_refused_cookie_back
from app.console.second_factor import (
    credential,
    path_asked,
    recently_proved,
    refuse,
    take_over,
)
from app.console.telling import told
from app.directory import factors, recovery_codes, second_factor, totp
from app.directory.errors import DirectoryError, Invalid
from app.directory.factors import Added
from app.directory.work import transaction
from app.security.requests import settings
from app.security.sessions import Person, SignedIn
from app.store.types import now

blueprint = Blueprint("own_factors", __name__, url_prefix="/me/second-factor")
blueprint.after_request(take_refused_cookie_back)
blueprint.register_error_handler(DirectoryError, refuse)

KINDS = {"totp": _l("Authenticator app"), "passkey": _l("Passkey")}
"""What each kind is called, and a factor that is given no name."""


@blueprint.get("")
def listed() -> Response:
    """Show the person their factors."""
    person = _signed_in()
    account_id, user_id = person.account_id, person.user_id
    page = render_template(
        "console/me/factors.html",
        person=person,
        may_change=recently_proved(person),
        factors=factors.listed(account_id, user_id),
        kinds=KINDS,
        required=second_factor.standing(account_id, user_id, now()).required,
        codes_left=recovery_codes.left(account_id, user_id),
        codes=recovery_codes.COUNT,
        few=recovery_codes.FEW,
        path=url_for("own_factors.listed"),
    )
    return make_response(page)


@blueprint.post("/authenticator")
def begin_app() -> Response:
    """Begin to set an authenticator app up."""
    person = _may_add()
    with transaction(person.account_id, actor(person)) as work:
        device_id = totp.begin(work, person, _name("totp"), settings().secret_key)
    here = url_for("own_factors.set_app_up", device_id=device_id, next=path_asked())
    return redirect(here, 303)


@blueprint.get("/authenticator/<device_id>")
def set_app_up(device_id: str) -> Response:
    """Show what to enter in the app."""
    return _app_page(_may_add(), device_id)


@blueprint.post("/authenticator/<device_id>")
def confirm_app(device_id: str) -> Response:
    """Add the app, once it shows the right digits."""
    person = _may_add()
    code = recovery_codes.plain(request.form.get("code", "")[:20])
    try:
        with transaction(person.account_id, actor(person)) as work:
            added = totp.confirm(work, person, device_id, code, settings().secret_key)
    except Invalid as wrong:
        return _app_page(person, device_id, told(wrong))
    return _added(person, added)


@blueprint.post("/passkeys/options")
def passkey_to_add() -> Response:
    """Return what the browser needs to make a passkey, as JSON."""
    from app.directory import passkeys  # It brings a large library, which few processes need.

    return _json(passkeys.registration_options(_may_add(), settings()))


@blueprint.post("/passkeys/challenge")
def passkey_to_use() -> Response:
    """Return what the browser needs to use a passkey, as JSON."""
    from app.directory import passkeys

    person = half_signed_in_person() or _signed_in()
    return _json(passkeys.authentication_options(person, settings()))


@blueprint.post("/passkeys")
def add_passkey() -> Response:
    """Add the passkey that the browser made."""
    from app.directory import passkeys

    person = _may_add()
    name = _name("passkey")
    return _added(person, passkeys.register(person, actor(person), credential(), name, settings()))


@blueprint.post("/<kind>/<factor_id>/rename")
def rename(kind: str, factor_id: str) -> Response:
    """Give a factor another name."""
    person = _may_change()
    with transaction(person.account_id, actor(person)) as work:
        factors.rename(work, person, kind, factor_id, request.form.get("name", ""))
    flash(_("It has another name now."), "success")
    return _to_list()


@blueprint.post("/<kind>/<factor_id>/remove")
def remove(kind: str, factor_id: str) -> Response:
    """Remove a factor."""
    person = _may_change()
    with transaction(person.account_id, actor(person)) as work:
        factors.remove(work, person, kind, factor_id)
    flash(_("It is removed, and proves nothing any more."), "success")
    return _to_list()


@blueprint.post("/recovery-codes")
def renew_codes() -> Response:
    """Show new recovery codes. The old ones are good for nothing any more."""
    person = _may_change()
    with transaction(person.account_id, actor(person)) as work:
        codes = factors.renew_recovery_codes(work, person)
    return make_response(_codes_page(person, codes, url_for("own_factors.listed")))


def _signed_in() -> SignedIn:
    who = find_visitor()
    if who is None:
        abort(redirect(url_for("console.sign_in", next=url_for("own_factors.listed")), 303))
    return who.person


def _may_change() -> SignedIn:
    """Return who is signed in; others, and those who did so long ago, are sent to prove it."""
    person = _signed_in()
    if not recently_proved(person):
        abort(redirect(url_for("second_factor.ask", next=url_for("own_factors.listed")), 303))
    return person


def _may_add() -> Person:
    """Return who may add a factor: as :func:`_may_change`, or somebody who has to have one."""
    person = half_signed_in_person()
    if person is None:
        return _may_change()
    if person.awaits != "enrolment":
        abort(redirect(url_for("second_factor.ask", next=path_asked()), 303))
    return person


def _name(kind: str) -> str:
    return request.form.get("name", "").strip() or str(KINDS[kind])


def _frame(person: Person) -> str:
    """Return the frame of a page: the one with the menu for who is signed in."""
    return "console/page.html" if isinstance(person, SignedIn) else "door.html"


def _app_page(person: Person, device_id: str, problem: str = "") -> Response:
    setup = totp.setup_of(person, device_id, settings().secret_key)
    picture = segno.make(setup.uri, error="l", micro=False)
    page = render_template(
        "console/enrol_app.html",
        frame=_frame(person),
        picture=picture.svg_data_uri(scale=4, border=4, light="white"),
        groups=[setup.secret[start : start + 4] for start in range(0, len(setup.secret), 4)],
        path=path_asked(),
        problem=problem,
    )
    return make_response(page, 400 if problem else 200)


def _added(person: Person, added: Added) -> Response:
    """Go on, by way of the recovery codes if there are new ones."""
    path = path_asked()
    answer = take_over(person, added.session_secret, path)
    if added.recovery_codes:
        answer.status_code = 200
        answer.headers.pop("Location")
        answer.set_data(_codes_page(person, added.recovery_codes, path))
    return answer


def _codes_page(person: Person, codes: list[str], path: str) -> str:
    frame = _frame(person)
    return render_template("console/recovery_codes.html", frame=frame, codes=codes, path=path)


def _to_list() -> Response:
    return redirect(url_for("own_factors.listed"), 303)


def _json(document: dict[str, object]) -> Response:
    return make_response(document)
