"""Streams of events: who is told what happens in the account, how far each is, what failed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, RadioField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, Optional

from app.console.forms import LONGEST_NAME, DayField, of_the_calendar
from app.console.pages import attempt, back, page, section, visitor, writing
from app.directory import dead_letters, pushing, streams
from app.directory.errors import existing
from app.lists import streams as lists

blueprint = section("streams", __name__, "/streams")

SHOWN = 50
LONGEST_URL = 1024


class StreamForm(FlaskForm):
    name = StringField(
        _l("Name"),
        [DataRequired(), Length(1, LONGEST_NAME)],
        description=_l("Who receives it, so that you know later."),
    )
    delivery = RadioField(
        _l("Delivery"),
        choices=[
            SelectChoice("push", _l("push: we send each event to an address")),
            SelectChoice("poll", _l("poll: the receiver asks for them, with a secret")),
        ],
        default="push",
    )
    endpoint = StringField(
        _l("Address"),
        [Optional(), Length(0, LONGEST_URL)],
        description=_l("To push: where events are sent to, such as https://media.example/events."),
    )
    authorization = PasswordField(
        _l("Authorization header"),
        [Optional(), Length(0, 4096)],
        description=_l("To push: sent with each event, such as Bearer …. It is not shown again."),
        render_kw={"autocomplete": "off"},
    )
    audience = StringField(
        _l("Audience"),
        [Optional(), Length(0, LONGEST_URL)],
        description=_l("Who the tokens are for (aud). Empty: the address."),
    )
    wanted = TextAreaField(
        _l("Only these events"),
        [Optional(), Length(0, 16_384)],
        description=_l("URIs, one on each line, * at the end for any. Empty: all events."),
        render_kw={"rows": 2},
    )


class ReplayForm(FlaskForm):
    since = DayField(
        _l("Since"),
        [DataRequired(), of_the_calendar],
        description=_l("What happened since this day (UTC) is delivered again."),
    )


@blueprint.get("")
@page("stream.manage")
def listed() -> str:
    """List the streams, and how far each is."""
    found = lists.listed(visitor().account_id, cursor=request.args.get("cursor"), limit=SHOWN)
    return render_template("console/streams/list.html", found=found)


@blueprint.route("/new", methods=["GET", "POST"])
@page("stream.manage")
def new() -> str | Response:
    """Add a stream; a secret to poll with is shown this once."""
    form = StreamForm()
    if form.validate_on_submit():
        pushed = form.delivery.data == "push"
        if pushed and not form.endpoint.data:
            form.endpoint.errors = [_("Where shall events be sent to?")]
            return render_template("console/streams/new.html", form=form)
        made = attempt(
            form,
            lambda work: streams.create(
                work,
                form.name.data,
                endpoint=form.endpoint.data if pushed else None,
                authorization=form.authorization.data if pushed else None,
                audience=form.audience.data or None,
                wanted=(form.wanted.data or "").split(),
            ),
        )
        if made is not None and made.secret:
            return _shown_once(made.id, made.secret)
        if made is not None:
            flash(_("What happens from now on is pushed there. Try it."), "success")
            return back_to(made.id)
    return render_template("console/streams/new.html", form=form)


@blueprint.get("/<stream_id>")
@page("stream.manage")
def shown(stream_id: str) -> str:
    """Show a stream, and the events that its receiver did not take."""
    stream = _read(stream_id)
    letters = lists.dead_letters(
        visitor().account_id, stream_id, cursor=request.args.get("cursor"), limit=SHOWN
    )
    return render_template(
        "console/streams/one.html",
        stream=stream,
        letters=letters,
        form=ReplayForm(),
        poll_url=streams.poll_url(stream_id),
    )


@blueprint.post("/<stream_id>/test")
@page("stream.manage")
def test(stream_id: str) -> Response:
    """Push an event that says nothing, and tell what the receiver made of it."""
    stream = streams.existing(visitor().account_id, stream_id)
    problem = pushing.test(stream) if stream.delivery == "push" else None
    if problem:
        flash(_("The receiver did not take it: %(problem)s.", problem=problem), "danger")
    else:
        flash(_("The receiver took it."), "success")
    return back_to(stream_id)


@blueprint.post("/<stream_id>/status/<any(enabled, paused, disabled):state>")
@page("stream.manage")
def set_status(stream_id: str, state: str) -> Response:
    """Let a stream go on, pause it, or disable it."""
    with writing() as work:
        streams.set_status(work, stream_id, state)
    return back_to(stream_id)


@blueprint.post("/<stream_id>/secret")
@page("stream.manage")
def renew_secret(stream_id: str) -> str:
    """Issue a new secret to poll with, and show it this once."""
    with writing() as work:
        secret = streams.renew_secret(work, stream_id)
    return _shown_once(stream_id, secret)


@blueprint.post("/<stream_id>/replay")
@page("stream.manage")
def replay(stream_id: str) -> str | Response:
    """Deliver again what happened since a day."""
    _read(stream_id)
    form = ReplayForm()
    if not form.validate_on_submit():
        flash(_("Say since which day."), "danger")
        return back_to(stream_id)
    with writing() as work:
        num = streams.replay(work, stream_id, cast(datetime, form.since.moment))
    if num:
        text = ngettext(
            "%(num)s event is delivered again.", "%(num)s events are delivered again.", num
        )
        flash(text, "success")
    else:
        text = _(
            "Nothing is delivered again: nothing has happened since then, or it is still to be "
            "delivered."
        )
        flash(text, "warning")
    return back_to(stream_id)


@blueprint.post("/<stream_id>/retry")
@page("stream.manage")
def retry(stream_id: str) -> Response:
    """Let an event that was not taken, or all of them, be tried again."""
    with writing() as work:
        dead_letters.ask_again(work, stream_id, _event())
    return back_to(stream_id)


@blueprint.post("/<stream_id>/discard")
@page("stream.manage")
def discard(stream_id: str) -> Response:
    """Let an event that was not taken, or all of them, go."""
    with writing() as work:
        dead_letters.discard(work, stream_id, _event())
    return back_to(stream_id)


@blueprint.post("/<stream_id>/delete")
@page("stream.manage")
def delete(stream_id: str) -> Response:
    """Delete a stream."""
    stream = _read(stream_id)
    with writing() as work:
        streams.remove(work, stream_id)
    flash(_("The stream %(name)s is gone.", name=stream["name"]), "success")
    return back(url_for("streams.listed"))


def back_to(stream_id: str) -> Response:
    return redirect(url_for("streams.shown", stream_id=stream_id), 303)


def _event() -> str | None:
    return request.form.get("event", "")[:36] or None


def _read(stream_id: str) -> dict[str, Any]:
    return existing(lists.one(visitor().account_id, stream_id), "stream", stream_id)


def _shown_once(stream_id: str, secret: str) -> str:
    """Show a secret: in the answer to the form, and nowhere else."""
    url = streams.poll_url(stream_id)
    return render_template("console/streams/issued.html", secret=secret, url=url, id=stream_id)
