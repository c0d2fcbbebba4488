"""Signed tokens of a session, and the keys to verify them with."""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request

from app.access.identity import primary_email
from app.api.forward_auth import session_token
from app.api.problems import problem
from app.directory import sessions
from app.security.requests import settings
from app.security.session_tokens import LIFETIME, LONGEST_AUDIENCE, is_audience
from app.security.sessions import cookie_name, signed_in
from app.security.signing_keys import published_keys
from app.store.types import now

blueprint = Blueprint("session_tokens", __name__)


@blueprint.get("/.well-known/jwks.json")
def jwks() -> Response:
    """Return the public keys, as a JWK Set (RFC 7517 §5)."""
    answer = _json({"keys": published_keys(now())})
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@blueprint.get("/api/session/token")
def token() -> Response:
    """Return a signed token of the browser's session, for one application.

    ``{"token", "token_type": "JWT", "expires_in"}``; ``audience`` names the application.
    """
    person = signed_in(request.cookies.get(cookie_name(settings())), settings())
    if person is None:
        return problem(401, "Not signed in", "Nobody is signed in with this browser.")
    audience = request.args.get("audience", settings().public_url)
    if not is_audience(audience):
        return problem(
            400, "No such audience", f"An audience has 1 to {LONGEST_AUDIENCE} characters."
        )
    if person.wants_touch:
        sessions.touch(person.session_id, person.account_id)
    signed = session_token(person, audience, primary_email(person.account_id, person.user_id))
    lifetime = int(min(LIFETIME, person.expires_at - now()).total_seconds())
    return _json({"token": signed, "token_type": "JWT", "expires_in": lifetime})


def _json(document: dict[str, object]) -> Response:
    return Response(orjson.dumps(document), content_type="application/json")
