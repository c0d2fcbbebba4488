"""What several modules of these tests begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.directory.work import Actor
from tests.directory.reviewing import person
from tests.factories import a_master_admin, a_user
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
