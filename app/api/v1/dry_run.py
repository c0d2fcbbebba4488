"""``Prefer: dry-run`` (RFC 7240) on a write: what it would change, and nothing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from typing import Any, ParamSpec

import orjson
from flask import Response, g, request

from app.access.difference import UserChange
from app.api.callers import caller
from app.directory.preview import Preview, preview
from app.directory.work import Work

P = ParamSpec("P")
PREFERENCE = "dry-run"
EVENTS_SHOWN = 1000


def previewable(view: Callable[P, Any]) -> Callable[P, Any]:
    """Let a view that writes to the store, and does nothing else, be asked for a dry run.

    The answer says what the view would have answered (``status``, ``answer``), the audit events
    it would have written (``changes``), and who would gain or lose which roles and folders
    (``access``).
    """

    @wraps(view)
    def answered(*args: P.args, **kwargs: P.kwargs) -> Any:
        if PREFERENCE not in request.headers.get("Prefer", "").replace(" ", "").split(","):
            return view(*args, **kwargs)
        who = caller()

        def write(work: Work) -> Response:
            g.undone_work = work
            try:
                response: Response = view(*args, **kwargs)
                return response
            finally:
                del g.undone_work

        seen = preview(who.account_id, who.actor, write)
        return Response(
            orjson.dumps(_document(seen)),
            content_type="application/json",
            headers={"Preference-Applied": PREFERENCE},
        )

    answered.previewable = True  # type: ignore[attr-defined]  # the documentation says it
    return answered


def _document(seen: Preview[Response]) -> dict[str, Any]:
    return {
        "status": seen.result.status_code,
        "answer": seen.result.get_json(silent=True),
        "changes": [_event(event) for event in seen.events[:EVENTS_SHOWN]],
        "access": [_change(change) for change in seen.access.changes],
        "truncated": seen.access.truncated or len(seen.events) > EVENTS_SHOWN,
    }


def _event(event: dict[str, Any]) -> dict[str, Any]:
    target = {name: event[f"target_{name}"] for name in ("type", "id", "name")}
    return {name: event[name] for name in ("action", "before", "after")} | {"target": target}


def _change(change: UserChange) -> dict[str, Any]:
    return {
        "user": {"id": change.user_id, "name": change.user_name},
        "gained_roles": sorted(change.gained_roles),
        "lost_roles": sorted(change.lost_roles),
        "gained_folders": [asdict(folder) for folder in change.gained_folders],
        "lost_folders": [asdict(folder) for folder in change.lost_folders],
    }
