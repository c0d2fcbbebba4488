"""``gatehouse stream``."""

from __future__ import annotations

import shlex
from datetime import datetime
from typing import Any

import click

from app.cli.group import actor, json_option, plain, show, with_app

NOTHING_PUT_ASIDE = "Nothing was put aside."
NOTHING_TO_REPLAY = (
    "Nothing is delivered again: nothing has happened since then, or it is still to be delivered."
)


@click.group("stream")
def stream() -> None:
    """Tell applications what happens: events, pushed to them or polled by them."""


@stream.command("add")
@click.argument("account")
@click.option("--name", required=True, help="Who receives it.")
@click.option("--push", "endpoint", metavar="URL", help="Where to push; without it, it is polled.")
@click.option(
    "--authorization-file",
    type=click.File(),
    help="Holds the Authorization header to push with; - reads it from the input.",
)
@click.option("--audience", help="Who the tokens are for (aud), if not the address.")
@click.option("--event", "wanted", multiple=True, help="A URI, * at its end for any; none: all.")
@json_option
@with_app
def add(
    account: str,
    name: str,
    endpoint: str | None,
    authorization_file: Any,
    audience: str | None,
    wanted: tuple[str, ...],
    as_json: bool,
) -> None:
    """Add a stream of the events of an ACCOUNT from now on. A secret to poll with is shown once.

    Receivers in a network of your own need GATEHOUSE_RECEIVER_NETWORKS: set it for this command,
    which reads its own environment, and for the servers, which push.
    """
    from app.directory import accounts, streams
    from app.directory.work import transaction

    authorization = authorization_file.read().strip() if authorization_file else None
    with transaction(accounts.find(account), actor()) as work:
        made = streams.create(
            work,
            name,
            endpoint=endpoint,
            authorization=authorization,
            audience=audience,
            wanted=wanted,
        )
    result: dict[str, Any] = {"id": made.id, "secret": made.secret}
    text = (
        f"Events are pushed to {endpoint}. To see whether it takes them:\n"
        f"gatehouse stream test {shlex.quote(account)} {shlex.quote(name)}"
    )
    if made.secret:
        result["poll_url"] = streams.poll_url(made.id)
        text = (
            f"Poll:   {result['poll_url']}\nSecret: {made.secret}\n"
            "Keep it safe: it is not shown again."
        )
    show(result, as_json, text)


@stream.command("list")
@click.argument("account")
@json_option
@with_app
def list_(account: str, as_json: bool) -> None:
    """List the streams of an ACCOUNT and how far they are."""
    from app.directory import accounts
    from app.lists import streams as lists

    found = lists.listed(accounts.find(account), limit=500).items
    text = "\n".join(
        f"{each['name']}: {each['delivery']}, {each['status']}, {_waiting(each)} waiting, "
        f"{each['dead_letters']} put aside"
        + (f" ({plain(each['problem'])})" if each["problem"] else "")
        for each in found
    )
    show({"streams": [_plain(each) for each in found]}, as_json, text or "There is no stream.")


def _waiting(stream: dict[str, Any]) -> str:
    """Return how many wait: of a narrowed stream the most it can be, as not all are for it."""
    return f"{'up to ' if stream['wanted'] and stream['waiting'] else ''}{stream['waiting']}"


def _to_status(status: str, help_: str, said: str) -> Any:
    @click.argument("account")
    @click.argument("name")
    @json_option
    @with_app
    def run(account: str, name: str, as_json: bool) -> None:
        from app.directory import accounts, streams
        from app.directory.work import transaction

        account_id = accounts.find(account)
        with transaction(account_id, actor()) as work:
            streams.set_status(work, streams.find(account_id, name), status)
        show({"status": status}, as_json, said)

    run.__doc__ = help_
    return run


stream.command("pause")(
    _to_status(
        "paused", "Keep the events of a stream (NAME or id) until it goes on.", "It is paused."
    )
)
stream.command("resume")(
    _to_status("enabled", "Let a stream (NAME or id) go on, and try again at once.", "It goes on.")
)


@stream.command("replay")
@click.argument("account")
@click.argument("name")
@click.option("--since", metavar="TIME", help="Such as 2026-03-01T09:30:00Z.")
@click.option("--event", help="The id (jti) of the first event.")
@json_option
@with_app
def replay(account: str, name: str, since: str | None, event: str | None, as_json: bool) -> None:
    """Deliver again what a stream (NAME or id) has delivered, under the same ids."""
    from app.directory import accounts, streams
    from app.directory.work import transaction

    if (since is None) == (event is None):
        raise click.UsageError("Give either --since or --event.")
    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        point = event or _moment(since or "")
        count = streams.replay(work, streams.find(account_id, name), point)
    again = f"{count} event(s) are delivered again."
    show({"events": count}, as_json, again if count else NOTHING_TO_REPLAY)


@stream.command("test")
@click.argument("account")
@click.argument("name")
@json_option
@with_app
def test(account: str, name: str, as_json: bool) -> None:
    """Push an event that says nothing to a stream (NAME or id); ends with 1 if it is not taken."""
    import sys

    from app.directory import accounts, pushing, streams

    account_id = accounts.find(account)
    found = streams.existing(account_id, streams.find(account_id, name))
    if found.delivery != "push":
        raise click.UsageError("This stream is polled.")
    problem = pushing.test(found)
    show({"problem": problem}, as_json, plain(problem) if problem else "The receiver took it.")
    sys.exit(1 if problem else 0)


@stream.command("remove")
@click.argument("account")
@click.argument("name")
@json_option
@with_app
def remove(account: str, name: str, as_json: bool) -> None:
    """Delete a stream (NAME or id), with the events it could not deliver."""
    from app.directory import accounts, streams
    from app.directory.work import transaction

    account_id = accounts.find(account)
    with transaction(account_id, actor()) as work:
        streams.remove(work, streams.find(account_id, name))
    show({"removed": name}, as_json, "It is gone.")


@stream.command("dead-letters")
@click.argument("account")
@click.argument("name")
@click.option("--retry", is_flag=True, help="Let all of them be tried again.")
@click.option("--discard", is_flag=True, help="Let all of them go.")
@json_option
@with_app
def dead_letters(account: str, name: str, retry: bool, discard: bool, as_json: bool) -> None:
    """List what was put aside of a stream (NAME or id), and what its receiver said."""
    from app.directory import accounts, streams
    from app.directory import dead_letters as letters
    from app.directory.work import transaction
    from app.lists import streams as lists

    if retry and discard:
        raise click.UsageError("Give either --retry or --discard.")
    account_id = accounts.find(account)
    stream_id = streams.find(account_id, name)
    if retry or discard:
        with transaction(account_id, actor()) as work:
            count = (letters.ask_again if retry else letters.discard)(work, stream_id)
        said = f"Tried again: {count}." if retry else f"Let go: {count}."
        show({"events": count}, as_json, said if count else NOTHING_PUT_ASIDE)
        return
    found = lists.dead_letters(account_id, stream_id, limit=500)
    text = "\n".join(
        f"{each['event_id']}  {each['type']}: {plain(each['error'])}" for each in found.items
    )
    result = {"dead_letters": [_plain(each) for each in found.items], "more": bool(found.next)}
    show(result, as_json, text or NOTHING_PUT_ASIDE)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.UsageError("A time looks like 2026-03-01T09:30:00Z.")
    return found


def _plain(each: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in each.items()
    }


COMMANDS = [stream]
