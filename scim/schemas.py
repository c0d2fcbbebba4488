"""What this service provider serves: resource types, schemas, capabilities (RFC 7643)."""

from __future__ import annotations

from typing import Annotated, Any

import scim2_models
from pydantic import Field
from scim2_models import (
    URN,
    AuthenticationScheme,
    Bulk,
    CaseExact,
    ChangePassword,
    ComplexAttribute,
    ETag,
    ExtensibleStringEnum,
    Extension,
    Filter,
    Mutability,
    Pagination,
    Patch,
    Reference,
    ResourceType,
    Returned,
    ScimPolicy,
    ScimProvider,
    ServiceProviderConfig,
    Sort,
)

MAX_RESULTS = 1000
"""Most resources one page holds."""
DEFAULT_RESULTS = 100
"""Resources on a page when the client does not say."""
CURSOR_SECONDS = 3600
"""How long a cursor works."""
BULK_OPERATIONS = 1000
BULK_BYTES = 8 * 1024 * 1024


class Email(ComplexAttribute):
    """An e-mail address as the provider knows it.

    It is not checked to be deliverable: companies provision names such as ``ada@corp.local``.
    """

    class Type(ExtensibleStringEnum):
        work = "work"
        home = "home"
        other = "other"

    value: str | None = None
    """E-mail address of the user."""

    display: str | None = None
    """A human-readable name, primarily used for display purposes."""

    type: Type | None = None
    """A label indicating the attribute's function, such as 'work' or 'home'."""

    primary: bool | None = None
    """Whether this is the preferred address."""


class User(scim2_models.User):  # type: ignore[type-arg]
    emails: list[Email] | None = None  # type: ignore[assignment]
    """E-mail addresses of the user."""


class Manager(ComplexAttribute):
    """The user's manager. Clients send the id alone, so ``$ref`` is not required."""

    value: Annotated[str | None, CaseExact.true] = None
    """The id of the user's manager."""

    ref: Reference[scim2_models.User] | None = Field(  # type: ignore[type-arg]
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the user's manager."""

    display_name: Annotated[str | None, Mutability.read_only] = None
    """The displayName of the user's manager."""


class EnterpriseUser(Extension):
    __schema__ = URN("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")

    employee_number: str | None = None
    """Numeric or alphanumeric identifier assigned to a person."""

    cost_center: str | None = None
    """Name of a cost center."""

    organization: str | None = None
    """Name of an organization."""

    division: str | None = None
    """Name of a division."""

    department: str | None = None
    """Name of a department."""

    manager: Manager | None = None
    """The user's manager."""


class GroupMember(ComplexAttribute):
    """A member of a group. Its name is its own, and costs a join: it is answered on request."""

    value: Annotated[str | None, Mutability.immutable, CaseExact.true] = None
    """Identifier of the member."""

    ref: Annotated[
        Reference[scim2_models.User | scim2_models.Group] | None,  # type: ignore[type-arg]
        Mutability.immutable,
    ] = Field(None, serialization_alias="$ref", validation_alias="$ref")
    """The URI of the member."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User", "Group"])
    """The kind of the member: 'User' or 'Group'."""

    display: Annotated[str | None, Mutability.read_only, Returned.request] = None
    """The name of the member."""


class Group(scim2_models.Group):
    members: list[GroupMember] | None = None  # type: ignore[assignment]
    """The members of the group: users and groups."""


USER = str(User.__schema__)
GROUP = str(Group.__schema__)
ENTERPRISE_USER = str(EnterpriseUser.__schema__)

POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""How far clients may depart from the RFCs; what goes beyond it stands in ``dialects``."""


def service_provider_config() -> ServiceProviderConfig:
    """Return the capabilities this service provider announces (RFC 7643 §5)."""
    return ServiceProviderConfig(
        patch=Patch(supported=True),
        bulk=Bulk(supported=True, max_operations=BULK_OPERATIONS, max_payload_size=BULK_BYTES),
        pagination=Pagination(
            cursor=True,
            index=True,
            default_pagination_method=Pagination.DefaultPaginationMethod.index,
            default_page_size=DEFAULT_RESULTS,
            max_page_size=MAX_RESULTS,
            cursor_timeout=CURSOR_SECONDS,
        ),
        filter=Filter(supported=True, max_results=MAX_RESULTS),
        change_password=ChangePassword(supported=True),
        sort=Sort(supported=True),
        etag=ETag(supported=True),
        authentication_schemes=[
            AuthenticationScheme(
                type=AuthenticationScheme.Type.oauthbearertoken,
                name="Bearer token",
                description="A token made with `gatehouse token create`.",
                primary=True,
            )
        ],
    )


def build_provider() -> ScimProvider:
    """Return the description of this service provider, for scim2-server."""
    bound: Any = User.__class_getitem__(EnterpriseUser)
    return ScimProvider(
        models=[User, EnterpriseUser, Group],
        resource_types=[ResourceType.from_resource(bound), ResourceType.from_resource(Group)],
        config=service_provider_config(),
        policy=POLICY,
    )
