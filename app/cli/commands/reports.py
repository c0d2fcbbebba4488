"""``gatehouse report``."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from app.cli.group import MORE, Moment, json_option, plain, with_app

if TYPE_CHECKING:
    from rich.table import Table

    from app.access.explanation import GivenRole
    from app.access.grants import HeldGrant
    from app.access.history import WhatCould, WhoCould

PIPED_WIDTH = 200
"""Columns of the table where there is no terminal to ask."""

_FORMATS = ("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f")
on_option = click.option(
    "--on",
    "at",
    required=True,
    type=Moment([*_FORMATS, *(f"{each}%z" for each in _FORMATS[1:])]),
    help="When: 2026-05-01 (0:00 UTC) or 2026-05-01T12:00+02:00.",
)
action_option = click.option(
    "--action", default="folder.view", show_default=True, help="What they do there."
)
limit_option = click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 5000))


@click.group("report")
def report() -> None:
    """Who can reach what, now and in the past, and why."""


@report.command("who-can")
@click.argument("account")
@click.argument("folder")
@action_option
@limit_option
@json_option
@with_app
def who_can(account: str, folder: str, action: str, limit: int, as_json: bool) -> None:
    """Show who can reach a FOLDER of an ACCOUNT (a path, or an id), and why."""
    from app.access.folders import paths_of
    from app.access.history import PastHolder, WhoCould
    from app.access.who import who_can as holders_of
    from app.directory import accounts, folders
    from app.directory.errors import NotFound

    account_id = accounts.find(account)
    folder_id = folders.find_by_path(account_id, folder) if folder.startswith("/") else folder
    path = paths_of(account_id, [folder_id]).get(folder_id)
    if path is None:
        raise NotFound("folder", folder)
    holders = holders_of(account_id, action, folder_id, limit=limit + 1)
    people = [
        PastHolder(each.user_id, each.user_name, _with_ways(account_id, each.user_id, each.because))
        for each in holders[:limit]
    ]
    found = WhoCould(folder_id, path, tuple(people), len(holders) > limit)
    _show_people(found, f"Who can do {action} on {path}", as_json)


@report.command("what-can")
@click.argument("account")
@click.argument("user")
@limit_option
@json_option
@with_app
def what_can(account: str, user: str, limit: int, as_json: bool) -> None:
    """Show what a USER of an ACCOUNT (a userName, or an id) can reach, and by which roles."""
    from app.access.decisions import account_roles
    from app.access.folders import folders_visible_to
    from app.access.history import WhatCould
    from app.directory import accounts, grants
    from app.lists import users

    account_id = accounts.find(account)
    person = grants.principal_named(account_id, "user", user)
    folders = folders_visible_to(account_id, person.id, limit + 1)
    found = WhatCould(
        person.id,
        person.name,
        bool((users.one(account_id, person.id) or {}).get("active")),
        _with_ways(account_id, person.id, account_roles(account_id, person.id)),
        tuple(folders[:limit]),
        len(folders) > limit,
    )
    _show_access(found, f"What {person.name} can reach", as_json)


@report.command("who-could")
@click.argument("account")
@click.argument("folder")
@on_option
@action_option
@limit_option
@json_option
@with_app
def who_could(
    account: str, folder: str, at: datetime, action: str, limit: int, as_json: bool
) -> None:
    """Show who could reach a FOLDER of an ACCOUNT at a time in the past, and why.

    FOLDER is an id, or the path it had then, or else the one it has now.
    """
    from app.access import history
    from app.directory import accounts

    at = _utc(at)
    found = history.who_could(accounts.find(account), action, folder, at, limit=limit)
    _show_people(
        found, f"Who could do {action} on {found.folder_path} at {at.isoformat()}", as_json
    )


@report.command("what-could")
@click.argument("account")
@click.argument("user")
@on_option
@limit_option
@json_option
@with_app
def what_could(account: str, user: str, at: datetime, limit: int, as_json: bool) -> None:
    """Show what a USER of an ACCOUNT could reach at a time in the past, and by which roles.

    USER is an id, or the userName they had then, or else the one they have now.
    """
    from app.access import history
    from app.directory import accounts

    at = _utc(at)
    found = history.what_could(accounts.find(account), user, at, limit=limit)
    _show_access(found, f"What {found.user_name} could reach at {at.isoformat()}", as_json)


def _utc(at: datetime) -> datetime:
    """Return a time with its zone; one without is meant in UTC."""
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _with_ways(account_id: str, user_id: str, grants: Iterable[HeldGrant]) -> tuple[GivenRole, ...]:
    """Return grants with where they were given and how they come to a user."""
    from app.access.explanation import GivenRole
    from app.access.folders import paths_of
    from app.access.membership import chains_of

    held = list(grants)
    paths = paths_of(account_id, {each.folder_id for each in held if each.folder_id})
    chains = chains_of(account_id, user_id) if any(each.group_id for each in held) else {}
    return tuple(
        GivenRole(each, paths.get(each.folder_id or ""), chains.get(each.group_id or "", ()))
        for each in held
    )


def _show_people(found: WhoCould, title: str, as_json: bool) -> None:
    if as_json:
        people = [
            {
                "user_id": each.user_id,
                "user_name": each.user_name,
                "because": [way.as_data() for way in each.because],
            }
            for each in found.people
        ]
        folder = {"id": found.folder_id, "path": found.folder_path}
        _print_json({"folder": folder, "people": people, "truncated": found.truncated})
        return
    rows = [
        (each.user_name if number == 0 else "", *_in_cells(way))
        for each in found.people
        for number, way in enumerate(each.because)
    ]
    tables = [_table(("User", *_WAY), rows)] if rows else []
    _print(title, tables, found.truncated, "Nobody.")


def _show_access(found: WhatCould, title: str, as_json: bool) -> None:
    if as_json:
        _print_json(
            {
                "user": {"id": found.user_id, "user_name": found.user_name},
                "active": found.active,
                "account_roles": [each.as_data() for each in found.account_roles],
                "folders": [
                    {"id": each.id, "path": each.path, "roles": list(each.roles)}
                    for each in found.folders
                ],
                "truncated": found.truncated,
            }
        )
        return
    tables = []
    if found.account_roles:
        tables.append(_table(_WAY, [_in_cells(each) for each in found.account_roles]))
    if found.folders:
        rows = [(each.path, ", ".join(each.roles)) for each in found.folders]
        tables.append(_table(("Folder", "Roles"), rows))
    nothing = "Nothing." if found.active else "Nothing: the user is not active."
    _print(title, tables, found.truncated, nothing)


_WAY = ("Role", "On", "Through", "Given by", "Reason", "Begins", "Ends")


def _in_cells(way: GivenRole) -> tuple[str, ...]:
    from app.words import iso

    grant = way.grant
    return (
        grant.role_name,
        way.folder_path or "the account",
        " in ".join(way.chain),
        f"{grant.granted_by} ({grant.origin})",
        grant.reason,
        iso(grant.not_before) if grant.not_before else "",
        iso(grant.expires_at) if grant.expires_at else "",
    )


def _table(headings: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for cells in rows:
        table.add_row(*(Text(plain(each)) for each in cells))
    return table


def _print(title: str, tables: list[Table], truncated: bool, nothing: str) -> None:
    from rich.console import Console

    click.echo(f"{plain(title)}:")
    if not tables:
        click.echo(nothing)
    for table in tables:
        Console(width=None if sys.stdout.isatty() else PIPED_WIDTH).print(table)
    if truncated:
        click.echo(MORE)


def _print_json(found: dict[str, Any]) -> None:
    import orjson

    click.echo(orjson.dumps(found))


COMMANDS = [report]
