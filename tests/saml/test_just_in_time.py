"""People nobody pushed: made from an assertion where the connection says so, and never twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from lxml import etree

from app.access.decisions import check
from app.directory import domains, mappings, users
from app.store.models import Group, Membership, User, UserValue
from saml import setup
from saml.attributes import PRESETS, split
from saml.xml import SAML
from tests.conftest import write
from tests.factories import a_folder, a_group
from tests.inspection import audit, row, rows
from tests.saml.conftest import connect
from tests.saml.provider import find
from tests.scim.conftest import new_client

OKTA = PRESETS["okta"]
LINK = "http://schemas.microsoft.com/claims/groups.link"


def telling(**values):
    """Add attributes by the names Okta gives them, before the assertion is signed."""

    def change(root):
        statement = find(root, "AttributeStatement")
        for name, each in values.items():
            attribute = etree.SubElement(statement, f"{{{SAML}}}Attribute", Name=name)
            for text in each if isinstance(each, list) else [each]:
                etree.SubElement(attribute, f"{{{SAML}}}AttributeValue").text = text

    return change


@pytest.fixture
def arrive(app, account, provider):
    """Sign in through a connection that makes people, and return the answer."""
    browser = connect(app, account, provider, provisioning="update", attribute_names=OKTA)

    def sign_in(name_id="eve@example.com", **values):
        response = provider.response(
            browser.sp, browser.start(), name_id=name_id, before=telling(**values)
        )
        return browser.post(response)

    browser.provider_metadata = provider.metadata()
    sign_in.browser = browser
    return sign_in


def test_nobody_is_made_unless_it_is_said(browser, provider):
    response = provider.response(browser.sp, browser.start(), name_id="eve@example.com")
    browser.assert_refused(browser.post(response), "nobody here")


def test_somebody_is_made_at_the_first_sign_in(arrive, account):
    told = {"email": "eve@example.com", "firstName": "Eve", "lastName": "Moneypenny"}
    assert arrive(**told, displayName="Eve M.").status_code == 303
    assert arrive.browser.session() == "eve@example.com"
    user = row(User)
    assert (user.origin, user.display_name) == ("saml", "Eve M.")
    assert user.attributes["name"] == {"givenName": "Eve", "familyName": "Moneypenny"}
    assert row(UserValue).value == "eve@example.com"
    (event,) = audit(account, "user.created")
    assert (event.surface, event.actor_name) == ("saml", "IdP")


def test_who_has_no_display_name_is_shown_by_name(arrive):
    arrive(firstName="Grace", lastName="Hopper")
    assert row(User).display_name == "Grace Hopper"


def test_what_is_told_at_the_next_sign_in_counts(arrive, account):
    arrive(firstName="Eve", lastName="Moneypenny")
    arrive(firstName="Eva", email="eva@example.com")
    user = row(User)
    assert user.attributes["name"] == {"givenName": "Eva", "familyName": "Moneypenny"}
    assert row(UserValue).value == "eva@example.com"


def test_only_made_not_kept_up_to_date(arrive, account):
    with write(account) as work:
        setup.configure(work, "IdP", provisioning="create")
    arrive(firstName="Eve")
    arrive(firstName="Eva")
    assert row(User).attributes["name"] == {"givenName": "Eve"}


def test_somebody_with_a_persistent_name_is_found_again(arrive):
    for _ in range(2):
        assert arrive(name_id="x7f-91", email="eve@example.com").status_code == 303
    user = row(User)
    assert (user.user_name, user.external_id) == ("eve@example.com", "x7f-91")


@pytest.mark.parametrize("other", ["EVE@example.com", "Eve@Example.Com"])
def test_there_is_never_a_twin(arrive, other):
    arrive()
    assert arrive(name_id=other).status_code == 303
    assert row(User).user_name == "eve@example.com"


def test_a_name_that_is_taken_is_not_taken_over(arrive, account):
    with write(account) as work:
        users.create(work, users.Profile("boss@example.com"))
    answer = arrive(name_id="stranger", email="boss@example.com")
    arrive.browser.assert_refused(answer, "boss@example.com")
    assert len(rows(User)) == 1


def test_an_email_attribute_does_not_name_who_is_made(arrive):
    """Its owner may be able to change it at the provider."""
    arrive(name_id="mallory@example.com", email="boss@example.com")
    assert row(User).user_name == "mallory@example.com"
    arrive.browser.client.delete_cookie("gatehouse")
    arrive(name_id="boss@example.com")
    assert {each.user_name for each in rows(User)} == {"mallory@example.com", "boss@example.com"}


def test_scim_wins(app, arrive, account):
    scim = new_client(app, account)
    eve = scim.create("/Users", userName="eve@example.com", name={"givenName": "Eve"})
    assert arrive(firstName="Mallory", groups=["Admins"]).status_code == 303
    assert scim.get(f"/Users/{eve['id']}") == eve
    assert rows(Group) == []


def test_somebody_deactivated_stays_out(app, arrive, account):
    arrive()
    with write(account) as work:
        users.set_active(work, row(User).id, False)
    answer = arrive()
    assert answer.status_code == 403
    assert row(User).active is False


def test_groups_follow_the_assertion_and_mappings_hold(arrive, account):
    folder = a_folder(account, "Brand")
    with write(account) as work:
        mappings.create(work, "Designers", "editor", folder)
    arrive(groups=["Designers", "Readers"])
    eve = row(User).id
    assert {each.display_name for each in rows(Group)} == {"Designers", "Readers"}
    assert check(account, eve, "asset.edit", folder).allowed
    arrive(groups="Readers, Writers")
    assert not check(account, eve, "asset.edit", folder).allowed
    arrive(**{LINK: "https://graph.example/"})  # too many to send: it does not tell
    assert len(rows(Membership)) == 2
    arrive()  # most providers leave out an empty list
    assert rows(Membership) == []
    assert len(rows(Group)) == 3


def test_groups_nobody_asked_for_change_nothing(arrive, account):
    arrive(groups=["Designers"])
    with write(account) as work:
        setup.configure(work, "IdP", attribute_names={"email": "email"})
    arrive(groups=["Readers"])
    assert [each.display_name for each in rows(Group)] == ["Designers"]
    assert len(rows(Membership)) == 1


def test_groups_of_others_are_not_touched(app, arrive, account):
    folder = a_folder(account, "Brand")
    by_hand = a_group(account, "Designers")
    with write(account) as work:
        mappings.create(work, "Designers", "editor", folder, connection_id=None)
    arrive(groups=["Designers"])
    own = [each for each in rows(Group) if each.id != by_hand]
    assert [each.origin for each in own] == ["saml"]


def test_names_that_cannot_be_kept_are_refused(arrive):
    answer = arrive(name_id="x" * 300)
    assert answer.status_code == 403
    assert rows(User) == []
    assert arrive(groups=[f"g{number}" for number in range(501)]).status_code == 403
    assert rows(User) == []


def test_people_of_a_domain_come_through_its_connection_alone(arrive, account, ada):
    with write(account) as work:
        described = setup.from_metadata(arrive.browser.provider_metadata)
        first = setup.register(work, "First", described)
        domains.add(work, "example.com", first)
    for name_id in ("ada@example.com", "EVE@Example.com"):
        answer = arrive(name_id=name_id)
        arrive.browser.assert_refused(answer, "people of example.com sign in through another")
    assert [each.user_name for each in rows(User)] == ["Ada@example.com"]
    assert arrive(name_id="bob@contractors.example").status_code == 303
    assert arrive(name_id="no-address").status_code == 303
    # Their addresses count too: of somebody with both, either provider may speak.
    arrive.browser.client.delete_cookie("gatehouse")
    emails = [{"value": "carol@example.com"}]
    with write(account) as work:
        carol = users.create(work, users.Profile("carol", values={"emails": emails}))
    assert arrive(name_id="carol").status_code == 403
    with write(account) as work:
        domains.add(work, "contractors.example", "IdP")
        profile = users.profile_of(work, carol)
        emails = [*emails, {"value": "carol@contractors.example"}]
        users.replace(work, carol, replace(profile, values={"emails": emails}))
    assert arrive(name_id="carol").status_code == 303


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        (["a", "b", "a"], ["a", "b"]),
        (["a,b , c"], ["a", "b", "c"]),
        (["a,b", "c"], ["a,b", "c"]),
        ([], []),
        ([" ", ","], [","]),
    ],
)
def test_lists_come_as_values_or_between_commas(values, groups):
    assert split(values) == groups
