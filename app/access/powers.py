"""What somebody may do, as the faces ask it of a caller or a visitor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from werkzeug.exceptions import Forbidden, NotFound

from app.access.decisions import account_roles, check, check_many, permissions_on
from app.access.grants import permissions_in
from app.access.permissions import FOLDER_ACTIONS
from app.words import say


@dataclass(frozen=True, kw_only=True)
class Powers:
    """Somebody who may do something in an account."""

    account_id: str
    permissions: frozenset[str]
    """What they may do on the account, and on every folder."""
    user_id: str | None = None
    """The person; None for a token."""

    def may(self, action: str, folder_id: str | None = None) -> bool:
        """Tell whether they may do an action, on the account or on a folder."""
        if action in self.permissions:
            return True
        if folder_id is None or self.user_id is None:
            return False
        return check(self.account_id, self.user_id, action, folder_id).allowed

    def must(self, action: str, folder_id: str) -> None:
        """Refuse what they may not do on a folder.

        :raises NotFound: When they may not even see it: then it does not exist for them.
        :raises Forbidden: When they see it.
        """
        if self.may(action, folder_id):
            return
        if self.may("folder.view", folder_id):
            sentence = say("This needs the permission %(action)s on the folder.", action=action)
            raise Forbidden(sentence)
        raise NotFound(say("There is no %(what)s %(name)r.", what=say("folder"), name=folder_id))

    def sees_only(self, action: str) -> str | None:
        """Return the id of the person whose own things alone they see; None: they see all.

        :param action: What lets them see all.
        :raises Forbidden: When they are a token, which has none of its own.
        """
        if self.may(action):
            return None
        if self.user_id is None:
            raise Forbidden(f"This needs the permission {action}.")
        return self.user_id

    def on(self, folder_id: str) -> frozenset[str]:
        """Return what they may do on a folder, in one statement."""
        if self.user_id is None:
            return self.permissions & FOLDER_ACTIONS
        own = permissions_on(self.account_id, self.user_id, folder_id)
        return own | (self.permissions & FOLDER_ACTIONS)

    def among(self, action: str, folder_ids: Sequence[str]) -> frozenset[str]:
        """Return those of some folders on which they may do an action.

        :raises ValueError: When there are more than ``decisions.QUESTIONS_LIMIT``.
        """
        if action in self.permissions:
            return frozenset(folder_ids)
        if self.user_id is None:
            return frozenset()
        asked = [(self.user_id, action, folder_id) for folder_id in folder_ids]
        decided = check_many(self.account_id, asked)
        return frozenset(
            folder_id for folder_id, each in zip(folder_ids, decided, strict=True) if each.allowed
        )


def permissions_of(account_id: str, user_id: str) -> frozenset[str]:
    """Return what a user may do on the account, and on every folder."""
    return permissions_in(account_roles(account_id, user_id))
