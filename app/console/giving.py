"""Giving roles, changing on what terms somebody holds one, taking them back.

Who may share a folder does so without a role on the account; a grant on a folder they may not see
does not exist for them.
"""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from app.console.forms import OR_THE_ACCOUNT, PathField, TermsForm, VersionField
from app.console.naming import folder_at
from app.console.pages import (
    Visitor,
    answered,
    back,
    needed,
    page,
    section,
    visitor,
    writing,
)
from app.console.telling import role
from app.directory import grants
from app.directory.errors import NotFound
from app.directory.grants import Given, Principal
from app.directory.work import Work
from app.lists import grants as lists
from app.lists import roles

blueprint = section("giving", __name__, "/grants")

SHARING = "folder.share"


class GiveForm(TermsForm):
    role = SelectField(_l("Role"), default="viewer")
    folder = PathField(_l("Folder"), [Optional()], description=OR_THE_ACCOUNT)


class ChangeForm(TermsForm):
    version = VersionField()


@blueprint.route("/give", methods=["GET", "POST"])
@page()
def give() -> str | Response:
    """Give a role to the person (``user``) or group (``group``) whose id the query names."""
    who, to = visitor(), _principal()
    form = GiveForm()
    form.role.choices = role_choices(who.account_id)
    given, seen = answered(form, lambda work: _give(work, who, to, form))
    if given is not None:
        flash(_("%(name)s has the role.", name=to.name), "success")
        return redirect(_page_of(to), 303)
    return render_template(
        "console/giving/give.html", form=form, to=to, back=_page_of(to), preview=seen
    )


@blueprint.route("/<grant_id>", methods=["GET", "POST"])
@page()
def changed(grant_id: str) -> str | Response:
    """Change why, from when and until when somebody holds a role."""
    grant = shared(visitor(), grant_id)
    form = ChangeForm(
        reason=grant["reason"],
        not_before=grant["not_before"] and grant["not_before"].date(),
        version=grant["version"],
    )
    if not form.is_submitted() and grant["expires_at"]:
        form.expires_at.show(grant["expires_at"])

    def change(work: Work) -> bool:
        kept = {"external_id": grant["external_id"], "expected_version": form.version.data}
        grants.change(work, grant_id, **form.terms, **kept)
        return True

    done, seen = answered(form, change)
    if done:
        flash(_("The terms are changed."), "success")
        return redirect(page_of(grant), 303)
    return render_template(
        "console/giving/change.html", form=form, grant=grant, back=page_of(grant), preview=seen
    )


@blueprint.post("/<grant_id>/revoke")
@page()
def revoked(grant_id: str) -> Response:
    """Take a role back."""
    grant = shared(visitor(), grant_id)
    with writing() as work:
        grants.revoke(work, grant_id)
    name, held = grant["principal"]["name"], role(grant["role"]["name"])
    flash(_("%(name)s no longer has %(role)s.", name=name, role=held), "success")
    return back(page_of(grant))


def role_choices(account_id: str, *scopes: str) -> list[SelectChoice]:
    """Return the roles there are, for a select field, under what they are given on.

    :param scopes: ``account``, ``folder``; none: both.
    """
    heads = {"account": _("On the whole account"), "folder": _("On a folder")}
    found = roles.listed(account_id, limit=500).items
    return [
        SelectChoice(each["id"], role(each["name"]), optgroup=head)
        for scope, head in heads.items()
        for each in found
        if each["scope"] == scope and (not scopes or scope in scopes)
    ]


def place(who: Visitor, path: str | None) -> str | None:
    """Return the id of the folder a form names; None: the account.

    :raises Invalid: When there is no such folder, or none the visitor may know of.
    :raises Forbidden: When the visitor may give nothing there.
    """
    path = (path or "").strip()
    if not path:
        if not who.may("role.assign"):
            raise Forbidden(needed("role.assign"))
        return None
    return folder_at(path, "folder", SHARING)


def shared(who: Visitor, grant_id: str) -> dict[str, Any]:
    """Return what is shown of a grant to who may change it.

    :raises NotFound: When there is none, or none that the visitor may know of.
    :raises Forbidden: When they may see it and no more.
    """
    grant = lists.one(who.account_id, grant_id)
    folder_id = grant and grant["folder"] and grant["folder"]["id"]
    if grant and (who.may("role.assign") or (folder_id and who.may(SHARING, folder_id))):
        return grant
    if grant and (who.may("user.view") or (folder_id and who.may("folder.view", folder_id))):
        raise Forbidden(needed(SHARING if folder_id else "role.assign"))
    raise NotFound("grant", grant_id)


def page_of(grant: dict[str, Any]) -> str:
    """Return where a grant is shown: with its folder, or with who holds it."""
    if grant["folder"]:
        return url_for("folder.shown", folder_id=grant["folder"]["id"])
    principal = grant["principal"]
    return _page_of(Principal(principal["type"], principal["id"], principal["name"]))


def _principal() -> Principal:
    """Return whom the query names, to who may see them."""
    type_ = "group" if "group" in request.args else "user"
    if not visitor().may(f"{type_}.view"):
        raise Forbidden(needed(f"{type_}.view"))
    id_ = request.args.get(type_, "")[:36]
    return grants.principal_with_id(visitor().account_id, id_, type_)


def _give(work: Work, who: Visitor, to: Principal, form: GiveForm) -> Given:
    folder_id = place(who, form.folder.data)
    return grants.give(work, to, form.role.data, folder_id, **form.terms)


def _page_of(to: Principal) -> str:
    if to.type == "user":
        return url_for("person.shown", user_id=to.id)
    return url_for("group.shown", group_id=to.id)
