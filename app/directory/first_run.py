"""What a fresh installation starts with: one account, its first administrator, a SCIM token."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from app.directory import accounts, connections, grants, invitations, sessions, tokens
from app.directory.admins import MASTER_ADMIN
from app.directory.work import Actor, Work, transaction
from app.security.tokens import DEFAULT_SCOPES

ACCOUNT_NAME = "Main"
ADMIN_EMAIL = "admin@example.com"
LINK_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True)
class FirstRun:
    """What is shown once. The secrets are known here and now only."""

    account_name: str
    admin_email: str
    link_secret: str
    token: str


def set_up(actor: Actor) -> FirstRun | None:
    """Make the first account with an administrator and a SCIM token, unless there is an account."""
    if accounts.any_exists():
        return None
    account_id = accounts.create(actor, ACCOUNT_NAME)
    with transaction(account_id, actor) as work:
        link_secret = invite_admin(work, ADMIN_EMAIL)
        connection_id = connections.find_or_create_scim(work, "SCIM")
        token = tokens.create(work, connection_id, "first", DEFAULT_SCOPES)
    return FirstRun(ACCOUNT_NAME, ADMIN_EMAIL, link_secret, token.secret)


def invite_admin(work: Work, email: str) -> str:
    """Make someone a master admin, adding the user if need be, and return a sign-in link's secret.

    :raises Invalid: When it is no address, or out of bounds.
    :raises NotFound: When it is that of a user who is not active.
    """
    user_id = invitations.find_or_add(work, email)
    principal = grants.Principal("user", user_id, email)
    grants.give(work, principal, MASTER_ADMIN, reason="made an administrator")
    return sessions.create_link(work, user_id, lifetime=LINK_LIFETIME)
