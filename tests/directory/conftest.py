"""What several modules of these tests begin with."""

from __future__ import annotations

import pytest

from app.directory.work import Actor
from tests.directory.reviewing import person
from tests.factories import a_master_admin


@pytest.fixture
def boss(account) -> Actor:
    return person(a_master_admin(account, "boss"), "boss")
