"""Our key at a provider, replaced step by step in the console."""

from __future__ import annotations

from app.store.models import ConnectionKey
from tests.inspection import audit, rows


def states(okta: str) -> set[str]:
    return {each.state for each in rows(ConnectionKey, connection_id=okta)}


def test_it_is_replaced_in_three_steps(admin, account, okta):
    page = f"/connections/{okta}/key"

    def take(step: str) -> None:
        answer = admin.submit(page, f"{page}/{step}")
        assert (answer.status_code, answer.location) == (303, page)

    assert "announced:" not in admin.text(page)
    take("announce")
    assert states(okta) == {"current", "next"}
    shown = admin.text(page)
    assert "have our metadata read again" in shown and "Sign with the new key" in shown
    assert "It is being replaced." in admin.text(f"/connections/{okta}")
    take("withdraw")
    assert states(okta) == {"current"}
    take("announce")
    take("switch")
    assert states(okta) == {"current", "previous"}
    assert "Delete the old key" in admin.text(page)
    take("retire")
    assert states(okta) == {"current"}
    assert [each.action for each in audit(account) if "key" in each.action] == [
        "connection.key_announced",
        "connection.key_forgotten",
        "connection.key_announced",
        "connection.key_taken_over",
        "connection.key_forgotten",
    ]


def test_a_step_out_of_turn_is_refused(admin, okta):
    page = f"/connections/{okta}/key"
    form = {"csrf_token": admin.form(page, f"{page}/announce").fields["csrf_token"]}
    for step, said in (
        ("switch", "No new key is announced."),
        ("retire", "There is no previous key."),
        ("withdraw", "There is no next key."),
    ):
        answer = admin.post(f"{page}/{step}", data=form, headers={"Referer": admin.base_url + page})
        assert (answer.status_code, answer.location) == (303, page)
        assert said in admin.text(page)
    assert states(okta) == {"current"}


def test_certificates_come_as_files_and_no_secret_with_them(admin, idp, okta):
    page = f"/connections/{okta}/key"
    answer = admin.get(f"{page}/current.pem")
    assert answer.status_code == 200
    assert answer.get_data(as_text=True) == idp.own_certificate
    assert answer.headers["Content-Disposition"] == 'attachment; filename="gatehouse-current.pem"'
    assert admin.get(f"{page}/next.pem").status_code == 404
    assert "PRIVATE" not in admin.text(page)
