"""Every text of every page can be translated: in a language of brackets all of it is bracketed.

What stands outside of brackets must be data: names, paths, addresses, what the store holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import render_template
from lxml import html
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.access.permissions import ACTIONS, BUILT_IN
from app.console.providers import PROVIDERS
from app.directory import connections, invitations, provisioning_log, second_factor, traces
from app.directory.errors import Forbidden, NotFound
from app.directory.provisioning_log import Entry
from app.directory.work import Actor, record_refusal
from app.security.tokens import SCOPES
from app.store.database import db
from app.store.types import now
from app.words import Said, say
from saml import setup
from saml.trace import Trace
from tests.conftest import CLI_ACTOR, write
from tests.console.client import Browser
from tests.console.test_guarding import ids_of, path_of, rules
from tests.console.translations import EXAMPLES, PROPER, SCRIPT, SHOWN, WORD
from tests.factories import a_folder, a_grant, a_group, a_mapping, a_master_admin, a_session, a_user
from tests.saml.provider import TestProvider, certificate_until
from tests.second_factors import a_passkey, a_totp

BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")
NOT_OURS = (
    "self::code or self::time or self::textarea or self::script or self::style or @lang"
    " or @class='mark'"
)
"""Elements with what is nobody's to translate; Babel tells times, and the days of charts."""
DATA = re.compile(
    r"(^|_)(id|name|by|address|network|value|prefix|domain|path|method|hash|urn|settings)$"
)
"""Columns of what people and providers call things. What we call them is to be translated."""


@pytest.fixture(scope="module")
def brackets(tmp_path_factory) -> Path:
    """A catalogue in which the translation of each text is itself in brackets."""
    catalog = SCRIPT["extracted"]()
    for message in catalog:
        if message.pluralizable:
            message.string = tuple(f"⟦{each}⟧" for each in message.id)
        elif message.id:
            message.string = f"⟦{message.id}⟧"
    folder = tmp_path_factory.mktemp("translations")
    file = folder / "de" / "LC_MESSAGES" / "messages.mo"
    file.parent.mkdir(parents=True)
    catalog.locale = "de"
    file.write_bytes(SCRIPT["compiled"](catalog))
    return folder


@pytest.fixture
def reader(app, account, brackets) -> Browser:
    babel = app.extensions["babel"]
    in_brackets = copy(babel.instance)
    vars(in_brackets).pop("domain_instance", None)  # which holds the catalogues it has read
    app.extensions["babel"] = replace(
        babel, instance=in_brackets, translation_directories=[str(brackets)]
    )
    browser = Browser(app)
    browser.sign_in(a_session(account, a_master_admin(account), lifetime=timedelta(days=1)))
    browser.get("/language/de")
    return browser


def outside(text: str) -> str:
    """What is left of a text without what is bracketed."""
    before = None
    while before != text:
        before, text = text, BRACKETED.sub(" ", text)
    return text


def texts_of(page: html.HtmlElement) -> Iterator[str]:
    for element in page.xpath(f"//*[not(ancestor-or-self::*[{NOT_OURS}][not(self::html)])]"):
        yield element.text or ""
        for name in SHOWN:
            yield element.get(name, "")
    for element in page.xpath(f"//body//*[not(ancestor::*[{NOT_OURS}][not(self::html)])]"):
        yield element.tail or ""


def data_in_the_store() -> list[str]:
    """What may stand on pages as it is, the longest first."""
    found = {"127.0.0.1", *ACTIONS, *SCOPES, *EXAMPLES}
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(select(table)).mappings():
            for column, value in row.items():
                if DATA.search(column):
                    found |= set(_texts(value))
    for provider in PROVIDERS.values():
        found |= {value for value in vars(provider).values() if not isinstance(value, Said)}
    built_in = {role for roles in BUILT_IN.values() for role in roles}
    return sorted(filter(None, found - built_in), key=len, reverse=True)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif value is not None:
        yield str(value)


def untranslated(answer: TestResponse) -> set[str]:
    """The texts of a page that could not be translated."""
    assert answer.mimetype == "text/html"
    page, found = html.document_fromstring(answer.get_data(as_text=True)), set()
    assert page.get("lang") == "de"
    data = data_in_the_store()
    for text in texts_of(page):
        left = " ".join(outside(text).split())
        rest = left
        for each in data if WORD.search(left) else ():
            rest = rest.replace(each, " ")
        if not set(WORD.findall(rest)) <= PROPER:
            found.add(left)
    return found


def test_every_text_of_every_page_can_be_translated(app, account, reader):
    ids = ids_of(account)
    paths = [path_of(rule, ids) for _, method, rule in rules(app) if method == "GET"]
    seen = {}
    for path in [*paths, "/", "/nothing", "/find?q=user", f"/grants/give?user={ids['user_id']}"]:
        answer = reader.get(path)
        if answer.mimetype == "text/html":
            seen[path] = untranslated(answer)
    assert {path: found for path, found in seen.items() if found} == {}
    assert len(seen) > 40


def test_what_logs_keep_is_told_too(app, account, reader, monkeypatch):
    idp = TestProvider()
    monkeypatch.setattr(setup, "new_key_pair", lambda _: (idp.key, idp.certificate))
    with write(account) as work:
        described = setup.from_metadata(idp.metadata())
        saml = setup.register(work, "IdP", described)
        scim = connections.create(work, "scim", "Push")
    trace, actor = Trace(), Actor(type="connection", name="IdP", surface="saml", connection_id=saml)
    refused = Forbidden(say("it names more than %(limit)s folders", limit=100))
    with pytest.raises(Forbidden), trace.check(say("It holds one assertion")):
        raise refused
    traces.keep(account, actor, str(refused), trace.as_kept())
    connections.note_check(
        account, saml, "The metadata cannot be read: the document has a DOCTYPE."
    )
    unknown = NotFound("user", "ada")
    provisioning_log.note_failure(
        account,
        Actor(type="token", name="okta", surface="scim", connection_id=scim),
        Entry(
            method="GET",
            path="/Users/x",
            status=404,
            duration_us=1,
            detail=str(unknown),
            notes=[{"ignored": "favouriteColour"}, {"kept": "shoeSize"}],
        ),
    )
    record_refusal(account, CLI_ACTOR, "directory.refused", str(unknown))
    for path in ("/", "/connections", f"/connections/{saml}", f"/connections/{scim}"):
        answer = reader.get(path)
        assert untranslated(answer) == set(), path
    for path in ("/audit", "/provisioning", f"/connections/{scim}"):
        text = reader.text(path)
        assert untranslated(reader.get(path)) == set(), path
        assert "⟦There is no ⟦user⟧ 'ada'.⟧" in text
    text = reader.text(f"/connections/{saml}")
    assert "⟦it names more than 100 folders⟧" in text and "⟦It holds one assertion⟧" in text
    assert "⟦The metadata cannot be read: ⟦the document has a DOCTYPE⟧.⟧" in text
    answer = reader.submit(f"/connections/{saml}/test", response="nothing")
    assert untranslated(answer) == set()
    assert "⟦the message is not base64⟧" in answer.get_data(as_text=True)


def test_the_pages_of_a_saml_connection_are_told_too(app, account, reader, monkeypatch):
    idp = TestProvider()
    monkeypatch.setattr(setup, "new_key_pair", lambda _: (idp.key, idp.certificate))
    soon = certificate_until(idp.key, now() + timedelta(days=9))
    with write(account) as work:
        described = setup.from_metadata(idp.metadata(certificates=[soon]))
        saml = setup.register(work, "IdP", described)
    url = f"{app.extensions['gatehouse'].public_url}/saml/{saml}"
    response = idp.response(url, None, name_id="ada@example.com")
    number = (
        Browser(app).post(f"{url}/acs", data={"SAMLResponse": response}).headers["X-Request-Id"]
    )
    base = f"/connections/{saml}"
    pages = [f"{base}{path}" for path in ("", "/options", "/options?preset=okta", "/metadata")]
    pages += [f"{base}{path}" for path in ("/key", "/test", "/delete", "/rename")]
    pages += ["/connections", "/failed-sign-ins", f"/failed-sign-ins?number={number}"]
    for path in pages:
        assert untranslated(reader.get(path)) == set(), path
    answers = {
        "options": reader.submit(f"{base}/options", landing="//x", **{"names-folders": "f"}),
        "metadata": reader.submit(f"{base}/metadata", f"{base}/metadata/read", metadata="<a"),
        "nothing": reader.submit(f"{base}/metadata", f"{base}/metadata/read"),
        "changes": reader.submit(
            f"{base}/metadata", f"{base}/metadata/read", certificates=idp.certificate
        ),
        "test": reader.submit(f"{base}/test", response=response),
    }
    for name, answer in answers.items():
        assert untranslated(answer) == set(), name
    reader.submit(f"{base}/key", f"{base}/key/announce")
    reader.submit(f"{base}/key", f"{base}/key/switch")
    for path in (f"{base}/key", base):
        assert untranslated(reader.get(path)) == set(), path


def test_what_would_change_and_what_is_refused_is_told_too(app, account, reader):
    brand, bob = a_folder(account, "Brand"), a_user(account, "bob@example.com")
    group = a_group(account, "Artists", members=[bob])
    a_grant(account, bob, "viewer", brand)
    for role in ("viewer", "manager"):
        a_mapping(account, "Sellers", role, brand)
    role = {"match_value": "Artists", "role": "editor", "folder": "/Brand"}
    gift = {"type": "user", "name": "bob@example.com", "role": "manager"}
    answers = {
        "mapping": reader.submit("/mappings/new", preview="1", **role),
        "mappings": reader.get("/mappings"),
        "share": reader.submit(f"/folders/{brand}/share", preview="1", **gift),
        "over": reader.submit(f"/folders/{brand}/share", **gift | {"name": "nobody"}),
        "people": reader.get(f"/folders/{brand}/people"),
        "restrict": reader.get(f"/folders/{brand}/restrict"),
        "address": reader.submit("/addresses/new", preview="1", network="203.0.113.0/24"),
        "locked out": reader.submit("/addresses/new", network="203.0.113.0/24"),
        "no network": reader.submit("/addresses/new", network="nowhere"),
        "token": reader.submit("/tokens/new/api", name="Robot", scopes="user.view"),
        "given": reader.submit(f"/grants/give?group={group}", role="admin", preview="1", folder=""),
        "folder": reader.submit(f"/folders/{brand}/new", name="a/b"),
        "not found": reader.get("/groups/none"),
        "forged": reader.post(f"/folders/{brand}/delete"),
    }
    for name, answer in answers.items():
        assert untranslated(answer) == set(), name
    refusals = answers["locked out"].get_data(as_text=True)
    assert "⟦⟦Your address 127.0.0.1⟧ would not be allowed for the ⟦console⟧." in refusals
    assert "⟦There is no ⟦user⟧ &#39;nobody&#39;.⟧" in answers["over"].get_data(as_text=True)


def test_pages_on_the_way_in_and_out_can_be_translated(app, account, reader):
    nobody, half, new = Browser(app), Browser(app), Browser(app)
    for each in (nobody, half, new):
        each.get("/language/de")
    bob, eve = a_user(account, "bob@example.com"), a_user(account, "eve@example.com")
    a_totp(account, bob)
    a_passkey(account, bob)
    half.sign_in(a_session(account, bob, method="password"))
    with write(account) as work:
        second_factor.require(work, True)
        invited = invitations.create(work, eve, "invitation")
    new.sign_in(a_session(account, eve, method="password"))
    link = f"/sign-in/set-password/{invited}"
    begun = new.submit("/sign-in/enrol", "/me/second-factor/authenticator").location
    with app.test_request_context("/", headers={"Accept-Language": "de"}):
        saml = [
            render_template("saml/post.html", destination="/", parameter="x", message="x"),
            render_template("saml/refused.html", request_id=""),
            render_template("saml/logout_refused.html", request_id=""),
            *(render_template("saml/signed_out.html", complete=each) for each in (True, False)),
        ]
    answers = [
        *(nobody.get(f"/sign-in{path}") for path in ("", "/forgotten", "/link/x")),
        nobody.submit("/sign-in", who="bob@example.com"),
        nobody.submit("/sign-in/forgotten", who="bob@example.com"),
        nobody.get(link),
        nobody.submit(link, password="short"),
        nobody.get("/sign-in/set-password/none"),
        half.get("/sign-in/second-factor"),
        half.submit("/sign-in/second-factor", code="000000"),
        new.get("/sign-in/enrol"),
        new.get(begun),
        new.submit(begun, code="000000"),
        *(app.response_class(page, mimetype="text/html") for page in saml),
    ]
    for answer in answers:
        assert untranslated(answer) == set(), answer.get_data(as_text=True)
    assert "⟦This code is not right" in answers[9].get_data(as_text=True)


def test_what_is_not_ours_is_marked_as_english(app, account, reader):
    record_refusal(account, CLI_ACTOR, "directory.refused", "Some library said <no>.")
    page = reader.page("/audit")
    assert page.xpath("//span[@lang='en']/text()") == ["Some library said <no>."]
