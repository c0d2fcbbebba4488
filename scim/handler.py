"""Each SCIM operation, whole: read the request, write, answer with a document."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import orjson
from scim2_models import (
    BulkOperation,
    Context,
    ListResponse,
    Resource,
    ResourceType,
    SearchRequest,
)
from scim2_server.conditions import Conditions
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation, Target
from scim2_server.storage import SearchPage

from scim import bounds, dialects, members
from scim.projection import Document, Projection
from scim.rendering import etag
from scim.search import LAST_INDEX
from scim.service import GatehouseService
from scim.storage import DirectoryStorage

MEMBERS_IN_PATCH_REPLY = 100
"""A PATCH of a larger group answers without ``members``, so that its cost does not grow."""


class Handler(ScimHandler):
    """Serves one request of one account."""

    service: GatehouseService
    storage: DirectoryStorage

    def create(self, request: ScimRequest) -> ScimResponse:
        """POST (RFC 7644 §3.3)."""
        with self.service.provider:
            _, resource_type = self._target(request, Operation.create)
            payload = self.service.payload(request)
            member_ids = members.take(payload) if resource_type.name == "Group" else []
            resource = self.service.resource_of(
                resource_type, payload, Context.RESOURCE_CREATION_REQUEST
            )
            with self.storage.operation():
                created = self.storage.insert(resource_type, resource, member_ids)
            return self._answer(request, resource_type, created, status=HTTPStatus.CREATED)

    def query(self, request: ScimRequest) -> ScimResponse:
        """GET of one resource (RFC 7644 §3.4.1)."""
        with self.service.provider:
            target, resource_type = self._target(request, Operation.query)
            resource_id = cast(str, target.resource_id)
            conditions = self.service.read_conditions(request)
            if conditions.if_match or conditions.if_none_match:
                version = etag(self.storage.version(resource_type, resource_id))
                if not conditions.check(version, "GET"):
                    return ScimResponse(HTTPStatus.NOT_MODIFIED, None, {"ETag": version})
            return self._answer(request, resource_type, resource_id)

    def replace(self, request: ScimRequest) -> ScimResponse:
        """PUT (RFC 7644 §3.5.1). Only what differs is written."""
        with self.service.provider:
            target, resource_type = self._target(request, Operation.replace)
            resource_id = cast(str, target.resource_id)
            payload = self.service.payload(request)
            is_group = resource_type.name == "Group"
            member_ids = members.take(payload) if is_group else []
            with self.storage.operation():
                self._check_conditions(request, resource_type, resource_id)
                resource = self.service.resource_of(
                    resource_type, payload, Context.RESOURCE_REPLACEMENT_REQUEST
                )
                self._keep_what_a_put_keeps(resource_type, resource_id, resource)
                if is_group:
                    self.storage.write_group(resource)
                    self.storage.set_members(resource_id, member_ids)
                else:
                    self.storage.write_user(resource)
            return self._answer(request, resource_type, resource_id)

    def patch(self, request: ScimRequest) -> ScimResponse:
        """PATCH (RFC 7644 §3.5.2). Answers 200 with the resource."""
        with self.service.provider:
            target, resource_type = self._target(request, Operation.patch)
            resource_id = cast(str, target.resource_id)
            operations = self.service.operations_of(self.service.payload(request))
            with self.storage.operation():
                self._check_conditions(request, resource_type, resource_id)
                self._apply_operations(resource_type, resource_id, operations)
            return self._answer(
                request, resource_type, resource_id, members_limit=MEMBERS_IN_PATCH_REPLY
            )

    def delete(self, request: ScimRequest) -> ScimResponse:
        """DELETE (RFC 7644 §3.6)."""
        with self.service.provider:
            target, resource_type = self._target(request, Operation.delete)
            resource_id = cast(str, target.resource_id)
            with self.storage.operation():
                self._check_conditions(request, resource_type, resource_id)
                self.storage.delete(resource_type, resource_id)
            return self.service.deletion_response()

    def search(self, request: ScimRequest) -> ScimResponse:
        """GET of a list, of one resource type or at the root (RFC 7644 §3.4.2)."""
        with self.service.provider:
            resource_types, authorized = self._searched(request, Operation.search)
            found = self.service.read_search_query(resource_types, request.query)
            return self._list(request, resource_types, authorized, *found)

    def search_with_body(self, request: ScimRequest) -> ScimResponse:
        """POST on ``.search``, of one resource type or at the root (RFC 7644 §3.4.3)."""
        with self.service.provider:
            resource_types, authorized = self._searched(request, Operation.search_with_body)
            found = self.service.read_search_body(
                resource_types, request.body, request.header("Content-Type")
            )
            return self._list(request, resource_types, authorized, *found)

    def bulk(self, request: ScimRequest) -> ScimResponse:
        """POST on ``/Bulk`` (RFC 7644 §3.7). Each operation is kept or undone on its own."""
        self.service.ensure_bulk_payload_size(len(request.body))
        payload = dialects.normalise_bulk(self.service.payload(request))
        for operations in dialects.patches_in_bulk(payload):
            bounds.check_operations(operations)
        return super().bulk(replace(request, body=orjson.dumps(payload)))

    def apply_bulk_operation(
        self, resource_type: ResourceType, operation: BulkOperation[Resource[Any]]
    ) -> Resource[Any] | None:
        """Apply one validated operation of a bulk request, and return the resource."""
        data: Any = operation.data
        resource_id = operation.resource_id or ""
        if operation.method == BulkOperation.Method.post:
            return self.storage.create(resource_type, data)
        conditions = Conditions(if_match=operation.version)
        version = etag(self.storage.version(resource_type, resource_id))
        conditions.check(version, str(operation.method))
        if operation.method == BulkOperation.Method.delete:
            self.storage.delete(resource_type, resource_id)
            return None
        if operation.method == BulkOperation.Method.put:
            self._keep_what_a_put_keeps(resource_type, resource_id, data)
            return self.storage.update(resource_type, data)
        message = data.model_dump(scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        self._apply_operations(resource_type, resource_id, message["Operations"])
        current: Resource[Any] = self._current(resource_type, resource_id)
        return current

    # -- Steps ------------------------------------------------------------

    def _target(self, request: ScimRequest, operation: Operation) -> tuple[Target, ResourceType]:
        target = self.service.route(request, operation)
        resource_type = self.service.resource_type_at(cast(str, target.endpoint))
        self.service.authorize(request, target, resource_type)
        return target, resource_type

    def _searched(
        self, request: ScimRequest, operation: Operation
    ) -> tuple[list[ResourceType], list[ResourceType]]:
        """Return the resource types of a search, and those of them the token may reach."""
        target = self.service.route(request, operation)
        resource_types = self.service.searched_types(target.endpoint)
        return resource_types, self.service.authorized_types(request, target, resource_types)

    def _check_conditions(
        self, request: ScimRequest, resource_type: ResourceType, resource_id: str
    ) -> None:
        """Refuse a write whose ``If-Match`` does not hold. Unknown resources end here too."""
        version = self.storage.version(resource_type, resource_id)
        self.service.read_conditions(request).check(etag(version), request.method)

    def _keep_what_a_put_keeps(
        self, resource_type: ResourceType, resource_id: str, resource: Any
    ) -> None:
        """Carry over what a PUT cannot change, and ``active`` when it leaves it out.

        So a PUT without ``active`` never lets a deactivated person in again.
        """
        current = self._current(resource_type, resource_id)
        resource.replace(current)
        if resource_type.name == "User" and resource.active is None:
            resource.active = current.active

    def _apply_operations(
        self, resource_type: ResourceType, resource_id: str, operations: list[Any]
    ) -> None:
        """Apply the operations of a PATCH, those on members without loading the members."""
        changes: list[members.Change] = []
        if resource_type.name == "Group":
            changes, operations = members.split(operations)
        self._patch(resource_type, resource_id, operations)
        load = partial(self.storage.get, resource_type, resource_id)
        members.apply(self.storage.work, resource_id, changes, load)

    def _patch(self, resource_type: ResourceType, resource_id: str, operations: list[Any]) -> None:
        if not operations:
            return
        patch = self.service.patch_of(resource_type, operations)
        resource = self._current(resource_type, resource_id)
        if not patch.patch(resource):
            return
        if resource_type.name == "Group":
            self.storage.write_group(resource)
        else:
            self.storage.write_user(resource)

    def _current(self, resource_type: ResourceType, resource_id: str) -> Any:
        """Return a stored resource to apply a change to; a group comes without its members."""
        without = {"excludedAttributes": "members" if resource_type.name == "Group" else "groups"}
        parameters = self.service.read_response_parameters(resource_type, without)
        return self.storage.get(resource_type, resource_id, response_parameters=parameters)

    def _answer(
        self,
        request: ScimRequest,
        resource_type: ResourceType,
        resource_id: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        members_limit: int | None = None,
    ) -> ScimResponse:
        parameters = self.service.read_response_parameters(resource_type, request.query)
        projection = Projection(parameters)
        document = self.storage.document(resource_type, resource_id, projection, members_limit)
        location, version = document["meta"]["location"], document["meta"]["version"]
        headers = {"Content-Location": location, "ETag": version}
        if status is HTTPStatus.CREATED:
            headers["Location"] = location
        return ScimResponse(status, projection.apply(schema_of(resource_type), document), headers)

    def _list(
        self,
        request: ScimRequest,
        resource_types: list[ResourceType],
        authorized: list[ResourceType],
        search_request: SearchRequest[Any],
        position: Any,
    ) -> ScimResponse:
        projection = Projection(search_request)
        page, found = self.storage.page(authorized, search_request, projection, position)
        documents = [projection.apply(document["schemas"][0], document) for document in found]
        # RFC 7644 lets an empty list leave Resources out; Okta and Entra want it.
        filled: Document = {"itemsPerPage": len(documents), "Resources": documents}
        if search_request.cursor is not None:
            empty = SearchPage(page.total, [], page.next, page.previous)
            answer = self.service.search_response(
                request.base_url, resource_types, empty, search_request
            )
            return ScimResponse(HTTPStatus.OK, (answer.body or {}) | filled)
        head: Document = {
            "schemas": [str(ListResponse.__schema__)],
            "totalResults": page.total,
            "startIndex": min(search_request.start_index or 1, LAST_INDEX),
        }
        return ScimResponse(HTTPStatus.OK, head | filled)


def schema_of(resource_type: ResourceType) -> str:
    """Return the URN of the core schema of a resource type."""
    return str(resource_type.schema_)
