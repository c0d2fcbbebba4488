"""Users: what is stored, what is refused, what the audit says."""

from __future__ import annotations

import unicodedata

import argon2
import pytest

from app.directory import users
from app.directory.errors import Invalid, NotFound, Taken, VersionMismatch
from app.directory.profiles import value_entry
from app.directory.users import Profile
from app.directory.work import Actor, transaction
from app.store.models import AuditEvent, OutgoingEvent, User, UserValue
from tests.conftest import write
from tests.factories import a_connection, a_user, an_account
from tests.inspection import audit, epoch, fingerprint, outgoing, row, rows, statements

EMAILS = [
    {"value": "ada@example.com", "type": "work", "primary": True},
    {"value": "ada@home.example", "type": "home"},
]

OUT_OF_BOUNDS = [
    Profile(""),
    Profile(" \t\u3000"),
    Profile("a" * 257),
    Profile("a\0b"),
    Profile("a\ud800b"),
    Profile("\ufffe"),
    Profile("\ufb2c" * 256),  # 256 letters, 768 once normalised
    Profile("ada", external_id="x" * 257),
    Profile("ada", external_id="\0"),
    Profile("ada", display_name="x" * 513),
    Profile("ada", display_name="İ" * 500),
    Profile("ada", display_name="\udfff"),
    Profile("ada", attributes={"title": "\0"}),
    Profile("ada", attributes={"name": {"givenName": ["\ud800"]}}),
    Profile("ada", attributes={"ke\0y": 1}),
    Profile("ada", attributes={"title": "x" * 131_073}),
    Profile("ada", attributes={"number": 2**64}),
    Profile("ada", attributes={"title": b"bytes"}),
    Profile("ada", values={"emails": [{"value": "\0"}]}),
    Profile("ada", values={"emails": [{"value": "x" * 65_537}]}),
    Profile("ada", values={"emails": [{"value": 42}]}),
    Profile("ada", values={"emails": [{"value": "a", "type": "x" * 1025}]}),
    Profile("ada", values={"emails": [{"value": "a", "display": "\ud800"}]}),
    Profile("ada", values={"emails": [{"value": "a", "primary": "yes"}]}),
    Profile("ada", values={"emails": [{"value": "a", "note": "\0"}]}),
    Profile("ada", values={"emails": [{"value": str(n)} for n in range(501)]}),
]


def replace(account_id: str, user_id: str, profile: Profile, **options) -> bool:
    with write(account_id) as work:
        return users.replace(work, user_id, profile, **options)


def stored_emails(user_id: str) -> list[dict]:
    return [value_entry(each) for each in rows(UserValue, user_id=user_id)]


def test_a_new_user_is_stored_as_given(account):
    user_id = a_user(
        account,
        "Ada@Example.com",
        external_id="42",
        display_name="Ada Lovelace",
        attributes={"title": "Countess", "name": {"familyName": "Lovelace"}},
        values={"emails": EMAILS},
    )
    user = row(User, id=user_id)
    assert (user.user_name, user.user_name_key) == ("Ada@Example.com", "ada@example.com")
    assert (user.external_id, user.display_name_key) == ("42", "ada lovelace")
    assert user.attributes == {"title": "Countess", "name": {"familyName": "Lovelace"}}
    assert (user.active, user.version, user.password_hash) == (True, 1, None)
    assert (user.origin, user.connection_id) == ("manual", None)
    assert stored_emails(user_id) == EMAILS


def test_sub_attributes_without_a_column_are_kept(account):
    home = {"streetAddress": "1 Main St", "locality": "Oslo", "type": "home"}
    user_id = a_user(account, values={"addresses": [home]})
    assert stored_emails(user_id) == [home]
    assert row(UserValue, user_id=user_id).extra == {
        "streetAddress": "1 Main St",
        "locality": "Oslo",
    }


def test_creation_is_audited_exactly(account):
    user_id = a_user(account, " ada ", external_id="42", values={"emails": EMAILS})
    (event,) = audit(account, "user.created")
    assert (event.target_type, event.target_id, event.target_name) == ("user", user_id, "ada")
    assert (event.actor_type, event.actor_name, event.surface) == ("system", "tests", "cli")
    assert event.before is None
    assert event.after == {
        "userName": "ada",
        "externalId": "42",
        "displayName": None,
        "active": True,
        "emails": EMAILS,
    }
    assert outgoing(account)[-1] == "user.created"


def test_what_did_not_exist_before_is_null_in_the_database(account):
    a_user(account)
    created = rows(AuditEvent, account_id=account, action="user.created", before=None)
    assert len(created) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ada@example.com", "ADA@EXAMPLE.COM"),
        ("Straße", "STRAẞE"),
        ("İpek", "i\u0307pek"),
        (unicodedata.normalize("NFC", "zoë"), unicodedata.normalize("NFD", "ZOË")),
        ("\u212aelvin", "kelvin"),
        ("ada", "  Ada\t"),
    ],
)
def test_a_user_name_is_unique_in_any_case_and_form(account, first, second):
    a_user(account, first)
    before = fingerprint()
    with pytest.raises(Taken):
        a_user(account, second)
    other = a_user(account, "other")
    with pytest.raises(Taken):
        replace(account, other, Profile(second))
    assert fingerprint()["users"][0] == before["users"][0] + 1


def test_another_account_may_have_the_same_user_name(account):
    assert a_user(account, "ada") != a_user(an_account(), "ada")


def test_a_user_may_change_the_case_of_their_own_name(account):
    user_id = a_user(account, "ada")
    assert replace(account, user_id, Profile("Ada"))
    assert row(User, id=user_id).user_name == "Ada"


def test_what_is_out_of_bounds_is_invalid(account):
    user_id = a_user(account)
    before = fingerprint()
    for profile in OUT_OF_BOUNDS:
        with pytest.raises(Invalid), write(account) as work:
            users.create(work, profile)
        with pytest.raises(Invalid):
            replace(account, user_id, profile)
    assert fingerprint() == before


def test_a_password_is_bounded_too(account):
    for password in ("", "\0", "x" * 1025):
        with pytest.raises(Invalid):
            a_user(account, password=password)


def test_the_largest_values_fit(account):
    user_id = a_user(
        account,
        "𐐀" * 256,
        external_id="😀" * 256,
        display_name="😀" * 512,
        values={"emails": [{"value": "x" * 65_536, "type": "ü" * 1024, "display": "ü" * 1024}]},
    )
    assert row(User, id=user_id).display_name == "😀" * 512


def test_a_password_is_kept_as_an_argon2_hash_alone(account):
    user_id = a_user(account, "ada", password="correct horse")
    replace(account, user_id, Profile("ada"), password="battery staple")
    hashed = row(User, id=user_id).password_hash
    assert hashed.startswith("$argon2id$")
    assert argon2.PasswordHasher().verify(hashed, "battery staple")
    written = repr(rows(AuditEvent)) + repr(rows(OutgoingEvent))
    assert "correct horse" not in written
    assert "battery staple" not in written
    assert "argon2" not in written
    assert audit(account, "user.updated")[0].after == {"password": "changed"}


def test_replace_writes_and_audits_the_difference(account):
    user_id = a_user(
        account,
        "ada",
        display_name="Ada",
        attributes={"title": "Countess", "nickName": "A"},
        values={"emails": EMAILS, "roles": [{"value": "author"}]},
    )
    changed = Profile(
        "ada",
        display_name="Ada",
        attributes={"title": "Lady", "locale": "en"},
        values={"emails": EMAILS[:1], "roles": [{"value": "author"}]},
    )
    assert replace(account, user_id, changed)
    (event,) = audit(account, "user.updated")
    assert event.before == {"title": "Countess", "nickName": "A", "emails": EMAILS}
    assert event.after == {"title": "Lady", "locale": "en", "emails": EMAILS[:1]}
    user = row(User, id=user_id)
    assert (user.version, user.attributes) == (2, {"title": "Lady", "locale": "en"})
    assert [each.attribute for each in rows(UserValue, user_id=user_id)] == ["emails", "roles"]


def test_replace_touches_the_changed_values_alone(account):
    roles = [{"value": str(number)} for number in range(3)]
    user_id = a_user(account, "ada", values={"emails": EMAILS, "roles": roles})
    with statements() as seen:
        replace(account, user_id, Profile("ada", values={"emails": EMAILS[:1], "roles": roles}))
    assert len([each for each in seen if "INTO user_values" in each]) == 1
    assert len([each for each in seen if "DELETE FROM user_values" in each]) == 1


@pytest.mark.parametrize(
    "same",
    [
        Profile("ada", external_id="1", values={"emails": [{"value": "a", "primary": False}]}),
        Profile(" ada ", external_id="1", values={"emails": [{"value": "a", "primary": False}]}),
        Profile(
            "ada",
            external_id="1",
            values={
                "emails": [{"value": "a", "primary": False, "type": None, "note": None}],
                "phoneNumbers": [],
            },
        ),
    ],
)
def test_nothing_is_written_when_nothing_changes(account, same):
    user_id = a_user(
        account, "ada", external_id="1", values={"emails": [{"value": "a", "primary": False}]}
    )
    before = fingerprint()
    assert not replace(account, user_id, same)
    assert fingerprint() == before


def test_replace_with_an_expected_version(account):
    user_id = a_user(account, "ada")
    before = fingerprint()
    with pytest.raises(VersionMismatch):
        replace(account, user_id, Profile("eve"), expected_version=2)
    with pytest.raises(VersionMismatch), write(account) as work:
        users.delete(work, user_id, expected_version=2)
    assert fingerprint() == before
    assert replace(account, user_id, Profile("eve"), expected_version=1)
    with write(account) as work:
        users.delete(work, user_id, expected_version=2)


def test_delete_removes_the_user_and_says_who_it_was(account):
    user_id = a_user(account, "ada", values={"emails": EMAILS})
    with write(account) as work:
        users.delete(work, user_id)
    assert rows(User) == rows(UserValue) == []
    (event,) = audit(account, "user.deleted")
    assert event.after is None
    assert event.before == {
        "userName": "ada",
        "externalId": None,
        "displayName": None,
        "active": True,
        "emails": EMAILS,
        "groups": [],
    }


def test_a_failed_transaction_leaves_nothing(account):
    user_id = a_user(account, "ada", values={"emails": EMAILS})
    before = fingerprint()
    with pytest.raises(RuntimeError), write(account) as work:
        users.create(work, Profile("eve", values={"emails": EMAILS}))
        users.set_active(work, user_id, False)
        users.replace(work, user_id, Profile("grace"))
        users.delete(work, user_id)
        raise RuntimeError
    assert fingerprint() == before


def test_a_refused_write_takes_the_ones_before_it_along(account):
    a_user(account, "ada")
    before = fingerprint()
    with pytest.raises(Taken), write(account) as work:
        users.create(work, Profile("eve"))
        users.create(work, Profile("ADA"))
    assert fingerprint() == before


def test_a_new_user_can_do_nothing_so_the_epoch_stays(account):
    before = epoch(account)
    user_id = a_user(account, "ada")
    replace(account, user_id, Profile("ada", display_name="Ada"))
    assert epoch(account) == before


def test_users_of_another_account_are_not_found(account):
    stranger = a_user(an_account(), "ada")
    for user_id in (stranger, "no such id", "\0", "\ud800", "x" * 100_000):
        before = fingerprint()
        with write(account) as work:
            for call in (
                lambda i, w=work: users.replace(w, i, Profile("eve")),
                lambda i, w=work: users.set_active(w, i, False),
                lambda i, w=work: users.delete(w, i),
            ):
                with pytest.raises(NotFound):
                    call(user_id)
        assert fingerprint() == before


def test_the_origin_is_the_face_and_the_connection_that_made_it(account):
    connection = a_connection(account)
    actor = Actor(type="token", name="okta", surface="scim", connection_id=connection)
    with transaction(account, actor) as work:
        user_id = users.create(work, Profile("ada"))
    user = row(User, id=user_id)
    assert (user.origin, user.connection_id) == ("scim", connection)
