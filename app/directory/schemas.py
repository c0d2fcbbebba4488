"""The SCIM schemas an account declares: its own extensions, and attributes it adds to ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import scim2_models
from pydantic import ValidationError
from scim2_models import Attribute, Mutability, Returned, Schema, Uniqueness
from sqlalchemy import delete, insert, select, update

from app.directory import bounds
from app.directory.errors import Invalid, NotFound, Taken
from app.directory.work import Target, Work
from app.store.database import db
from app.store.models import Account, DeclaredSchema
from app.words import Said, any_of, say

RESOURCES = ("User", "Group")
CORE = {f"urn:ietf:params:scim:schemas:core:2.0:{name}": name for name in RESOURCES}
"""Our schemas that an account may add attributes to, and their resources."""
RESERVED = ("urn:ietf:params:scim:", "urn:okta:scim:", "urn:gatehouse:")
"""How the URNs of built-in schemas begin."""
EXTENSIONS = "urn:ietf:params:scim:schemas:extension:"
"""How Entra has the URNs of all extensions begin; only the enterprise one is taken."""
ENTERPRISE = f"{EXTENSIONS}enterprise:"

SCHEMAS_LIMIT = 20
ATTRIBUTES_LIMIT = 100
SUB_ATTRIBUTES_LIMIT = 50
CANONICAL_VALUES_LIMIT = 100
URN_LENGTH = 200
REFERENCE_TYPES = ("User", "Group", "external", "uri")

# Narrower than RFC 8141: what a filter can name, a URL and a list of attributes can hold.
_URN = re.compile(r"urn:[a-z0-9][a-z0-9-]{0,31}(:[A-Za-z0-9._-]+)+")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_$-]{0,63}")
_COMMON = ("id", "externalId", "meta", "schemas")


@dataclass(frozen=True)
class Declared:
    """One schema of an account. The attributes are in the form of RFC 7643 §7, defaults filled in.

    When ``urn`` is one of ``CORE``, they are added to those of that schema.
    """

    urn: str
    resource: str
    """What it extends: User or Group."""
    name: str
    attributes: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime


def of_account(account_id: str) -> list[Declared]:
    """Return the schemas of an account, by URN."""
    table = DeclaredSchema.__table__.c
    query = select(
        table.urn, table.resource, table.name, table.attributes, table.created_at, table.updated_at
    )
    rows = db.session.execute(query.where(table.account_id == account_id).order_by(table.urn))
    return [Declared(*row) for row in rows]


def declare(
    work: Work, urn: str, resource: str, name: str, attributes: list[dict[str, Any]]
) -> bool:
    """Add a schema, or replace the account's schema of this URN; return whether it is a change.

    :param urn: One of ``CORE``, or that of an extension.
    :param attributes: Definitions in the form of RFC 7643 §7.
    :raises Invalid: When something is out of bounds, malformed or not supported.
    :raises Taken: When the URN differs from another of the account in case only, or one of them
        is the beginning of the other.
    """
    urn, name = _checked_urn(urn, resource), bounds.required("name", name)
    name = CORE.get(urn, name)
    new = {"resource": resource, "name": name, "attributes": _checked(urn, name, attributes)}
    schemas = of_account(work.account_id)
    _refuse_like(urn, schemas)
    stored = next((each for each in schemas if each.urn == urn), None)
    before = _snapshot(stored) if stored else None
    if before == new:
        return False
    if stored is None:
        if len(schemas) >= SCHEMAS_LIMIT:
            raise Invalid(
                say("An account may declare %(limit)s schemas at the most.", limit=SCHEMAS_LIMIT)
            )
        key = {"account_id": work.account_id, "urn": urn}
        times = {"created_at": work.at, "updated_at": work.at}
        db.session.execute(insert(DeclaredSchema), [key | new | times])
    else:
        db.session.execute(
            update(DeclaredSchema).where(_is(work, urn)).values(**new, updated_at=work.at)
        )
    _changed(work, "schema.declared", urn, before, new)
    return True


def withdraw(work: Work, urn: str) -> None:
    """Remove a schema of the account, its URN in any case. What users and groups hold stays.

    :raises NotFound: When the account declares no such schema.
    """
    schemas = of_account(work.account_id)
    stored = next((each for each in schemas if each.urn.lower() == urn.lower()), None)
    if stored is None:
        raise NotFound("declared schema", urn)
    db.session.execute(delete(DeclaredSchema).where(_is(work, stored.urn)))
    _changed(work, "schema.withdrawn", stored.urn, _snapshot(stored), None)


def _is(work: Work, urn: str) -> Any:
    return (DeclaredSchema.account_id == work.account_id) & (DeclaredSchema.urn == urn)


def _snapshot(stored: Declared) -> dict[str, Any]:
    return {"resource": stored.resource, "name": stored.name, "attributes": stored.attributes}


def _changed(
    work: Work, action: str, urn: str, before: dict[str, Any] | None, after: dict[str, Any] | None
) -> None:
    work.record(action, Target("schema", None, urn), before=before, after=after)
    db.session.execute(
        update(Account)
        .where(Account.id == work.account_id)
        .values(scim_epoch=Account.scim_epoch + 1)
    )


# -- The URN -----------------------------------------------------------------


def _checked_urn(urn: str, resource: str) -> str:
    """Return a URN that may be declared; one of ours as we write it."""
    if resource not in RESOURCES:
        raise Invalid(say("A schema extends %(what)s.", what=any_of(RESOURCES)), field="resource")
    urn = bounds.required("id", urn, URN_LENGTH)
    for core, its_resource in CORE.items():
        if urn.lower() == core.lower():
            if resource != its_resource:
                sentence = say(
                    "%(urn)s is the schema of a %(resource)s.", urn=core, resource=its_resource
                )
                raise Invalid(sentence, field="resource")
            return core
    own = urn.lower().startswith(EXTENSIONS) and not urn.lower().startswith(ENTERPRISE)
    if urn.lower().startswith(RESERVED) and not own:
        sentence = say("URNs that begin with %(what)s are taken.", what=any_of(RESERVED))
        raise Invalid(sentence, field="id")
    if not _URN.fullmatch(urn):
        raise Invalid(
            say(
                "The id of a schema must look like urn:example:media:2.0:User, "
                "of letters, digits and . _ - in each part."
            ),
            field="id",
        )
    return urn


def _refuse_like(urn: str, schemas: list[Declared]) -> None:
    """Refuse a URN that another one could be taken for: ``urn:a:b`` has an attribute ``c``, or
    there is ``urn:a:b:c``."""
    for each in schemas:
        if each.urn != urn and each.urn.lower() == urn.lower():
            raise Taken(
                say(
                    "There is a schema %(urn)r already: URNs differ in more than case.",
                    urn=each.urn,
                )
            )
        longer, shorter = sorted((f"{each.urn.lower()}:", f"{urn.lower()}:"), reverse=True)
        if longer != shorter and longer.startswith(shorter):
            raise Taken(
                say(
                    "%(urn)r cannot be told from an attribute beside %(other)r.",
                    urn=urn,
                    other=each.urn,
                )
            )


# -- The attributes ----------------------------------------------------------


def _checked(urn: str, name: str, attributes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the definitions, every characteristic filled in.

    :raises Invalid: When one is malformed or asks for what is not supported.
    """
    bounds.attributes({"attributes": attributes})
    try:
        schema = Schema.model_validate({"id": urn, "name": name, "attributes": attributes})
    except ValidationError as error:
        raise _invalid(error) from None
    parsed = schema.attributes or []
    _check_names(parsed, ATTRIBUTES_LIMIT, say("A schema"), "attributes")
    _refuse_built_in(parsed, CORE.get(urn))
    checked = [_attribute(each) for each in parsed]
    bounds.attributes({"attributes": checked})
    _prove_usable(schema)
    return checked


def _prove_usable(schema: Schema) -> None:
    """Make the model that requests are read with: some names cannot stand beside others there."""
    base: Any = getattr(scim2_models, CORE.get(schema.id or "", "Extension"))
    try:
        base.from_schema(schema)
    except ValueError as error:
        raise Invalid(
            say("The attributes cannot be used together: %(problem)s.", problem=str(error))
        ) from None


def _invalid(error: ValidationError) -> Invalid:
    """Return what is wrong with a definition, in the words of whoever wrote it."""
    first = error.errors(include_url=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"])
    where = path.removeprefix(".") or say("The schema")
    if first["type"] == "extra_forbidden":
        sentence = say("%(where)s is no characteristic of an attribute.", where=where)
    else:
        sentence = say("%(where)s: %(problem)s.", where=where, problem=first["msg"])
    return Invalid(sentence, field="attributes")


def _check_names(attributes: list[Attribute], limit: int, where: str, list_: str) -> None:
    if not 0 < len(attributes) <= limit:
        sentence = say(
            "%(where)s needs 1 to %(limit)s %(list)s.", where=where, limit=limit, list=list_
        )
        raise Invalid(sentence, field="attributes")
    seen: set[str] = set()
    for each in attributes:
        if not _NAME.fullmatch(each.name or ""):
            raise Invalid(
                say(
                    "%(name)r cannot be the name of an attribute: it begins with a letter, "
                    "then come up to 63 letters, digits, _ $ or -.",
                    name=each.name,
                ),
                field="attributes",
            )
        name = str(each.name).lower()
        if name in seen:
            sentence = say("The attribute %(name)s is there twice.", name=each.name)
            raise Invalid(sentence, field="attributes")
        seen.add(name)


def _refuse_built_in(attributes: list[Attribute], core_of: str | None) -> None:
    """Refuse names of our own attributes, also when they differ in case or punctuation only.

    In an extension only those that every resource has clash: they would not be answered. In a core
    schema those of its resource do, and the lists of the other: requests of either are put right
    by the names of lists.
    """
    built_in = set(_COMMON)
    for model in (scim2_models.User, scim2_models.Group) if core_of else ():
        built_in |= {
            each.name or ""
            for each in model.to_schema().attributes or ()
            if each.multi_valued or model.__name__ == core_of
        }
    taken = {_bare(name): name for name in built_in}
    for each in attributes:
        if (name := taken.get(_bare(each.name or ""))) is not None:
            raise Invalid(
                say(
                    "%(name)s would clash with our own %(own)s: choose another name.",
                    name=each.name,
                    own=name,
                ),
                field="attributes",
            )


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _attribute(attribute: Attribute, within: str = "") -> dict[str, Any]:
    """Return one definition, filled in. A sub-attribute is ``within`` its complex attribute."""
    label = f"{within}.{attribute.name}" if within else str(attribute.name)
    for wrong in _objections(attribute, nested=bool(within)):
        sentence = say("%(attribute)s %(what)s.", attribute=label, what=wrong)
        raise Invalid(sentence, field="attributes")
    described = say("The description of %(attribute)s", attribute=label)
    bounds.optional(described, attribute.description, bounds.TEXT_LENGTH)
    if "case_exact" not in attribute.model_fields_set:  # RFC 7643 §2.3.6, §2.3.7
        exact = attribute.type in (Attribute.Type.reference, Attribute.Type.binary)
        attribute.case_exact = scim2_models.CaseExact(exact)
    filled = attribute.model_dump()
    filled["multiValued"] = bool(attribute.multi_valued)
    if attribute.type == Attribute.Type.complex:
        subs = attribute.sub_attributes or []
        _check_names(subs, SUB_ATTRIBUTES_LIMIT, label, "subAttributes")
        filled["subAttributes"] = [_attribute(each, label) for each in subs]
    return filled


def _objections(attribute: Attribute, *, nested: bool) -> list[Said]:
    """Return why a definition cannot be used."""
    kind, types = attribute.type, Attribute.Type
    values, references = attribute.canonical_values or [], attribute.reference_types or []
    rules = {
        say("needs a type"): kind is None,
        say("cannot be complex within a complex attribute"): nested and kind == types.complex,
        say("has subAttributes, but is not complex"): kind != types.complex
        and attribute.sub_attributes is not None,
        say("cannot be required: users and groups are there already that lack it"): bool(
            attribute.required
        ),
        say("must be readWrite or immutable: other mutability is not supported"): (
            attribute.mutability not in (Mutability.read_write, Mutability.immutable)
        ),
        say("must be returned by default: nothing else is supported"): attribute.returned
        != Returned.default,
        say("cannot be unique: uniqueness other than none is not supported"): attribute.uniqueness
        != Uniqueness.none,
        say("may have canonicalValues only as a string"): bool(values) and kind != types.string,
        say(
            "may have %(limit)s canonicalValues of %(length)s characters at the most",
            limit=CANONICAL_VALUES_LIMIT,
            length=bounds.KEY_LENGTH,
        ): len(values) > CANONICAL_VALUES_LIMIT
        or any(len(each) > bounds.KEY_LENGTH for each in values),
        say("may have referenceTypes only as a reference"): bool(references)
        and kind != types.reference,
        say("may refer to %(types)s", types=REFERENCE_TYPES): any(
            each not in REFERENCE_TYPES for each in references
        ),
    }
    return [objection for objection, holds in rules.items() if holds]
