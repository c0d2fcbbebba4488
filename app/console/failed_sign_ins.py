"""Sign-ins through SAML that failed, check by check, found by the number the person was shown."""

from __future__ import annotations

from flask import render_template
from flask_babel import lazy_gettext as _l

from app.console import asked
from app.console.pages import page, section, visitor
from app.directory import traces
from app.lists import connections

blueprint = section("failed_sign_ins", __name__, "/failed-sign-ins")

SHOWN = 50
ADVICE = {
    "It is a SAML response": _l(
        "What came is cut off or no response. Let the person try again; if it stays so, look at "
        "what the provider sends."
    ),
    "The provider says that the sign-in succeeded, and says so to us": _l(
        "The provider refused it itself, or sends its answer elsewhere. See there whether the "
        "person is assigned to the application, and whether our ACS URL stands there."
    ),
    "What is signed around the encrypted assertion is the provider's": _l(
        "The provider may have a new certificate. Read its metadata anew."
    ),
    "The encrypted assertion can be decrypted": _l(
        "It is encrypted for another key. Give the provider the certificate of our current key."
    ),
    "It holds one assertion": _l("Have the provider send one assertion, for one person."),
    "It is signed with a certificate of this connection": _l(
        "The provider may have a new certificate: read its metadata anew. Or it does not sign: "
        "have it sign the assertion, with SHA-256."
    ),
    "It is valid SAML": _l("What the provider sends breaks the standard. Ask its maker."),
    "The assertion comes from the provider of this connection": _l(
        "Compare the Entity ID there with the one known here. Another application there has "
        "another one."
    ),
    "It is meant for us and for now": _l(
        "Compare the audience (Entity ID) that is set there with ours, and the clocks."
    ),
    "It says who signed in, and was sent here": _l(
        "Compare the address it answers to (ACS URL) that is set there with ours, and see that it "
        "sends a NameID."
    ),
    "They signed in in a way that is good enough": _l(
        "The options say which ways of signing in are good enough. This one is none of them."
    ),
    "Its attributes can be read": _l("An attribute holds more than texts. See what is sent there."),
    "It was asked for, or need not be": _l(
        "The person began at the provider's portal. Give them the address where people sign in, "
        "or let them begin there: see the options, and what it risks."
    ),
    "It answers a request that is open, from this browser": _l(
        "They took longer than ten minutes, went back, or went on in another browser. Let them "
        "begin anew."
    ),
    "It is used for the first time": _l("The page was sent twice. Let them begin anew."),
    "The person is known here, or can be made": _l(
        "Compare the NameID with the user name here. People must be pushed or added first, unless "
        "the options let them be added at their first sign-in."
    ),
    "Their domain is not that of another connection": _l(
        "Their address belongs to a domain whose people sign in through another connection."
    ),
}
"""What to do about a check that failed, by its name."""


@blueprint.get("")
@page("connection.view")
def listed() -> str:
    """Show what failed within a week, the newest first; with a number, that one."""
    account_id, number = visitor().account_id, asked.text("number")
    found = traces.listed(
        account_id,
        asked.id_("connection"),
        number=number,
        before=asked.id_("before"),
        limit=SHOWN,
    )
    through = connections.listed(account_id, kind="saml", limit=500).items
    return render_template(
        "console/failed_sign_ins.html",
        found=found,
        next=found[-1].id if len(found) == SHOWN else None,
        number=number,
        connections=through,
        names={each["id"]: each["name"] for each in through},
        advice=ADVICE,
    )
