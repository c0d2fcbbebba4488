"""The options of a SAML connection in the console."""

from __future__ import annotations

import pytest

from app.console.saml_options import OPTIONS, RISKS, AttributesForm
from app.store.models import Connection
from saml.attributes import OURS, PRESETS
from saml.options import Options
from tests.console.client import Browser
from tests.factories import a_connection, a_custom_role, a_grant, a_session, a_user
from tests.inspection import audit, row

FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"


@pytest.fixture
def page(okta) -> str:
    return f"/connections/{okta}/options"


def stored(okta: str) -> Options:
    return Options.from_settings(row(Connection, id=okta).settings)


def test_every_option_and_every_attribute_has_its_field(app):
    known = set(Options.__dataclass_fields__)
    assert set(OPTIONS) | {"attribute_names"} == known
    with app.test_request_context():
        assert [field.short_name for field in AttributesForm()] == list(OURS)


def test_what_is_saved_unchanged_is_no_change(admin, account, page):
    answer = admin.submit(page)
    assert (answer.status_code, answer.location) == (303, page)
    assert audit(account, "connection.updated") == []


def test_each_option_says_what_it_does_its_default_and_its_risk(admin, page):
    shown = admin.page(page)
    for name in OPTIONS:
        field = shown.xpath("//*[@name=$name]", name=name)[0]
        labelled = field.get("aria-describedby") or field.xpath(
            "string(ancestor::fieldset[1]/@aria-describedby)"
        )
        help = shown.get_element_by_id(labelled.split()[0])
        assert "Safe default: " in help.text_content(), name
        assert bool(help.find_class("risk")) is (name in RISKS), name


def test_all_of_them_are_changed(admin, account, okta, page):
    role = a_custom_role(account, "folder", {"folder.view"}, name="Looker")
    wanted = {
        "match_email": "y",
        "provisioning": "update",
        "names-email": "mail",
        "names-accountRole": " role ",
        "may_give": ["reports", role],
        "name_id_format": FORMAT,
        "force_authn": "y",
        "authn_contexts": "urn:a:b\r\nurn:a:c",
        "require_encryption": "y",
        "allow_unsolicited": "y",
        "second_factor_contexts": "urn:a:c",
        "session_hours": "8",
        "clock_skew_seconds": "30",
        "landing": "/folders",
    }
    form = admin.form(page, page)
    kept = {name: value for name, value in form.form_values() if name == "csrf_token"}
    answer = admin.post(page, data=kept | wanted, headers={"Referer": admin.base_url + page})
    assert answer.status_code == 303
    assert stored(okta) == Options(
        match_email=True,
        name_id_format=FORMAT,
        sign_requests=False,
        force_authn=True,
        authn_contexts=("urn:a:b", "urn:a:c"),
        second_factor_contexts=("urn:a:c",),
        allow_unsolicited=True,
        require_encryption=True,
        provisioning="update",
        attribute_names={"email": "mail", "accountRole": "role"},
        may_give=(role, "reports"),
        single_logout=False,
        clock_skew_seconds=30,
        session_hours=8,
        landing="/folders",
    )
    assert admin.submit(page).status_code == 303
    assert len(audit(account, "connection.updated")) == 1, "the page shows them as they stand"


def test_the_names_of_a_provider_are_filled_in_and_count_once_saved(admin, okta, page):
    filled = admin.page(f"{page}?preset=entra")
    shown = {
        ours: filled.xpath("string(//input[@name=$name]/@value)", name=f"names-{ours}")
        for ours in OURS
    }
    assert {ours: theirs for ours, theirs in shown.items() if theirs} == PRESETS["entra"]
    assert stored(okta).attribute_names == {}
    admin.submit(f"{page}?preset=entra", page)
    assert stored(okta).attribute_names == PRESETS["entra"]
    assert "filled in below" not in admin.text(f"{page}?preset=nobody")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("landing", "//evil.example", "landing-wrong"),
        ("landing", "", "landing-wrong"),
        ("session_hours", "many", "session_hours-wrong"),
        ("session_hours", "-1", "session_hours-wrong"),
        ("clock_skew_seconds", "601", "clock_skew_seconds-wrong"),
        ("provisioning", "always", "provisioning-wrong"),
        ("name_id_format", "urn:mine", "name_id_format-wrong"),
        ("authn_contexts", "anything", "authn_contexts-wrong"),
        ("names-folders", "folders", "may_give-wrong"),
        ("names-email", "x" * 1001, "names-email-wrong"),
        ("names-email", "a\0b", "alert-danger"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(admin, account, page, field, value, said):
    answer = admin.submit(page, **{field: value})
    assert answer.status_code == 200
    assert said in answer.get_data(as_text=True)
    assert audit(account, "connection.updated") == []


def test_nobody_lets_a_role_be_given_that_they_do_not_hold(browser, account, okta, page):
    user_id = a_user(account)
    a_grant(account, user_id, a_custom_role(account, "account", {"connection.manage"}))
    browser.sign_in(a_session(account, user_id))
    answer = browser.submit(page, may_give=["admin"])
    assert answer.status_code == 200 and "You lack" in answer.get_data(as_text=True)
    assert stored(okta).may_give == ()


def test_a_connection_of_scim_has_no_options(admin, account):
    assert admin.get(f"/connections/{a_connection(account)}/options").status_code == 404


def test_who_only_looks_sees_no_way_to_them(app, account, okta, page):
    user_id = a_user(account)
    a_grant(account, user_id, a_custom_role(account, "account", {"connection.view"}))
    viewer = Browser(app)
    viewer.sign_in(a_session(account, user_id))
    assert viewer.get(page).status_code == 403
    links = viewer.page(f"/connections/{okta}").xpath("//main//a/@href")
    assert [each for each in links if each.startswith(f"/connections/{okta}/")] == []
