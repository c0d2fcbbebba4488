"""What several modules of these tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.directory.audit_chain import seal
from app.directory.work import Actor, Target, record_refusal
from tests.conftest import write
from tests.directory.reviewing import person
from tests.directory.sealed import problems
from tests.factories import (
    a_connection,
    a_folder,
    a_grant,
    a_group,
    a_link,
    a_mapping,
    a_master_admin,
    a_session,
    a_token,
    a_user,
)
from tests.receiver import Receiver, a_receiver
from tests.streams import a_stream, keys, let_in


@pytest.fixture
def boss(account) -> Actor:
    return person(a_master_admin(account, "boss"), "boss")


@pytest.fixture
def receiver(app) -> Iterator[Receiver]:
    let_in(app)
    with a_receiver(lambda: keys(app)) as found:
        yield found


@pytest.fixture
def stream(account, receiver) -> str:
    return a_stream(account, endpoint=receiver.url, authorization="Bearer s3cret").id


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "ada")


@pytest.fixture
def chain(account) -> str:
    """An account whose log has eight events, all sealed."""
    actor = Actor(type="user", id="0190", name="Ada", surface="api", address="192.0.2.1")
    with write(account, replace(actor, request_id="r1")) as work:
        for number in range(5):
            target = Target("user", f"u{number}", f"user {number}")
            work.record("user.updated", target, before={"n": number}, after={"n": [number, 0.5]})
    record_refusal(account, actor, "session.refused", "no such user", Target("user", None))
    assert seal(account) == 8
    assert problems(account) == []
    return account


@pytest.fixture
def house(account) -> dict[str, str]:
    """Something in every corner: Ada in Designers, editors of /Brand; Eve alone on /Brand/2026."""
    ids = {"root": a_master_admin(account, "root"), "okta": a_connection(account, name="Okta")}
    ids["ada"], ids["eve"] = a_user(account, "ada"), a_user(account, "eve")
    ids["Brand"] = a_folder(account, "Brand")
    ids["2026"] = a_folder(account, "2026", parent=ids["Brand"])
    ids["Inner"] = a_group(account, "Inner", members=[ids["ada"]])
    ids["Designers"] = a_group(account, "Designers", members=[ids["Inner"]])
    a_mapping(account, "Designers", "editor", ids["Brand"])
    a_mapping(account, "press", "viewer", ids["Brand"], match_by="role")
    a_grant(account, ids["eve"], "viewer", ids["2026"])
    a_grant(account, ids["ada"], "reports")
    a_token(account, ids["okta"])
    a_session(account, ids["ada"])
    a_link(account, ids["ada"])
    return ids
