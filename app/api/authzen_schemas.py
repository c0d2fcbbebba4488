"""What the decision API is asked, as the AuthZEN Authorization API 1.0 describes it (§5 to §8).

Members it does not know are ignored, as the specification wants ("receivers MUST ignore unknown
fields").
"""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from app.access.decisions import QUESTIONS_LIMIT

SHORT = validate.Length(max=200)
ANY_ID = validate.Length(max=20_000)
"""A path may be 64 names long."""
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
