"""What rendering a document takes, whichever resource type it is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from app.store.prepared import ByIds
from scim.projection import Document, Projection


def etag(version: int) -> str:
    """Return the entity tag of a version."""
    return f'W/"{version}"'


class View:
    """One account, as one response shows it.

    What the projection does not keep and costs a query is not loaded; the rest is for
    ``Projection.apply`` to leave out.

    :param base_url: The SCIM root as the client sees it, without a slash at its end.
    :param members_limit: Leave out the members of the one group if it has more; None: never.
    """

    def __init__(
        self,
        account_id: str,
        base_url: str,
        projection: Projection | None = None,
        members_limit: int | None = None,
    ) -> None:
        self.account_id = account_id
        self.base_url = base_url
        self.projection = projection or Projection()
        self.members_limit = members_limit

    def rows(self, query: ByIds, ids: Sequence[str], **more: Any) -> list[Any]:
        """Return the rows of these ids."""
        return query.rows(self.account_id, ids, **more)

    def head(self, name: str, schemas: list[str], row: Any) -> Document:
        """Return what every document begins with.

        :param row: Has ``id``, ``external_id``, ``created_at``, ``updated_at`` and ``version``.
        """
        document: Document = {"schemas": schemas, "id": row.id}
        if row.external_id:
            document["externalId"] = row.external_id
        document["meta"] = {
            "resourceType": name,
            "created": row.created_at,
            "lastModified": row.updated_at or row.created_at,
            "location": self.location(name, row.id),
            "version": etag(row.version),
        }
        return document

    def location(self, name: str, resource_id: str) -> str:
        """Return the URI of a resource."""
        return f"{self.base_url}/{name}s/{resource_id}"


def written(document: Document | list[Document]) -> bytes:
    """Return the JSON of a document, or of several.

    Times in it are dateTimes in UTC (RFC 7643 §2.3.5).
    """
    return orjson.dumps(document, option=orjson.OPT_UTC_Z)
