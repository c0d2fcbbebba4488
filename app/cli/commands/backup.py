"""``gatehouse backup`` and ``gatehouse restore``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app.cli.group import application, json_option, plain, show, with_app

if TYPE_CHECKING:
    from app.upkeep.backup import Report

FILE = click.argument("file", type=click.Path(path_type=Path))


@click.command("backup")
@FILE
@click.option("--with-key", is_flag=True, help="Put the secret key into it too: guard it well.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@json_option
@with_app
def backup(file: Path, with_key: bool, force: bool, as_json: bool) -> None:
    """Write a backup to FILE while the service runs, and check it.

    With another secret key than the data's there is none.

    It holds all that was acknowledged before, but not the secret key unless asked: keep that
    elsewhere. Ends in 1 when the audit log it holds was changed by others.
    """
    from app.security.requests import settings
    from app.upkeep.backup import back_up, place_of_key

    _tell(back_up(file, settings(), with_key=with_key, force=force), as_json, f"{file} holds")
    if not with_key and not as_json:
        click.echo(
            f"The secret key is not in it. Keep {place_of_key(settings())} too, in another place: "
            "without it nothing that is sealed can be read again."
        )


@click.command("restore")
@FILE
@click.option("--check", "only_check", is_flag=True, help="Try it elsewhere, and change nothing.")
@click.option("--force", is_flag=True, help="Overwrite the database there is.")
@click.option("--another-key", is_flag=True, help="Although the secret key is another one.")
@json_option
def restore(file: Path, only_check: bool, force: bool, another_key: bool, as_json: bool) -> None:
    """Put the backup in FILE in the place of the database.

    On PostgreSQL stop the service before; on SQLite restart it afterwards. Elsewhere, the secret
    key has to be there first: as GATEHOUSE_SECRET_KEY, or as the file secret_key in
    GATEHOUSE_DATA_DIR.

    All is checked first: if anything is wrong, nothing changes. Ends in 1 when the audit log in it
    was changed by others; what --another-key leaves unchecked is a warning, and ends in 0.
    """
    from app.security.requests import settings
    from app.upkeep import backup

    with application().app_context():
        if only_check:
            report = backup.check(file, settings(), another_key=another_key)
        else:
            report = backup.restore(file, settings(), force=force, another_key=another_key)
    _tell(report, as_json, f"{file} can be restored:" if only_check else "Restored:")


def _tell(report: Report, as_json: bool, what: str) -> None:
    manifest = report.manifest
    rows = {name: count for name, count in manifest.rows.items() if count}
    lines = [
        f"{what} {sum(rows.values())} rows in {len(rows)} tables, as of {manifest.made_at}, "
        f"revision {manifest.revision}.",
        *(plain(finding) for finding in report.findings),
        *report.warnings,
    ]
    result = {
        "made_at": manifest.made_at,
        "revision": manifest.revision,
        "rows": manifest.rows,
        "sha256": manifest.sha256,
        "findings": report.findings,
        "warnings": report.warnings,
    }
    show(result, as_json, "\n".join(lines))
    if report.findings:
        sys.exit(1)


COMMANDS = [backup, restore]
