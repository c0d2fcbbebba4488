"""Failed sign-ins found by their number, and the tester, in the console."""

from __future__ import annotations

import ast
import base64
from io import BytesIO
from pathlib import Path

import pytest

from app.console.failed_sign_ins import ADVICE
from app.console.saml_tester import UNDERSTOOD
from app.directory import connections
from saml import setup
from saml.attributes import Person
from tests.conftest import write
from tests.console.client import Browser
from tests.factories import a_connection, a_folder, a_grant, a_session, a_user, an_account
from tests.saml.test_just_in_time import telling

SAML = Path(__file__).parents[2] / "saml"


def base(app, okta: str) -> str:
    return f"{app.extensions['gatehouse'].public_url}/saml/{okta}"


@pytest.fixture
def refused(app, idp, okta) -> str:
    """The number that somebody was shown whom nobody here knows."""
    response = idp.response(base(app, okta), None, name_id="eve.stranger@example.com")
    answer = Browser(app).post(f"/saml/{okta}/acs", data={"SAMLResponse": response})
    assert answer.status_code == 403
    return answer.headers["X-Request-Id"]


def test_there_is_advice_for_every_check():
    checks = set()
    for path in SAML.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "trace.check":
                (said,) = node.args
                checks.add(ast.literal_eval(said.args[0]))
    assert checks == ADVICE.keys()


def test_what_is_understood_has_words():
    assert UNDERSTOOD.keys() == Person.__dataclass_fields__.keys()


def test_it_is_found_by_the_number_the_person_was_shown(admin, refused):
    (shown,) = admin.page(f"/failed-sign-ins?number=%20{refused}%20").xpath("//main//details")[-1:]
    text = " ".join(shown.text_content().split())
    assert shown.get("open") is not None
    assert "failed It was asked for, or need not be" in text
    assert "What to do: The person began at the provider's portal." in text
    assert refused in text and "Okta SAML" in text
    assert "e***@example.com" in text and "eve" not in text
    audit = admin.text(f"/audit?request_id={refused}")
    assert "session.refused" in audit


def test_all_are_listed_by_connection(admin, account, okta, refused):
    other = a_connection(account, "saml", "Other")
    assert refused in admin.text("/failed-sign-ins")
    assert refused in admin.text(f"/failed-sign-ins?connection={okta}")
    assert refused not in admin.text(f"/failed-sign-ins?connection={other}")
    unknown = admin.text("/failed-sign-ins?number=nothing")
    assert "has this number" in unknown and refused not in unknown
    assert refused in admin.text(f"/connections/{okta}")


def test_pages_follow_each_other(admin, app, idp, okta, monkeypatch):
    monkeypatch.setattr("app.console.failed_sign_ins.SHOWN", 2)
    for number in range(3):
        response = idp.response(base(app, okta), None, name_id=f"eve{number}@example.com")
        Browser(app).post(f"/saml/{okta}/acs", data={"SAMLResponse": response})
    first = admin.page("/failed-sign-ins")
    (following,) = first.xpath("//a[@rel='next']/@href")
    second = admin.page(following)
    counted = [
        len(page.xpath("//main//details[contains(@class, 'card')]")) for page in (first, second)
    ]
    assert counted == [2, 1] and not second.xpath("//a[@rel='next']")


def test_those_of_another_account_are_not_there(app, refused):
    other = an_account()
    root = a_user(other)
    a_grant(other, root, "master_admin")
    stranger = Browser(app)
    stranger.sign_in(a_session(other, root))
    assert refused not in stranger.text("/failed-sign-ins")
    assert "has this number" in stranger.text(f"/failed-sign-ins?number={refused}")


# -- The tester ---------------------------------------------------------------------


def test_it_says_who_would_sign_in_with_what(admin, app, account, idp, okta):
    with write(account) as work:
        setup.configure(
            work,
            okta,
            provisioning="create",
            attribute_names={"email": "mail", "accountRole": "role", "folders": "folders"},
            may_give=["reports", "editor"],
            allow_unsolicited=True,
        )
    a_folder(account, "Brand")
    told = telling(mail="eve@example.com", role="reports", folders="editor:/Brand")
    response = idp.response(base(app, okta), None, name_id="eve@example.com", before=told)
    page = f"/connections/{okta}/test"
    xml = base64.b64decode(response)
    for given in (
        {"response": response},
        {"response": xml.decode()},
        {"file": (BytesIO(xml), "response.xml")},
        {"file": (BytesIO(f"SAMLResponse={response}".encode()), "response.txt")},
    ):
        text = " ".join(admin.submit(page, **given).get_data(as_text=True).split())
        for expected in (
            "eve@example.com would sign in.",
            ">reports</span>",
            "/Brand: editor",
            '<dt class="col-sm-4">Role on the account</dt><dd class="col-sm-8">reports</dd>',
        ):
            assert expected in text, (given, expected)
    assert "eve@example.com" not in admin.text("/people"), "nothing is written"


def test_what_to_do_is_said_of_what_failed(admin, app, idp, okta):
    response = idp.response(base(app, okta), "id-1", name_id="eve@example.com")
    answer = admin.submit(f"/connections/{okta}/test", response=response)
    text = answer.get_data(as_text=True)
    assert "Nobody would sign in." in text and "eve@example.com" in text
    assert "Compare the NameID with the user name here." in text


def test_what_cannot_be_tested_is_said(admin, account, okta):
    page = f"/connections/{okta}/test"
    file = (BytesIO(b"x"), "response.txt")
    for given in ({}, {"response": "a", "file": file}):
        answer = admin.submit(page, **given)
        assert "Give it in one way" in answer.get_data(as_text=True)
    assert "Nobody would sign in." in admin.submit(page, response="nonsense").get_data(True)
    with write(account) as work:
        connections.set_enabled(work, okta, False)
    assert "It is out of use." in admin.text(page)
    answer = admin.submit(page, response="nonsense")
    assert answer.status_code in (200, 404)
