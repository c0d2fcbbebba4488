"""Fetching metadata from an address someone gave, without being led to our own network."""

from __future__ import annotations

from app.security.outbound import PROBLEMS, BadUrl, NotPublic, Peer, UnknownName, problem_of
from app.words import say
from saml.errors import BadMetadata
from saml.metadata import MAX_BYTES

HEADERS = {"Accept": "application/samlmetadata+xml, */*;q=0.5", "User-Agent": "Gatehouse"}


def get(url: str) -> bytes:
    """Return the document at an HTTPS address (see ``app.security.outbound``).

    :raises BadMetadata: When it cannot be fetched, or must not be.
    """
    try:
        with Peer(url) as peer:
            answer = peer.ask("GET", HEADERS, limit=MAX_BYTES)
    except BadUrl:
        raise BadMetadata(
            say("Metadata is fetched over https:// only. Download it and give the file.")
        ) from None
    except NotPublic:
        raise BadMetadata(say("The address of the metadata is not a public one.")) from None
    except UnknownName as error:
        raise BadMetadata(
            say("The name %(host)s cannot be found (DNS).", host=error.host)
        ) from None
    except PROBLEMS as error:
        raise BadMetadata(
            say("The metadata cannot be fetched: %(why)s.", why=problem_of(error))
        ) from None
    if answer.status != 200:
        raise BadMetadata(
            say("The address of the metadata answered %(status)s.", status=str(answer.status))
        )
    if len(answer.body) > MAX_BYTES:
        raise BadMetadata(say("The metadata is larger than %(limit)s bytes.", limit=MAX_BYTES))
    if not answer.whole:
        raise BadMetadata(say("The metadata did not arrive in full, or took too long."))
    return answer.body
