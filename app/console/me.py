"""Everyone's own pages: who they are, and what they can reach."""

from __future__ import annotations

from flask import render_template
from flask_babel import gettext as _

from app.console.own_access import access_of
from app.console.pages import page, section, visitor
from app.security.sessions import SignedIn

blueprint = section("me", __name__, "/me")


@blueprint.get("/profile")
@page()
def profile() -> str:
    """Show the person what the account knows of them."""
    return render_template("console/me/profile.html", person=visitor().person)


@blueprint.get("/access")
@page()
def access() -> str:
    """Show the person what is shared with them, and why."""
    return access_page(visitor().person, _("What you can reach"))


def access_page(person: SignedIn, heading: str) -> str:
    """Return the page, under a heading."""
    shared = access_of(person.account_id, person.user_id)
    return render_template("console/me/access.html", person=person, shared=shared, heading=heading)
