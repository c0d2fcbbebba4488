"""Handing out a file."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, stream_with_context


def attachment(
    content: str | Iterator[str] | Iterator[bytes], content_type: str, name: str
) -> Response:
    """Hand out a file, whole or as it is made.

    :param name: As the browser is to call it: letters, digits, dots and the like.
    """
    return Response(
        content if isinstance(content, str) else stream_with_context(content),
        content_type=content_type,
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )
