"""What an administrator sees of a SAML connection, without a secret."""

from __future__ import annotations

from typing import Any

from app.directory import connection_keys
from app.security.requests import settings as app_settings
from saml.keys import described
from saml.metadata import Provider


def overview(account_id: str, connection_id: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return who the provider is, and what it is to be told of us.

    :param settings: Those of the connection's row.
    """
    provider = Provider.from_settings(settings)
    keys = connection_keys.stored(account_id, connection_id)
    return {
        "provider": {
            "entity_id": provider.entity_id,
            "sign_in_url": provider.sso_redirect or provider.sso_post,
            "metadata_url": settings.get("metadata_url") or None,
            "certificates": [described(pem) for pem in provider.certificates],
        },
        "ours": addresses(connection_id)
        | {
            "certificates": [
                described(key.certificate) | {"state": state} for state, key in keys.items()
            ]
        },
    }


def addresses(connection_id: str) -> dict[str, str]:
    """Return what is pasted into the provider, and where people sign in."""
    base = f"{app_settings().public_url}/saml/{connection_id}"
    return {
        "entity_id": f"{base}/metadata",
        "metadata_url": f"{base}/metadata",
        "acs_url": f"{base}/acs",
        "slo_url": f"{base}/slo",
        "login_url": f"{base}/login",
    }
