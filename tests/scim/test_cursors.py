"""Paging by cursor (RFC 9865) and search over all resource types, over HTTP."""

import pytest

from scim.provider import DEFAULT_RESULTS, MAX_RESULTS
from tests.inspection import statements
from tests.scim.conftest import new_client


@pytest.fixture
def seven(scim):
    for number in range(7):
        scim.create("/Users", userName=f"user{number}", title="odd" if number % 2 else None)
    return scim


def names(page):
    return [each["userName"] for each in page["Resources"]]


def test_forward_and_back(seven):
    first = seven.get("/Users", cursor="", count=3)
    assert names(first) == ["user0", "user1", "user2"]
    assert "previousCursor" not in first and "startIndex" not in first
    second = seven.get("/Users", cursor=first["nextCursor"], count=3)
    third = seven.get("/Users", cursor=second["nextCursor"], count=3)
    assert names(second) + names(third) == ["user3", "user4", "user5", "user6"]
    assert "nextCursor" not in third
    back = seven.get("/Users", cursor=third["previousCursor"], count=3)
    assert names(back) == names(second)
    assert names(seven.get("/Users", cursor=back["previousCursor"], count=3)) == names(first)


@pytest.mark.parametrize("order", ["ascending", "descending"])
@pytest.mark.parametrize("sort_by", ["title", "active", "meta.created", "emails", "userName"])
def test_a_walk_in_any_order_meets_everyone_once(seven, sort_by, order):
    asked = {"sortBy": sort_by, "sortOrder": order}
    whole = names(seven.get("/Users", **asked))
    seen, cursor = [], ""
    while cursor is not None:
        page = seven.get("/Users", cursor=cursor, count=2, **asked)
        seen += names(page)
        cursor = page.get("nextCursor")
    assert seen == whole and len(seen) == 7


def test_a_cursor_serves_its_own_query_alone(seven):
    cursor = seven.get("/Users", cursor="", count=3)["nextCursor"]
    for query in (
        {"count": 4},
        {"count": 3, "filter": "active eq true"},
        {"count": 3, "sortBy": "title"},
    ):
        answer = seven.call("GET", "/Users", query={"cursor": cursor} | query)
        assert answer.status_code == 400
        assert answer.get_json()["scimType"] in ("invalidCursor", "invalidCount")


def test_cursors_cost_the_same_on_every_page(seven):
    def cost(cursor):
        with statements() as seen:
            page = seven.get("/Users", cursor=cursor, count=2)
        return page, len(seen)

    seven.get("/Users")
    first, _ = cost("")
    second, cost_of_second = cost(first["nextCursor"])
    _, cost_of_third = cost(second["nextCursor"])
    assert cost_of_second == cost_of_third


def test_the_root_searches_users_and_groups(app, account, seven):
    seven.create("/Groups", displayName="user-group")
    found = seven.get("/", filter='displayName eq "user-group" or userName eq "user3"')
    assert {each["meta"]["resourceType"] for each in found["Resources"]} == {"User", "Group"}
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "count": 3}
    listed = seven.call("POST", "/.search", body).get_json()
    assert (listed["totalResults"], len(listed["Resources"])) == (8, 3)
    assert new_client(app, account, "groups").get("/")["totalResults"] == 1


def test_pages_are_bounded(seven):
    assert seven.get("/Users", count=10**9)["itemsPerPage"] == 7
    config = seven.get("/ServiceProviderConfig")
    assert config["pagination"]["maxPageSize"] == config["filter"]["maxResults"] == MAX_RESULTS
    assert config["pagination"]["defaultPageSize"] == DEFAULT_RESULTS
