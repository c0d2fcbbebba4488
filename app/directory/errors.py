"""Why the directory refuses a write. Each face answers them in its own form."""

from typing import TypeVar

from app.words import Said, say

T = TypeVar("T")


class DirectoryError(Exception):
    """A write was refused. ``str(error)`` is one sentence for the person who asked, in English."""

    def __init__(self, sentence: Said) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        """The same, for a face that tells it in another language."""


class NotFound(DirectoryError):
    """There is no such thing in this account. (Faces answer 404.)

    :param what: A word for it, written out at the call as that of :func:`say` is.
    :param sentence: What says more than that there is none.
    """

    def __init__(self, what: str, name: str, sentence: Said | None = None) -> None:
        none = say("There is no %(what)s %(name)r.", what=say(what), name=name)
        super().__init__(sentence or none)
        self.what, self.name = what, name


def existing(found: T | None, what: str, name: str) -> T:
    """Return what was looked for.

    :param found: None: the account has none.
    :param what: As of :class:`NotFound`.
    :raises NotFound: When there is none.
    """
    if found is None:
        raise NotFound(what, name)
    return found


class ParentGone(NotFound):
    """The folder in which a folder lay that is to be brought back. (404)"""

    def __init__(self, name: str, parent_id: str) -> None:
        super().__init__("folder", parent_id)
        self.sentence = say(
            "The folder in which %(name)r lay is gone. Restore it first: %(parent)s.",
            name=name,
            parent=parent_id,
        )
        self.args = (self.sentence,)


class Invalid(DirectoryError):
    """A value is missing, malformed or out of bounds. (400)"""

    def __init__(self, sentence: Said, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class Taken(DirectoryError):
    """A value that must be unique belongs to another one already. (409, uniqueness)"""


class NotEmpty(DirectoryError):
    """There is something in it that must be moved or deleted first. (409)"""


class Forbidden(DirectoryError):
    """The actor may not do this. (403)"""


class LastMasterAdmin(DirectoryError):
    """The write would leave the account without an active master admin. (409)"""

    def __init__(self) -> None:
        super().__init__(
            say(
                "This is the account's last active master admin, or the last whose role has no "
                "end. Make someone else a master admin first."
            )
        )


class WouldLockOut(DirectoryError):
    """The write would shut its own author out, now or soon. Confirmed, it is done. (409)"""


class VersionMismatch(DirectoryError):
    """The stored version is not the expected one. (412)"""

    def __init__(self) -> None:
        super().__init__(say("It has been changed since you read it. Read it again and retry."))
