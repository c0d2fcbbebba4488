"""That the audit log was exported, and by whom, stands in the log itself."""

from __future__ import annotations

from collections.abc import Mapping

from app.directory.work import Target, Work


def note(work: Work, format_: str, asked: Mapping[str, object]) -> None:
    """Write down that events were exported.

    :param asked: What narrowed them.
    """
    said = {name: str(value) for name, value in asked.items()}
    work.record(
        "audit.exported", Target("account", work.account_id), after={"format": format_, **said}
    )
