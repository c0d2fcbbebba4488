"""``/api/v1/drift-reports``."""

from __future__ import annotations

import io

import orjson
import pytest

from app.access.permissions import ACTIONS
from app.directory import tokens
from app.directory.drift import reading
from app.directory.imports import files
from app.directory.operations import OPEN_LIMIT
from app.operations import run_all
from app.security import requests
from app.store.models import Operation, User
from tests import imports
from tests.api.v1.client import Api, an_api_token, forget_the_last_request, signed_in
from tests.conftest import write
from tests.directory.test_drift import provisioned
from tests.drift import fill_the_disk
from tests.factories import a_connection, a_grant, a_user, an_account
from tests.imports import CONSOLE, a_file
from tests.inspection import audit, fingerprint, row, rows, rows_of

TEXT = "userName,displayName,shoe\nada,Ada L.,38\nnew,<b>,\n"
SCIM = {"Resources": [{"userName": "ada", "displayName": "Ada L."}, {"userName": "new"}]}
GROUPS = "userName,groups\nada,Designers\n"


@pytest.fixture
def okta(account) -> str:
    """A connection that ada and eve came through."""
    connection = a_connection(account, name="Okta")
    provisioned(account, connection, "ada", display_name="Ada")
    provisioned(account, connection, "eve")
    return connection


def send(
    api: Api, connection: str, content: str | bytes = TEXT, type_: str = "text/csv", **headers: str
):
    """Send an export to be compared."""
    forget_the_last_request()
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if api.token is not None:
        sent["Authorization"] = f"Bearer {api.token}"
    if api.csrf is not None:
        sent["X-CSRFToken"] = api.csrf
    path = f"/api/v1/drift-reports?connection_id={connection}&name=people.csv"
    length = len(content)  # The client of the tests states none that is 0.
    return api.client.post(
        path, data=content, content_type=type_, content_length=length, headers=sent
    )


def reported(api: Api, connection: str, content: str = TEXT) -> str:
    """The path of a report on an export, which is done."""
    answer = send(api, connection, content)
    assert answer.status_code == 201, answer.text
    run_all()
    path: str = answer.headers["Location"].removeprefix("/api/v1")
    assert api.get(path).json["state"] == "done"
    return path


def test_an_export_is_compared_then_mended(account, api, okta):
    sent = send(api, okta)
    assert sent.status_code == 201 and sent.json["state"] == "waiting"
    path = sent.headers["Location"].removeprefix("/api/v1")
    run_all()
    report = api.get(path).json
    assert (report["state"], report["done"], report["total"]) == ("done", 2, 2)
    differ = dict.fromkeys(("missing", "different", "extra"), 1)
    assert report["counts"] == differ | {"same": 0, "refused": 0}
    assert report["connection"] == {"id": okta, "name": "Okta"} and report["fixes"] is None
    assert (report["name"], report["ignored"], report["problems"]) == ("people.csv", ["shoe"], 0)
    found = api.get(f"{path}/rows").json
    assert [(each["kind"], each["name"]) for each in found["items"]] == [
        *(("different", "ada"), ("missing", "new"), ("extra", "eve"))
    ]
    changes = found["items"][0]["changes"]
    assert changes == {"displayName": {"here": "Ada", "there": "Ada L."}}
    table = api.get(f"{path}/rows.csv")
    assert table.headers["Content-Disposition"] == "attachment; filename=drift.csv"
    assert table.text.splitlines()[1:] == [
        *("ada,different,displayName,Ada,Ada L.", "new,missing,,,", "eve,extra,,,")
    ]
    fix = api.post(f"{path}/fix")
    assert fix.status_code == 201 and fix.json["fixes"] == report["id"]
    run_all()
    mended = api.get(fix.headers["Location"].removeprefix("/api/v1")).json
    assert mended["state"] == "done", mended["error"]
    counts = mended["counts"]
    assert (counts["created"], counts["updated"], counts["deactivated"]) == (1, 1, 1)
    assert row(User, user_name="eve").active is False
    assert row(User, user_name="new").connection_id == okta
    assert [each["id"] for each in api.all("/drift-reports", limit=1)] == [
        *(mended["id"], report["id"])
    ]
    (event,) = audit(account, "user.deactivated")
    assert (event.actor_type, event.actor_name, event.surface) == ("token", "tests", "api")
    assert api.post(f"/drift-reports/{mended['id']}/fix").status_code == 404


@pytest.mark.parametrize("type_", ["application/json", "application/scim+json; charset=utf-8"])
def test_scim_resources_are_compared(api, okta, type_):
    sent = send(api, okta, orjson.dumps(SCIM), type_)
    assert sent.status_code == 201
    run_all()
    counts = api.get(f"/drift-reports/{sent.json['id']}").json["counts"]
    assert (counts["missing"], counts["different"], counts["extra"]) == (1, 1, 1)


def test_rows_and_problems_come_in_pages(account, api, okta):
    names = [f"person{number}" for number in range(3)]
    path = reported(api, okta, "\n".join(["userName,active", *names, "x,perhaps", "y,never"]))
    shown, after = [], 0
    while after is not None:
        page = api.get(f"{path}/rows?kind=missing&limit=2&after={after}").json
        shown, after = shown + page["items"], page["next"]
    assert [each["name"] for each in shown] == names
    page = api.get(f"{path}/problems?limit=1").json
    assert [(each["name"], each["column"]) for each in page["items"]] == [("x", "active")]
    assert page["items"][0]["reason"] == "It must be true or false." and page["next"] == 5
    page = api.get(f"{path}/problems?after=5").json
    assert ([each["name"] for each in page["items"]], page["next"]) == (["y"], None)
    assert api.get(path).json["problems"] == 2
    for query in ("kind=same", "after=-1", "after=2147483648", "limit=0", "limit=501", "more=1"):
        assert api.get(f"{path}/rows?{query}").status_code == 422


def test_more_than_half_are_deactivated_only_when_that_is_said(account, api):
    okta = a_connection(account)
    for number in range(12):
        provisioned(account, okta, f"person{number}")
    path = reported(api, okta, "userName\nperson0\n")
    answer = api.post(f"{path}/fix")
    assert answer.status_code == 422 and "many" in answer.json["errors"]
    assert api.post(f"{path}/fix", {"many": True}).status_code == 201
    run_all()
    assert len(rows(User, active=True)) == 1


def test_it_is_cancelled(account, api, okta):
    path = f"/drift-reports/{send(api, okta).json['id']}"
    assert api.post(f"{path}/fix").status_code == 404  # not yet
    assert api.post(f"{path}/cancel").json["state"] == "cancelled"
    run_all()
    assert api.get(path).json["state"] == "cancelled"
    assert api.post(f"{path}/cancel").status_code == 404
    assert api.post(f"{path}/fix").status_code == 404


@pytest.mark.parametrize(
    ("content", "type_", "status"),
    [
        (b"", "text/csv", 422),
        (b"userName\n", "text/csv", 422),
        (b"shoe\n38\n", "text/csv", 422),
        (b"\xff\xfe\0", "text/csv", 422),
        (b"\x1f\x8b\x08", "text/csv", 422),
        (b'{"userName": ', "application/json", 422),
        (b'{"userName": "\\ud800"}', "application/json", 201),  # a row that is refused
        (b"[" * 100_000, "application/json", 422),
        (b"9" * 5_000, "application/json", 422),
        (b"[1]", "application/scim+json", 422),
        (b'{"totalResults": 2, "Resources": [{"userName": "ada"}]}', "application/json", 422),
        (TEXT.encode(), "application/xml", 415),
        (TEXT.encode(), "multipart/form-data; boundary=x", 415),
        (TEXT.encode(), "", 415),
    ],
)
def test_what_is_no_export_is_refused(api, okta, content, type_, status):
    answer = send(api, okta, content, type_)
    assert answer.status_code == status, answer.text
    assert len(rows(Operation)) == (status == 201)
    run_all()


def test_what_is_asked_wrong_is_refused(api, okta):
    for query in ("", f"connection_id={okta}&more=1", f"connection_id={okta}&name=%00"):
        forget_the_last_request()
        headers = {"Authorization": f"Bearer {api.token}"}
        answer = api.client.post(
            f"/api/v1/drift-reports?{query}", data=TEXT, content_type="text/csv", headers=headers
        )
        assert answer.status_code == 422
    assert rows(Operation) == []


def sent_as(api: Api, connection: str, content: bytes, **environ):
    """Send a body as the server of the tests does not: chunked, or cut off."""
    forget_the_last_request()
    return api.client.post(
        f"/api/v1/drift-reports?connection_id={connection}",
        input_stream=io.BytesIO(content),
        content_type="text/csv",
        headers={"Authorization": f"Bearer {api.token}"},
        environ_overrides={"wsgi.input_terminated": True} | environ,
    )


def test_an_export_may_be_as_large_as_a_file_whatever_other_bodies_may(
    app, account, api, okta, monkeypatch
):
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 100)
    monkeypatch.setattr(files, "SIZE_LIMIT", 1000)
    admin = a_user(account, "admin")
    a_grant(account, admin, "admin")
    whole = b"userName\n" + b"x,\n" * 330 + b"\n"
    assert len(whole) == 1000
    for one in (api, signed_in(app, account, admin)):
        assert send(one, okta, whole).status_code == 201
    before = len(rows(Operation))
    assert "The file is larger" in send(api, okta, whole + b"\n").text
    assert send(api, okta, whole + b"\n" * 2).status_code == 413
    assert send(api, okta, whole, "multipart/form-data; boundary=x").status_code in (413, 415)
    assert len(rows(Operation)) == before


def test_an_export_that_was_cut_off_is_none(api, okta):
    """Half of one would deactivate people."""
    answer = sent_as(api, okta, TEXT.encode(), CONTENT_LENGTH=str(len(TEXT) + 1))
    assert answer.status_code == 400 and rows(Operation) == []
    answer = sent_as(api, okta, TEXT.encode(), HTTP_TRANSFER_ENCODING="chunked")
    assert (answer.status_code, answer.content_type) == (411, "application/problem+json")
    assert "State the length of the file" in answer.json["detail"] and rows(Operation) == []


@pytest.mark.parametrize("module", [requests, reading], ids=["body", "people"])
def test_where_there_is_no_room_for_an_export_it_says_so(api, okta, module, monkeypatch):
    with monkeypatch.context() as patch:
        fill_the_disk(patch, module)
        for content, type_ in ((TEXT, "text/csv"), (orjson.dumps(SCIM), "application/json")):
            answer = send(api, okta, content, type_)
            assert (answer.status_code, answer.content_type) == (507, "application/problem+json")
            assert "no room for the file on the server" in answer.json["detail"]
    assert rows(Operation) == [] and send(api, okta).status_code == 201


def test_so_many_wait_and_no_more(api, okta):
    for _ in range(OPEN_LIMIT):
        assert send(api, okta).status_code == 201
    assert send(api, okta).status_code == 422


def test_it_takes_the_permissions(app, account, api, okta):
    path = reported(api, okta)
    others = Api(app, an_api_token(account, ACTIONS - {"user.manage"}))
    reader = signed_in(app, account, a_user(account))
    before = fingerprint()
    for rest in ("", "/rows", "/rows.csv", "/problems"):
        assert others.get(f"{path}{rest}").status_code == 403
    assert others.get("/drift-reports").status_code == 403
    assert others.post(f"{path}/fix").status_code == 403
    assert others.post(f"{path}/cancel").status_code == 403
    assert send(others, okta).status_code == 403
    assert reader.get(path).status_code == 403 and send(reader, okta).status_code == 403
    assert fingerprint() == before
    without_groups = Api(app, an_api_token(account, {"user.manage"}))
    assert send(without_groups, okta, GROUPS).status_code == 403
    assert send(without_groups, okta).status_code == 201


def test_a_person_may_too(app, account, okta):
    admin = a_user(account, "admin")
    a_grant(account, admin, "admin")
    assert reported(signed_in(app, account, admin), okta)
    assert row(Operation).actor_name == "admin"


def test_what_a_token_has_begun_goes_no_further_than_it_may(app, account, api, okta):
    """The request is over then: what counts is what the token may do by that time."""
    boss = provisioned(account, okta, "boss")
    a_grant(account, boss, "admin")
    a_grant(account, a_user(account), "master_admin")
    path = reported(api, okta)
    program = Api(app, an_api_token(account, {"user.manage"}))
    fix = program.post(f"{path}/fix").json
    run_all()
    mended = program.get(f"/drift-reports/{fix['id']}").json
    assert (mended["state"], mended["problems"]) == ("done", 1)
    (problem,) = program.get(f"/drift-reports/{fix['id']}/problems").json["items"]
    assert problem["name"] == "boss" and "may do what you may not" in problem["reason"]
    assert row(User, id=boss).active is True and row(User, user_name="eve").active is False
    waiting = send(program, okta).json["id"]
    with write(account) as work:
        tokens.revoke(work, row(Operation, id=waiting).actor_id)
    run_all()
    ended = api.get(f"/drift-reports/{waiting}").json
    assert ended["state"] == "failed" and "user.manage" in ended["error"]


def test_things_of_another_account_are_not_there(account, api, okta):
    theirs = an_account("Theirs")
    strange = a_connection(theirs)
    before = rows_of(theirs)
    assert send(api, strange).status_code == 404
    assert rows(Operation) == [] and rows_of(theirs) == before


def test_an_import_is_no_report(account, api):
    other = imports.begin(account, a_file(2), CONSOLE)
    for rest in ("", "/rows", "/rows.csv", "/problems"):
        assert api.get(f"/drift-reports/{other}{rest}").status_code == 404
    assert api.post(f"/drift-reports/{other}/cancel").status_code == 404
    assert row(Operation).state == "waiting" and api.all("/drift-reports") == []


def test_a_dry_run_begins_nothing(account, api, okta):
    seen = send(api, okta, Prefer="dry-run").json
    assert (seen["status"], seen["answer"]["total"]) == (201, 2)
    assert [each["action"] for each in seen["changes"]] == ["drift.requested"]
    assert rows(Operation) == []
    path = reported(api, okta)
    assert api.post(f"{path}/fix", Prefer="dry-run").json["answer"]["state"] == "waiting"
    assert len(rows(Operation)) == 1


def test_it_is_done_once(account, api, okta):
    made = [send(api, okta, Idempotency_Key="k").json for _ in range(2)]
    assert made[0] == made[1] and len(rows(Operation)) == 1
    other = send(api, okta, TEXT + "more,,\n", Idempotency_Key="k")
    assert other.status_code == 422 and len(rows(Operation)) == 1
    run_all()
    path = f"/drift-reports/{made[0]['id']}"
    fixes = [api.post(f"{path}/fix", Idempotency_Key="f").json for _ in range(2)]
    assert fixes[0] == fixes[1] and len(rows(Operation)) == 2
