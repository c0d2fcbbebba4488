"""The short way of reads answers what the usual way answers, to the byte."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim import pages, quick
from tests.inspection import plans, statements
from tests.scim.conftest import ENTERPRISE

TEXTS = ["ada", "ADA", "Ada.Lovelace@Example.com", "ada@example.com", "straße", "É", "é", "work"]
TEXTS += ["Work", "", " ", "x" * 255, "x" * 256, 'a\\"b', "a\\nb", "ﬀ", "00u1", "Team", "\ufffe"]
USER_FORMS = [
    "userName eq {}",
    "USERNAME EQ {}",
    "userName  eq  {}",
    "externalId eq {}",
    "id eq {}",
    "emails.value eq {}",
    "emails eq {}",
    "emails[value eq {}]",
    "emails[type eq {} and value eq {}]",
    "emails[value eq {} and type eq {}]",
    "userName ne {}",
    "userName eq {} and active eq true",
    "name.givenName eq {}",
]
GROUP_FORMS = [
    "displayName eq {}",
    "externalId eq {}",
    "id eq {}",
    "members.value eq {}",
    "members eq {}",
    "members[value eq {}]",
    "id eq {} and members.value eq {}",
    "id eq {} and members[value eq {}]",
    "displayName sw {}",
]
SHAPES = [
    {},
    {"attributes": "userName"},
    {"attributes": "displayName,members"},
    {"attributes": "emails.value,groups,members.display"},
    {"excludedAttributes": "groups,members"},
    {"excludedAttributes": "emails,meta"},
    {"attributes": "nothing"},
    {"attributes": "userName", "excludedAttributes": "id"},
    {"attributes": "["},
]


@pytest.fixture
def directory(scim):
    """Users and groups of every shape; returns their ids."""
    ada = scim.create(
        "/Users",
        userName="Ada.Lovelace@Example.com",
        externalId="00u1",
        displayName="Ada",
        title="Countess",
        emails=[
            {"value": "ADA@example.com", "type": "Work", "primary": True},
            {"value": "ada@home.example", "type": "home", "display": "É"},
        ],
        addresses=[{"type": "work", "locality": "London"}],
        schemas=["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        **{ENTERPRISE: {"department": "Engines"}},
    )["id"]
    bo = scim.create("/Users", userName="É", emails=[{"value": "ada@example.com"}])["id"]
    chen = scim.create("/Users", userName="straße", externalId="00u1", active=False)["id"]
    team = scim.create("/Groups", displayName="Team", members=[{"value": ada}, {"value": bo}])
    outer = scim.create("/Groups", displayName="Team", externalId="00u1")["id"]
    scim.patch(f"/Groups/{outer}", {"op": "add", "path": "members", "value": [team["id"]]})
    empty = scim.create("/Groups", displayName="Empty")["id"]
    return [ada, bo, chen, team["id"], outer, empty]


@pytest.fixture
def both(scim, monkeypatch):
    """Ask both ways; return the answers, and whether the short way knew one."""
    answer, known = quick.answer, []

    def watched(*arguments):
        found = answer(*arguments)
        known.append(found is not None)
        return found

    def ask(path, **query):
        monkeypatch.setattr(quick, "answer", watched)
        short = scim.call("GET", path, query=query)
        monkeypatch.setattr(quick, "answer", lambda *_: None)
        usual = scim.call("GET", path, query=query)
        assert short.status_code == usual.status_code
        assert short.get_data() == usual.get_data()
        assert _told(short) == _told(usual)
        return known.pop()

    return ask


def test_no_header_is_said_twice(scim, directory):
    user = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "new"}
    answers = [
        scim.call("POST", "/Users", user),
        scim.call("POST", "/Users", user),
        scim.call("GET", "/Users/nobody"),
        scim.call("GET", "/Users", query={"cursor": ""}),
        scim.call("GET", f"/Users/{directory[0]}"),
        scim.call("HEAD", f"/Users/{directory[0]}"),
        scim.call("GET", "/ServiceProviderConfig"),
    ]
    assert [answer.status_code for answer in answers] == [201, 409, 404, 200, 200, 200, 200]
    for answer in answers:
        names = [name.lower() for name, _ in answer.headers]
        assert len(names) == len(set(names)) and "content-type" in names


def _told(answer):
    return sorted((name, value) for name, value in answer.headers if name != "X-Request-Id")


def test_resources_are_the_same_in_every_shape(both, directory):
    for each in directory:
        for kind in ("Users", "Groups"):
            for shape in SHAPES:
                both(f"/{kind}/{each}", **shape)
    assert both(f"/Users/{directory[0]}")
    assert both(f"/Groups/{directory[3]}", excludedAttributes="members")
    assert not both("/Users/nobody")
    assert not both(f"/Users/{directory[0]}", attributes="urn:x:y:z" * 2000)


def test_pages_are_the_same_in_every_shape(both, directory):
    for kind in ("Users", "Groups"):
        for shape in SHAPES:
            both(f"/{kind}", **shape)
        for start in ("1", "2", "3", "4", "0", "-1", "x", "01", "99999999999", ""):
            for count in ("1", "2", "100", "1000", "5000", "0", "-1", "x", ""):
                both(f"/{kind}", startIndex=start, count=count)
        assert both(f"/{kind}", startIndex="2", count="2")
        assert not both(f"/{kind}", sortBy="id")
        assert not both(f"/{kind}", cursor="")


def test_a_long_page_is_the_same_in_parts(both, scim, directory, monkeypatch):
    for number in range(9):
        scim.create("/Users", userName=f"u{number}")
    monkeypatch.setattr(quick, "AT_ONCE", 4)
    for kind in ("Users", "Groups"):
        for shape in SHAPES:
            for count in ("1", "4", "5", "8", "100"):
                both(f"/{kind}", count=count, **shape)
                both(f"/{kind}", count=count, startIndex="3", **shape)
    assert both("/Users", count="9")


@pytest.mark.parametrize(
    ("kind", "form"),
    [*(("Users", each) for each in USER_FORMS), *(("Groups", each) for each in GROUP_FORMS)],
)
def test_look_ups_are_the_same(both, directory, kind, form):
    known = set()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(TEXTS + directory), min_size=2, max_size=2), st.data())
    def check(texts, data):
        shape = data.draw(st.sampled_from(SHAPES[:6]))
        count = data.draw(st.sampled_from([{}, {"count": "1"}, {"startIndex": "2"}]))
        filter_ = form.format(*(f'"{text}"' for text in texts))
        known.add(both(f"/{kind}", filter=filter_, **shape, **count))

    check()
    plain = form.split()[1].lower() == "eq" or "[" in form
    usual = "active" in form or "givenName" in form
    assert (True in known) == (plain and not usual)


def test_a_page_begins_where_the_one_before_ended(scim, both):
    ids = [scim.create("/Users", userName=f"u{number}")["id"] for number in range(9)]
    pages._starts.clear()

    def page(start):
        assert both("/Users", startIndex=start, count="3")
        return [each["id"] for each in scim.get("/Users", startIndex=start, count=3)["Resources"]]

    assert page(1) + page(4) + page(7) == ids
    assert len(pages._starts) == 3
    # Somebody left: what begins a page is no longer known, and nobody is left out.
    assert scim.call("DELETE", f"/Users/{ids[0]}").status_code == 204
    assert page(4) == ids[4:7]
    scim.create("/Users", userName="u9")
    assert page(7)[:2] == ids[7:]


def test_starts_of_pages_take_no_more_than_their_share(scim, monkeypatch):
    monkeypatch.setattr(pages, "STARTS", 4)
    for number in range(9):
        scim.create("/Users", userName=f"u{number}")
    pages._starts.clear()
    for number in range(1, 10):
        scim.get("/Users", startIndex=number, count=1)
    assert len(pages._starts) == 4


def test_a_look_up_walks_nothing(scim, directory):
    asked = [("Users", form) for form in USER_FORMS[:10]]
    asked += [("Groups", form) for form in GROUP_FORMS[:8]]
    for kind, form in asked:
        filter_ = form.format('"x"', '"y"')
        with plans() as steps:
            scim.get(f"/{kind}", filter=filter_)
        walked = [step for step in steps if step.startswith(("SCAN users", "SCAN groups"))]
        assert not walked, (form, steps)


def test_what_a_read_asks_of_the_database(scim, directory):
    def cost(path, **query):
        with statements() as seen:
            scim.get(path, **query)
        return len(seen)

    # The token, then everything of the user at once.
    assert cost(f"/Users/{directory[2]}") == 2
    # In a group that is in a group: those around it, too.
    assert cost(f"/Users/{directory[0]}") == 3
    assert cost("/Users", filter='userName eq "nobody"') == 2
    # How many there are, where the page is, and its users.
    assert cost("/Users", excludedAttributes="groups") == 4


def test_what_is_written_is_of_the_type_it_is_declared_with(scim, directory):
    sent = scim.call("GET", f"/Users/{directory[0]}").get_data(as_text=True)
    assert '"primary":true' in sent
    assert '"active":true' in sent
    assert re.search(r'"created":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"', sent)
