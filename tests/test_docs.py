"""What the documents say is what the code does."""

import ast
import re
import runpy
import shlex
from functools import cache
from pathlib import Path

import click
import pytest

from app.access.permissions import ACTIONS, DESCRIPTIONS
from app.cli import cli
from tests.conftest import make_app

ROOT = Path(__file__).parent.parent
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "idp-fixtures" / "README.md",
    ROOT / "benchmarks" / "README.md",
]
NAMED = re.compile(r"`((?:app|scim|saml|tests|docs|idp-fixtures|benchmarks)/[\w./-]+)(?:::(\w+))?`")


def test_the_table_of_settings_is_that_of_the_code():
    module = runpy.run_path(str(ROOT / "scripts" / "settings_docs.py"))
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == module["page"]()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@cache
def functions_in(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_file_and_every_test_a_page_names_is_there(page):
    for path, test in NAMED.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path
        assert not test or test in functions_in(ROOT / path), f"{path}::{test}"


def test_every_decision_is_listed():
    folder = ROOT / "docs" / "decisions"
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text("utf-8"))
    assert sorted(listed) == sorted(path.name for path in folder.glob("[0-9]*.md"))


def test_every_target_of_make_that_the_readme_names_is_there():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    named = re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text("utf-8"))
    assert named and set(named) <= set(targets)


COMMANDS_IN = [
    *(ROOT / "docs").rglob("*.md"),
    ROOT / "README.md",
]


def commands_on(page):
    """The commands a page shows, each as a list of words, without comments."""
    text = page.read_text(encoding="utf-8")
    shown = re.findall(r"^ {4,}(gatehouse [^\n]*(?:\\\\\n[^\n]*)*)", text, re.MULTILINE)
    named = re.findall(r"`(gatehouse [a-z-]+[^`]*)`", text)
    for line in shown + named:
        yield shlex.split(line.replace("\\\n", " ").partition(" #")[0])[1:]


@pytest.mark.parametrize("page", COMMANDS_IN, ids=str)
def test_every_command_a_page_shows_is_there_with_its_options(page):
    for words in commands_on(page):
        command, rest = cli, list(words)
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            found = command.get_command(None, rest[0])
            assert found is not None, " ".join(words)
            command, rest = found, rest[1:]
        known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        options = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert options <= known | {"--help"}, " ".join(words)


@cache
def words_of_the_code():
    """Every text in the code that may refuse a sign-in, f-strings in pieces."""
    files = [*(ROOT / "saml").glob("*.py"), *(ROOT / "app" / "directory").glob("*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return "\n".join(node.value for node in nodes if isinstance(node.value, str))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "providers").glob("*.md")), ids=str)
def test_what_a_page_says_we_say_is_what_we_say(page):
    """First column under "When it does not work"; ``…`` stands for what differs each time."""
    table = page.read_text(encoding="utf-8").partition("## When it does not work")[2]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    quoted = [words for row in rows for words in re.findall(r"`([^`]+)`", row)]
    assert quoted
    for words in quoted:
        for piece in words.split("…"):
            assert piece.strip() in words_of_the_code(), words


def test_the_permission_matrix_is_that_of_the_code():
    module = runpy.run_path(str(ROOT / "scripts" / "permission_docs.py"))
    assert (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8") == module["page"]()
    assert DESCRIPTIONS.keys() == ACTIONS


def gatehouse_of_nginx():
    """Which paths nginx sends to Gatehouse in the example for the same host."""
    page = (ROOT / "docs" / "applications.md").read_text(encoding="utf-8")
    return re.compile(re.findall(r'location ~ "([^"]+)"', page)[0])


def test_beside_an_application_nginx_sends_gatehouse_every_page_of_its_own(tmp_path):
    """Save those that the page says are the application's, or asked of the process."""
    app = make_app(f"sqlite:///{tmp_path / 'none.sqlite3'}")
    paths = {re.sub(r"<[^>]+>", "x", rule.rule) for rule in app.url_map.iter_rules()}
    left = {path for path in paths if not gatehouse_of_nginx().search(path)}
    assert left == {
        *("/", "/healthz", "/readyz", "/metrics"),
        *("/.gatehouse/start", "/.gatehouse/enter"),  # of an application on another host
    }


@pytest.mark.parametrize(
    "path",
    [
        *("/media", "/messages", "/x/people", "/peoples", "/apis/x", "/static.html"),
        *("/events", "/events/7", "/access", "/access/v10", "/.well-known/security.txt"),
    ],
)
def test_beside_an_application_nginx_sends_gatehouse_nothing_of_the_application(path):
    assert not gatehouse_of_nginx().search(path)
