"""Headers every answer carries, whichever face gives it."""

from __future__ import annotations

from flask import Response

from app.settings import Settings

CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "base-uri": "'none'",
    "object-src": "'none'",
    "img-src": "'self' data:",
}


def content_security_policy(settings: Settings, *, framed_by: str = "'none'") -> str:
    """Return the policy of all pages: nothing inline, nothing from elsewhere.

    A sign-in form may end at an identity provider, so forms may go there.

    :param framed_by: The origin of a site that may show this page in a frame.
    """
    forms = "'self' https:" if settings.https else "'self' https: http:"
    policy = CONTENT_SECURITY_POLICY | {"form-action": forms, "frame-ancestors": framed_by}
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())


def secure(response: Response, settings: Settings) -> None:
    """Add the security headers that are not there yet."""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", content_security_policy(settings))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if "Cache-Control" not in headers:
        headers["Cache-Control"] = "no-store"
    if settings.https:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
