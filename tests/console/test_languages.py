"""Languages: their catalogues are complete and current, and pages are in the one that is wanted."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.mofile import read_mo

from app.console import telling
from app.console.languages import LANGUAGES
from app.console.recalling import recalled
from app.directory.errors import NotFound
from app.words import any_of, say, say_counted
from tests.console.client import Browser
from tests.console.translations import EXAMPLES, PROPER, ROOT, SCRIPT, SHOWN, WORD
from tests.factories import a_folder, a_grant, a_master_admin, a_session, a_user
from tests.inspection import statements

OTHERS = sorted(set(LANGUAGES) - {"en"})
TEMPLATES = [
    path
    for folder in ("app/templates", "app/console/templates", "saml/templates")
    for path in sorted((ROOT / folder).rglob("*.html"))
]


@pytest.fixture(scope="module")
def template():
    return SCRIPT["extracted"]()


def test_each_language_that_can_be_chosen_has_a_catalogue():
    assert SCRIPT["languages"]() == OTHERS


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_in_the_code_is_translated_and_no_other(language, template):
    """What is missing is added by ``make translations``."""
    catalog = SCRIPT["read"](language)
    ids = {(message.context, message.id) for message in catalog}
    assert ids == {(message.context, message.id) for message in template}
    assert list(SCRIPT["faults"](catalog)) == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_compiled_is_what_was_translated(language):
    catalog = SCRIPT["read"](language)
    with SCRIPT["po_of"](language).with_suffix(".mo").open("rb") as file:
        compiled = read_mo(file)
    assert _texts_of(compiled) == _texts_of(catalog)


def _texts_of(catalog):
    """The translations by context and text, as both kinds of files have them."""
    found = {}
    for each in catalog:
        context = each.context.decode() if isinstance(each.context, bytes) else each.context
        plural = not isinstance(each.id, str)
        key = tuple(each.id) if plural else each.id
        found[context, key] = tuple(each.string) if plural else each.string
    found.pop((None, ""))
    return found


class BareTexts(HTMLParser):
    """Collects what a template says without having it translated."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[str] = []
        source = re.sub(r"\{#.*?#\}|\{%.*?%\}", "", source, flags=re.DOTALL)
        self.feed(re.sub(r"\{\{.*?\}\}", " ", source, flags=re.DOTALL))

    def handle_data(self, data: str) -> None:
        self._look_at(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in SHOWN:
                self._look_at(value or "")

    def _look_at(self, text: str) -> None:
        if text not in EXAMPLES and not set(WORD.findall(text)) <= PROPER:
            self.found.append(" ".join(text.split()))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_template_says_anything_untranslated(path: Path):
    of_styles = r"{% block width %}.*?{% endblock %}"
    source = re.sub(rf"<code>.*?</code>|{of_styles}", "", path.read_text("utf-8"))
    assert BareTexts(source).found == []


def test_a_bare_text_is_found():
    source = '{% if x %}<p title="Hello">{{ _("ok") }} there <b>SCIM</b></p>{% endif %}'
    assert BareTexts(source).found == ["Hello", "there"]


# -- Pages -------------------------------------------------------------------


@pytest.fixture
def german(app, account) -> Browser:
    browser = Browser(app)
    browser.sign_in(a_session(account, a_master_admin(account)))
    browser.get("/language/de")
    return browser


def test_a_page_is_in_the_language_that_was_chosen(german):
    page = german.page("/people")
    assert page.get("lang") == "de"
    assert page.findtext(".//h1") == "Personen"
    german.get("/language/en")
    assert german.page("/people").findtext(".//h1") == "People"


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("fr,de;q=0.5,en;q=0.3", "de"),
        ("en-GB,en", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
    ],
)
def test_a_page_is_in_the_language_the_browser_asks_for(app, asked, shown):
    answer = Browser(app).get("/sign-in", headers={"Accept-Language": asked})
    assert f'<html lang="{shown}">' in answer.get_data(as_text=True)


def test_what_the_directory_refuses_is_told_in_german(german, account):
    brand = a_folder(account, "Brand")
    answer = german.submit(
        f"/folders/{brand}/share", type="user", name="bob@example.com", role="viewer"
    )
    assert "Nicht gefunden: Person „bob@example.com“." in answer.get_data(as_text=True)
    assert german.get("/groups/none").status_code == 404
    text = german.get("/groups/none").get_data(as_text=True)
    assert "Nicht gefunden: Gruppe „none“." in text


def test_roles_that_are_built_in_have_german_names(german, account):
    bob = a_user(account, "bob@example.com")
    brand = a_folder(account, "Brand")
    a_grant(account, bob, "viewer", brand)
    assert "Betrachter" in german.text(f"/folders/{brand}")
    roles = german.text("/roles")
    assert "Betrachterviewer" in roles and "Medien sehen." in roles


def test_programs_are_answered_in_english(german):
    answer = german.get("/api/v1/groups/none", headers={"Accept-Language": "de"})
    assert answer.status_code == 404 and "There is no group 'none'." in answer.get_data(
        as_text=True
    )


def test_telling_asks_the_store_nothing(app, german):
    with app.test_request_context("/", headers={"Accept-Language": "de"}), statements() as seen:
        telling.told(NotFound("user", "ada"))
        telling.kept("There is no user 'ada'.")
    assert seen == []


# -- Sentences ---------------------------------------------------------------


@pytest.fixture
def page_in_german(app):
    with app.test_request_context("/", headers={"Accept-Language": "de"}):
        yield


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (say("There is no such user."), "Diese Person gibt es nicht."),
        (NotFound("folder", "/Brand"), "Nicht gefunden: Ordner „/Brand“."),
        (
            say("A role is of scope %(what)s.", what=any_of(["account", "folder"])),
            "Eine Rolle gilt für account oder folder.",
        ),
        (
            say("A user may have %(limit)s values at the most.", limit=10_000),
            "Eine Person darf höchstens 10.000 Werte haben.",
        ),
        (
            say("Surfaces are: %(surfaces)s.", surfaces=("api", "scim")),
            "Oberflächen sind: api, scim.",
        ),
        (
            say("until %(at)s", at=datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
            "bis 01.03.2026, 09:30:00 UTC",
        ),
        (say_counted("%(num)s more folder", "%(num)s more folders", 1), "1 weiterer Ordner"),
        (say_counted("%(num)s more folder", "%(num)s more folders", 2000), "2.000 weitere Ordner"),
        ("There is no such user.", "There is no such user."),
    ],
)
def test_sentences_are_told_with_what_is_in_them(page_in_german, said, told):
    assert telling.told(said) == told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("There is no such user.", "Diese Person gibt es nicht."),
        ("There is no user 'ada'.", "Nicht gefunden: Person „ada“."),
        ('There is no user "O\'Neill".', "Nicht gefunden: Person „O'Neill“."),
        (
            "This group may do what you may not: user.manage, user.view.",
            "Diese Gruppe darf, was Sie nicht dürfen: user.manage, user.view.",
        ),
        (
            "nobody can be made of it: userName must not be empty.",
            "daraus lässt sich niemand anlegen: userName darf nicht leer sein.",
        ),
        ("1 more folder", "1 weiterer Ordner"),
        ("12 more folders", "12 weitere Ordner"),
        ("One is in Artists now.", "Eine Person oder Gruppe ist jetzt in Artists."),
        ("", ""),
        (None, ""),
    ],
)
def test_what_logs_keep_is_recognised(page_in_german, text, told):
    assert telling.kept(text) == told


@pytest.mark.parametrize(
    "text", ["Some library failed.", "x", "There is no", "%(what)s", "People <b>", "\x00", "."]
)
def test_what_is_not_ours_is_shown_as_it_is(page_in_german, text):
    assert recalled(text) is None
    shown = telling.kept(text)
    assert shown.startswith('<span lang="en">') and "<b>" not in shown


def test_names_are_never_taken_for_words_of_ours(page_in_german):
    assert telling.told(NotFound("group", "user")) == "Nicht gefunden: Gruppe „user“."
    assert telling.kept("There is no group 'user'.") == "Nicht gefunden: Gruppe „user“."


def test_in_english_all_is_as_it_was_said(app):
    with app.test_request_context("/"):
        said = say("A user may have %(limit)s values at the most.", limit=10_000)
        assert telling.told(said) == said
        assert telling.kept("There is no user 'ada'.") == "There is no user 'ada'."
        assert telling.stamped(datetime(2026, 3, 1, 9, 30, tzinfo=UTC)) == "2026-03-01 09:30:00"


def test_days_and_times_are_written_as_in_german(page_in_german):
    at = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert telling.stamped(at) == "01.03.2026, 09:30:00"
    assert telling.day(at) == "01.03.2026"


def test_a_text_made_to_be_tried_in_every_way_is_not(app):
    text = " on " * 40 + ", through the group " * 16 + " (" * 80 + ", by " * 50
    begun = time.process_time()
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert recalled(text) is None
    assert time.process_time() - begun < 1
