"""Write the table of settings into docs/settings.md, from the settings themselves."""

from pathlib import Path

from app.settings import as_table

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
MARK = "writes this table -->\n"


def page() -> str:
    """Return the page as it should be."""
    head, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    return f"{head}{mark}\n{as_table()}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
