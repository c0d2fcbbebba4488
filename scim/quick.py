"""What providers read most, the short way: one resource, a look-up by one value, a plain page.

The answers are those of ``scim.handler``, which serves whatever is in any way out of the
ordinary, refusals too: here that is None. A test holds both ways to the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import Response
from orjson import Fragment
from scim2_models import ListResponse, SCIMException

from app.security.requests import current_request
from app.store.reading import reading
from app.web import ReadyResponse
from scim import lookups, pages
from scim.authentication import Identity, Person
from scim.projection import Document, Projection
from scim.provider import DEFAULT_RESULTS, MAX_RESULTS
from scim.rendering import View, written
from scim.resources import KINDS
from scim.resources.kind import Kind
from scim.schemas import SEEN_FOLDERS
from scim.serving import base_url, service_of

_ENDPOINTS: dict[str, Kind] = {"Users": KINDS["User"], "Groups": KINDS["Group"]}
_SHAPES = frozenset({"attributes", "excludedAttributes"})
_PAGES = _SHAPES | {"filter", "startIndex", "count"}
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
AT_ONCE = 200
"""So many documents of a page are in memory at a time; the others are JSON by then, or to come."""
_LIST_SCHEMAS = [str(ListResponse.__schema__)]


def answer(path: str, identity: Identity) -> Response | None:
    """Return the answer to a GET; None where the usual way must find it.

    :param path: Under the SCIM root.
    """
    endpoint, _, resource_id = path.partition("/")
    kind = _ENDPOINTS.get(endpoint)
    if kind is None or isinstance(identity, Person) or kind.scope not in identity.scopes:
        return None
    sent = current_request()
    environ = sent.environ
    if "HTTP_IF_MATCH" in environ or "HTTP_IF_NONE_MATCH" in environ:
        return None
    asked: Any = sent.args if environ["QUERY_STRING"] else {}
    if not (_SHAPES if resource_id else _PAGES).issuperset(asked):
        return None
    projection = _projection(kind, identity, asked)
    if projection is None:
        return None
    view = View(identity.account_id, base_url(), projection)
    if resource_id:
        return _resource(kind, view, resource_id)
    with reading():
        return _page(kind, view, asked)


def _projection(kind: Kind, identity: Identity, asked: Any) -> Projection | None:
    if not asked:
        return _EVERYTHING
    wanted = {name: asked[name] for name in _SHAPES if name in asked}
    if not wanted:
        return _EVERYTHING
    try:
        return service_of(identity).projection(kind.name, wanted)
    except SCIMException:
        return None


def _resource(kind: Kind, view: View, resource_id: str) -> Response | None:
    found = kind.documents(view, [resource_id])
    if not found:
        return None
    document = found[0]
    meta = document["meta"]
    headers = {"Content-Location": meta["location"], "ETag": meta["version"]}
    return _response(view.projection.apply(kind.schema, document), headers)


def _page(kind: Kind, view: View, asked: Any) -> Response | None:
    count, start = asked.get("count", str(DEFAULT_RESULTS)), asked.get("startIndex", "1")
    if not _NUMBER.fullmatch(count) or not _NUMBER.fullmatch(start):
        return None
    if view.projection.requests(SEEN_FOLDERS):
        return None
    first, limit = int(start), min(int(count), MAX_RESULTS)
    if "filter" in asked:
        grouped = view.projection.keeps(kind.schema, "groups")
        rows = lookups.rows(kind, view.account_id, asked["filter"], limit + 1, grouped=grouped)
        if rows is None or len(rows) > limit or first != 1:
            return None
        return _listed(_kept(kind, view, kind.rendered(view, rows)), len(rows), len(rows), 1)
    total, ids = pages.page(kind, view.account_id, first, limit)
    resources: list[Any] = []
    count = 0
    for place in range(0, len(ids), AT_ONCE):
        documents = _kept(kind, view, kind.documents(view, ids[place : place + AT_ONCE]))
        count += len(documents)
        resources += documents if len(ids) <= AT_ONCE else _as_json(documents)
    return _listed(resources, count, total, first)


def _kept(kind: Kind, view: View, documents: list[Document]) -> list[Document]:
    return [view.projection.apply(kind.schema, each) for each in documents]


def _as_json(documents: list[Document]) -> list[Fragment]:
    """Return the documents as one piece of JSON, with commas between them; none for none."""
    return [Fragment(written(documents)[1:-1])] if documents else []


def _listed(resources: Sequence[Any], count: int, total: int, first: int) -> Response:
    """Return a page.

    :param resources: Documents, or pieces of JSON that hold some each.
    :param count: How many documents these are.
    """
    return _response(
        {
            "schemas": _LIST_SCHEMAS,
            "totalResults": total,
            "startIndex": first,
            "itemsPerPage": count,
            "Resources": resources,
        },
        {},
    )


def _response(document: Document, headers: dict[str, str]) -> Response:
    return ReadyResponse(written(document), headers, "application/scim+json")


_EVERYTHING = Projection()
