"""A review with all decisions as JSON lines, signed: whoever has it can prove that it is ours.

The first line is the review, each of the others an item. The last one holds a JSON Web Signature
(RFC 7515) over the SHA-256 of those before it; its key is one of those published
(``/.well-known/jwks.json``), for as long as that is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from hmac import compare_digest
from typing import Any

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from app.directory.errors import Invalid, existing
from app.directory.signing_keys import key_to_sign_with
from app.directory.work import Target, Work
from app.lists import reviews as lists
from app.store.types import now
from app.words import say

ALGORITHM = "ES256"
CONTENT_TYPE = "application/jsonl; charset=utf-8"
KeyOf = Callable[[str], dict[str, Any] | None]
"""Returns the public key (JWK) of an id."""


def note(work: Work, review_id: str, name: str) -> None:
    """Write down that a review was exported."""
    work.record("review.exported", Target("review", review_id, name))


def lines_of(account_id: str, review_id: str, *, secret_key: str, issuer: str) -> Iterator[bytes]:
    """Return the lines of a review, the last one signed. Not within a write.

    :param secret_key: What our keys are sealed with.
    :param issuer: The public address of this installation.
    :raises NotFound: When the account has no such review.
    """
    review = existing(lists.one(account_id, review_id), "review", review_id)
    key = key_to_sign_with(secret_key)
    hashed, count = sha256(), 0
    for document in _documents(account_id, review):
        line = orjson.dumps(document) + b"\n"
        hashed.update(line)
        count += 1
        yield line
    claims = {
        "iss": issuer,
        "iat": int(now().timestamp()),
        "account": account_id,
        "review": review_id,
        "lines": count,
        "sha256": hashed.hexdigest(),
    }
    header = {"alg": ALGORITHM, "kid": key.id}
    signature = jws.serialize_compact(header, orjson.dumps(claims), ECKey.import_key(key.pem))
    yield orjson.dumps({"signature": signature}) + b"\n"


def verify(lines: Iterable[bytes], key_of: KeyOf) -> dict[str, Any]:
    """Return what the signature of an export says, once it is right, and the review's ``state``.

    That is ``open`` where decisions may have followed: the signature is as good as any other.

    :param lines: Those of the file, each with its end.
    :raises Invalid: When it was not signed by one of the keys, or was changed.
    """
    hashed, count, first, last = sha256(), 0, b"", b""
    for line in lines:
        if last:
            hashed.update(last)
            count += 1
        first, last = first or line, line
    claims = _signed(last, key_of)
    same = isinstance(claims.get("sha256"), str) and compare_digest(
        claims["sha256"].encode(), hashed.hexdigest().encode()
    )
    if not same or claims.get("lines") != count:
        raise Invalid(say("The file was changed after it was signed."))
    return claims | {"state": orjson.loads(first)["review"]["state"]}


def _documents(account_id: str, review: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"review": review}
    for item in lists.every_item(account_id, review["id"]):
        yield {"item": item}


def _signed(line: bytes, key_of: KeyOf) -> dict[str, Any]:
    """Return what is signed.

    :raises Invalid: When it is not, or by nobody known.
    """
    try:
        token = jws.extract_compact(orjson.loads(line)["signature"].encode())
        key = key_of(str(token.headers().get("kid")))
        if key is not None:
            text = orjson.loads(line)["signature"]
            found = jws.deserialize_compact(text, ECKey.import_key(key), algorithms=[ALGORITHM])
            claims: dict[str, Any] = orjson.loads(found.payload)
            if isinstance(claims, dict):
                return claims
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise Invalid(say("The file ends in no signature of ours.")) from None
    raise Invalid(say("The file is signed with a key that is not known here."))
