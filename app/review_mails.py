"""Background work of access reviews: reviewers are written to, and what is due is closed."""

from __future__ import annotations

from app import mail
from app.access.identity import primary_email
from app.directory.reviews import due
from app.directory.reviews.due import Notice
from app.lists import reviews
from app.security.requests import settings

ASKED = """\
You are asked to look through who has access: {review}.

Say of each whether it is still right, until {due} UTC:

{link}
"""
AGAIN = """\
There is something left for you to decide: {review}.

It ends {due} UTC. Say of each whether it is still right:

{link}
"""


def work() -> None:
    """Write to the reviewers of reviews that are open, and close those that are due."""
    try:
        for notice in due.take_notices():
            _send(notice)
    finally:
        due.close_due()


def _send(notice: Notice) -> None:
    link = f"{settings().public_url}/reviews/{notice.review_id}"
    text = (AGAIN if notice.again else ASKED).format(
        review=notice.name, due=f"{notice.due_at:%Y-%m-%d %H:%M}", link=link
    )
    subject = "An access review is about to end" if notice.again else "You are asked for a review"
    for reviewer in reviews.reviewers(notice.account_id, notice.review_id):
        if not reviewer.active or not _is_asked(notice, reviewer.id):
            continue
        email = primary_email(notice.account_id, reviewer.id)
        if email:
            mail.send(settings(), email, subject, text)


def _is_asked(notice: Notice, user_id: str) -> bool:
    return reviews.has_open(notice.account_id, notice.review_id, user_id)
