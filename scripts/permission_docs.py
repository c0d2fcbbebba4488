"""Write docs/permissions.md, the permission matrix, from the roles themselves."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from app.access.permissions import (
    ACCOUNT_ROLES,
    ACTIONS,
    DESCRIPTIONS,
    FOLDER_ACTIONS,
    FOLDER_ROLES,
)

PAGE = Path(__file__).parent.parent / "docs" / "permissions.md"
HEAD = """\
# The permission matrix

Made from the code by `scripts/permission_docs.py`. What roles, folders and grants are stands in
[access.md](access.md); the API answers the same as `GET /api/v1/permissions`.
"""


def page() -> str:
    """Return the page as it should be."""
    return "\n".join(
        [
            HEAD,
            "## Roles on the account\n",
            "Folder actions are meant on every folder, restricted ones too.\n",
            _matrix(ACCOUNT_ROLES, ACTIONS),
            "## Roles on folders\n",
            "On the folder they are given on and those in it, as far as the next restricted one.\n",
            _matrix(FOLDER_ROLES, FOLDER_ACTIONS),
        ]
    )


def _matrix(roles: Mapping[str, frozenset[str]], actions: Iterable[str]) -> str:
    lines = [
        f"| action | what it is | {' | '.join(f'`{name}`' for name in roles)} |",
        f"|---|---|{':-:|' * len(roles)}",
    ]
    for action, meaning in DESCRIPTIONS.items():
        if action in actions:
            marks = " | ".join("✓" if action in held else "" for held in roles.values())
            lines.append(f"| `{action}` | {meaning} | {marks} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
