"""What holds for every page: nothing inline, readable by everyone, an error a page too."""

from __future__ import annotations

import re

import pytest
from lxml import html

from app.console.errors import error_page
from tests.console.client import Browser
from tests.factories import a_folder, a_grant, a_group, a_link, a_session, a_user, an_account

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 'a' * 9 }}"


@pytest.fixture
def pages(app) -> dict[str, str]:
    """Every page there is, with hostile names wherever a name can be."""
    account = an_account(HOSTILE[:200])
    user_id = a_user(account, HOSTILE, display_name=HOSTILE)
    brand = a_folder(account, HOSTILE.replace("/", ""))
    a_grant(account, a_group(account, HOSTILE, members=[user_id]), "editor", brand)
    a_grant(account, user_id, "master_admin")
    nobody, someone = Browser(app), Browser(app)
    someone.sign_in(a_session(account, user_id))
    link = f"/sign-in/link/{a_link(account, user_id)}"
    answers = {
        "home": someone.get("/"),
        "sessions": someone.get("/me/sessions", headers={"User-Agent": HOSTILE}),
        "sign in": nobody.get("/sign-in"),
        "no such account": nobody.submit("/sign-in", who=HOSTILE),
        "link": nobody.get(link),
        "old link": nobody.submit("/sign-in/link/old"),
        "forged form": nobody.post("/sign-out"),
        "not found": nobody.get(f"/nothing/{HOSTILE}"),
        "method not allowed": nobody.open("DELETE", "/sign-in"),
        "too large": nobody.post("/sign-in", data={"who": "x" * 17 * 1024 * 1024}),
    }
    return {name: answer.get_data(as_text=True) for name, answer in answers.items()}


def test_no_page_has_an_inline_script_or_style_or_anything_from_elsewhere(pages):
    for name, text in pages.items():
        page = html.document_fromstring(text)
        assert page.xpath("//style | //@style | //base | //iframe | //object") == [], name
        assert page.xpath("//@*[starts-with(name(), 'on')]") == [], name
        assert page.xpath("//script[not(@src) or text()]") == [], name
        addresses = page.xpath("//@src | //@href | //@action")
        assert [each for each in addresses if not re.match(r"[/#](?!/)", each)] == [], name


def test_names_are_shown_as_text(pages):
    for name, text in pages.items():
        page = html.document_fromstring(text)
        assert page.xpath("//img[@src='x']") == [], name
        assert "<script>alert" not in text, name
        assert "aaaaaaaaa" not in page.text_content(), name
    home = html.document_fromstring(pages["home"])
    assert home.findtext(".//h1") == HOSTILE[:200]
    field = html.document_fromstring(pages["no such account"]).xpath("//input[@id='who']")[0]
    assert field.get("value") == HOSTILE


def test_every_page_can_be_read_with_ears_and_by_keyboard(pages):
    for name, text in pages.items():
        page = html.document_fromstring(text)
        assert page.get("lang") == "en", name
        for landmark in ("header", "main", "h1"):
            assert len(page.xpath(f"//{landmark}")) == 1, (name, landmark)
        assert page.xpath("//nav[not(@aria-label)]") == [], name
        assert (
            page.xpath("//a[@href='#content']") and page.get_element_by_id("content").tag == "main"
        )
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids)), name
        named = (
            page.xpath("//@for")
            + " ".join(page.xpath("//@aria-labelledby | //@aria-describedby")).split()
        )
        assert set(named) <= set(ids), name
        for field in page.xpath("//input[not(@type='hidden')]"):
            assert page.xpath("//label[@for=$id]", id=field.get("id")), name
        assert page.xpath("//img[not(@alt)]") == [], name
        assert page.xpath("string(//title)").endswith(" · Gatehouse"), name
        assert "width=device-width" in page.xpath("string(//meta[@name='viewport']/@content)")


def test_what_pages_need_is_served_by_gatehouse(browser):
    page = browser.page("/sign-in")
    for address in page.xpath("//link/@href | //script/@src | //img/@src"):
        answer = browser.get(address)
        assert answer.status_code == 200, address
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_are_kept_by_nobody_and_allow_nothing_inline(browser, account):
    browser.sign_in(a_session(account, a_user(account)))
    for path in ("/", "/sign-in/link/x", "/nothing"):
        headers = browser.get(path).headers
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_an_error_page_carries_the_id_of_the_request(app):
    with app.test_request_context("/"):
        answer = error_page(403, "Not for you", "Ask <b>someone</b>.")
    page = html.document_fromstring(answer.get_data(as_text=True))
    assert answer.status_code == 403
    assert page.findtext(".//h1") == "Not for you"
    assert "Ask <b>someone</b>." in page.text_content()
    assert re.fullmatch(r"[0-9a-f-]{36}", page.findtext(".//code"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/static/../routes.py", 404),
        ("GET", "/static/%2e%2e/routes.py", 404),
        ("GET", "/sign-out", 405),
        ("POST", "/", 405),
        ("POST", "/nothing", 404),
    ],
)
def test_what_is_not_there_is_said_on_a_page(browser, method, path, status):
    answer = browser.open(method, path)
    assert answer.status_code == status
    assert answer.mimetype == "text/html"
    code = html.document_fromstring(answer.get_data(as_text=True)).findtext(".//code")
    assert code == answer.headers["X-Request-Id"]


def test_other_faces_need_no_form_token(browser):
    answer = browser.post("/scim/v2/Users", json={})
    assert answer.status_code == 401
    assert answer.mimetype == "application/scim+json"
