"""That the audit log was exported, and by whom, stands in the log itself."""

from __future__ import annotations

from collections.abc import Mapping

from app.directory import bounds
from app.directory.work import Target, Work


def note(work: Work, format_: str, asked: Mapping[str, object]) -> None:
    """Write down that events were exported.

    :param asked: What narrowed them.
    :raises Invalid: When a text of it is too long, or holds characters no database keeps.
    """
    said = {
        name: bounds.optional(name, str(value), bounds.TEXT_LENGTH) for name, value in asked.items()
    }
    work.record(
        "audit.exported", Target("account", work.account_id), after={"format": format_, **said}
    )
