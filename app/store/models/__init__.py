"""The tables; no rules live here.

Every one carries ``account_id``, first in its key, but for those of the installation.
"""

from app.store.models.accounts import Account, AddressRule
from app.store.models.api import IdempotencyKey
from app.store.models.connections import Connection, ConnectionKey, Domain, OAuthClient, Token
from app.store.models.drift import DriftRow
from app.store.models.events import AuditDay, AuditEvent, OutgoingEvent
from app.store.models.factors import Passkey, RecoveryCode, TotpDevice
from app.store.models.folders import Folder, FolderClosure
from app.store.models.grants import Grant, Mapping, Role
from app.store.models.groups import Group, Membership, NestedGroup
from app.store.models.installation import Attempts, Job, RequestCount, SigningKey
from app.store.models.operations import Operation, OperationPiece, OperationProblem
from app.store.models.provisioning import ProvisioningEntry
from app.store.models.reviews import Review, ReviewItem, ReviewReviewer
from app.store.models.schemas import DeclaredSchema
from app.store.models.sessions import (
    ApplicationSession,
    SamlAssertion,
    SamlRequest,
    SamlTrace,
    Session,
    SignInLink,
)
from app.store.models.streams import DeadLetter, EventStream
from app.store.models.tombstones import Tombstone
from app.store.models.users import User, UserValue

__all__ = [
    "Account",
    "AddressRule",
    "ApplicationSession",
    "Attempts",
    "AuditDay",
    "AuditEvent",
    "Connection",
    "ConnectionKey",
    "DeadLetter",
    "DeclaredSchema",
    "Domain",
    "DriftRow",
    "EventStream",
    "Folder",
    "FolderClosure",
    "Grant",
    "Group",
    "IdempotencyKey",
    "Job",
    "Mapping",
    "Membership",
    "NestedGroup",
    "OAuthClient",
    "Operation",
    "OperationPiece",
    "OperationProblem",
    "OutgoingEvent",
    "Passkey",
    "ProvisioningEntry",
    "RecoveryCode",
    "RequestCount",
    "Review",
    "ReviewItem",
    "ReviewReviewer",
    "Role",
    "SamlAssertion",
    "SamlRequest",
    "SamlTrace",
    "Session",
    "SignInLink",
    "SigningKey",
    "Token",
    "Tombstone",
    "TotpDevice",
    "User",
    "UserValue",
]
