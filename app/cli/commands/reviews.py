"""``gatehouse review``."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import click

from app.cli.group import MORE, Moment, actor, json_option, plain, show, with_app

DAYS = re.compile(r"[0-9]{1,4}d", re.ASCII)
SHOWN = 100
"""How many items are printed."""
NOT_REVOKED = {
    "may_return": "revoked but a mapping may give it again",
    "provider": "to be removed at the provider",
    "gone": "gone already",
    "refused": "not revoked: the last master admin",
}
"""What else came of a decision to revoke, as it is counted."""
RETURNS = (
    "may_return: a mapping gives it again once the provider changes the group, or the roles or "
    "entitlements of the user. See: gatehouse mapping list"
)
LEFT_TO_OTHERS = (
    "None of the reviewers may decide {} of these, which they hold themselves: that is left to "
    "other administrators, or to a token."
)
account_option = click.option("--account", help="Name or id; not needed when there is just one.")


class _Due(Moment):
    """A date in UTC, or a number of days from now, such as ``30d``."""

    name = "date or days"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "[DATE|DAYSd]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if DAYS.fullmatch(str(value)):
            return datetime.now(UTC) + timedelta(days=int(value[:-1]))
        found: datetime = super().convert(value, param, ctx)
        return found.replace(tzinfo=UTC)


@click.group("review")
def review() -> None:
    """Access reviews: reviewers say whether what others hold is still right."""


@review.command("start")
@click.argument("name")
@account_option
@click.option("--role", help="Review who has this role.")
@click.option("--folder", help="Review the roles on this folder (a path) and all below it.")
@click.option("--group", help="Review who is in this group.")
@click.option("--account-roles", is_flag=True, help="Review all roles on the account.")
@click.option(
    "--due",
    type=_Due(),
    required=True,
    help="Such as 30d for 30 days from now, or a date in UTC; at most 400 days ahead.",
)
@click.option("--reviewer", "reviewers", multiple=True, help="User name; any number of times.")
@click.option(
    "--undecided",
    type=click.Choice(["keep", "revoke"]),
    default="keep",
    show_default=True,
    help="What becomes of what nobody has decided by then.",
)
@json_option
@with_app
def start_(
    name: str,
    account: str | None,
    role: str | None,
    folder: str | None,
    group: str | None,
    account_roles: bool,
    due: datetime,
    reviewers: tuple[str, ...],
    undecided: str,
    as_json: bool,
) -> None:
    """Begin a review called NAME of a role, a folder, a group, or all roles on the account.

    Without --reviewer those review it who manage the folder, or else who may give roles.
    """
    from app.directory import grants
    from app.directory.reviews import start
    from app.directory.work import transaction
    from app.lists import reviews as lists

    asked = {"role": role, "folder": folder, "group": group}
    if sum(map(bool, (*asked.values(), account_roles))) != 1:
        raise click.UsageError("Give one of --role, --folder, --group and --account-roles.")
    what = next((each for each, text in asked.items() if text), "account_roles")
    account_id = _account(account)
    plan = start.Plan(
        name=name,
        what=what,
        target_id=_target(account_id, what, asked.get(what)),
        due_at=due,
        undecided=undecided,
        reviewers=[grants.principal_named(account_id, "user", each).id for each in reviewers],
    )
    with transaction(account_id, actor()) as work:
        review_id = start.start(work, plan)
    found = lists.one(account_id, review_id)
    assert found is not None
    by = ", ".join(found["reviewers"]) or "nobody"
    text = plain(f"{found['item_count']} to decide, by {by}. (Review {review_id})")
    left = lists.left_to_others(account_id, review_id)
    text += f"\n{LEFT_TO_OTHERS.format(left)}" if left else ""
    show(_plain(found) | {"left_to_others": left}, as_json, text)


@review.command("list")
@account_option
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 500))
@json_option
@with_app
def list_(account: str | None, limit: int, as_json: bool) -> None:
    """List the reviews, the newest first."""
    from app.lists import reviews as lists

    found = lists.listed(_account(account), limit=limit)
    lines = [f"{each['id']}  {_line(each)}" for each in found.items] or ["There is none."]
    lines += [MORE] if found.next else []
    result = {"reviews": list(map(_plain, found.items)), "more": bool(found.next)}
    show(result, as_json, _plain_lines("\n".join(lines)))


@review.command("show")
@click.argument("id")
@account_option
@click.option("--state", type=click.Choice(["open", "keep", "revoke"]), help="How it is decided.")
@click.option("--limit", default=SHOWN, show_default=True, type=click.IntRange(1, 500))
@json_option
@with_app
def show_(id: str, account: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """Show a review, and what is held and decided in it."""
    from app.directory.errors import existing
    from app.lists import reviews as lists

    account_id = _account(account)
    found = existing(lists.one(account_id, id), "review", id)
    items = lists.items(account_id, id, lists.ItemFilter(state=state), limit=limit)
    lines = [_line(found), *(f"  {_item(each)}" for each in items.items)]
    lines += [RETURNS] if any(each["outcome"] == "may_return" for each in items.items) else []
    lines += [f"{MORE} All of it: gatehouse review export {id}"] if items.next else []
    result = _plain(found) | {"items": list(map(_plain, items.items)), "more": bool(items.next)}
    show(result, as_json, _plain_lines("\n".join(lines)))


@review.command("close")
@click.argument("id")
@account_option
@json_option
@with_app
def close_(id: str, account: str | None, as_json: bool) -> None:
    """End a review now: what nobody has decided is kept or revoked, as it says."""
    from app.directory.reviews import due
    from app.directory.work import transaction
    from app.lists import reviews as lists

    account_id = _account(account)
    with transaction(account_id, actor()) as work:
        due.end(work, id)
    due.close(account_id, id, actor())
    found = lists.one(account_id, id)
    assert found is not None
    show(_plain(found), as_json, plain(_line(found)))


@review.command("export")
@click.argument("id")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), default="-")
@account_option
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@with_app
def export_(id: str, file: str, account: str | None, force: bool) -> None:
    """Write a review with all decisions to a FILE, or print it: as JSON lines, signed."""
    from flask import current_app

    from app.directory.errors import existing
    from app.directory.reviews import export
    from app.directory.work import transaction
    from app.lists import reviews as lists

    account_id, settings = _account(account), current_app.extensions["gatehouse"]
    found = existing(lists.one(account_id, id), "review", id)
    with _new_file(file, force) as written:
        with transaction(account_id, actor()) as work:
            export.note(work, id, found["name"])
        key, issuer = settings.secret_key, settings.public_url
        written.writelines(export.lines_of(account_id, id, secret_key=key, issuer=issuer))
    if file != "-":
        click.echo(f"{file} holds the review, signed{_so_far(found['state'])}.")


@review.command("verify")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--keys",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JWK Set with the keys to trust. Without it: those of this installation.",
)
@json_option
@with_app
def verify_(file: IO[bytes], keys: Path | None, as_json: bool) -> None:
    """Verify that an exported FILE was signed by us, and not changed since."""
    from app.directory.reviews import export
    from app.security.signing_keys import public_key

    found = export.verify(file, public_key if keys is None else _keys_in(keys).get)
    text = f"It is as it was signed: review {found['review']}, {found['lines']} lines"
    text += f"{_so_far(found['state'])}."
    show(found, as_json, plain(text))


def _new_file(path: str, force: bool) -> AbstractContextManager[IO[Any]]:
    from app.upkeep.whole import AS_USUAL, whole_file

    if path == "-":
        return click.open_file(path, "wb")
    return whole_file(Path(path), AS_USUAL, overwrite=force)


def _so_far(state: str) -> str:
    if state != "open":
        return ""
    return "; the review was not closed yet, and decisions may have followed"


def _keys_in(path: Path) -> dict[str, Any]:
    """Return the keys of a JWK Set (RFC 7517 §5), by their ids."""
    import json

    try:
        keys = json.loads(path.read_text("utf-8"))["keys"]
        return {each["kid"]: each for each in keys}
    except (ValueError, KeyError, TypeError):
        raise click.UsageError(f"{path} is no JWK Set.") from None


def _account(name: str | None) -> str:
    from app.directory import accounts

    return accounts.only_one() if name is None else accounts.find(name)


def _target(account_id: str, what: str, name: str | None) -> str | None:
    from app.directory import folders, grants, roles
    from app.directory.errors import DirectoryError

    if name is None:
        return None
    if what == "folder":
        return folders.find_by_path(account_id, name)
    if what == "group":
        return grants.principal_named(account_id, "group", name).id
    try:
        return roles.find(account_id, "account", name)
    except DirectoryError:
        return roles.find(account_id, "folder", name)


def _line(found: dict[str, Any]) -> str:
    from app.lists.reviews import standing

    came = found["outcomes"]
    ended = f", ended early by {found['ended_by']}" if found["ended_at"] else ""
    more = [f", {came[each]} {said}" for each, said in NOT_REVOKED.items() if came[each]]
    return (
        f"{found['name']}: {standing(found)}, due {found['due_at']:%Y-%m-%d %H:%M} UTC{ended}; "
        f"{found['counts']['open']} open, {came['kept']} kept, {came['revoked']} revoked"
        f"{''.join(more)}"
    )


def _item(each: dict[str, Any]) -> str:
    held = f"{each['role_name']} on {each['folder'] or 'the account'}"
    what = "member" if each["kind"] == "membership" else held
    decided = each["outcome"] and f"{each['outcome']} by {each['decided_by']}"
    comment = f": {each['comment']}" if each["comment"] else ""
    return f"{each['id']}  {each['holder_name']}, {what}, {decided or 'open'}{comment}"


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its times as texts."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in found.items()
    }


def _plain_lines(text: str) -> str:
    """Return lines that cannot steer the terminal."""
    return "\n".join(map(plain, text.split("\n")))


COMMANDS = [review]
