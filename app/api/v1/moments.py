"""Points in time that come in: bounded, as texts are."""

from __future__ import annotations

from datetime import datetime, timedelta

from marshmallow import ValidationError

from app.store.types import now

FARTHEST = timedelta(days=36_525)
"""A hundred years: the calendar of no database ends before that."""


def ahead(at: datetime) -> None:
    """Refuse the end of something that has passed, or lies beyond any calendar."""
    if not now() < at < now() + FARTHEST:
        raise ValidationError("It must lie ahead, within a hundred years.")


def within_calendar(at: datetime) -> None:
    """Refuse what lies beyond any calendar."""
    if not -FARTHEST < at - now() < FARTHEST:
        raise ValidationError("It must lie within a hundred years.")
