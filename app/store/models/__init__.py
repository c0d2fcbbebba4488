"""The tables. Every one carries ``account_id``, first in its key; no rules live here."""

from app.store.models.accounts import Account, AddressRule
from app.store.models.connections import Connection, OAuthClient, Token
from app.store.models.events import AuditEvent, OutgoingEvent
from app.store.models.folders import Folder, FolderClosure
from app.store.models.grants import Grant, Mapping, Role
from app.store.models.groups import Group, Membership, NestedGroup
from app.store.models.provisioning import ProvisioningEntry
from app.store.models.schemas import DeclaredSchema
from app.store.models.sessions import SamlAssertion, SamlRequest, Session, SignInLink
from app.store.models.users import User, UserValue

__all__ = [
    "Account",
    "AddressRule",
    "AuditEvent",
    "Connection",
    "DeclaredSchema",
    "Folder",
    "FolderClosure",
    "Grant",
    "Group",
    "Mapping",
    "Membership",
    "NestedGroup",
    "OAuthClient",
    "OutgoingEvent",
    "ProvisioningEntry",
    "Role",
    "SamlAssertion",
    "SamlRequest",
    "Session",
    "SignInLink",
    "Token",
    "User",
    "UserValue",
]
