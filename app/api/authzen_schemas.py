"""What the decision API is asked, as the AuthZEN Authorization API 1.0 describes it (§5 to §8).

Members it does not know are ignored, as the specification wants ("receivers MUST ignore unknown
fields").
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from app.access.decisions import QUESTIONS_LIMIT

LONGEST_NAME = 200
LONGEST_ID = 20_000
"""A path may be 64 names long."""
SHORT = validate.Length(max=LONGEST_NAME)
ANY_ID = validate.Length(max=LONGEST_ID)
LONGEST_TOKEN = 2_000
SEMANTICS = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")


class Lenient(Schema):
    class Meta:
        unknown = EXCLUDE


class TypeSchema(Lenient):
    """What is searched for: only its type counts."""

    type = fields.String(required=True, validate=SHORT)


class EntitySchema(TypeSchema):
    """A subject or a resource."""

    id = fields.String(required=True, validate=ANY_ID)


class ActionSchema(Lenient):
    name = fields.String(required=True, validate=SHORT)


class PartialEvaluationSchema(Lenient):
    """An evaluation, or the defaults of several."""

    subject = fields.Nested(EntitySchema)
    action = fields.Nested(ActionSchema)
    resource = fields.Nested(EntitySchema)
    context = fields.Dict()


class EvaluationSchema(PartialEvaluationSchema):
    subject = fields.Nested(EntitySchema, required=True)
    action = fields.Nested(ActionSchema, required=True)
    resource = fields.Nested(EntitySchema, required=True)


class OptionsSchema(Lenient):
    evaluations_semantic = fields.String(
        load_default=SEMANTICS[0], validate=validate.OneOf(SEMANTICS)
    )


class EvaluationsSchema(PartialEvaluationSchema):
    evaluations = fields.List(
        fields.Nested(PartialEvaluationSchema), validate=validate.Length(max=QUESTIONS_LIMIT)
    )
    options = fields.Nested(OptionsSchema)

    @validates_schema
    def _is_complete(self, data: dict[str, object], **_: object) -> None:
        """Refuse an evaluation that lacks what has no default either (§7.1.1)."""
        listed = data.get("evaluations")
        each_in: list[dict[str, object]] = listed if isinstance(listed, list) else []
        missing = {}
        for place, one in enumerate(each_in or [data]):
            names = {"subject", "action", "resource"} - one.keys() - data.keys()
            if names:
                missing[place] = {name: ["Missing data for required field."] for name in names}
        if missing:
            raise ValidationError({"evaluations": missing} if each_in else missing[0])


class PageSchema(Lenient):
    token = fields.String(validate=validate.Length(max=LONGEST_TOKEN))
    limit = fields.Integer(strict=True, validate=validate.Range(min=0))


class SearchSchema(Lenient):
    """What all three searches have; each lacks the id of what it looks for."""

    context = fields.Dict()
    page = fields.Nested(PageSchema, load_default={})


class SubjectSearchSchema(SearchSchema):
    subject = fields.Nested(TypeSchema, required=True)
    action = fields.Nested(ActionSchema, required=True)
    resource = fields.Nested(EntitySchema, required=True)


class ResourceSearchSchema(SearchSchema):
    subject = fields.Nested(EntitySchema, required=True)
    action = fields.Nested(ActionSchema, required=True)
    resource = fields.Nested(TypeSchema, required=True)


class ActionSearchSchema(SearchSchema):
    subject = fields.Nested(EntitySchema, required=True)
    resource = fields.Nested(EntitySchema, required=True)


# -- The plain way ----------------------------------------------------------------
#
# Nearly all that is asked is as it should be, and seen to be so in a fraction of the time that a
# schema takes. Where it is not, the schema says what is wrong.


class _NotPlain(Exception):
    """It takes the schema to tell."""


def loaded(schema: type[Schema], document: Any) -> dict[str, Any]:
    """Return a document as the schema loads it.

    :raises ValidationError: When it is not as the schema says.
    """
    try:
        if schema in _PLAIN_WAYS:
            return _PLAIN_WAYS[schema](document)
    except _NotPlain:
        pass
    found: dict[str, Any] = _made(schema).load(document)
    return found


@cache
def _made(schema: type[Schema]) -> Schema:
    return schema()


def _evaluation(document: Any) -> dict[str, Any]:
    found = _partial(document)
    if len(found.keys() & _MEMBERS) < len(_MEMBERS):
        raise _NotPlain
    return found


def _evaluations(document: Any) -> dict[str, Any]:
    found, listed = _partial(document), document.get("evaluations")
    if type(listed) is not list or not 0 < len(listed) <= QUESTIONS_LIMIT or "options" in document:
        raise _NotPlain
    found["evaluations"] = [_partial(each) for each in listed]
    missing = _MEMBERS - found.keys()
    if any(missing - each.keys() for each in found["evaluations"]):
        raise _NotPlain
    return found


def _partial(document: Any) -> dict[str, Any]:
    """Return the members of an evaluation that there are."""
    if type(document) is not dict:
        raise _NotPlain
    return {name: load(document[name]) for name, load in _LOADS.items() if name in document}


def _entity(value: Any) -> dict[str, str]:
    if type(value) is not dict:
        raise _NotPlain
    return {"type": _text(value, "type", LONGEST_NAME), "id": _text(value, "id", LONGEST_ID)}


def _action(value: Any) -> dict[str, str]:
    if type(value) is not dict:
        raise _NotPlain
    return {"name": _text(value, "name", LONGEST_NAME)}


def _context(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise _NotPlain
    return value


def _text(value: dict[str, Any], name: str, longest: int) -> str:
    text = value.get(name)
    if type(text) is not str or len(text) > longest:
        raise _NotPlain
    return text


_LOADS = {"subject": _entity, "action": _action, "resource": _entity, "context": _context}
_MEMBERS = {"subject", "action", "resource"}
_PLAIN_WAYS: dict[type[Schema], Callable[[Any], dict[str, Any]]] = {
    EvaluationSchema: _evaluation,
    EvaluationsSchema: _evaluations,
}
