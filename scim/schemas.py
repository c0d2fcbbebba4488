"""The schemas of the resources this service provider serves (RFC 7643 §4)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, TypeAlias

import scim2_models
from pydantic import Field
from scim2_models import (
    URN,
    CaseExact,
    ComplexAttribute,
    ExtensibleStringEnum,
    Extension,
    Mutability,
    Reference,
    Required,
    Resource,
    Returned,
)


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


FolderReference: TypeAlias = Reference["Folder"]
"""The URI of a folder."""


class FolderAccess(ComplexAttribute):
    """A folder somebody can see, and one role held there."""

    value: Annotated[str | None, Mutability.read_only, CaseExact.true] = None
    """Identifier of the folder."""

    ref: Annotated[FolderReference | None, Mutability.read_only] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the folder."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The path of the folder."""

    type: Annotated[str | None, Mutability.read_only] = None
    """The name of the role held there."""


class AccessUser(Extension):
    """What Gatehouse adds to a User: the role on the account, and the folders it can see."""

    __schema__ = URN("urn:gatehouse:scim:schemas:extension:2.0:User")

    class AccountRole(ExtensibleStringEnum):
        """The roles every account has; those it makes itself come beside them."""

        master_admin = "master_admin"
        admin = "admin"
        technical_admin = "technical_admin"
        billing = "billing"
        reports = "reports"
        media_library_admin = "media_library_admin"
        media_library_user = "media_library_user"

    account_role: AccountRole | None = None
    """The role on the account this provider gives the user directly."""

    folders: Annotated[list[FolderAccess] | None, Mutability.read_only, Returned.request] = None
    """The folders the user can see, however they came to, with the roles held there."""


class ParentFolder(ComplexAttribute):
    value: Annotated[str | None, CaseExact.true] = None
    """Identifier of the folder above."""

    ref: FolderReference | None = Field(None, serialization_alias="$ref", validation_alias="$ref")
    """The URI of the folder above."""


class Folder(Resource[Any]):
    """A folder of the media library."""

    __schema__ = URN("urn:gatehouse:scim:schemas:core:2.0:Folder")

    display_name: Annotated[str | None, Required.true] = None
    """The name of the folder, unique within the folder above."""

    parent: ParentFolder | None = None
    """The folder above; the root folder when it is left out."""

    path: Annotated[str | None, Mutability.read_only] = None
    """The names of the folders from the root to this one, such as '/Brand/2026'."""

    restricted: bool | None = None
    """Whether grants on the folders above do not reach this one."""


class Principal(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, Required.true, CaseExact.true] = None
    """Identifier of the user or group."""

    ref: Annotated[
        Reference[scim2_models.User | scim2_models.Group] | None,  # type: ignore[type-arg]
        Mutability.immutable,
    ] = Field(None, serialization_alias="$ref", validation_alias="$ref")
    """The URI of the user or group."""

    type: Annotated[str | None, Mutability.immutable] = Field(None, examples=["User", "Group"])
    """The kind of the principal: 'User' or 'Group'."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The name of the user or group."""


class GrantedFolder(ComplexAttribute):
    value: Annotated[str | None, Mutability.immutable, Required.true, CaseExact.true] = None
    """Identifier of the folder."""

    ref: Annotated[FolderReference | None, Mutability.immutable] = Field(
        None, serialization_alias="$ref", validation_alias="$ref"
    )
    """The URI of the folder."""

    display: Annotated[str | None, Mutability.read_only] = None
    """The path of the folder."""


class Grant(Resource[Any]):
    """A role given to a user or a group, on a folder or on the account."""

    __schema__ = URN("urn:gatehouse:scim:schemas:core:2.0:Grant")

    principal: Annotated[Principal | None, Mutability.immutable, Required.true] = None
    """Who holds the role."""

    role: Annotated[str | None, Mutability.immutable, Required.true] = None
    """The name of the role: one on folders, or without a folder one on the account."""

    folder: Annotated[GrantedFolder | None, Mutability.immutable] = None
    """Where the role is held, with all folders below; the account when there is none."""

    not_before: datetime | None = None
    """When it takes effect."""

    expires_at: datetime | None = None
    """When it ends."""

    reason: str | None = None
    """Why it was given."""

    origin: Annotated[str | None, Mutability.read_only] = Field(
        None, examples=["scim", "saml", "mapping", "manual"]
    )
    """Where it comes from. A provider changes and takes back only what came through SCIM."""

    granted_by: Annotated[str | None, Mutability.read_only] = None
    """Who gave it."""


class _Offer(Resource[Any]):
    display_name: Annotated[str | None, Mutability.read_only] = None
    """The name people know it by."""

    type: Annotated[str | None, Mutability.read_only] = None
    """What it is: 'Role' or 'Entitlement'."""

    description: Annotated[str | None, Mutability.read_only] = None
    """What it gives to those who have it."""


class Role(_Offer):
    """A value of 'roles' that has an effect here. The form is that of Okta's discovery."""

    __schema__ = URN("urn:okta:scim:schemas:core:1.0:Role")


class Entitlement(_Offer):
    """A value of 'entitlements' that has an effect here. The form is that of Okta's discovery."""

    __schema__ = URN("urn:okta:scim:schemas:core:1.0:Entitlement")


USER = str(User.__schema__)
GROUP = str(Group.__schema__)
ENTERPRISE_USER = str(EnterpriseUser.__schema__)
ACCESS_USER = str(AccessUser.__schema__)
FOLDER = str(Folder.__schema__)
GRANT = str(Grant.__schema__)
ROLE = str(Role.__schema__)
ENTITLEMENT = str(Entitlement.__schema__)

MEMBER_NAMES = f"{GROUP}:members.display"
SEEN_FOLDERS = f"{ACCESS_USER}:folders"
ON_REQUEST = (MEMBER_NAMES, SEEN_FOLDERS)
"""The attributes that are returned only when they are asked for by name (RFC 7643 §7)."""
