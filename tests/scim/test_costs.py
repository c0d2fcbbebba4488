"""What a request costs does not grow with the group or the account: SQL statements are counted."""

from sqlalchemy import insert

from app.store.database import db
from app.store.models import Membership, User
from app.store.types import new_id
from tests.conftest import write
from tests.factories import count_again
from tests.inspection import statements
from tests.scim.conftest import patch_body


def fill(account_id, group_id, count):
    """Put that many new users into a group, quickly."""
    users = [
        {"account_id": account_id, "id": new_id(), "user_name": name, "user_name_key": name}
        for name in (f"{group_id}-{number}" for number in range(count))
    ]
    with write(account_id):
        db.session.execute(insert(User), users)
        members = [
            {"account_id": account_id, "group_id": group_id, "user_id": user["id"]}
            for user in users
        ]
        db.session.execute(insert(Membership), members)
        count_again(account_id)
    return [user["id"] for user in users]


def cost_of(scim, method, path, body=None, **query):
    """How many statements a request takes."""
    scim.get("/ServiceProviderConfig")
    with statements() as seen:
        answer = scim.call(method, path, body, query=query)
    assert answer.status_code in (200, 201, 204), answer.get_data(as_text=True)
    return len(seen)


def costs_in_a_group_of(account, scim, size):
    group = scim.create("/Groups", displayName=f"G{size}")
    path = f"/Groups/{group['id']}"
    members = fill(account, group["id"], size)
    joining = scim.create("/Users", userName=f"joining{size}")["id"]
    add = patch_body({"op": "add", "path": "members", "value": [{"value": joining}]})
    remove = patch_body({"op": "remove", "path": f'members[value eq "{members[5]}"]'})
    rename = patch_body({"op": "replace", "value": {"displayName": "H"}})
    return {
        "add": cost_of(scim, "PATCH", path, add),
        "remove": cost_of(scim, "PATCH", path, remove),
        "rename": cost_of(scim, "PATCH", path, rename),
        "read": cost_of(scim, "GET", path),
        "read without members": cost_of(scim, "GET", path, excludedAttributes="members"),
        "find": cost_of(scim, "GET", "/Groups", filter=f'members.value eq "{joining}"'),
    }


def test_changing_one_member_costs_the_same_in_any_group(account, scim):
    small, large = (costs_in_a_group_of(account, scim, size) for size in (10, 3000))
    assert small == large
    assert small["read without members"] == 2
    # Two of them write the line of the provisioning log, with the change.
    assert max(small.values()) <= 17


def test_reading_a_user_is_two_statements(scim):
    user = scim.create("/Users", userName="ada")
    # The token, then the row with its values and its groups.
    assert cost_of(scim, "GET", f"/Users/{user['id']}") == 2
    assert cost_of(scim, "GET", f"/Users/{user['id']}", excludedAttributes="groups") == 2


def test_a_page_costs_the_same_whatever_its_length(scim):
    for number in range(12):
        scim.create("/Users", userName=f"u{number}", emails=[{"value": f"{number}@x.example"}])
    assert cost_of(scim, "GET", "/Users", count=2) == cost_of(scim, "GET", "/Users", count=11)
