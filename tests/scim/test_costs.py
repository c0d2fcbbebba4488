"""What a request costs does not grow with the group or the account: SQL statements are counted."""

from sqlalchemy import insert

from app.store.database import db
from app.store.models import Membership, User
from app.store.types import new_id
from scim.search import KEPT_NODES
from tests.conftest import write
from tests.factories import a_folder, a_grant, count_again
from tests.inspection import labour, statements
from tests.scim.conftest import patch_body

SWITCH_OFF = {"op": "replace", "path": "active", "value": False}


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


def labour_in_a_group_of(account, scim, size):
    """What the database does for each operation on a group of so many members."""
    group = scim.create("/Groups", displayName=f"G{size}")
    path = f"/Groups/{group['id']}"
    members = fill(account, group["id"], size)
    joining = scim.create("/Users", userName=f"joining{size}")["id"]
    add = patch_body({"op": "add", "path": "members", "value": [{"value": joining}]})
    remove = patch_body({"op": "remove", "path": f'members[value eq "{members[5]}"]'})
    several = [{"value": each} for each in members[10:14]]
    take_out = patch_body({"op": "remove", "path": "members", "value": several})
    rename = patch_body({"op": "replace", "value": {"displayName": f"H{size}"}})
    by_name = f'displayName eq "H{size}"'
    without = {"excludedAttributes": "members"}
    is_in = f'id eq "{group["id"]}" and members[value eq "{joining}"]'
    return {
        "add": labour_of(scim, "PATCH", path, add, **without),
        "remove": labour_of(scim, "PATCH", path, remove, **without),
        "remove several": labour_of(scim, "PATCH", path, take_out, **without),
        "rename": labour_of(scim, "PATCH", path, rename, **without),
        "read without members": labour_of(scim, "GET", path, **without),
        "find by member": labour_of(
            scim, "GET", "/Groups", filter=f'members.value eq "{joining}"', **without
        ),
        "is a member": labour_of(scim, "GET", "/Groups", filter=is_in, **without),
        "find by name": labour_of(scim, "GET", "/Groups", filter=by_name, **without),
        "find by external id": labour_of(scim, "GET", "/Users", filter='externalId eq "x"'),
        "find by address": labour_of(scim, "GET", "/Users", filter='emails.value eq "x"'),
        "read a member": labour_of(scim, "GET", f"/Users/{members[20]}"),
        "let a member out": labour_of(
            scim, "PATCH", f"/Users/{members[21]}", patch_body(SWITCH_OFF)
        ),
    }


def labour_of(scim, method, path, body=None, **query):
    scim.get("/ServiceProviderConfig")
    with labour() as done:
        answer = scim.call(method, path, body, query=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return done


def test_an_operation_is_the_same_work_in_a_group_of_100_and_of_10_000(account, scim):
    labour_in_a_group_of(account, scim, 50)  # Whatever is done once only has been done now.
    scim.create("/Groups", displayName="Z")  # A search never ends where the index does.
    small = labour_in_a_group_of(account, scim, 100)
    large = labour_in_a_group_of(account, scim, 10_000)
    assert small == large
    assert small["read without members"].statements == 2
    # Two of them write the line of the provisioning log, with the change.
    assert max(each.statements for each in small.values()) <= 17


def test_the_answer_of_a_patch_costs_no_more_in_a_large_group(account, scim):
    def work(size):
        group = scim.create("/Groups", displayName=f"G{size}")
        fill(account, group["id"], size)
        joining = scim.create("/Users", userName=f"joining{size}")["id"]
        add = patch_body({"op": "add", "path": "members", "value": [{"value": joining}]})
        return labour_of(scim, "PATCH", f"/Groups/{group['id']}", add)

    work(50)
    small, large = work(100), work(10_000)
    assert small.statements == large.statements
    assert large.steps <= small.steps * 1.1


def test_reading_a_user_is_two_statements(scim):
    user = scim.create("/Users", userName="ada")
    # The token, then the row with its values and its groups.
    assert cost_of(scim, "GET", f"/Users/{user['id']}") == 2
    assert cost_of(scim, "GET", f"/Users/{user['id']}", excludedAttributes="groups") == 2


def test_a_page_costs_the_same_whatever_its_length(scim):
    for number in range(12):
        scim.create("/Users", userName=f"u{number}", emails=[{"value": f"{number}@x.example"}])
    assert cost_of(scim, "GET", "/Users", count=2) == cost_of(scim, "GET", "/Users", count=11)


def test_reading_people_is_the_same_work_however_many_grants_there_are(account, scim):
    ids = [scim.create("/Users", userName=f"u{number}")["id"] for number in range(5)]
    scim.create("/Groups", displayName="Team", members=[{"value": each} for each in ids])
    brand = a_folder(account)

    def work():
        return (
            labour_of(scim, "GET", f"/Users/{ids[0]}"),
            labour_of(scim, "GET", "/Users", count=5),
            labour_of(scim, "GET", "/Users", filter='userName eq "u3"'),
        )

    others = fill(account, scim.create("/Groups", displayName="Others")["id"], 300)
    for each in others[:10]:
        a_grant(account, each, "media_library_user")
        a_grant(account, each, "viewer", brand)
    few = work()
    for each in others[10:]:
        a_grant(account, each, "media_library_user")
        a_grant(account, each, "viewer", brand)
    assert work() == few


def test_statements_of_large_filters_are_not_kept(scim):
    def search(terms):
        text = " or ".join(['title co "a"'] * terms)
        for paging in ({"count": "0"}, {"cursor": ""}, {}):
            scim.get("/Users", filter=text, **paging)

    search(KEPT_NODES + 1)
    before = set(db.engine._compiled_cache)
    for terms in range(KEPT_NODES + 2, KEPT_NODES + 10):
        search(terms)
    assert set(db.engine._compiled_cache) == before
