"""What somebody may do, as the faces ask it of a caller or a visitor."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.exceptions import Forbidden, NotFound

from app.access.decisions import account_roles, check


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
            raise Forbidden(f"This needs the permission {action} on the folder.")
        raise NotFound(f"There is no folder {folder_id!r}.")


def permissions_of(account_id: str, user_id: str) -> frozenset[str]:
    """Return what a user may do on the account, and on every folder."""
    held = account_roles(account_id, user_id)
    return frozenset().union(*(grant.permissions for grant in held))
