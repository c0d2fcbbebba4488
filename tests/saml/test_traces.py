"""A failed sign-in is kept check by check, without its person; a tester shows what would be."""

from __future__ import annotations

import base64
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import update

from app.directory import connections, traces
from app.directory.errors import NotFound
from app.store.database import db
from app.store.models import SamlTrace, Session, User
from app.store.types import now
from saml import setup, tester
from saml.attributes import PRESETS
from saml.trace import masked
from tests.conftest import write
from tests.factories import a_folder, a_grant, a_mapping, an_account
from tests.inspection import fingerprint, row, rows
from tests.saml.provider import at, find, setting
from tests.saml.test_just_in_time import telling


def failed(browser, provider, **options):
    options = {"name_id": "eve.stranger@example.com"} | options
    response = provider.response(browser.sp, browser.start(), **options)
    answer = browser.post(response)
    assert answer.status_code == 403
    return answer


# -- What is kept -------------------------------------------------------------------


def test_a_failure_is_found_by_the_number_the_person_saw(browser, provider, account):
    answer = failed(browser, provider)
    trace = traces.find(account, answer.headers["X-Request-Id"])
    assert [check["passed"] for check in trace.checks] == [True] * (len(trace.checks) - 1) + [False]
    assert trace.checks[-1]["name"] == "The person is known here, or can be made"
    assert trace.reason == trace.checks[-1]["detail"]
    assert trace.reason.startswith("nobody here is 'e***@example.com'; the provider pushes them")
    assert trace.name_id == "e***@example.com"
    assert trace.attributes == {"mail": ["e***@example.com"]}
    assert trace.connection_id == browser.connection_id
    assert [each.id for each in traces.listed(account, browser.connection_id)] == [trace.id]


@pytest.mark.parametrize(
    ("options", "check", "says"),
    [
        ({"sign": "nothing"}, "It is signed with a certificate", "neither the response nor"),
        ({"after": setting("NameID", "x", "y")}, "It is signed with a certificate", "matches no"),
        ({"before": setting("StatusCode", "Value", "no")}, "says that the sign-in", "not sign"),
        ({"before": setting("Conditions", "NotOnOrAfter", at(-9))}, "for us and for now", "clocks"),
        ({"before": setting("AuthnStatement", "SessionNotOnOrAfter", at(-9))}, "good enough", ""),
        ({"encrypt": "other"}, "can be decrypted", "cannot be decrypted"),
    ],
)
def test_the_trace_says_which_check_failed(browser, provider, keys, account, options, check, says):
    if "encrypt" in options:
        options = {"encrypt": keys.certificate}
    failed(browser, provider, **options)
    trace = row(SamlTrace)
    assert check in trace.checks[-1]["name"]
    assert says in trace.checks[-1]["detail"]
    assert not trace.checks[-1]["passed"]


def test_nothing_that_came_is_kept_unless_it_was_signed(browser, provider, account):
    browser.post(base64.b64encode(b"<x>secret</x>").decode())
    failed(browser, provider, sign="nothing")
    for trace in rows(SamlTrace):
        assert (trace.name_id, trace.attributes) == (None, {})
        assert "secret" not in str(trace)


def test_a_good_sign_in_leaves_no_trace(browser, provider):
    browser.post(provider.response(browser.sp, browser.start()))
    assert rows(SamlTrace) == []


def test_traces_go_after_a_week(browser, provider, account):
    number = failed(browser, provider).headers["X-Request-Id"]
    db.session.execute(update(SamlTrace).values(at=now() - timedelta(days=7, seconds=1)))
    db.session.commit()
    with pytest.raises(NotFound):
        traces.find(account, number)
    assert traces.listed(account, browser.connection_id) == []
    failed(browser, provider)
    traces.forget_old()
    assert len(rows(SamlTrace)) == 1


def test_traces_of_another_account_are_not_found(browser, provider):
    number = failed(browser, provider).headers["X-Request-Id"]
    other = an_account("Other")
    with pytest.raises(NotFound):
        traces.find(other, number)
    assert traces.listed(other, browser.connection_id) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ada.lovelace@example.com", "a***@example.com"),
        ("Designers", "De***"),
        ("abcd", "***"),
        ("", "***"),
        ("@example.com", "***@example.com"),
    ],
)
def test_people_are_masked(text, shown):
    assert masked(text) == shown


# -- What would be ------------------------------------------------------------------


def test_the_tester_shows_what_somebody_new_would_get(browser, provider, account):
    brand = a_folder(account, "Brand")
    a_mapping(account, "Designers", "editor", brand)
    with write(account) as work:
        setup.configure(work, "IdP", provisioning="update", attribute_names=PRESETS["okta"])
    told = telling(email="eve@example.com", firstName="Eve", groups=["Designers"])
    response = provider.response(browser.sp, browser.start(), name_id="eve", before=told)
    before = fingerprint()
    report = tester.test_of(browser.connection_id, response.encode())
    assert fingerprint() == before
    assert all(check.passed for check in report.checks)
    assert report.understood == {
        "email": "eve@example.com",
        "given_name": "Eve",
        "groups": ["Designers"],
    }
    assert report.outcome.user_name == "eve@example.com"
    assert report.outcome.folders == {"/Brand": ["editor"]}
    assert report.attributes["firstName"] == ["Eve"]
    assert browser.session() is None
    assert rows(User, user_name="eve@example.com") == [] and rows(Session) == []


def test_the_tester_shows_what_somebody_there_has(browser, provider, account, ada):
    a_grant(account, ada, "reports")
    response = provider.response(browser.sp, browser.start())
    for sent in (response, quote(response), f"SAMLResponse={quote(response)}"):
        report = tester.test_of(browser.connection_id, sent.encode())
        assert report.outcome.account_roles == ["reports"]
    report = tester.test_of(browser.connection_id, base64.b64decode(response))
    assert report.outcome.user_name == "Ada@example.com"


def test_a_response_of_yesterday_can_be_tested_and_not_used(browser, provider):
    def yesterday(root):
        root.set("IssueInstant", at(-1440))
        find(root, "SubjectConfirmationData").set("NotOnOrAfter", at(-1435))
        setting("Conditions", "NotBefore", at(-1441))(root)
        setting("Conditions", "NotOnOrAfter", at(-1435))(root)

    response = provider.response(browser.sp, browser.start(), before=yesterday)
    report = tester.test_of(browser.connection_id, response.encode())
    assert report.outcome is not None
    assert report.judged_at < now() - timedelta(hours=23)
    browser.assert_refused(browser.post(response), "no longer valid")


def test_a_response_said_to_be_of_tomorrow_is_judged_now(browser, provider):
    def tomorrow(root):
        root.set("IssueInstant", at(1440))
        setting("Conditions", "NotBefore", at(1439))(root)

    response = provider.response(browser.sp, browser.start(), before=tomorrow)
    report = tester.test_of(browser.connection_id, response.encode())
    assert report.outcome is None
    assert not report.checks[-1].passed


@pytest.mark.parametrize("sent", [b"", b"<", b"<x/>", b"!", b"\xff", b"AAAA", b"SAMLResponse="])
def test_what_is_no_response_is_said_so(browser, sent):
    report = tester.test_of(browser.connection_id, sent)
    assert report.outcome is None
    (check,) = report.checks
    assert (check.name, check.passed) == ("It is a SAML response", False)


def test_only_a_connection_in_use_is_tested(browser, account):
    with pytest.raises(NotFound):
        tester.test_of("nothing", b"")
    with pytest.raises(NotFound):
        connections.find_saml(an_account("Other"), browser.connection_id)
