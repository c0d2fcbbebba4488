"""``/users/…``: how a user comes to sign in: invitation, password reset, second factors, breaking
glass.

Nobody does any of it to a user who may do more than they: they could become that user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields, validate

from app import invitation_mails
from app.access.identity import primary_email
from app.api.callers import needs
from app.api.v1.blueprint import Part, Strict
from app.api.v1.dry_run import previewable
from app.api.v1.users import read
from app.api.v1.writing import post, writing
from app.directory import factors, invitations, requiring_saml
from app.directory.errors import Invalid
from app.directory.work import Work
from app.lists import accounts
from app.words import say

part = Part(
    "user_credentials",
    __name__,
    url_prefix="/users/<user_id>",
    description="How people come to sign in.",
)

MAILABLE = re.compile(r"""[^\s@,;:<>()\[\]"\\]+@[^\s@,;:<>()\[\]"\\]+""")
"""An address that is one alone, whatever reads the header: a provider may have sent anything."""


class NewLink(Strict):
    send = fields.Boolean(
        load_default=True,
        metadata={
            "description": "true: it is mailed to their primary address. false: the answer has it."
        },
    )


class LinkSchema(Schema):
    user_id = fields.String(required=True)
    email = fields.String(
        required=True, allow_none=True, metadata={"description": "Where it was sent, if it was."}
    )
    expires_at = fields.AwareDateTime(required=True)
    link = fields.String(
        required=True,
        allow_none=True,
        metadata={
            "description": "The link, for this once; null: it was sent, or this answer is sent "
            "again. Whoever has it signs in as the user."
        },
    )


class ResetQuery(Strict):
    reason = fields.String(
        load_default="They lost them.",
        validate=validate.Length(1, 1024),
        metadata={"description": "For the audit log."},
    )


@dataclass(frozen=True)
class _Mail:
    """What is sent once it is certain that the link works."""

    account: str
    user_name: str
    email: str
    secret: str


@part.post("/invitation")
@needs("user.manage")
@part.arguments(NewLink)
@part.response(201, LinkSchema)
def invite(body: dict[str, Any], user_id: str) -> Any:
    """Invite a user to choose a password. The link works once, for seven days."""
    answer, mails = _make_link(user_id, "invitation", send=body["send"])
    for each in mails:
        invitation_mails.send_invitation(each.account, each.user_name, each.email, each.secret)
    return answer


@part.post("/password-reset")
@needs("user.manage")
@part.arguments(NewLink)
@part.response(201, LinkSchema)
def reset_password(body: dict[str, Any], user_id: str) -> Any:
    """Let a user set a new password. The link works once, for thirty minutes."""
    answer, mails = _make_link(user_id, "reset", send=body["send"])
    for each in mails:
        invitation_mails.send_reset(each.user_name, each.email, each.secret)
    return answer


@part.delete("/second-factors")
@previewable
@needs("user.manage")
@part.arguments(ResetQuery, location="query")
@part.response(204)
def reset_second_factors(query: dict[str, Any], user_id: str) -> None:
    """Take all second factors from a user who lost them, and end their sessions."""
    with writing() as work:
        factors.reset(work, user_id, query["reason"])


@part.put("/break-glass")
@previewable
@needs("settings.manage")
@part.response(204)
def allow_break_glass(user_id: str) -> None:
    """Let a user sign in without SAML where the account requires it."""
    _set_break_glass(user_id, True)


@part.delete("/break-glass")
@previewable
@needs("settings.manage")
@part.response(204)
def take_break_glass_back(user_id: str) -> None:
    """Let a user sign in through SAML alone where the account requires it."""
    _set_break_glass(user_id, False)


def _make_link(user_id: str, purpose: str, *, send: bool) -> tuple[Any, list[_Mail]]:
    """Return the answer, and what is to be sent: nothing where an answer is sent again."""
    mails: list[_Mail] = []

    def make(work: Work) -> dict[str, Any]:
        user = read(work.account_id, user_id)
        email = primary_email(work.account_id, user_id) if send else None
        if send and not MAILABLE.fullmatch(email or ""):
            sentence = say("This user has no e-mail address that it can be sent to.")
            raise Invalid(sentence, field="send")
        secret = invitations.create(work, user_id, purpose)
        if email:
            account = accounts.one(work.account_id)["name"]
            mails.append(_Mail(account, user["user_name"], email, secret))
        return {
            "user_id": user_id,
            "email": email,
            "expires_at": work.at + invitations.LIFETIMES[purpose],
            "link": None if send else invitation_mails.link_of(secret),
        }

    return post(make, LinkSchema()), mails


def _set_break_glass(user_id: str, allowed: bool) -> None:
    with writing() as work:
        read(work.account_id, user_id)
        requiring_saml.set_break_glass(work, user_id, allowed)
