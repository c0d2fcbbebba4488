"""Address lists are kept in one form."""

import pytest

from app.directory.errors import Invalid
from app.directory.networks import NETWORKS_LIMIT, cleaned


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("203.0.113.0/24", "203.0.113.0/24"),
        (" 203.0.113.7 ", "203.0.113.7/32"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("::/0", "::/0"),
    ],
)
def test_a_network(given, kept):
    assert cleaned([given, given]) == [kept]


@pytest.mark.parametrize(
    "given", ["", "example.com", "203.0.113.1/24", "1.2.3.4/33", "::/129", "fe80::%a/64"]
)
def test_what_is_none(given):
    with pytest.raises(Invalid, match="Write it like"):
        cleaned([given])


def test_there_may_be_so_many():
    assert len(cleaned(f"10.0.{number}.0/24" for number in range(NETWORKS_LIMIT))) == NETWORKS_LIMIT
    with pytest.raises(Invalid, match=r"these are 51\. Join neighbours"):
        cleaned(f"10.0.{number}.0/24" for number in range(NETWORKS_LIMIT + 1))
