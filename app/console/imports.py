"""Imports of people: a file tried first, then done, with a bar that can be left and found again."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from werkzeug.wrappers import Response as BaseResponse
from wtforms import BooleanField, RadioField
from wtforms.fields import SelectChoice

from app.console import operations
from app.console.pages import attempt, note, page, section, visitor, writing
from app.directory.errors import DirectoryError
from app.directory.imports import start
from app.directory.imports.start import COUNTS, KIND, File, Options
from app.lists import operations as lists

blueprint = section("imports", __name__, "/imports")

SHOWN = 50
PROBLEMS_SHOWN = 50
GROUPS = {
    "add": _l("put people into the groups of their row"),
    "exactly": _l("the same, and take them out of other groups that the file names"),
    "ignore": _l("leave groups alone"),
}


class ImportForm(FlaskForm):
    file = FileField(_l("File"), [FileRequired()], description=_l("A table as CSV, in UTF-8."))
    groups = RadioField(
        _l("Groups"), choices=[SelectChoice(*each) for each in GROUPS.items()], default="add"
    )
    create_groups = BooleanField(_l("Make groups that are not there yet"), default=True)


@blueprint.get("")
@page("user.manage")
def listed() -> str:
    """List the imports, those of others too."""
    found = lists.listed(visitor().account_id, KIND, cursor=request.args.get("cursor"), limit=SHOWN)
    return render_template("console/imports/list.html", found=found)


@blueprint.route("/new", methods=["GET", "POST"])
@page("user.manage")
def new() -> str | BaseResponse:
    """Take a file, and try what it would do."""
    may_group = visitor().may("group.manage")
    form = ImportForm(groups="add" if may_group else "ignore")
    if not may_group:
        form.groups.choices = [SelectChoice("ignore", GROUPS["ignore"])]
    if form.validate_on_submit():
        file = _looked_through(form)
        if file is not None:
            options = Options(form.groups.data, form.create_groups.data, trial=True)
            made = attempt(form, lambda work: start.start(work, file, options))
            if made is not None:
                return redirect(url_for("imports.shown", operation_id=made), 303)
    return render_template("console/imports/new.html", form=form)


@blueprint.get("/<operation_id>")
@page("user.manage")
def shown(operation_id: str) -> str:
    """Show how far an import is, and what came of it."""
    found = _read(operation_id)
    problems = lists.problems(visitor().account_id, operation_id, limit=PROBLEMS_SHOWN)
    return render_template(
        "console/imports/import.html",
        operation=found,
        counts=dict.fromkeys(COUNTS, 0) | found["counts"],
        groups=GROUPS,
        problems=problems,
    )


@blueprint.post("/<operation_id>/start")
@page("user.manage")
def do(operation_id: str) -> BaseResponse:
    """Do what was tried."""
    _read(operation_id)
    with writing() as work:
        made = start.in_earnest(work, operation_id)
    return redirect(url_for("imports.shown", operation_id=made), 303)


@blueprint.post("/<operation_id>/cancel")
@page("user.manage")
def cancel(operation_id: str) -> BaseResponse:
    """Stop an import. What it has done stays."""
    _read(operation_id)
    operations.cancel(operation_id)
    return redirect(url_for("imports.shown", operation_id=operation_id), 303)


@blueprint.get("/<operation_id>/problems.csv")
@page("user.manage")
def problems(operation_id: str) -> Response:
    """Hand out the rows that were refused."""
    _read(operation_id)
    return operations.problems(operation_id)


def _read(operation_id: str) -> dict[str, Any]:
    return operations.read(KIND, "import", operation_id)


def _looked_through(form: ImportForm) -> File | None:
    """Read the file that was sent once; None where it is none, which the form says then."""
    try:
        # Before the transaction: it may take a while, and everybody's writes would wait.
        return start.look_through(operations.name_of(form.file.data), form.file.data.stream)
    except DirectoryError as error:
        note(form, error)
        return None
