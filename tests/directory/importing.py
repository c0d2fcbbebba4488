"""Files of people for the tests, and what became of them."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from app.store.models import Grant, Group, Membership, User, UserValue
from tests.inspection import audit, rows

NOT_COMPARED = {"account_id", "id", "user_id", "created_at", "updated_at", "last_sign_in_at"}


def kept(each: Any) -> str:
    said = {name: value for name, value in each._mapping.items() if name not in NOT_COMPARED}
    return json.dumps(said, sort_keys=True)


def content(account_id: str) -> dict[str, Any]:
    """All an account holds of people, by names where there are ids."""
    names = {each.id: each.user_name for each in rows(User, account_id=account_id)}
    titles = {each.id: each.display_name for each in rows(Group, account_id=account_id)}
    values = rows(UserValue, account_id=account_id)
    return {
        "users": sorted(map(kept, rows(User, account_id=account_id))),
        "values": sorted((names[each.user_id], kept(each)) for each in values),
        "groups": sorted(
            (each.display_name, each.origin, each.attributes == {})
            for each in rows(Group, account_id=account_id)
        ),
        "memberships": sorted(
            (titles[each.group_id], names[each.user_id])
            for each in rows(Membership, account_id=account_id)
        ),
        "grants": sorted(
            (titles.get(each.group_id, ""), each.role_id, each.origin)
            for each in rows(Grant, account_id=account_id)
        ),
    }


def told(account_id: str) -> dict[str, Any]:
    """What the audit log says of people and groups, by names where there are ids."""
    names = {each.id: each.user_name for each in rows(User, account_id=account_id)}
    found: dict[str, Any] = {"events": Counter(), "members": Counter()}
    for each in audit(account_id):
        if each.target_type not in ("user", "group"):
            continue
        if each.action.startswith("group.members_"):
            for member in each.after["members"]:
                found["members"][each.action, each.target_name, names[member]] += 1
        elif each.action not in ("grant.given", "session.opened"):
            said = json.dumps([each.before, each.after], sort_keys=True)
            found["events"][each.action, each.target_name, said] += 1
    return found
