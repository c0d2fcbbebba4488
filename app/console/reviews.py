"""Access reviews: reviewers say of each whether it is still right; administrators begin and end."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response as BaseResponse
from wtforms import RadioField, SelectField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Length, Optional

from app.access.permissions import role_named
from app.console import asked, naming
from app.console.forms import (
    LONGEST_NAME,
    LONGEST_REASON,
    LastDayField,
    PathField,
    ahead,
    of_the_calendar,
)
from app.console.pages import attempt, back, page, section, visitor, writing
from app.console.telling import told
from app.directory.errors import Invalid, existing
from app.directory.reviews import deciding, due, export, start
from app.directory.reviews.start import REVIEWERS_LIMIT, Plan
from app.directory.work import Work
from app.downloads import attachment
from app.lists import reviews as lists
from app.lists import roles
from app.lists.reviews import MANAGING, STATES, ItemFilter
from app.security.requests import settings
from app.words import say

blueprint = section("reviews", __name__, "/reviews")

SHOWN = 50
ITEMS_SHOWN = 100
ROLES_SHOWN = 200
WHAT = {
    "folder": _l("the roles on a folder and all below it"),
    "role": _l("who has a role"),
    "group": _l("who is in a group"),
    "account_roles": _l("all roles on the account"),
}
"""What is reviewed, as the pages say it."""


class ReviewForm(FlaskForm):
    name = StringField(_l("Name"), [DataRequired(), Length(1, LONGEST_NAME)])
    what = RadioField(
        _l("What is reviewed"),
        choices=[SelectChoice(*each) for each in WHAT.items()],
        default="folder",
    )
    folder = PathField(_l("Folder"), [Optional()])
    role = SelectField(_l("Role"), [Optional()])
    group = StringField(
        _l("Group"),
        [Optional(), Length(0, LONGEST_NAME)],
        render_kw={"data-suggest": "group", "autocomplete": "off"},
    )
    due_at = LastDayField(
        _l("Until"),
        [InputRequired(), of_the_calendar, ahead],
        description=_l("The last day (UTC)."),
    )
    undecided = RadioField(
        _l("What nobody has decided by then"),
        choices=[SelectChoice("keep", _l("is kept")), SelectChoice("revoke", _l("is revoked"))],
        default="keep",
    )
    reviewers = TextAreaField(
        _l("Reviewers"),
        [Optional(), Length(0, REVIEWERS_LIMIT * LONGEST_NAME)],
        description=_l(
            "User names, one on each line. Empty: who manages the folder, or else who may give "
            "roles on the account."
        ),
        render_kw={"rows": 3, "spellcheck": "false"},
    )


class DecisionForm(FlaskForm):
    comment = StringField(_l("Why"), [Optional(), Length(0, LONGEST_REASON)])


@blueprint.get("")
@page()
def listed() -> str:
    """List the reviews somebody is a reviewer of; all of them to who may give roles."""
    found = lists.listed(
        visitor().account_id,
        reviewer=visitor().sees_only(MANAGING),
        cursor=request.args.get("cursor"),
        limit=SHOWN,
    )
    return render_template(
        "console/reviews/list.html", found=found, what=WHAT, standing=lists.standing
    )


@blueprint.route("/new", methods=["GET", "POST"])
@page(MANAGING)
def new() -> str | BaseResponse:
    """Begin a review."""
    form = ReviewForm()
    there = [
        each
        for scope in ("account", "folder")
        for each in roles.listed(visitor().account_id, scope=scope, limit=ROLES_SHOWN).items
    ]
    named = [SelectChoice(each["id"], told(role_named(each["name"]))) for each in there]
    form.role.choices = [SelectChoice("", _("none")), *named]
    if form.validate_on_submit():
        made = attempt(form, lambda work: _start(work, form))
        if made is not None:
            _tell_who_is_missing(made)
            return redirect(url_for("reviews.shown", review_id=made), 303)
    return render_template("console/reviews/new.html", form=form)


@blueprint.get("/<review_id>")
@page()
def shown(review_id: str) -> str:
    """Show what is reviewed, and how it is decided."""
    review, who = _read(review_id), visitor()
    state = asked.one_of("state", STATES)
    everything = request.args.get("own") == "1" and who.sees_only(MANAGING) is None
    found = lists.items(
        who.account_id,
        review_id,
        ItemFilter(
            state=state, prefix=asked.text("prefix"), not_of=None if everything else who.user_id
        ),
        cursor=request.args.get("cursor"),
        limit=ITEMS_SHOWN,
    )
    return render_template(
        "console/reviews/review.html",
        review=review,
        found=found,
        form=DecisionForm(),
        what=WHAT,
        standing=lists.standing,
        may_end=who.may(MANAGING),
        everything=everything,
    )


@blueprint.post("/<review_id>/decide/<any(keep, revoke):do>")
@page()
def decide(review_id: str, do: str) -> BaseResponse:
    """Keep or revoke what was chosen, any number at once."""
    _read(review_id)
    form, chosen = DecisionForm(), request.form.getlist("item")
    if not form.validate_on_submit() or not chosen:
        flash(_("Choose at least one."), "warning")
        return back(url_for("reviews.shown", review_id=review_id))
    with writing() as work:
        count = deciding.decide(work, review_id, chosen, do, form.comment.data or "")
    flash(ngettext("%(num)s is decided.", "%(num)s are decided.", count), "success")
    return back(url_for("reviews.shown", review_id=review_id))


@blueprint.post("/<review_id>/end")
@page(MANAGING)
def end(review_id: str) -> BaseResponse:
    """End a review. What nobody has decided is decided in the background."""
    _read(review_id)
    with writing() as work:
        due.end(work, review_id)
    flash(_("The review ends now. In a moment what is undecided is decided as it says."), "success")
    return redirect(url_for("reviews.shown", review_id=review_id), 303)


@blueprint.post("/<review_id>/export")
@page(MANAGING)
def hand_out(review_id: str) -> Response:
    """Hand out the review with all decisions, signed."""
    review, account_id = _read(review_id), visitor().account_id
    with writing() as work:
        export.note(work, review_id, review["name"])
    lines = export.lines_of(
        account_id,
        review_id,
        secret_key=settings().secret_key,
        issuer=settings().public_url,
    )
    return attachment(lines, export.CONTENT_TYPE, "review.jsonl")


def _read(review_id: str) -> dict[str, Any]:
    found = lists.one(visitor().account_id, review_id, reviewer=visitor().sees_only(MANAGING))
    return existing(found, "review", review_id)


def _tell_who_is_missing(review_id: str) -> None:
    """Say where none of the reviewers may decide."""
    number = lists.left_to_others(visitor().account_id, review_id)
    if number:
        text = _(
            "None of the reviewers may decide %(number)s of these, which they hold themselves: "
            "that is left to other administrators, or to a token.",
            number=number,
        )
        flash(text, "warning")


def _start(work: Work, form: ReviewForm) -> str:
    names = [line.strip() for line in (form.reviewers.data or "").splitlines() if line.strip()]
    ends = form.due_at.moment
    assert ends is not None  # InputRequired
    reviewers = [naming.principal("user", each, "reviewers").id for each in names]
    return start.start(
        work,
        Plan(
            name=form.name.data,
            what=form.what.data,
            target_id=_target(form),
            due_at=ends,
            undecided=form.undecided.data,
            reviewers=reviewers,
        ),
    )


def _target(form: ReviewForm) -> str | None:
    """Return the id of what is reviewed.

    :raises Invalid: When it is not there; at its field.
    """
    what = form.what.data
    if what == "account_roles":
        return None
    named = (form[what].data or "").strip()
    if not named:
        raise Invalid(say("Say which role, folder or group is reviewed."), field=what)
    if what == "folder":
        return naming.folder_at(named, "folder")
    return naming.principal("group", named, "group").id if what == "group" else str(named)
