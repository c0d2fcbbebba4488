"""Identity providers the set-up guide knows: where things are there, and what they are called.

The names of menus and fields are the provider's own, so they are not translated. They were looked
up in late 2026 (``docs/providers``).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Provider:
    label: str
    scim_at: str = ""
    """Where SCIM is set up there; empty: it pushes nothing."""
    url_field: str = "SCIM base URL"
    token_field: str = "Token"  # noqa: S105  # it is what the field is called
    saml_at: str = ""
    """Where SAML is set up there; empty: it is not this one that signs people in."""
    acs: str = "Assertion consumer service (ACS) URL"
    entity_id: str = "Entity ID"
    preset: str = ""
    """Whose attribute names it uses (``saml.attributes.PRESETS``)."""


PROVIDERS = {
    "okta": Provider(
        "Okta",
        "Applications > your app > General > Provisioning: SCIM; then the tab Provisioning",
        "SCIM connector base URL",
        "HTTP Header > Authorization: Bearer",
        "Applications > Create App Integration > SAML 2.0",
        "Single sign-on URL",
        "Audience URI (SP Entity ID)",
        "okta",
    ),
    "entra": Provider(
        "Microsoft Entra ID",
        "Enterprise applications > your app > Provisioning > Automatic",
        "Tenant URL",
        "Secret Token",
        "Enterprise applications > your app > Single sign-on > SAML",
        "Reply URL (Assertion Consumer Service URL)",
        "Identifier (Entity ID)",
        "entra",
    ),
    "google": Provider(
        "Google Workspace",
        saml_at="Apps > Web and mobile apps > Add app > Add custom SAML app",
        acs="ACS URL",
        entity_id="Entity ID",
        preset="google",
    ),
    "onelogin": Provider(
        "OneLogin",
        "Applications > your app > Configuration; then Provisioning",
        "SCIM Base URL",
        "SCIM Bearer Token",
        "Applications > Add App > SCIM Provisioner with SAML (SCIM v2 Enterprise)",
        "SAML Consumer URL",
        "SAML Audience URL",
        "onelogin",
    ),
    "ping": Provider(
        "PingOne",
        "Integrations > Provisioning > New Connection > SCIM Outbound",
        "SCIM BASE URL",
        "Oauth Access Token",
        "Applications > Applications > Add > SAML Application",
        "ACS URLs",
        "Entity ID",
        "ping",
    ),
    "jumpcloud": Provider(
        "JumpCloud",
        "SSO Applications > your app > Identity Management",
        "Base URL",
        "Token Key",
        "SSO Applications > Add New Application > Custom Application",
        "ACS URLs",
        "SP Entity ID",
    ),
    "keycloak": Provider(
        "Keycloak",
        saml_at="Clients > Import client: choose our metadata",
        acs="Valid redirect URIs",
        entity_id="Client ID",
        preset="keycloak",
    ),
    "adfs": Provider(
        "AD FS",
        saml_at="Relying Party Trusts > Add: import data from our metadata address",
        acs="Endpoint: SAML Assertion Consumer",
        entity_id="Relying party trust identifier",
        preset="adfs",
    ),
    "other": Provider("Another provider", "Its SCIM 2.0 settings", saml_at="Its SAML 2.0 settings"),
}
