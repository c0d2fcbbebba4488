"""Security Event Tokens (RFC 8417): what happened, signed, in words that others know.

Users and groups are told of as SCIM events (RFC 9967), sessions that end as CAEP's
``session-revoked``, everything else under URIs of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

from app.security.signing_keys import PrivateKey

ALGORITHM = "ES256"
TYPE = "secevent+jwt"
"""The ``typ`` of a token, and its media type after ``application/`` (RFC 8417 §2.3)."""
PROVISIONING = "urn:ietf:params:scim:event:prov"
SESSION_REVOKED = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
VERIFICATION = "https://schemas.openid.net/secevent/ssf/event-type/verification"
OWN = "urn:x-gatehouse:event"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SCHEMAS = {
    "user": "urn:ietf:params:scim:schemas:core:2.0:User",
    "group": "urn:ietf:params:scim:schemas:core:2.0:Group",
}
PLACES = {"user": "/Users", "group": "/Groups", "folder": "/Folders"}
"""Where SCIM has resources of a type (RFC 7644 §3.2)."""
FAMILIES = (f"{PROVISIONING}:*", SESSION_REVOKED, f"{OWN}:*")
"""Of the URIs there are, how they begin and ``*``."""
NOT_SCIM = frozenset({"undeclared"})
"""What changes of a user or group beside their attributes."""

Members = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One event of an account, with what the audit log says of it."""

    account_id: str
    id: str
    sequence: int
    at: datetime
    type: str
    """The action, such as ``user.created``."""
    target_type: str
    target_id: str | None
    target_name: str
    before: Members | None
    after: Members | None
    txn: str
    """What all events of one request have in common."""
    by: str
    """Who began it: ``user`` themselves, an ``admin`` or the ``system`` (CAEP §2)."""


def events_of(event: Event) -> dict[str, Members]:
    """Return what a token says under ``events``: payloads by URI, one or more of them."""
    found = _STANDARD.get(event.type, _none)(event)
    return found or {f"{OWN}:{event.type.replace('.', ':')}": _own(event)}


def uris() -> list[str]:
    """Return the standard URIs there can be, in order."""
    prov = ("create:full", "patch:full", "delete", "activate", "deactivate")
    return [f"{PROVISIONING}:{each}" for each in prov] + [SESSION_REVOKED]


def fits_any(wanted: str) -> bool:
    """Tell whether there may be an event that a stream wants so: a URI, ``*`` at its end for any.

    Of our own there is one for each action, so any will do there.
    """
    own = f"{OWN}:"
    return wanted.startswith(own) or any(_is_in(uri, (wanted,)) for uri in (*uris(), own))


def wanted_of(events: dict[str, Members], wanted: Collection[str]) -> dict[str, Members]:
    """Return those events that a stream wants.

    :param wanted: URIs, or how they begin and ``*``; none: all.
    """
    return {uri: payload for uri, payload in events.items() if not wanted or _is_in(uri, wanted)}


def token_of(
    event: Event, events: dict[str, Members], key: PrivateKey, *, issuer: str, audience: str
) -> str:
    """Return the token of an event. It says the same each time, but for its signature.

    :param events: Of :func:`events_of`, those that the receiver wants.
    """
    claims = {
        "iss": issuer,
        "aud": audience,
        "iat": int(event.at.timestamp()),
        "jti": event.id,
        "txn": event.txn,
        "account": event.account_id,
        "sub_id": _subject(event, issuer),
        "events": events,
    }
    return signed(claims, key)


def verification_of(
    token_id: str, stream_id: str, at: datetime, key: PrivateKey, *, issuer: str, audience: str
) -> str:
    """Return a token that says nothing but that tokens arrive (SSF 1.0 §8.1.4)."""
    claims = {
        "iss": issuer,
        "aud": audience,
        "iat": int(at.timestamp()),
        "jti": token_id,
        "sub_id": {"format": "opaque", "id": stream_id},
        "events": {VERIFICATION: {}},
    }
    return signed(claims, key)


def signed(claims: Members, key: PrivateKey) -> str:
    """Return claims as a signed token."""
    return jwt.encode({"alg": ALGORITHM, "kid": key.id, "typ": TYPE}, claims, _key(key.pem))


@lru_cache(maxsize=4)
def _key(pem: str) -> ECKey:
    return ECKey.import_key(pem)


def _is_in(uri: str, wanted: Collection[str]) -> bool:
    return any(uri.startswith(w[:-1]) if w.endswith("*") else uri == w for w in wanted)


def _subject(event: Event, issuer: str) -> Members:
    """Return whom or what an event is about (RFC 9493), as its kind wants it."""
    if event.type == "session.revoked":
        user = {"format": "iss_sub", "iss": issuer, "sub": event.target_id}
        session = (event.after or {}).get("session")
        if session is None:
            return user
        session_id = {"format": "opaque", "id": session}
        return {"format": "complex", "user": user, "session": session_id}
    if event.target_type in PLACES and event.target_id:
        place = f"{PLACES[event.target_type]}/{event.target_id}"  # RFC 9967 §2.1
        external = (event.after or {}).get("externalId") or (event.before or {}).get("externalId")
        return {"format": "scim", "uri": place} | ({"externalId": external} if external else {})
    return {"format": "opaque", "id": event.target_id or event.target_name or event.account_id}


def _none(_event: Event) -> dict[str, Members]:
    return {}


def _own(event: Event) -> Members:
    target = {"type": event.target_type, "id": event.target_id, "name": event.target_name}
    said = {"before": event.before, "after": event.after}
    return {"target": target} | {name: value for name, value in said.items() if value is not None}


def _created(event: Event) -> dict[str, Members]:
    content = {name: value for name, value in (event.after or {}).items() if value is not None}
    schemas = [SCHEMAS[event.target_type], *sorted(n for n in content if n.startswith("urn:"))]
    data = {"schemas": schemas, "id": event.target_id} | content
    return {f"{PROVISIONING}:create:full": {"data": data}}


def _deleted(_event: Event) -> dict[str, Members]:
    return {f"{PROVISIONING}:delete": {}}


def _changed(event: Event) -> dict[str, Members]:
    before, after = event.before or {}, event.after or {}
    if NOT_SCIM & (before.keys() | after.keys()):
        return {}
    operations = list(_operations(before, after))
    return _patched(operations) if operations else {}


def _switched(event: Event) -> dict[str, Members]:
    """A user became active or not; whatever else changed with it is told beside."""
    verb = "activate" if event.type == "user.activated" else "deactivate"
    changed = (event.before or {}).keys() | (event.after or {}).keys()
    return {f"{PROVISIONING}:{verb}": {}} | (_changed(event) if changed != {"active"} else {})


def _joined(event: Event) -> dict[str, Members]:
    members = [_member(event, each) for each in (event.after or {}).get("members", ())]
    return _patched([{"op": "add", "path": "members", "value": members}])


def _left(event: Event) -> dict[str, Members]:
    ids = (event.after or {}).get("members", ())
    return _patched([{"op": "remove", "path": f'members[value eq "{each}"]'} for each in ids])


def _member(event: Event, member_id: str) -> Members:
    is_group = member_id in (event.after or {}).get("member_groups", ())
    return {"value": member_id, "type": "Group" if is_group else "User"}


def _patched(operations: list[Members]) -> dict[str, Members]:
    return {f"{PROVISIONING}:patch:full": {"data": {"schemas": [PATCH], "Operations": operations}}}


def _operations(before: Members, after: Members) -> Iterator[Members]:
    """Return what makes of one representation the other (RFC 7644 §3.5.2)."""
    replaced: Members = {}
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            # Replacing a complex attribute leaves the sub-attributes that are not named.
            colon = ":" if name.startswith("urn:") else "."
            for gone in sorted(old.keys() - new.keys()):
                yield {"op": "remove", "path": f"{name}{colon}{gone}"}
            new = {key: value for key, value in new.items() if old.get(key) != value}
            if new:
                replaced[name] = new
        elif new is None:
            if old is not None:
                yield {"op": "remove", "path": name}
        elif new != old:
            replaced[name] = new
    if replaced:
        yield {"op": "replace", "value": replaced}


def _session_revoked(event: Event) -> dict[str, Members]:
    payload: Members = {"event_timestamp": int(event.at.timestamp()), "initiating_entity": event.by}
    reason = (event.after or {}).get("reason")
    return {SESSION_REVOKED: payload | ({"reason_admin": {"en": reason}} if reason else {})}


_STANDARD: dict[str, Callable[[Event], dict[str, Members]]] = {
    "user.created": _created,
    "group.created": _created,
    "user.updated": _changed,
    "group.updated": _changed,
    "user.activated": _switched,
    "user.deactivated": _switched,
    "user.deleted": _deleted,
    "group.deleted": _deleted,
    "group.members_added": _joined,
    "group.members_removed": _left,
    "session.revoked": _session_revoked,
}
