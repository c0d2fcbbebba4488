"""From the attributes of an assertion to a person: which name means what, per provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OURS = (
    "userName",
    "email",
    "givenName",
    "familyName",
    "displayName",
    "groups",
    "accountRole",
    "folders",
)
"""What can be taken from an assertion."""
_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
_MICROSOFT = "http://schemas.microsoft.com/"

PRESETS: dict[str, dict[str, str]] = {
    "okta": {
        "email": "email",
        "givenName": "firstName",
        "familyName": "lastName",
        "displayName": "displayName",
        "groups": "groups",
    },
    "entra": {
        "email": f"{_CLAIMS}emailaddress",
        "givenName": f"{_CLAIMS}givenname",
        "familyName": f"{_CLAIMS}surname",
        "displayName": f"{_MICROSOFT}identity/claims/displayname",
        "groups": f"{_MICROSOFT}ws/2008/06/identity/claims/groups",
    },
    "onelogin": {
        "email": "User.email",
        "givenName": "User.FirstName",
        "familyName": "User.LastName",
        "groups": "memberOf",
    },
    "google": {
        "email": "email",
        "givenName": "firstName",
        "familyName": "lastName",
        "groups": "groups",
    },
    "ping": {
        "email": "email",
        "givenName": "given_name",
        "familyName": "family_name",
        "groups": "memberOf",
    },
    "keycloak": {
        "email": "urn:oid:1.2.840.113549.1.9.1",
        "givenName": "urn:oid:2.5.4.42",
        "familyName": "urn:oid:2.5.4.4",
        "groups": "member",
    },
    "adfs": {
        "email": f"{_CLAIMS}emailaddress",
        "givenName": f"{_CLAIMS}givenname",
        "familyName": f"{_CLAIMS}surname",
        "displayName": f"{_CLAIMS}name",
        "groups": "http://schemas.xmlsoap.org/claims/Group",
    },
}
"""The names each provider uses unless somebody has changed them there."""


ELSEWHERE = {"groups": f"{_MICROSOFT}claims/groups.link"}
"""What a provider sends in place of a list that is too long: where to read it, with a token of
its own. We do not, so such an assertion does not say."""


@dataclass(frozen=True)
class Person:
    """What an assertion says of a person, in our words; None: it does not say."""

    user_name: str | None
    email: str | None
    given_name: str | None
    family_name: str | None
    display_name: str | None
    groups: list[str] | None
    """Where the provider has a name for them, none sent means none: most leave out an empty list,
    and somebody taken out of their last group must lose what it gave. So with the next two."""
    account_role: str | None
    """The first value, empty if there is none."""
    folders: list[str] | None
    """Each ``role:/path``, or ``/path`` to view."""


def read(attributes: Mapping[str, list[str]], names: Mapping[str, str]) -> Person:
    """Read the attributes of an assertion.

    :param attributes: Values by the provider's names.
    :param names: The provider's name of each of ``OURS``; in any case.
    """
    by_name = {name.lower(): values for name, values in attributes.items()}

    def values(ours: str) -> list[str] | None:
        return by_name.get(names[ours].lower()) if ours in names else None

    def first(ours: str) -> str | None:
        return next(iter(values(ours) or ()), None)

    def listed(ours: str) -> list[str] | None:
        if ours not in names or ELSEWHERE.get(ours) in by_name:
            return None
        return split(values(ours) or ())

    roles = listed("accountRole")
    return Person(
        first("userName"),
        first("email"),
        first("givenName"),
        first("familyName"),
        first("displayName"),
        listed("groups"),
        None if roles is None else next(iter(roles), ""),
        listed("folders"),
    )


def split(values: Iterable[str]) -> list[str]:
    """Return the values of a list, each once; one text may hold several, between commas."""
    listed = list(values)
    if len(listed) == 1:
        listed = listed[0].split(",")
    return list(dict.fromkeys(each.strip() for each in listed if each.strip()))
