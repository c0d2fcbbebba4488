from __future__ import annotations

import pytest

from tests.api.pep import Pep
from tests.api.v1.client import an_api_token
from tests.console.client import Browser
from tests.factories import a_folder, a_grant, a_group, a_user


@pytest.fixture
def browser(app) -> Browser:
    return Browser(app)


@pytest.fixture
def pep(app, account) -> Pep:
    return Pep(app, an_api_token(account, {"access.check"}))


@pytest.fixture
def ada(account) -> str:
    return a_user(account, "Ada@Example.com")


@pytest.fixture
def brand(account, ada) -> str:
    """A folder that ada sees, and no more."""
    found = a_folder(account, "Brand")
    a_grant(account, a_group(account, "Designers", members=[ada]), "viewer", found)
    return found
