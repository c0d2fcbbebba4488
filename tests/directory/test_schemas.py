"""The SCIM schemas an account declares: what is taken, what is refused, and why."""

from __future__ import annotations

import pytest
from scim2_models import Extension, Schema

from app.directory import schemas
from app.directory.errors import Invalid, NotFound, Taken
from app.store.models import Account, DeclaredSchema
from tests.conftest import write
from tests.factories import an_account
from tests.inspection import audit, fingerprint, row

MEDIA = "urn:example:media:2.0:User"
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def an_attribute(name: str = "shoeSize", type_: str = "string", **more) -> dict:
    return {"name": name, "type": type_, "multiValued": False} | more


def a_complex(*subs: dict, **more) -> dict:
    return an_attribute("badge", "complex", subAttributes=list(subs), **more)


def declare(account_id, *attributes, urn=MEDIA, resource="User", name="Media") -> bool:
    attributes = list(attributes) or [an_attribute()]
    with write(account_id) as work:
        return schemas.declare(work, urn, resource, name, attributes)


def withdraw(account_id, urn) -> None:
    with write(account_id) as work:
        schemas.withdraw(work, urn)


def scim_epoch(account_id) -> int:
    return row(Account, id=account_id).scim_epoch


def test_a_schema_is_stored_with_all_its_characteristics(account):
    assert declare(account, an_attribute(), a_complex(an_attribute("number", "integer")))
    (declared,) = schemas.of_account(account)
    assert (declared.urn, declared.resource, declared.name) == (MEDIA, "User", "Media")
    filled = {
        "multiValued": False,
        "required": False,
        "caseExact": False,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    }
    number = {"name": "number", "type": "integer"} | filled
    assert declared.attributes == [
        {"name": "shoeSize", "type": "string"} | filled,
        {"name": "badge", "type": "complex", "subAttributes": [number]} | filled,
    ]
    assert row(DeclaredSchema).created_at == declared.created_at == declared.updated_at


def test_every_characteristic_that_is_supported_is_kept(account):
    given = an_attribute(
        "level",
        multiValued=True,
        description="How far.",
        required=False,
        canonicalValues=["low", "high"],
        caseExact=True,
        mutability="immutable",
        returned="default",
        uniqueness="none",
    )
    declare(account, given, an_attribute("at", "dateTime"), an_attribute("raw", "binary"))
    declared = {each["name"]: each for each in schemas.of_account(account)[0].attributes}
    assert declared["level"] == given
    assert declared["raw"]["caseExact"] is True and declared["at"]["caseExact"] is False


@pytest.mark.parametrize(
    "type_", ["string", "boolean", "integer", "decimal", "dateTime", "reference", "binary"]
)
def test_every_simple_type(account, type_):
    declare(account, an_attribute("one", type_), an_attribute("many", type_, multiValued=True))
    (declared,) = schemas.of_account(account)
    assert [each["type"] for each in declared.attributes] == [type_, type_]


def test_a_reference_says_to_what(account):
    declare(account, an_attribute("boss", "reference", referenceTypes=["User", "external"]))
    (attribute,) = schemas.of_account(account)[0].attributes
    assert attribute["referenceTypes"] == ["User", "external"] and attribute["caseExact"] is True


def test_a_stored_schema_makes_the_model_it_came_from(account):
    declare(account, an_attribute("a-b"), an_attribute("ab"), a_complex(an_attribute("value")))
    (declared,) = schemas.of_account(account)
    schema = {"id": declared.urn, "name": "X", "attributes": declared.attributes}
    model = Extension.from_schema(Schema.model_validate(schema))
    found = [each.model_dump() for each in model.to_schema().attributes]
    assert found == declared.attributes


def test_declaring_again_replaces(account):
    declare(account, an_attribute("old"))
    first = row(DeclaredSchema)
    assert declare(account, an_attribute("new"), resource="Group", name="Other")
    (declared,) = schemas.of_account(account)
    assert (declared.resource, declared.name) == ("Group", "Other")
    assert [each["name"] for each in declared.attributes] == ["new"]
    assert declared.created_at == first.created_at < declared.updated_at


def test_declaring_the_same_again_changes_nothing(account):
    declare(account, an_attribute())
    before = fingerprint(), scim_epoch(account)
    assert not declare(account, an_attribute(required=False, caseExact=False))
    assert (fingerprint(), scim_epoch(account)) == before


def test_each_change_is_audited_and_bumps_the_epoch_of_schemas(account):
    declare(account, an_attribute("old"))
    declare(account, an_attribute("new"))
    withdraw(account, MEDIA)
    first, second, last = audit(account, "schema.declared", "schema.withdrawn")
    assert [each.action for each in (first, second, last)] == [
        "schema.declared",
        "schema.declared",
        "schema.withdrawn",
    ]
    assert (first.target_type, first.target_id, first.target_name) == ("schema", None, MEDIA)
    assert first.before is None and first.after["attributes"][0]["name"] == "old"
    assert second.before == first.after and second.after == last.before
    assert second.after.keys() == {"resource", "name", "attributes"} and last.after is None
    assert scim_epoch(account) == 3
    assert scim_epoch(an_account()) == 0


def test_withdrawing(account):
    declare(account)
    declare(account, urn=CORE_USER)
    withdraw(account, MEDIA.replace("media", "MEDIA"))
    assert [each.urn for each in schemas.of_account(account)] == [CORE_USER]
    stranger = an_account()
    for urn in (MEDIA, "nope", "\0"):
        with pytest.raises(NotFound):
            withdraw(account, urn)
    with pytest.raises(NotFound):
        withdraw(stranger, CORE_USER)


def test_accounts_do_not_see_each_others(account):
    declare(account)
    stranger = an_account()
    assert schemas.of_account(stranger) == []
    declare(
        stranger, an_attribute("another"), urn=MEDIA.upper().replace("URN:EXAMPLE", "urn:example")
    )
    assert len(schemas.of_account(account)) == len(schemas.of_account(stranger)) == 1


def test_attributes_of_a_core_schema(account):
    declare(account, an_attribute("shoeSize"), urn=CORE_USER.upper(), name="Whatever")
    declare(account, an_attribute("title"), urn=CORE_GROUP, resource="Group")
    group, user = schemas.of_account(account)
    assert (user.urn, user.resource, user.name) == (CORE_USER, "User", "User")
    assert (group.urn, group.resource, group.name) == (CORE_GROUP, "Group", "Group")
    for resource in ("Group", "Folder", "user", ""):
        with pytest.raises(Invalid):
            declare(account, urn=CORE_USER, resource=resource)


@pytest.mark.parametrize(
    ("urn", "name"),
    [
        (CORE_USER, "userName"),
        (CORE_USER, "USERNAME"),
        (CORE_USER, "user_name"),
        (CORE_USER, "password"),
        (CORE_USER, "x509certificates"),
        (CORE_GROUP, "Members"),
        *[(urn, name) for urn in (CORE_USER, MEDIA) for name in ("id", "ID", "meta", "schemas")],
        (CORE_GROUP, "external-id"),
    ],
)
def test_a_name_of_our_own_is_refused(account, urn, name):
    resource = "Group" if urn == CORE_GROUP else "User"
    with pytest.raises(Invalid, match=name):
        declare(account, an_attribute(name), urn=urn, resource=resource)


@pytest.mark.parametrize(
    "urn",
    [
        *("", " ", "x", "urn:", "urn:a", "urn:a:", "urn:a::b", "urn:a:b:", "URN:a:b", "urn:A:b"),
        *("urn:-a:b", f"urn:{'a' * 33}:b", f"urn:a:{'b' * 200}", "http://a/b", "urn:a:b/c"),
        *("urn:a:b c", 'urn:a:"b"', "urn:a:'b'", "urn:a:b[c]", "urn:a:b(c)", "urn:a:{b}"),
        *(
            "urn:a:b\\c",
            "urn:a:é",
            "urn:a:b\0",
            "urn:a:b\ud800",
            "urn:a:b#c",
            "urn:a:b?c",
        ),
        *("urn:a:b%20", "urn:a:b,c", "urn:okta:scim:schemas:core:1.0:Role", "urn:OKTA:scim:x"),
        *("urn:ietf:params:scim:schemas:core:2.0:Schema", "urn:ietf:PARAMS:scim:x"),
        *("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",),
        *("urn:gatehouse:scim:schemas:extension:2.0:User", "urn:Gatehouse:x"),
    ],
)
def test_a_urn_that_cannot_be_declared(account, urn):
    before = fingerprint()
    with pytest.raises(Invalid):
        declare(account, urn=urn)
    assert fingerprint() == before


def test_two_urns_that_could_be_taken_for_each_other(account):
    declare(account)
    for urn in (MEDIA.replace("media", "Media"), f"{MEDIA}:shoeSize", MEDIA.rpartition(":")[0]):
        with pytest.raises(Taken):
            declare(account, urn=urn)
    declare(account, urn=f"{MEDIA}s")


@pytest.mark.parametrize("name", ["", " ", "x" * 257, "a\0b", None, 3])
def test_a_schema_needs_a_name(account, name):
    with pytest.raises(Invalid):
        declare(account, name=name)


@pytest.mark.parametrize(
    ("attribute", "says"),
    [
        (an_attribute(required=True), "cannot be required: users and groups are there"),
        (an_attribute(uniqueness="server"), "uniqueness other than none is not supported"),
        (an_attribute(uniqueness="global"), "uniqueness other than none is not supported"),
        (an_attribute(uniqueness="sometimes"), "attributes[0].uniqueness"),
        (an_attribute(mutability="writeOnly"), "readWrite or immutable"),
        (an_attribute(mutability="readOnly"), "readWrite or immutable"),
        (an_attribute(returned="never"), "returned by default"),
        (an_attribute(returned="request"), "returned by default"),
        (an_attribute(returned="always"), "returned by default"),
        (an_attribute(type_="text"), "attributes[0].type"),
        ({"name": "x"}, "needs a type"),
        ({"type": "string"}, "cannot be the name"),
        (an_attribute(multiValued="many"), "attributes[0].multiValued"),
        (an_attribute(caseExact="yes"), "attributes[0].caseExact"),
        (an_attribute(canonicalValues="low"), "attributes[0].canonicalValues"),
        (an_attribute(canonicalValues=["x"], type_="integer"), "only as a string"),
        (an_attribute(canonicalValues=["x" * 257]), "canonicalValues of 256 characters"),
        (an_attribute(canonicalValues=["x"] * 101), "100 canonicalValues"),
        (an_attribute(description="x" * 1025), "description"),
        (an_attribute(description=3), "attributes[0].description"),
        (an_attribute(referenceTypes=["User"]), "only as a reference"),
        (an_attribute(type_="reference", referenceTypes=["Role"]), "may refer to"),
        (an_attribute(colour="red"), "attributes[0].colour is no characteristic"),
        (an_attribute(subAttributes=[an_attribute()]), "not complex"),
        (an_attribute(type_="complex"), "1 to 50 subAttributes"),
        (a_complex(), "1 to 50 subAttributes"),
        (a_complex(*(an_attribute(f"a{n}") for n in range(51))), "1 to 50 subAttributes"),
        (a_complex(a_complex(an_attribute())), "badge.badge cannot be complex within"),
        (a_complex(an_attribute(required=True)), "badge.shoeSize cannot be required"),
        (a_complex(an_attribute(colour=1)), "attributes[0].subAttributes[0].colour"),
        (a_complex(an_attribute("a"), an_attribute("A")), "A is there twice"),
        ("shoeSize", "attributes[0]"),
        (None, "attributes[0]"),
        ([], "attributes[0]"),
        (an_attribute(description="a\0b"), "not allowed"),
        (an_attribute(description=float("nan")), "attributes[0].description"),
        (an_attribute(description={1, 2}), "cannot be stored"),
    ],
)
def test_an_attribute_that_cannot_be_declared(account, attribute, says):
    before = fingerprint()
    with pytest.raises(Invalid) as refused:
        declare(account, attribute)
    assert says in str(refused.value)
    assert fingerprint() == before


@pytest.mark.parametrize(
    "name",
    ["", "1st", "_x", "$ref", "a b", "a.b", "a:b", 'a"', "a[", "é", "x" * 65, "a\n", 3, None],
)
def test_a_name_no_attribute_can_have(account, name):
    for attribute in (an_attribute(name), a_complex(an_attribute(name))):
        with pytest.raises(Invalid):
            declare(account, attribute)


@pytest.mark.parametrize(
    "name", ["a", "Z9", "x" * 64, "a_b-c$", "copy", "json", "class", "modelDump", "model_config"]
)
def test_names_attributes_can_have(account, name):
    declare(account, an_attribute(name))
    declare(account, an_attribute(name), urn=CORE_USER)


@pytest.mark.parametrize("attributes", [None, {}, "x", 3, []])
def test_the_attributes_must_be_a_list(account, attributes):
    with pytest.raises(Invalid), write(account) as work:
        schemas.declare(work, MEDIA, "User", "Media", attributes)


def test_names_are_unique_in_any_case(account):
    with pytest.raises(Invalid, match="SHOESIZE is there twice"):
        declare(account, an_attribute("shoeSize"), an_attribute("SHOESIZE"))


def test_names_that_cannot_stand_beside_each_other(account):
    with pytest.raises(Invalid, match="cannot be used together"):
        declare(account, an_attribute("modelDump"), an_attribute("model_dump"))


def test_the_number_of_attributes_is_bounded(account):
    declare(account, *(an_attribute(f"a{n}") for n in range(100)))
    with pytest.raises(Invalid, match="1 to 100 attributes"):
        declare(account, *(an_attribute(f"a{n}") for n in range(101)))


def test_the_size_of_a_schema_is_bounded(account):
    big = [
        an_attribute(f"c{n}", "complex", subAttributes=[an_attribute(f"a{m}") for m in range(50)])
        for n in range(100)
    ]
    with pytest.raises(Invalid, match="larger than"):
        declare(account, *big)
    deep = an_attribute()
    for _ in range(400):
        deep = a_complex(deep)
    with pytest.raises(Invalid):
        declare(account, deep)


def test_the_number_of_schemas_is_bounded(account):
    for number in range(20):
        declare(account, urn=f"urn:example:{number}:User")
    with pytest.raises(Invalid, match="20 schemas"):
        declare(account)
    declare(account, an_attribute("other"), urn="urn:example:7:User")
    withdraw(account, "urn:example:7:User")
    declare(account)
