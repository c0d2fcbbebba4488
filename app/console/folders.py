"""The tree of folders, a branch at a time.

Who sees every folder browses the tree; everybody else sees what is shared with them, under the
names of the folders above. What is not shared does not exist for them.
"""

from __future__ import annotations

from flask import render_template, request

from app.access.folders import VISIBLE
from app.console import asked
from app.console.me import own_branch
from app.console.pages import page, section, visitor
from app.directory import folders
from app.lists import folders as lists

blueprint = section("folders", __name__, "/folders")

SHOWN = 100


@blueprint.get("")
@page()
def tree() -> str:
    """Show a branch of the tree: what lies in the folder ``in``, or in the root."""
    who = visitor()
    if not who.may(VISIBLE):
        return render_template("console/folders/shared.html", branch=own_branch())
    prefix = asked.text("prefix")
    root = folders.root_of(who.account_id)
    branch = asked.id_("in") or root
    who.must(VISIBLE, branch)
    found = lists.listed(
        who.account_id,
        parent=None if prefix else branch,
        prefix=prefix,
        cursor=request.args.get("cursor"),
        limit=SHOWN,
    )
    return render_template(
        "console/folders/tree.html", found=found, branch=branch, root=root, prefix=prefix
    )
