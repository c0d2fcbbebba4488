"""``gatehouse folder``, ``gatehouse grant`` and ``gatehouse check``."""

from __future__ import annotations

import sys
from dataclasses import asdict, replace
from typing import Any

import click

from app.cli.group import actor, json_option, show, with_app


@click.group("folder")
def folder() -> None:
    """Add, change and list folders."""


@folder.command("create")
@click.argument("account")
@click.argument("path")
@click.option("--restricted", is_flag=True, help="Grants on folders above do not reach it.")
@json_option
@with_app
def create(account: str, path: str, restricted: bool, as_json: bool) -> None:
    """Add the folder at a PATH such as /Brand/2026, with those above it that are missing."""
    from app.directory import accounts, folders
    from app.directory.work import transaction

    with transaction(accounts.find(account), actor()) as work:
        folder_id = folders.create_path(work, path, restricted=restricted)
    show({"id": folder_id, "path": path}, as_json, f"Folder {path} is there: {folder_id}")


@folder.command("rename")
@click.argument("account")
@click.argument("path")
@click.argument("name")
@json_option
@with_app
def rename(account: str, path: str, name: str, as_json: bool) -> None:
    """Give the folder at a PATH another NAME."""
    _change(account, path, as_json, name=name)


@folder.command("move")
@click.argument("account")
@click.argument("path")
@click.argument("into")
@json_option
@with_app
def move(account: str, path: str, into: str, as_json: bool) -> None:
    """Move the folder at a PATH, with all in it, INTO another folder, such as / or /Press."""
    from app.directory import accounts, folders

    _change(account, path, as_json, parent_id=folders.find_by_path(accounts.find(account), into))


@folder.command("restrict")
@click.argument("account")
@click.argument("path")
@json_option
@with_app
def restrict(account: str, path: str, as_json: bool) -> None:
    """Let grants on the folders above no longer reach the folder at a PATH."""
    _change(account, path, as_json, restricted=True)


@folder.command("open")
@click.argument("account")
@click.argument("path")
@json_option
@with_app
def open_(account: str, path: str, as_json: bool) -> None:
    """Let grants on the folders above reach the folder at a PATH again."""
    _change(account, path, as_json, restricted=False)


@folder.command("delete")
@click.argument("account")
@click.argument("path")
@json_option
@with_app
def delete(account: str, path: str, as_json: bool) -> None:
    """Delete the folder at a PATH, which holds no other, with the grants and mappings on it."""
    from app.directory import accounts, folders
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        folder_id = folders.find_by_path(account_id, path)
        folders.delete(work, folder_id)
    show({"deleted": folder_id}, as_json, f"Folder {path} is gone, with the grants on it.")


@folder.command("list")
@click.argument("account")
@click.option("--in", "within", default="/", show_default=True, help="Path of the topmost one.")
@json_option
@with_app
def list_(account: str, within: str, as_json: bool) -> None:
    """List the folders of an ACCOUNT."""
    from app.directory import accounts, folders

    account_id = accounts.find(account)
    found = folders.listed(account_id, folders.find_by_path(account_id, within))
    lines = [each.path + ("  (restricted)" if each.restricted else "") for each in found]
    show({"folders": [asdict(each) for each in found]}, as_json, "\n".join(lines))


@folder.command("verify")
@click.argument("account", required=False)
@click.option("--repair", is_flag=True, help="Make it right again, where it is wrong.")
@json_option
@with_app
def verify(account: str | None, repair: bool, as_json: bool) -> None:
    """Check what checks read of the tree (its closure) against it, of an ACCOUNT or of all.

    Ends in 1 when it was wrong.
    """
    from app.directory import accounts, tree_check
    from app.directory.work import transaction

    reports = {}
    for account_id in (
        [accounts.find(account)] if account else [id_ for id_, _ in accounts.listed()]
    ):
        if repair:
            with transaction(account_id, actor()) as work:
                reports[account_id] = tree_check.repair(work)
        else:
            reports[account_id] = tree_check.check(account_id)
    found = [{"account": id_, **asdict(report)} for id_, report in reports.items()]
    done = ", repaired" if repair else ""
    lines = [
        f"{id_}: {each.folders} folders, "
        + ("right" if each.is_right else f"{each.missing} missing, {each.extra} wrong{done}")
        for id_, each in reports.items()
    ]
    show({"accounts": found, "repaired": repair}, as_json, "\n".join(lines))
    if not all(each.is_right for each in reports.values()):
        sys.exit(1)


def _change(account: str, path: str, as_json: bool, **changes: Any) -> None:
    """Change the folder at a path, and say what it is then."""
    from app.access.folders import paths_of
    from app.directory import accounts, folders
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        folder_id = folders.find_by_path(account_id, path)
        profile = replace(folders.profile_of(account_id, folder_id), **changes)
        changed = folders.replace(work, folder_id, profile)
        new_path = paths_of(account_id, [folder_id])[folder_id]
    result = {"id": folder_id, "path": new_path, "restricted": profile.restricted}
    reach = "do not reach it" if profile.restricted else "reach it"
    text = f"Folder {new_path} {'is changed' if changed else 'is as it was'}. Grants above {reach}."
    show(result | {"changed": changed}, as_json, text)


@click.command("check")
@click.argument("account")
@click.argument("user")
@click.argument("action")
@click.argument("path")
@json_option
@with_app
def check(account: str, user: str, action: str, path: str, as_json: bool) -> None:
    """Say whether a USER may do an ACTION on the folder at a PATH: exit 0 allowed, 1 denied."""
    from app.access import decisions
    from app.directory import accounts, folders, grants

    account_id = accounts.find(account)
    principal = grants.principal_named(account_id, "user", user)
    folder_id = folders.find_by_path(account_id, path)
    decision = decisions.check(account_id, principal.id, action, folder_id)
    word = "allowed" if decision.allowed else "denied"
    result = {"allowed": decision.allowed, "reason": decision.in_words()}
    show(result, as_json, f"{word}: {decision.in_words()}")
    sys.exit(0 if decision.allowed else 1)


COMMANDS = [folder, check]
