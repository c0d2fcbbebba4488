"""Drift: who a provider exports, compared with who came through its connection, and mended."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField, SelectField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired

from app.console import asked, operations
from app.console.pages import attempt, note, page, section, visitor
from app.directory.drift import start
from app.directory.drift.reading import Export, look_through
from app.directory.drift.start import COUNTS, FIXED, KIND, KINDS, deactivates
from app.directory.errors import DirectoryError
from app.downloads import attachment
from app.lists import connections, spreadsheets
from app.lists import drift as rows
from app.lists import operations as lists

blueprint = section("drift", __name__, "/drift")

SHOWN = 50
OF_EACH = 100
"""How many of each kind a report shows."""
PROBLEMS_SHOWN = 50
CONNECTIONS_SHOWN = 500


class ExportForm(FlaskForm):
    connection = SelectField(_l("Connection"), [InputRequired()])
    file = FileField(
        _l("File"), [FileRequired()], description=_l("A table as CSV, or SCIM resources as JSON.")
    )


class FixForm(FlaskForm):
    many = BooleanField(_l("Deactivate them even if they are more than half"))


@blueprint.get("")
@page("user.manage")
def listed() -> str:
    """List the reports, those of others too."""
    found = lists.listed(visitor().account_id, KIND, cursor=request.args.get("cursor"), limit=SHOWN)
    return render_template("console/drift/list.html", found=found)


@blueprint.route("/new", methods=["GET", "POST"])
@page("user.manage")
def new() -> str | BaseResponse:
    """Take what a provider exports, and compare it."""
    form = ExportForm(connection=asked.id_("connection"))
    there = connections.listed(visitor().account_id, limit=CONNECTIONS_SHOWN).items
    form.connection.choices = [SelectChoice(each["id"], each["name"]) for each in there]
    if form.validate_on_submit():
        export = _looked_through(form)
        if export is not None:
            with export.lines:
                connection_id = form.connection.data
                made = attempt(form, lambda work: start.start(work, connection_id, export))
            if made is not None:
                return redirect(url_for("drift.shown", report_id=made), 303)
    return render_template("console/drift/new.html", form=form)


@blueprint.get("/<report_id>")
@page("user.manage")
def shown(report_id: str) -> str:
    """Show what differs, or what became of mending it."""
    return _page(_read(report_id), FixForm())


@blueprint.post("/<report_id>/fix")
@page("user.manage")
def fix(report_id: str) -> str | BaseResponse:
    """Make the people here what the report says."""
    report, form = _read(report_id), FixForm()
    many = bool(form.many.data)
    made = attempt(form, lambda work: start.fix(work, report_id, many=many))
    if made is None:
        return _page(report, form)
    return redirect(url_for("drift.shown", report_id=made), 303)


@blueprint.post("/<report_id>/cancel")
@page("user.manage")
def cancel(report_id: str) -> BaseResponse:
    """Stop comparing or mending. What is done stays."""
    _read(report_id)
    operations.cancel(report_id)
    return redirect(url_for("drift.shown", report_id=report_id), 303)


@blueprint.get("/<report_id>/drift.csv")
@page("user.manage")
def table(report_id: str) -> Response:
    """Hand out all that differs."""
    _read(report_id)
    lines = rows.as_csv(visitor().account_id, report_id, in_words=True)
    return attachment(lines, spreadsheets.CONTENT_TYPE, "drift.csv")


@blueprint.get("/<report_id>/problems.csv")
@page("user.manage")
def problems(report_id: str) -> Response:
    """Hand out the rows that were refused."""
    _read(report_id)
    return operations.problems(report_id)


def _read(report_id: str) -> dict[str, Any]:
    return operations.read(KIND, "drift report", report_id)


def _page(report: dict[str, Any], form: FixForm) -> str:
    account_id, is_fix = visitor().account_id, report["options"]["fix"]
    done = report["state"] == "done" and not is_fix
    return render_template(
        "console/drift/report.html",
        operation=report,
        form=form,
        counts=dict.fromkeys(FIXED if is_fix else COUNTS, 0) | report["counts"],
        found={
            kind: rows.rows(account_id, report["id"], kind=kind, limit=OF_EACH) if done else []
            for kind in KINDS
        },
        deactivates=deactivates(report["options"], report["counts"]),
        problems=lists.problems(account_id, report["id"], limit=PROBLEMS_SHOWN),
    )


def _looked_through(form: ExportForm) -> Export | None:
    """Read the file that was sent once; None where it is none, which the form says then."""
    try:
        # Before the transaction: it may take a while, and everybody's writes would wait.
        return look_through(operations.name_of(form.file.data), form.file.data.stream)
    except DirectoryError as error:
        note(form, error)
        return None
