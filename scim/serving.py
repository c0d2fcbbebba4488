"""The handler of one request: its account's service, its storage."""

from __future__ import annotations

from app.directory.work import Actor, Work
from app.security.requests import settings
from scim.authentication import Identity
from scim.bulk import BulkHandler
from scim.journal import Journal
from scim.service import GatehouseService, service_for
from scim.storage import DirectoryStorage

PREFIX = "/scim/v2"


def base_url() -> str:
    """Return the SCIM root as clients see it."""
    return settings().public_url + PREFIX


def service_of(identity: Identity) -> GatehouseService:
    """Return the service of the account a request is made for."""
    return service_for(settings().secret_key, identity.account_id, identity.scim_epoch)


def handler(
    identity: Identity, actor: Actor, journal: Journal, previewed: Work | None = None
) -> BulkHandler:
    """Return what serves a request of a token.

    :param previewed: Write into this work, of which nothing is kept.
    """
    service = service_of(identity)
    storage = DirectoryStorage(
        service.provider,
        identity.account_id,
        actor,
        base_url(),
        journal,
        previewed,
        keeps_unknown=identity.keeps_unknown,
    )
    return BulkHandler(service, storage)
