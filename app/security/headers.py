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


def security_headers(settings: Settings) -> dict[str, str]:
    """Return the security headers of every answer."""
    headers = {
        "Content-Security-Policy": content_security_policy(settings),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if settings.https:
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return headers


def add_missing(response: Response, headers: dict[str, str]) -> None:
    """Add the headers that are not there yet."""
    there = {name.lower() for name, _ in response.headers}
    response.headers.extend([each for each in headers.items() if each[0].lower() not in there])
