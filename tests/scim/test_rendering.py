"""Documents from rows equal what scim2-models dumps of the same resource."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models import Context, ResponseParameters

from scim.projection import Projection
from scim.service import service_for
from tests.scim.conftest import ENTERPRISE, GROUP, USER

FULL_USER = {
    "userName": "ada@example.com",
    "externalId": "e1",
    "displayName": "Ada",
    "nickName": "A",
    "profileUrl": "https://example.com/ada",
    "title": "Countess",
    "userType": "Employee",
    "preferredLanguage": "en",
    "locale": "en-GB",
    "timezone": "Europe/London",
    "active": True,
    "name": {
        "formatted": "Ada Lovelace",
        "familyName": "Lovelace",
        "givenName": "Ada",
        "middleName": "K",
        "honorificPrefix": "Lady",
        "honorificSuffix": "I",
    },
    "emails": [
        {"value": "ada@work.example", "type": "work", "display": "Work", "primary": True},
        {"value": "ada@home.example", "type": "home"},
    ],
    "phoneNumbers": [{"value": "+44 1", "type": "mobile"}],
    "ims": [{"value": "ada", "type": "xmpp"}],
    "photos": [{"value": "https://example.com/p.png", "type": "photo"}],
    "addresses": [{"type": "work", "locality": "London", "country": "GB", "primary": True}],
    "entitlements": [{"value": "e", "display": "E"}],
    "roles": [{"value": "r", "primary": False}],
    "x509Certificates": [{"value": "aGVsbG8="}],
    ENTERPRISE: {
        "employeeNumber": "1",
        "costCenter": "2",
        "organization": "3",
        "division": "4",
        "department": "5",
        "manager": {"value": "6", "$ref": "https://example.com/Users/6"},
    },
}
MINIMAL_USER = {"userName": "b"}


def through_models(document, **parameters):
    """Return the document as scim2-models would send it."""
    svc = service_for("x" * 32)
    resource_type = svc.get_resource_type(document["meta"]["resourceType"])
    model = svc.get_model(resource_type)
    asked = ResponseParameters[model].model_validate(parameters)
    with svc.provider:
        return model.model_validate(document).model_dump(
            scim_ctx=Context.RESOURCE_QUERY_RESPONSE, response_parameters=asked
        )


def projected(document, **parameters):
    resource_type = service_for("x" * 32).get_resource_type(document["meta"]["resourceType"])
    model = service_for("x" * 32).get_model(resource_type)
    asked = ResponseParameters[model].model_validate(parameters)
    return Projection(asked).apply(str(resource_type.schema_), document)


@pytest.mark.parametrize("user", [FULL_USER, MINIMAL_USER])
def test_a_user_is_rendered_as_the_models_dump_it(scim, user):
    created = scim.create("/Users", **user)
    scim.create("/Groups", displayName="G", members=[{"value": created["id"]}])
    document = scim.get(f"/Users/{created['id']}")
    assert document == through_models(document)
    kept = {key: value for key, value in document.items() if key in user}
    assert kept == user


def test_a_group_is_rendered_as_the_models_dump_it(scim):
    user = scim.create("/Users", **MINIMAL_USER)
    inner = scim.create("/Groups", displayName="Inner", externalId="i")
    members = [{"value": user["id"]}, {"value": inner["id"]}]
    for group in (inner, scim.create("/Groups", displayName="G", members=members)):
        document = scim.get(f"/Groups/{group['id']}")
        assert document == through_models(document)


DOCUMENT = {
    "schemas": [USER, ENTERPRISE],
    "id": "1",
    "meta": {"resourceType": "User", "created": "2026-01-01T00:00:00Z", "version": 'W/"1"'},
    **FULL_USER,
    "groups": [{"value": "g", "display": "G", "type": "direct"}],
}
GROUP_DOCUMENT = {
    "schemas": [GROUP],
    "id": "2",
    "meta": {"resourceType": "Group", "version": 'W/"1"'},
    "displayName": "G",
    "members": [{"value": "1", "type": "User", "display": "Ada"}],
}
NAMES = [
    "id",
    "USERNAME",
    "name",
    "name.givenName",
    "emails",
    "emails.value",
    "emails.primary",
    "addresses.locality",
    "meta",
    "meta.version",
    "groups.value",
    "members",
    "members.value",
    "members.display",
    f"{GROUP}:members.display",
    "displayName",
    "password",
    "schemas",
    ENTERPRISE,
    f"{ENTERPRISE}:department",
    f"{ENTERPRISE}:manager.value",
    f"{USER}:userName",
    f"{USER}:name.familyName",
    USER,
]


@settings(max_examples=300, deadline=None)
@given(
    document=st.sampled_from([DOCUMENT, GROUP_DOCUMENT]),
    parameter=st.sampled_from(["attributes", "excludedAttributes"]),
    names=st.lists(st.sampled_from(NAMES), max_size=4),
)
def test_a_projection_keeps_what_the_models_keep(document, parameter, names):
    asked = {parameter: ",".join(names)}
    if not names:
        document = {key: item for key, item in document.items() if key != "members"}
    assert projected(document, **asked) == through_models(document, **asked)
