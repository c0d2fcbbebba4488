"""``gatehouse serve``."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from app import memory
from app.cli.group import actor, application

if TYPE_CHECKING:
    from flask import Flask
    from granian.server.common import AbstractServer

    from app.directory.first_run import FirstRun
    from app.settings import Settings

LOG_AS_OURS = {"loggers": {"_granian": {"handlers": [], "propagate": True}}}
"""Granian's lines are logged as all others are (``app.logs``)."""
TO_STOP = (signal.SIGINT, signal.SIGTERM)
SIGNALS = {-each: each.name for each in signal.Signals}
"""By the exit code of a process that one has ended."""


@click.command("serve")
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
def serve(host: str | None, port: int | None) -> None:
    """Start the server. On the first run it prints how to sign in and a SCIM token, once."""
    gc.disable()  # This process only starts the one that serves: there is nothing to collect.
    memory.log_without_colours()
    # The settings of the command line reach the worker process through the environment.
    if host:
        os.environ["GATEHOUSE_HOST"] = host
    if port:
        os.environ["GATEHOUSE_PORT"] = str(port)
    app = application(makes_key=True)
    settings: Settings = app.extensions["gatehouse"]
    _refuse_taken_port(settings)
    first = _prepare(app, settings)
    _greet(settings, first)
    run(settings)


def run(settings: Settings) -> None:
    """Serve until told to stop: one process, ``settings.threads`` requests at a time.

    Then no request is accepted any more, and those in flight are answered first, unless they take
    longer than ``settings.stop_seconds``. When the process that serves ends by itself, such as one
    that the system has killed, there is another one at once; when that ends within seconds too, the
    command ends in 1.
    """
    from granian import Granian
    from granian.constants import Interfaces

    server = Granian(
        "app.factory:create_serving_app",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=settings.threads,
        workers_kill_timeout=settings.stop_seconds,
        respawn_failed_workers=True,
        log_access=False,
        log_level="warning",  # type: ignore[arg-type]
        log_dictconfig=LOG_AS_OURS,
        websockets=False,
    )
    logging.getLogger("_granian").addFilter(partial(_say_how_it_ended, server))
    tell_who_starts()
    server.serve()


def tell_who_starts() -> None:
    """Let the process that is to serve end at a signal from its first moment on.

    Until Granian sets its handlers there, it has those of the process it comes from, which only
    note that there was one; so a signal waits until they are gone.
    """
    os.register_at_fork(
        before=partial(signal.pthread_sigmask, signal.SIG_BLOCK, TO_STOP),
        after_in_parent=partial(signal.pthread_sigmask, signal.SIG_UNBLOCK, TO_STOP),
        after_in_child=_end_when_told,
    )


def _end_when_told() -> None:
    for each in TO_STOP:
        signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, TO_STOP)


def _say_how_it_ended(server: AbstractServer[Any], line: logging.LogRecord) -> bool:
    """Add to what Granian logs how the process that served has ended, if it has."""
    for worker in server.wrks:
        code = worker.inner.exitcode
        if code is not None:
            line.msg += f": {SIGNALS.get(code, f'exit code {code}')}"
    return True


def _refuse_taken_port(settings: Settings) -> None:
    """Fail early and clearly when another program listens there."""
    try:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((settings.host, settings.port))
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise OSError(
            f"Cannot listen on {where} ({error.strerror}). Choose another with --port."
        ) from None


def _prepare(app: Flask, settings: Settings) -> FirstRun | None:
    """Migrate the embedded database and fill it on the first run; only check another one."""
    from app.store.database import close_database, is_current, keep_private, upgrade_database
    from app.upkeep.inspection import refuse_another_key

    with app.app_context():
        try:
            if settings.embedded:
                keep_private(settings.embedded_file)
            if not is_current():
                if not settings.embedded:
                    raise OSError("The database is not up to date. Run: gatehouse db upgrade")
                upgrade_database()
            refuse_another_key(settings.secret_key)
            return _first_run() if settings.embedded else None
        finally:
            close_database()


def _first_run() -> FirstRun | None:
    from sqlalchemy import text

    from app.store.database import db

    if db.session.scalar(text("SELECT 1 FROM accounts LIMIT 1")):
        return None  # without loading what only a first run needs
    from app.directory import first_run

    return first_run.set_up(actor())


def _where(settings: Settings) -> str:
    """Return which database is served, without what is secret of its address."""
    from sqlalchemy import make_url

    url = make_url(settings.resolved_database_url)
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.get_backend_name()}://{url.host or url.query.get('host', '')}/{url.database}"


def _greet(settings: Settings, first: FirstRun | None) -> None:
    """Say where things are. Lines stay unwrapped, so that links and tokens can be copied."""
    url = settings.public_url
    click.secho("Gatehouse is starting.", bold=True)
    click.echo(f"  Console        {url}/")
    click.echo(f"  SCIM base      {url}/scim/v2")
    click.echo(f"  SAML metadata  {url}/saml/<connection>/metadata")
    click.echo(f"  Database       {_where(settings)}")
    click.echo()
    if first is None:
        click.echo("  New sign-in link:  gatehouse admin create EMAIL")
        click.echo("  New SCIM token:    gatehouse token create ACCOUNT --name NAME")
    else:
        click.secho(f"First run: account {first.account_name}, shown this once.", fg="green")
        click.echo(f"  Sign in as {first.admin_email} with this link, within a day:")
        click.echo(f"  {url}/sign-in/link/{first.link_secret}")
        click.echo("  SCIM token:")
        click.echo(f"  {first.token}")
    click.echo()


COMMANDS = [serve]
