"""AuthnRequests: made by pysaml2, signed with the connection's own key."""

from __future__ import annotations

import base64
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from saml2 import BINDING_HTTP_POST, saml, samlp
from saml2.s_utils import deflate_and_base64_encode

from app.store.types import new_id, now
from saml.crypto import SIGNATURE_ALGORITHM, sign
from saml.metadata import Provider
from saml.options import Options


def new_request_id() -> str:
    """Return a new message id: an xs:ID must not begin with a digit."""
    return f"id-{new_id()}"


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
        issue_instant=now().strftime("%Y-%m-%dT%H:%M:%SZ"),
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


def redirect_url(request: samlp.AuthnRequest, provider: Provider, key: str | None) -> str:
    """Return where to send the browser: HTTP-Redirect binding (SAML bindings §3.4.4.1).

    pysaml2 keeps its signers in one place for all threads; signing here keeps keys apart.

    :param key: Our private key, PEM; None leaves the request unsigned.
    """
    location = provider.sso_redirect or ""
    location += "&" if "?" in location else "?"
    message = deflate_and_base64_encode(str(request)).decode()
    if key is None:
        return location + urlencode({"SAMLRequest": message})
    query = urlencode({"SAMLRequest": message, "SigAlg": SIGNATURE_ALGORITHM})
    private = load_pem_private_key(key.encode(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError("requests are signed with an RSA key")
    signature = private.sign(query.encode(), padding.PKCS1v15(), SHA256())
    query += "&" + urlencode({"Signature": base64.b64encode(signature).decode()})
    return location + query


def post_form(request: samlp.AuthnRequest, key: str | None) -> str:
    """Return the value of the form field ``SAMLRequest``: HTTP-POST binding.

    :param key: Our private key, PEM; None leaves the request unsigned.
    """
    signed = str(request) if key is None else sign(str(request), key, request.id)
    return base64.b64encode(signed.encode()).decode()
