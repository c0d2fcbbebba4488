"""AuthnRequests: made by pysaml2, sent by ``saml.bindings``."""

from __future__ import annotations

from saml2 import BINDING_HTTP_POST, saml, samlp

from app.store.types import new_id, now
from saml.options import Options


def new_message_id() -> str:
    """Return a new message id: an xs:ID must not begin with a digit."""
    return f"id-{new_id()}"


def issue_instant() -> str:
    """Return the current time as a message carries it."""
    return now().strftime("%Y-%m-%dT%H:%M:%SZ")


def authn_request(
    request_id: str, entity_id: str, acs_url: str, destination: str, options: Options
) -> samlp.AuthnRequest:
    """Return an AuthnRequest (SAML core §3.4.1).

    It asks for no NameID format unless one is set, so that every provider can answer with its own.
    """
    contexts = [saml.AuthnContextClassRef(text=each) for each in options.authn_contexts]
    return samlp.AuthnRequest(
        id=request_id,
        version="2.0",
        issue_instant=issue_instant(),
        destination=destination,
        protocol_binding=BINDING_HTTP_POST,
        assertion_consumer_service_url=acs_url,
        issuer=saml.Issuer(text=entity_id),
        name_id_policy=samlp.NameIDPolicy(
            allow_create="true", format=options.name_id_format or None
        ),
        force_authn="true" if options.force_authn else None,
        requested_authn_context=samlp.RequestedAuthnContext(
            authn_context_class_ref=contexts, comparison="exact"
        )
        if contexts
        else None,
    )
