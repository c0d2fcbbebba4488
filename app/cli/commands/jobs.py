"""``gatehouse jobs``."""

from __future__ import annotations

import click

from app.cli.group import json_option, show, with_app


@click.group("jobs")
def jobs() -> None:
    """Background work. `gatehouse serve` does it; a schedule of yours may do it instead."""


@jobs.command("run")
@json_option
@with_app
def run(as_json: bool) -> None:
    """Do what is due now, once. With another secret key than the data's it is refused."""
    from flask import current_app

    from app import deliveries, operations
    from app.jobs import run_due
    from app.security.requests import settings
    from app.upkeep.inspection import refuse_another_key

    refuse_another_key(settings().secret_key)
    done = run_due(current_app.extensions["gatehouse_jobs"]) + operations.run_all()
    done += deliveries.run_all()
    show({"done": done}, as_json, f"Done: {', '.join(done)}." if done else "Nothing was due.")


@jobs.command("list")
@json_option
@with_app
def list_(as_json: bool) -> None:
    """List the jobs that ran: when they are due again, and what went wrong the last time."""
    from app.directory import due

    rows = due.listed()
    result = [
        {"name": row.name, "due_at": row.due_at.isoformat(), "problem": row.problem} for row in rows
    ]
    text = "\n".join(
        f"{each['name']}: due {each['due_at']}"
        + (f", {each['problem']}" if each["problem"] else "")
        for each in result
    )
    show({"jobs": result}, as_json, text or "No job has run yet.")


COMMANDS = [jobs]
