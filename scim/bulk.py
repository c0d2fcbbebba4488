"""Bulk requests: many operations, each kept or undone on its own (RFC 7644 §3.7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
from scim2_models import BulkOperation, Context, Error, Resource, ResourceType
from scim2_server.bulk import BulkPlan, BulkStep
from scim2_server.conditions import Conditions
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse

from scim import bounds, dialects, unknown
from scim.handler import Handler
from scim.unknown import Unknown


class BulkHandler(Handler):
    """Serves one request of one account, bulk requests too."""

    def bulk(self, request: ScimRequest) -> ScimResponse:
        """POST on ``/Bulk``."""
        self.service.ensure_bulk_payload_size(len(request.body))
        payload = self.service.payload(request)
        bounds.check_depth(payload)
        payload = dialects.normalise_bulk(payload, self.service.urns)
        for operations in dialects.patches_in_bulk(payload):
            bounds.check_operations(operations)
        self._sent = dialects.operations_in(payload)
        return super().bulk(replace(request, body=orjson.dumps(payload)))

    def run_bulk_step(
        self, request: ScimRequest, plan: BulkPlan, step: BulkStep
    ) -> tuple[dict[str, Any], Resource[Any] | None]:
        """Apply one operation, and note how it went in the provisioning log."""
        self._step = step
        whole = self.storage.journal
        if whole is not None:
            sent = self._sent[step.index]
            self.storage.journal = whole.operation(
                str(sent.get("method", "")).upper(), str(sent.get("path", ""))
            )
        try:
            result, resource = super().run_bulk_step(request, plan, step)
            if isinstance(result.get("response"), Error):
                self.storage.note_failure(result["response"])
            return result, resource
        finally:
            self.storage.journal = whole

    def apply_bulk_operation(
        self, resource_type: ResourceType, operation: BulkOperation[Resource[Any]]
    ) -> Resource[Any] | None:
        """Apply one validated operation, and return the resource."""
        data: Any = operation.data
        resource_id = operation.resource_id or ""
        sent = self._sent[self._step.index].get("data")
        self.storage.about(resource_type, resource_id, sent)
        if operation.method == BulkOperation.Method.post:
            created = self.storage.create(resource_type, data)
            found = self._unknown(resource_type, sent)
            self.storage.keep_unknown(resource_type, str(created.id), found, replace=True)
            return created
        conditions = Conditions(if_match=operation.version)
        conditions.check(self._etag(resource_type, resource_id), str(operation.method))
        if operation.method == BulkOperation.Method.delete:
            self.storage.delete(resource_type, resource_id)
            return None
        if operation.method == BulkOperation.Method.put:
            self._keep_what_a_put_keeps(resource_type, resource_id, data)
            replaced = self.storage.update(resource_type, data)
            found = self._unknown(resource_type, sent)
            self.storage.keep_unknown(resource_type, resource_id, found, replace=True)
            return replaced
        message = data.model_dump(scim_ctx=Context.RESOURCE_PATCH_REQUEST)
        self._apply_operations(resource_type, resource_id, message["Operations"])
        current: Resource[Any] = self._current(resource_type, resource_id)
        return current

    def _unknown(self, resource_type: ResourceType, sent: Any) -> Unknown:
        if not isinstance(sent, dict):
            return Unknown()
        return unknown.take(self.service.get_model(resource_type), sent)[1]
