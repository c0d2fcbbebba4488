"""``gatehouse user``."""

from __future__ import annotations

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("user")
def user() -> None:
    """Put people out, let them in again, help who lost the second factor."""


@user.command("deactivate")
@click.argument("account")
@click.argument("user")
@json_option
@with_app
def deactivate(account: str, user: str, as_json: bool) -> None:
    """Put a USER of an ACCOUNT out: every session ends, and nobody signs in as them."""
    _switch(account, user, False, as_json)


@user.command("activate")
@click.argument("account")
@click.argument("user")
@json_option
@with_app
def activate(account: str, user: str, as_json: bool) -> None:
    """Let a USER of an ACCOUNT sign in again, with what they had."""
    _switch(account, user, True, as_json)


@user.command("reset-second-factor")
@click.argument("account")
@click.argument("user")
@click.option("--reason", default="lost", show_default=True, help="For the audit log.")
@json_option
@with_app
def reset_second_factor(account: str, user: str, reason: str, as_json: bool) -> None:
    """Take all second factors from a USER of an ACCOUNT who lost them; their sessions end."""
    from app.directory import accounts, factors, grants
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        principal = grants.principal_named(account_id, "user", user)
        count = factors.reset(work, principal.id, reason)
    text = f"{principal.name} had {count} second factor(s) and has none now."
    show({"id": principal.id, "removed": count}, as_json, text)


@user.command("invite")
@click.argument("account")
@click.argument("email")
@click.option("--print", "printed", is_flag=True, help="Print the link; no mail is sent.")
@json_option
@with_app
def invite(account: str, email: str, printed: bool, as_json: bool) -> None:
    """Send somebody a link to choose a password; a USER that an ACCOUNT lacks is added."""
    from app.directory import accounts, invitations
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        user_id = invitations.find_or_add(work, email)
        secret = invitations.create(work, user_id, "invitation")
    _bring(secret, printed, as_json)


@user.command("reset-password")
@click.argument("account")
@click.argument("user")
@click.option("--print", "printed", is_flag=True, help="Print the link; no mail is sent.")
@json_option
@with_app
def reset_password(account: str, user: str, printed: bool, as_json: bool) -> None:
    """Send a USER of an ACCOUNT a link to set a new password."""
    from app.directory import accounts, grants, invitations
    from app.directory.work import transaction

    account_id = accounts.find(account)
    user_id = grants.principal_named(account_id, "user", user).id
    with transaction(account_id, actor()) as work:
        secret = invitations.create(work, user_id, "reset")
    _bring(secret, printed, as_json)


def _bring(secret: str, printed: bool, as_json: bool) -> None:
    """Send a link to whom it is for, or print it."""
    from app import invitation_mails, mail
    from app.access.identity import primary_email
    from app.directory import invitations
    from app.directory.errors import Invalid
    from app.security.requests import settings
    from app.store.types import now
    from app.words import say

    link, holder = invitation_mails.link_of(secret), invitations.holder_of(secret, now())
    if printed or holder is None or not settings().smtp_url:
        why = "" if printed else "\nNo mail is sent: GATEHOUSE_SMTP_URL says no server."
        show({"link": link}, as_json, f"{link}\nIt works once. Keep it safe.{why}")
        return
    email = primary_email(holder.account_id, holder.user_id)
    if email is None:
        raise Invalid(say("This user has no e-mail address. Use --print."))
    if holder.purpose == "reset":
        invitation_mails.send_reset(holder.user_name, email, secret)
    else:
        invitation_mails.send_invitation(holder.account_name, holder.user_name, email, secret)
    mail.wait_until_sent()
    show({"mailed_to": email}, as_json, f"A mail goes to {email}.")


def _switch(account: str, name: str, active: bool, as_json: bool) -> None:
    from app.directory import accounts, grants, users
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        principal = grants.principal_named(account_id, "user", name)
        changed = users.set_active(work, principal.id, active)
    state = "active" if active else "not active: out at the next request"
    result = {"id": principal.id, "active": active, "changed": changed}
    show(result, as_json, f"{principal.name} is {state}.")


COMMANDS = [user]
