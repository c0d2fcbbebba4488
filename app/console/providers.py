"""Identity providers the set-up guide knows: where things are there, and what they are called.

The names of menus and fields are the provider's own and stay as they are, in whichever language
the words between them are told. They were looked up in late 2026 (``docs/providers``).
"""

from __future__ import annotations

from dataclasses import dataclass

from app.words import say


@dataclass(frozen=True)
class Provider:
    label: str
    scim_at: str = ""
    """Where SCIM is set up there; empty: it pushes nothing."""
    url_field: str = say("SCIM base URL")
    token_field: str = say("Token")
    saml_at: str = ""
    """Where SAML is set up there; empty: it is not this one that signs people in."""
    acs: str = say("Assertion consumer service (ACS) URL")
    entity_id: str = say("Entity ID")
    preset: str = ""
    """Whose attribute names it uses (``saml.attributes.PRESETS``)."""


PROVIDERS = {
    "okta": Provider(
        "Okta",
        say("Applications > your app > General > Provisioning: SCIM; then the tab Provisioning"),
        "SCIM connector base URL",
        "HTTP Header > Authorization: Bearer",
        "Applications > Create App Integration > SAML 2.0",
        "Single sign-on URL",
        "Audience URI (SP Entity ID)",
        "okta",
    ),
    "entra": Provider(
        "Microsoft Entra ID",
        say("Enterprise applications > your app > Provisioning > Automatic"),
        "Tenant URL",
        "Secret Token",
        say("Enterprise applications > your app > Single sign-on > SAML"),
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
        say("Applications > your app > Configuration; then Provisioning"),
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
        say("SSO Applications > your app > Identity Management"),
        "Base URL",
        "Token Key",
        "SSO Applications > Add New Application > Custom Application",
        "ACS URLs",
        "SP Entity ID",
    ),
    "keycloak": Provider(
        "Keycloak",
        saml_at=say("Clients > Import client: choose our metadata"),
        acs="Valid redirect URIs",
        entity_id="Client ID",
        preset="keycloak",
    ),
    "adfs": Provider(
        "AD FS",
        saml_at=say("Relying Party Trusts > Add: import data from our metadata address"),
        acs="Endpoint: SAML Assertion Consumer",
        entity_id="Relying party trust identifier",
        preset="adfs",
    ),
    "other": Provider(
        say("Another provider"),
        say("Its SCIM 2.0 settings"),
        saml_at=say("Its SAML 2.0 settings"),
    ),
}
