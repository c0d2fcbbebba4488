"""Charts of what happened: figures for eyes, for ears, and where they lead."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import insert

from app.console.charts import of_days, top
from app.lists.activity import Day
from app.store.database import db, table, write_transaction
from app.store.models import AuditDay
from app.store.types import now
from tests.console.client import Browser
from tests.factories import a_grant, a_session, a_user, an_account
from tests.inspection import statements
from tests.lists.test_activity import asked_over_scim, happened


def counted(account_id: str, back: int, action: str, events: int, outcome: str = "success") -> None:
    row = {"day": now().date() - timedelta(days=back), "action": action, "outcome": outcome}
    with write_transaction():
        rows = [row | {"account_id": account_id, "events": events}]
        db.session.execute(insert(table(AuditDay)), rows)


@pytest.fixture
def busy(account) -> str:
    """Yesterday there were 1,200 sign-ins, and 30 were refused."""
    counted(account, 1, "session.opened", 1200)
    counted(account, 1, "sign_in.refused", 30, "refused")
    counted(account, 1, "user.updated", 5)
    counted(account, 20, "folder.created", 1)
    return account


def table_of(page, label: str) -> dict[str, list[str]]:
    (found,) = page.xpath(f"//table[@aria-label='{label}']")
    return {row[0].text_content(): [cell.text_content() for cell in row[1:]] for row in found[1]}


def test_a_chart_says_in_words_and_as_a_table_what_it_shows(admin, busy):
    page = admin.page("/activity?days=7")
    (figure,) = page.xpath("//figure[@aria-labelledby='sign-ins']")
    assert page.get_element_by_id("sign-ins").text_content() == "Sign-ins"
    said = page.get_element_by_id(figure.get("aria-describedby")).text_content()
    said = " ".join(said.split())
    assert said.startswith("In 7 days: 1,200 accepted, 30 refused. Most on ")
    assert said.endswith(": 1,230.")
    rows = table_of(page, "Sign-ins")
    assert len(rows) == 7
    assert list(rows.values())[:3] == [["0", "0"], ["1,200", "30"], ["0", "0"]]


def test_bars_and_figures_lead_to_the_log_of_their_day(admin, account, busy):
    yesterday = now().date() - timedelta(days=1)
    page = admin.page("/activity?days=7")
    (figure,) = page.xpath("//figure[@aria-labelledby='sign-ins']")
    of_day = f"since={yesterday}&until={yesterday}"
    expected = [f"/audit?{of_day}&action=session.opened", f"/audit?{of_day}&outcome=refused"]
    assert figure.xpath(".//table//a/@href") == expected
    drawn = figure.xpath(".//*[local-name()='svg']//*[local-name()='a']")
    assert [each.get("href") for each in drawn if of_day in each.get("href")] == expected
    # The table has the same links, so that the keyboard need not pass by every bar.
    assert {each.get("tabindex") for each in drawn} == {"-1"}
    happened(account, 1, "session.opened")
    happened(account, 2, "session.opened")
    assert len(admin.page(expected[0]).xpath("//tbody/tr")) == 1


def test_requests_of_providers_lead_to_their_log(admin, account):
    asked_over_scim(account, now(), 200)
    asked_over_scim(account, now(), 404)
    asked_over_scim(account, now() - timedelta(days=1), 404)
    page = admin.page("/activity?days=7")
    (figure,) = page.xpath("//figure[@aria-labelledby='provisioning']")
    links = figure.xpath(".//table//a/@href")
    assert len(links) == 3
    assert [len(admin.page(link).xpath("//tbody/tr")) for link in links] == [2, 1, 1]


def test_changes_are_told_by_kind(admin, busy):
    page = admin.page("/activity")
    (shares,) = page.xpath("//table[@aria-labelledby='changes']")
    kinds = [(row[0].text_content(), row[1].text_content()) for row in shares[1]]
    assert kinds == [("People", "5"), ("Folders", "1")]
    first = now().date() - timedelta(days=29)
    link = f"/audit?action=folder.&since={first}&until={now().date()}"
    assert shares.xpath(".//a/@href")[1] == link
    page = admin.page("/activity?days=7")
    assert len(page.xpath("//table[@aria-labelledby='changes']/tbody/tr")) == 1


def test_nothing_is_said_too(admin, account):
    text = admin.text("/activity?days=90")
    assert "In 90 days: 0 accepted, 0 refused." in text
    assert "Nothing was changed." in text
    assert len(admin.page("/activity?days=8").xpath("//figure[1]//table//tr")) == 31


def test_another_accounts_figures_are_its_own(admin, account):
    other = an_account()
    counted(other, 0, "session.opened", 7)
    asked_over_scim(other, now())
    assert "In 30 days: 0 accepted" in admin.text("/activity")
    assert "In 30 days: 0 done" in admin.text("/activity")


def signed_in_as(browser: Browser, account: str, role: str) -> Browser:
    user_id = a_user(account)
    a_grant(account, user_id, role)
    browser.sign_in(a_session(account, user_id))
    return browser


def test_one_sees_charts_of_the_logs_one_may_read(browser, account, busy):
    reader = signed_in_as(browser, account, "reports")
    assert len(reader.page("/activity").xpath("//figure")) == 1
    assert len(reader.page("/").xpath("//figure")) == 1
    assert "Provisioning" not in reader.text("/activity")


def test_who_may_not_read_the_log_has_no_chart(browser, account, busy):
    someone = signed_in_as(browser, account, "billing")
    assert someone.get("/activity").status_code == 403
    assert someone.page("/").xpath("//figure") == []


def test_the_start_page_has_the_sign_ins_of_two_weeks(admin, busy):
    (figure,) = admin.page("/").xpath("//figure")
    assert "In 14 days: 1,200 accepted, 30 refused." in figure.text_content()


def test_pages_with_charts_have_nothing_inline(admin, busy):
    for path in ("/", "/activity", "/matrix"):
        page = admin.page(path)
        assert page.xpath("//style | //@style | //script[not(@src)]") == []
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids))


def test_figures_cost_the_same_for_any_period(admin, busy):
    admin.get("/activity")
    counts = []
    for period in (7, 90):
        with statements() as seen:
            admin.get(f"/activity?days={period}")
        counts.append(len(seen))
    assert counts[0] == counts[1] < 8


@pytest.mark.parametrize("path", ["/audit", "/provisioning"])
@pytest.mark.parametrize("odd", ["yesterday", "9999-12-31", "2026-02-30"])
def test_what_is_no_day_is_told(admin, path, odd):
    answer = admin.get(f"{path}?until={odd}")
    assert answer.status_code == 303
    assert "This is no day." in admin.text(path)


# -- Where the parts of a chart lie ---------------------------------------------


@pytest.mark.parametrize(
    ("most", "expected"),
    [(0, 2), (1, 2), (3, 4), (5, 5), (7, 8), (9, 10), (10, 10), (11, 20), (410, 500), (999, 1000)],
)
def test_the_top_is_a_round_number(most, expected):
    assert top(most) == expected


def test_bars_fill_the_chart_in_proportion(app):
    first = date(2026, 3, 1)
    counts = [(0, 0), (5, 5), (8, 0), (0, 10)]
    days = [Day(first + timedelta(days=n), good, bad) for n, (good, bad) in enumerate(counts)]
    with app.test_request_context("/"):
        chart = of_days(days, lambda day, kind: f"/{day}/{kind}")
        assert chart.figures == {"days": "4", "good": "13", "bad": "15"}
    assert [column.x for column in chart.columns] == [0, 25, 50, 75]
    good = [(column.good.y, column.good.height) for column in chart.columns]
    bad = [(column.bad.y, column.bad.height) for column in chart.columns]
    assert good == [(100, 0), (50, 50), (20, 80), (100, 0)]
    assert bad == [(100, 0), (0, 50), (20, 0), (0, 100)]
    assert chart.lines == ((100, 0), (50, 5), (0, 10))
    assert chart.busiest.day == date(2026, 3, 2)
    assert chart.columns[1].bad.address == "/2026-03-02/bad"
