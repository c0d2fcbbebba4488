"""What all commands share: the application, the actor, one clear line when something is wrong."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from flask import Flask

    from app.directory.work import Actor

P = ParamSpec("P")
R = TypeVar("R")

BAD_INPUT = 2
"""The exit code of bad input."""

MORE = "There is more: raise --limit."

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class Moment(click.DateTime):
    """A day or a time; people are told by example.

    :param formats: Of ``strptime``.
    """

    def __init__(self, formats: Sequence[str] = ("%Y-%m-%d", "%Y-%m-%dT%H:%M")) -> None:
        super().__init__(formats)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "2030-12-31[T09:30]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            what = "is no day such as 2030-12-31, nor a time such as 2030-12-31T09:30."
            self.fail(f"{value!r} {what}", param, ctx)


class Command(click.Group):
    """A group whose commands end in exit code 2 and one line on bad input, never a traceback."""

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        with _one_line():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        with _one_line():
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # That its reader is gone, as in `| head`, shows here or never.


def with_app(command: Callable[P, R]) -> Callable[P, R]:
    """Run a command on the database there is, within the application's context."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with application().app_context():
            _need_what_is_there()
            return command(*args, **kwargs)

    return run


def application(*, makes_key: bool = False) -> Flask:
    """Return the application, made by the factory that the entry point handed to click.

    :param makes_key: Whether the command may be the first one, which makes the secret key.
    """
    make = click.get_current_context().find_root().obj
    app: Flask = make(faces=False, makes_key=makes_key)
    return app


def _need_what_is_there() -> None:
    """Refuse to make a database or a key where none is: a setting may be wrong, or the folder."""
    from app.security.requests import settings
    from app.settings import SettingsError, key_missing
    from app.store.database import file_of_database

    path = file_of_database()
    if path is not None and not path.exists():
        raise OSError(
            f"There is no database at {path}. Name its folder with GATEHOUSE_DATA_DIR, or its "
            "address with GATEHOUSE_DATABASE_URL; gatehouse serve, db upgrade and restore make one."
        )
    if not settings().secret_key:
        raise SettingsError(key_missing(settings()))


def actor() -> Actor:
    """Return who writes when the command does."""
    from app.directory.work import Actor

    return Actor(type="system", name="gatehouse command", surface="cli")


def show(result: dict[str, Any], as_json: bool, text: str) -> None:
    """Print a result: as one JSON object, or as text for people."""
    click.echo(json.dumps(result) if as_json else text)


def plain(text: str) -> str:
    """Return a text that cannot steer the terminal: it holds what others sent."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


@contextmanager
def _one_line() -> Iterator[None]:
    """End the command in one line when a person can mend what went wrong."""
    try:
        yield
    except (click.exceptions.NoArgsIsHelpError, click.exceptions.Exit, click.Abort):
        raise
    except BrokenPipeError:
        raise  # click ends without a word
    except Exception as error:
        line = _explained(error)
        if line is None:
            raise
        click.echo(f"gatehouse: {line}", err=True)
        sys.exit(BAD_INPUT)


def _explained(error: Exception) -> str | None:
    """Return one line for what a person can mend; None for a fault of ours."""
    if isinstance(error, click.UsageError):
        help_of = error.ctx.command_path if error.ctx else "gatehouse"
        return f"{' '.join(error.format_message().split())} See: {help_of} --help"

    from sqlalchemy.exc import DatabaseError, OperationalError, ProgrammingError

    from app.access.decisions import UnknownAction
    from app.access.past import NotInHistory
    from app.directory.errors import DirectoryError
    from app.security.secrets import SealError
    from app.settings import SettingsError

    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    refusals = DirectoryError | SettingsError | SealError | UnknownAction | NotInHistory | OSError
    if isinstance(error, refusals):
        return str(error)
    # SQLite says of a file that is no database that it is a DatabaseError, and no more precisely.
    if isinstance(error, OperationalError | ProgrammingError) or type(error) is DatabaseError:
        text = str(error.orig).splitlines()[0]
        if "no such table" in text or "does not exist" in text or "no such column" in text:
            return "The database is not up to date. Run: gatehouse db upgrade"
        return f"The database cannot be used: {text}"
    return None
