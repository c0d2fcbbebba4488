"""Every write of a key that signs what applications read."""

from __future__ import annotations

from joserfc.jwk import ECKey
from sqlalchemy import insert

from app.security.secrets import seal
from app.security.signing_keys import PrivateKey, signing_key
from app.store.database import db, table, write_transaction
from app.store.models import SigningKey
from app.store.types import new_id, now

CURVE = "P-256"


def key_to_sign_with(secret_key: str) -> PrivateKey:
    """Return the key that signs now, made if there is none yet."""
    found = signing_key(secret_key, now())
    if found is not None:
        return found
    # Two processes may both make the first key: both are published, and the older one signs.
    rotate(secret_key)
    made = signing_key(secret_key, now())
    if made is None:
        raise RuntimeError("the key just made is not there")
    return made


def rotate(secret_key: str) -> str:
    """Make a new key and return its id. It is published at once, and signs in a while."""
    key_id = new_id()
    key = ECKey.generate_key(CURVE, {"kid": key_id, "use": "sig", "alg": "ES256"})
    row = {
        "id": key_id,
        "public": key.as_dict(private=False),
        "sealed_key": seal(secret_key, key_id, key.as_pem(private=True).decode()),
        "created_at": now(),
    }
    with write_transaction():
        db.session.execute(insert(table(SigningKey)), [row])
    return key_id
