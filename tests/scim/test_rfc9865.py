"""RFC 9865, cursors: what ``test_cursors`` does not prove by the way."""

from __future__ import annotations

import pytest

SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@pytest.fixture
def five(scim):
    for number in range(5):
        scim.create("/Users", userName=f"user{number}")


def test_the_first_and_the_last_page_have_no_further_cursor(scim, five):
    first = scim.get("/Users", cursor="", count=3)
    assert "previousCursor" not in first
    assert len(first["Resources"]) == 3
    last = scim.get("/Users", cursor=first["nextCursor"], count=3)
    assert "nextCursor" not in last
    assert len(last["Resources"]) == 2
    back = scim.get("/Users", cursor=last["previousCursor"], count=3)
    assert back["Resources"] == first["Resources"]


def test_a_cursor_in_a_search_by_post(scim, five):
    body = {"schemas": [SEARCH], "count": 2, "cursor": "", "sortBy": "userName"}
    first = scim.call("POST", "/Users/.search", body).get_json()
    second = scim.call("POST", "/Users/.search", body | {"cursor": first["nextCursor"]}).get_json()
    names = [each["userName"] for page in (first, second) for each in page["Resources"]]
    assert names == ["user0", "user1", "user2", "user3"]


def test_a_cursor_that_is_none_is_invalid(scim, five):
    for cursor in ("nonsense", "a" * 5000):
        error = scim.refused("GET", "/Users", query={"cursor": cursor})
        assert (error["status"], error["scimType"]) == ("400", "invalidCursor")


def test_a_cursor_of_before_is_expired(scim, five, monkeypatch):
    import scim2_server.cursor

    cursor = scim.get("/Users", cursor="", count=2)["nextCursor"]
    now = scim2_server.cursor.time.time()
    monkeypatch.setattr(scim2_server.cursor.time, "time", lambda: now + 4000)
    error = scim.refused("GET", "/Users", query={"cursor": cursor, "count": 2})
    assert (error["status"], error["scimType"]) == ("400", "expiredCursor")


def test_the_configuration_says_how_pages_are_made(scim):
    pagination = scim.get("/ServiceProviderConfig")["pagination"]
    assert (pagination["cursor"], pagination["index"]) == (True, True)
    assert pagination["defaultPaginationMethod"] == "index"
    assert pagination["maxPageSize"] == 1000
    assert pagination["cursorTimeout"] == 3600


def test_a_count_that_is_no_number_is_invalid(scim, five):
    for count in ("many", "1.5", ""):
        query = {"cursor": "", "count": count}
        assert scim.refused("GET", "/Users", query=query)["scimType"] == "invalidCount"


def test_a_count_other_than_that_of_the_first_page_is_invalid(scim, five):
    cursor = scim.get("/Users", cursor="", count=2)["nextCursor"]
    for query in ({"count": 3}, {}):
        error = scim.refused("GET", "/Users", query={"cursor": cursor} | query)
        assert (error["status"], error["scimType"]) == ("400", "invalidCount")


def test_a_page_has_a_cursor_or_an_index(scim, five):
    query = {"cursor": "", "startIndex": 1}
    assert scim.refused("GET", "/Users", query=query)["scimType"] == "invalidValue"
    assert "nextCursor" not in scim.get("/Users", count=2)  # by index unless asked otherwise
    page = scim.get("/Users", cursor="", count=2)
    assert not {"startIndex", "totalResults"} & set(page)


def test_pages_without_anything_have_no_cursor(scim, five):
    for query in ({"count": 0}, {"filter": 'userName eq "nobody"'}):
        page = scim.get("/Users", cursor="", **query)
        assert (page["Resources"], page["itemsPerPage"]) == ([], 0)
        assert not {"nextCursor", "previousCursor"} & set(page)


def test_a_cursor_at_the_root_walks_all_types(scim, five):
    scim.create("/Groups", displayName="Group")
    seen, cursor = [], ""
    while cursor is not None:
        page = scim.get("/", cursor=cursor, count=4)
        seen += [each["meta"]["resourceType"] for each in page["Resources"]]
        cursor = page.get("nextCursor")
    assert sorted(seen) == ["Group", *["User"] * 5]


def test_who_is_made_or_deleted_meanwhile_disturbs_no_page(scim, five):
    first = scim.get("/Users", cursor="", count=2)
    scim.call("DELETE", f"/Users/{first['Resources'][1]['id']}")
    scim.create("/Users", userName="late")
    rest = scim.get("/Users", cursor=first["nextCursor"], count=2)
    last = scim.get("/Users", cursor=rest["nextCursor"], count=2)
    names = [each["userName"] for page in (rest, last) for each in page["Resources"]]
    assert names == ["user2", "user3", "user4", "late"]
