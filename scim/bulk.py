"""Bulk requests: many operations, each kept or undone on its own (RFC 7644 §3.7).

Runs of plain operations are written together (see ``runs``): it comes to the same as one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import orjson
from scim2_models import (
    BulkOperation,
    BulkResponse,
    Context,
    Error,
    Resource,
    ResourceType,
    SCIMException,
)
from scim2_server.bulk import BulkPlan, BulkStep
from scim2_server.conditions import Conditions
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.routing import Operation
from scim2_server.service import BULK_SUCCESS_STATUS

from app.directory import growth
from scim import bounds, dialects, plain, runs, unknown
from scim.errors import scim_exception
from scim.handler import Handler
from scim.plain import Plain
from scim.projection import Document
from scim.provider import BULK_OPERATIONS
from scim.rendering import etag
from scim.runs import Outcome, Plan, Written
from scim.unknown import Unknown


class BulkHandler(Handler):
    """Serves one request of one account, bulk requests too."""

    def bulk(self, request: ScimRequest) -> ScimResponse:
        """POST on ``/Bulk``."""
        self.service.ensure_bulk_payload_size(len(request.body))
        payload = self.service.payload(request, bounds.BULK * bounds.VALUES)
        self.comparisons_left = bounds.BULK * bounds.COMPARISONS
        with self.service.provider:
            self.service.route(request, Operation.bulk)
            plan = self._plan(request, payload)
            for steps in runs.portions(plan):
                if plan.stopped:
                    break
                if not self._run(request, plan, steps):
                    self._one_by_one(request, plan, steps)
            if len(plan.steps) > runs.AT_ONCE:
                growth.notice(len(plan.steps))
            return ScimResponse(HTTPStatus.OK, document(plan.outcomes()))

    # -- Reading ----------------------------------------------------------

    def _plan(self, request: ScimRequest, payload: Document) -> Plan:
        """Read the operations: the plain ones from their JSON, the others by scim2-models."""
        key = dialects.operations_key(payload)
        sent: Any = payload.get(key)
        found = self._plain(request, sent)
        if not any(found):
            plan, self._sent = self._validated(request, payload)
            return plan
        # One is read in any case, for what is said beside the operations.
        others = [each for each, known in zip(sent, found, strict=True) if not known] or sent[:1]
        rest, sent_rest = self._validated(request, payload | {key: others})
        read, put_right = iter(rest.operations), iter(sent_rest)
        pairs = zip(sent, found, strict=True)
        self._sent = [each if known else next(put_right) for each, known in pairs]
        merged: list[Any] = [known or next(read) for known in found]
        return Plan(merged, rest.fail_on_errors)

    def _plain(self, request: ScimRequest, sent: Any) -> list[Plain | None]:
        """Return the operations that are plain; None in the place of others."""
        if not isinstance(sent, list) or len(sent) > BULK_OPERATIONS:
            return []
        # With schemas of its own an account may ask for more; a preview shows each for itself.
        if request.subject.scim_epoch or self.storage.is_preview:
            return []
        return [plain.read(each) for each in sent]

    def _validated(self, request: ScimRequest, payload: Document) -> tuple[Plan, list[Document]]:
        """Read operations by scim2-models, and return them also as they were sent, put right."""
        payload = dialects.normalise_bulk(payload, self.service.urns)
        bounds.check_bulk(dialects.patches_in_bulk(payload))
        read = self.service.read_bulk(orjson.dumps(payload), request.header("Content-Type"))
        return Plan(read.operations, read.fail_on_errors), dialects.operations_in(payload)

    # -- Applying ---------------------------------------------------------

    def _run(self, request: ScimRequest, plan: Plan, steps: Sequence[BulkStep]) -> bool:
        """Write a run of plain operations; return False where each is to be tried for itself."""
        if not all(map(plan.is_plain, steps)):
            return False
        operations = [plan.operations[step.index] for step in steps]
        resource_type = self.service.route_bulk_operation(operations[0])
        assert resource_type is not None
        try:
            self.service.authorize_bulk_operation(request, operations[0], resource_type)
        except SCIMException:
            return False
        limit = plan.fail_on_errors
        refusals = None if limit is None else max(limit - plan.errors, 1)
        outcomes = runs.write(self.storage, resource_type, operations, refusals)
        if outcomes is None:
            return False
        for step, operation, outcome in zip(steps, operations, outcomes, strict=False):
            result = self._result(request, resource_type, operation, outcome)
            made: Any = outcome if isinstance(outcome, Written) else None
            plan.record(step, result, made)
        return True

    def _result(
        self, request: ScimRequest, resource_type: ResourceType, operation: Plain, outcome: Outcome
    ) -> dict[str, Any]:
        begun: dict[str, Any] = {"method": operation.method, "bulk_id": operation.bulk_id}
        id_ = outcome.id if isinstance(outcome, Written) else operation.resource_id
        if id_ is not None:
            location = self.service.resource_location(request.base_url, resource_type, id_)
            begun["location"] = location
        if not isinstance(outcome, Written):
            return self.service.bulk_failure(begun, scim_exception(outcome))
        status = BULK_SUCCESS_STATUS[operation.method]
        return begun | {"version": etag(outcome.version), "status": status}

    def _one_by_one(self, request: ScimRequest, plan: Plan, steps: Sequence[BulkStep]) -> None:
        unread = [each for each in steps if isinstance(plan.operations[each.index], Plain)]
        if unread:
            sent = {"Operations": [self._sent[each.index] for each in unread]}
            read, _ = self._validated(request, sent)
            for step, operation in zip(unread, read.operations, strict=True):
                plan.operations[step.index] = operation
        for step in steps:
            if plan.stopped:
                return
            plan.record(step, *self.run_bulk_step(request, plan, step))

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


def document(outcomes: Sequence[dict[str, Any]]) -> Document:
    """Return the answer of a bulk request, as scim2-models writes it (RFC 7644 §3.7)."""
    operations = []
    for outcome in outcomes:
        found = {
            "method": outcome["method"],
            "bulkId": outcome["bulk_id"],
            "version": outcome.get("version"),
            "location": outcome.get("location"),
            "response": outcome.get("response"),
            "status": str(int(outcome["status"])),
        }
        if found["response"] is not None:
            found["response"] = found["response"].model_dump()
        operations.append({name: each for name, each in found.items() if each is not None})
    return {"schemas": [str(BulkResponse.__schema__)], "Operations": operations}
