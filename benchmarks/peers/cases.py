"""What the servers of the HTTP benchmark are asked for, in the words of RFC 7644."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

CORE = "urn:ietf:params:scim:schemas:core:2.0"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Ask(NamedTuple):
    """One request: method, path with its query, and the JSON body if it has one."""

    method: str
    path: str
    body: dict[str, Any] | None = None


class Cases:
    """Each case as a function that returns its `Ask`; None where a server has no counterpart."""

    get_user: Callable[[str], Ask] | None = None
    filter_user_name: Callable[[str], Ask] | None = None
    list_100: Callable[[], Ask] | None = None
    patch_active: Callable[[str, bool], Ask] | None = None
    create_user: Callable[[int], Ask] | None = None
    add_member: Callable[[str, str], Ask] | None = None
    remove_member: Callable[[str, str], Ask] | None = None
    get_group: Callable[[str], Ask] | None = None

    def __init__(self, base: str) -> None:
        self.base = base
        """The path before /Users and /Groups."""


class Hello(Cases):
    """The floor: whatever is asked for, the answer is the same few bytes."""

    def get_user(self, user: str) -> Ask:
        return Ask("GET", f"{self.base}/")


class Scim(Cases):
    def get_user(self, user: str) -> Ask:
        return Ask("GET", f"{self.base}/Users/{user}")

    def filter_user_name(self, name: str) -> Ask:
        return Ask("GET", f"{self.base}/Users?filter=" + quote(f'userName eq "{name}"'))

    def list_100(self) -> Ask:
        return Ask("GET", f"{self.base}/Users?startIndex=1&count=100")

    def patch_active(self, user: str, active: bool) -> Ask:
        return self._patch(f"/Users/{user}", op="replace", path="active", value=active)

    def create_user(self, number: int) -> Ask:
        return Ask("POST", f"{self.base}/Users", user(number, "created"))

    def add_member(self, group: str, user: str) -> Ask:
        return self._patch(f"/Groups/{group}", op="add", path="members", value=[{"value": user}])

    def remove_member(self, group: str, user: str) -> Ask:
        return self._patch(f"/Groups/{group}", op="remove", path=f'members[value eq "{user}"]')

    def get_group(self, group: str) -> Ask:
        return Ask("GET", f"{self.base}/Groups/{group}")

    def _patch(self, where: str, /, **operation: Any) -> Ask:
        return Ask("PATCH", self.base + where, {"schemas": [PATCH_OP], "Operations": [operation]})


class ScimWithoutMembers(Scim):
    """Polis keeps the members of a group, but answers `members: []` whoever is in it."""

    get_group = None  # type: ignore[assignment]


def user(number: int, kind: str = "user") -> dict[str, Any]:
    """The same user for every server, as a SCIM client would send it."""
    name = f"{kind}{number}@example.com"
    return {
        "schemas": [f"{CORE}:User"],
        "userName": name,
        "name": {"givenName": "Ada", "familyName": f"Lovelace {number}"},
        "displayName": f"Ada Lovelace {number}",
        "emails": [{"value": name, "type": "work", "primary": True}],
        "active": True,
    }
