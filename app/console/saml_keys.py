"""Our own key at a SAML provider, replaced step by step, so that nobody is locked out meanwhile."""

from __future__ import annotations

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.console.one_connection import read_saml
from app.console.pages import page, section, visitor, writing
from app.directory import connection_keys
from app.directory.errors import existing
from app.directory.work import Work
from app.saml_parts import saml_part

blueprint = section("saml_keys", __name__, "/connections/<connection_id>/key")

STATES = {
    "current": _l("in use: we sign with it"),
    "next": _l("announced: the provider gets to know it"),
    "previous": _l("replaced: messages encrypted for it can still be read"),
}


@blueprint.get("")
@page("connection.manage")
def shown(connection_id: str) -> str:
    """Show our keys, and which step of replacing them comes next."""
    connection, account_id = read_saml(connection_id), visitor().account_id
    overview = saml_part("overview").overview(account_id, connection_id, connection["settings"])
    keys = {each["state"]: each for each in overview["ours"]["certificates"]}
    return render_template(
        "console/connections/key.html",
        connection=connection,
        ours=overview["ours"],
        keys=keys,
        states=STATES,
    )


@blueprint.get("/<any(current, next, previous):state>.pem")
@page("connection.manage")
def certificate(connection_id: str, state: str) -> FlaskResponse:
    """Return a certificate of ours as a file: it holds no secret."""
    read_saml(connection_id)
    keys = connection_keys.stored(visitor().account_id, connection_id)
    found = existing(keys.get(state), "certificate", state)
    return FlaskResponse(
        found.certificate,
        content_type="application/x-pem-file",
        headers={"Content-Disposition": f'attachment; filename="gatehouse-{state}.pem"'},
    )


@blueprint.post("/<any(announce, switch, retire, withdraw):do>")
@page("connection.manage")
def step(connection_id: str, do: str) -> Response:
    """Take one step."""
    read_saml(connection_id)
    with writing() as work:
        _take(work, connection_id, do)
    said = {
        "announce": _("A new key is announced. Now let the provider know it."),
        "switch": _("We sign with the new key from now on."),
        "retire": _("The old key is gone."),
        "withdraw": _("The new key is gone. All is as it was."),
    }
    flash(said[do], "success")
    return redirect(url_for("saml_keys.shown", connection_id=connection_id), 303)


def _take(work: Work, connection_id: str, do: str) -> None:
    if do == "announce":
        saml_part("setup").announce_key(work, connection_id)
    elif do == "switch":
        connection_keys.take_over(work, connection_id)
    else:
        connection_keys.forget(work, connection_id, "previous" if do == "retire" else "next")
