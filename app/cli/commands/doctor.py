"""``gatehouse doctor``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from app.cli.group import json_option, plain, with_app

if TYPE_CHECKING:
    from app.upkeep.doctor import Result

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command("doctor")
@json_option
@with_app
def doctor(as_json: bool) -> None:
    """Look at everything that may be amiss, and say what to do about it.

    Settings, files, disk, mail, database, clock, keys, certificates, administrators, the folder
    tree, the audit log, background work. Ends in 1 when there is a problem; warnings end in 0.
    """
    from app.security.requests import settings
    from app.upkeep.doctor import examine

    results = []
    for result in examine(settings()):
        results.append(result)
        if not as_json:
            _print(result)
    worst = max((result.state for result in results), key=list(COLOURS).index)
    if as_json:
        import orjson

        checks = [
            {"check": each.check, "state": each.state, "findings": list(map(asdict, each.findings))}
            for each in results
        ]
        click.echo(orjson.dumps({"state": worst, "checks": checks}))
    if worst == "problem":
        sys.exit(1)


def _print(result: Result) -> None:
    click.secho(f"{result.state:8}", fg=COLOURS[result.state], nl=False)
    click.echo(result.check)
    for finding in result.findings:
        click.echo(f"         {plain(finding.reason)}")
        click.echo(f"         → {plain(finding.fix)}")


COMMANDS = [doctor]
