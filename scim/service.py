"""The protocol steps of scim2-server where Gatehouse answers in its own way."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from http import HTTPStatus
from typing import Any

import orjson
from pydantic import ValidationError
from scim2_models import (
    Context,
    Error,
    ForbiddenException,
    InvalidSyntaxException,
    NotFoundException,
    PatchOp,
    Resource,
    ResourceType,
    ResponseParameters,
    SCIMException,
    SearchRequest,
)
from scim2_server.errors import MethodNotAllowedException
from scim2_server.requests import ScimRequest
from scim2_server.routing import RESERVED_NAMES, Operation, Target
from scim2_server.service import ScimService, scim_exception_of

from app.store.database import db
from app.store.outages import is_outage
from app.words import say
from scim import bounds, dialects
from scim.authentication import Identity, Person
from scim.projection import Projection
from scim.provider import PROVIDERS, provider_for
from scim.resources import KINDS
from scim.search import Page

_BY_ID = {
    "GET": Operation.query,
    "PUT": Operation.replace,
    "PATCH": Operation.patch,
    "DELETE": Operation.delete,
}
_ENDPOINTS = ("Users", "Groups")
BUSY = "The database is busy. Try again."
PROJECTIONS = 64
"""How many projections a service keeps, each of a list of attributes as it was sent."""
_READS = (Operation.query, Operation.search, Operation.search_with_body)


class GatehouseService(ScimService):
    """Reads requests as clients really send them; answers with documents made elsewhere."""

    @cached_property
    def urns(self) -> frozenset[str]:
        """The schemas there are, in lower case."""
        return frozenset(str(schema.id).lower() for schema in self.provider.schemas)

    @staticmethod
    def error_of(exception: Exception) -> Error:
        """Return the error to answer with; also of one operation of a bulk request."""
        if is_outage(exception, db.engine):
            exception = SCIMException(detail=BUSY)
            exception.status = HTTPStatus.SERVICE_UNAVAILABLE
        return ScimService.error_of(exception)

    @staticmethod
    def match(request: ScimRequest) -> Target:
        """Return what a request asks for; of most, by one look at its path."""
        root, _, rest = request.path.partition("/")
        endpoint, _, resource_id = rest.partition("/")
        operation = _BY_ID.get(request.method)
        if root or endpoint not in _ENDPOINTS or operation is None or not resource_id:
            return ScimService.match(request)
        if "/" in resource_id or resource_id in RESERVED_NAMES:
            return ScimService.match(request)
        return Target(operation, endpoint, resource_id)

    def authorize(self, request: ScimRequest, target: Target, resource_type: ResourceType) -> None:
        """Let a token reach only what its scopes name, and write only what can be written.

        :raises ForbiddenException: When the scope is missing.
        :raises MethodNotAllowedException: When the resource type is read-only.
        """
        identity: Identity = request.subject
        kind = KINDS[str(resource_type.name)]
        if kind.scope not in identity.scopes:
            raise ForbiddenException(
                detail=say("This token lacks the scope '%(scope)s'", scope=kind.scope)
            )
        if not kind.writable and target.operation not in _READS:
            raise MethodNotAllowedException(allowed=["GET"])

    def read_search(
        self, resource_types: list[ResourceType], payload: Any
    ) -> tuple[SearchRequest[Any], Any]:
        """Validate a search that does not ask for too much, its filter put right."""
        if isinstance(payload, dict):
            bounds.check_body(payload)
            bounds.check_search(payload)
            bounds.check_count(payload)
            payload = dialects.normalise_search(payload)
        return super().read_search(resource_types, payload)

    def read_response_parameters(
        self, resource_type: ResourceType, query: Mapping[str, str]
    ) -> ResponseParameters[Any]:
        """Read ``attributes`` and ``excludedAttributes``, unless they name too many."""
        bounds.check_search(query)
        return super().read_response_parameters(resource_type, query)

    def projection(self, resource_type: str, asked: Mapping[str, str]) -> Projection:
        """Return what a response keeps, by ``attributes`` and ``excludedAttributes``.

        :param resource_type: The name of the resource type.
        :raises SCIMException: When they cannot be read.
        """
        key = (resource_type, asked.get("attributes"), asked.get("excludedAttributes"))
        found = self._projections.get(key)
        if found is None:
            type_ = self.get_resource_type(resource_type)
            found = Projection(self.read_response_parameters(type_, asked))
            if len(self._projections) >= PROJECTIONS:
                self._projections.clear()
            self._projections[key] = found
        return found

    @cached_property
    def _projections(self) -> dict[tuple[str, str | None, str | None], Projection]:
        """Those of late: a client asks for the same attributes all the time."""
        return {}

    def cursors_around(
        self, resource_types: list[ResourceType], search: SearchRequest[Any], page: Page
    ) -> dict[str, str]:
        """Return the cursors of the pages around a page, those that there are (RFC 9865 §2)."""
        if search.count == 0:
            return {}
        found = {
            "nextCursor": self._seal(resource_types, search, page.next),
            "previousCursor": self._seal(resource_types, search, page.previous),
        }
        return {name: cursor for name, cursor in found.items() if cursor is not None}

    def me_target(self, request: ScimRequest) -> tuple[ResourceType, str]:
        """Return the user that ``/Me`` stands for (RFC 7644 §3.11).

        :raises NotFoundException: When it is asked with a token.
        """
        if not isinstance(request.subject, Person):
            raise NotFoundException(
                detail=say(
                    "A token stands for a connection, not for a person. "
                    "/Me is read with the session of somebody signed in."
                )
            )
        return self.get_resource_type("User"), request.subject.user_id

    # -- Bodies ----------------------------------------------------------

    def payload(self, request: ScimRequest, values: int = bounds.VALUES) -> dict[str, Any]:
        """Return the decoded JSON object of a request.

        :param values: How many values it may hold.
        :raises InvalidSyntaxException: When the body is not a JSON object.
        :raises SCIMException: When it asks for too much (see ``bounds.check_body``).
        """
        self.ensure_json(request.header("Content-Type"))
        try:
            decoded = orjson.loads(request.body)
        except orjson.JSONDecodeError as error:
            raise InvalidSyntaxException(
                detail=say("The body is not JSON: %(fault)s", fault=str(error))
            ) from None
        if not isinstance(decoded, dict):
            raise InvalidSyntaxException(detail=say("The body must be a JSON object"))
        bounds.check_body(decoded, values)
        return decoded

    def resource_of(
        self, resource_type: ResourceType, payload: dict[str, Any], context: Context
    ) -> Resource[Any]:
        """Validate a resource whose body was put right before.

        :param context: Creation or replacement.
        """
        model = self.get_model(resource_type)
        found: Resource[Any] = _validated(model, payload, context)
        return found

    def patch_of(self, resource_type: ResourceType, operations: list[Any]) -> PatchOp[Any]:
        """Validate the operations of a PATCH."""
        message: Any = PatchOp[self.get_model(resource_type)]  # type: ignore[misc]
        payload = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        }
        found: PatchOp[Any] = _validated(message, payload, Context.RESOURCE_PATCH_REQUEST)
        return found

    @staticmethod
    def apply(patch: PatchOp[Any], resource: Resource[Any]) -> bool:
        """Apply a PATCH, and tell whether it changed anything.

        :raises SCIMException: When it cannot be applied; a value that does not fit is named.
        """
        try:
            return bool(patch.patch(resource))
        except SCIMException as error:
            if isinstance(error.__cause__, ValidationError):
                raise scim_exception_of(error.__cause__) from error
            raise

    def operations_of(self, payload: dict[str, Any]) -> list[Any]:
        """Return the operations of a PATCH, put right.

        :raises InvalidSyntaxException: When there are none.
        """
        operations = payload.get(dialects.operations_key(payload))
        if not isinstance(operations, list) or not operations:
            raise InvalidSyntaxException(detail=say("A PATCH needs a list of 'Operations'"))
        operations = dialects.normalise_operations(operations, self.urns)
        bounds.check_operations(operations)
        return operations


def _validated(model: Any, payload: Any, context: Context) -> Any:
    try:
        return model.model_validate(payload, scim_ctx=context)
    except ValidationError as error:
        raise scim_exception_of(error) from error


def service_for(secret_key: str, account_id: str = "", scim_epoch: int = 0) -> GatehouseService:
    """Return the service of an account, whose cursors are sealed with the secret key.

    :param scim_epoch: Grows when the account's own schemas change; 0 when it has none.
    """
    return _service(secret_key, account_id if scim_epoch else "", scim_epoch)


@lru_cache(PROVIDERS)
def _service(secret_key: str, account_id: str, scim_epoch: int) -> GatehouseService:
    return GatehouseService(provider_for(account_id, scim_epoch), secret=secret_key)
