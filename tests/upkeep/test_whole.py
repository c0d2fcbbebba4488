"""A file is there whole or not at all, whoever else writes one there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.upkeep import UpkeepError, whole
from app.upkeep.whole import AS_USUAL, OURS, whole_file


def write(path: Path, text: str, mode: int = AS_USUAL, *, overwrite: bool = True) -> None:
    with whole_file(path, mode, overwrite=overwrite) as file:
        file.write(text.encode())


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_of_two_that_write_to_one_place_each_is_whole(tmp_path):
    path = tmp_path / "file"
    with whole_file(path, AS_USUAL, overwrite=True) as first:
        first.write(b"the ")
        write(path, "second")
        assert path.read_text() == "second"
        first.write(b"first")
    assert path.read_text() == "the first" and list(tmp_path.iterdir()) == [path]


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def links(request, monkeypatch) -> None:
    """A file system, with links or without."""

    def refuse(*_: object) -> None:
        raise PermissionError

    if not request.param:
        monkeypatch.setattr(os, "link", refuse)


@pytest.mark.usefixtures("links")
def test_what_came_there_meanwhile_is_not_overwritten_unless_that_is_meant(tmp_path):
    path = tmp_path / "file"
    with (
        pytest.raises(UpkeepError, match="file is there already"),
        whole_file(path, AS_USUAL, overwrite=False) as first,
    ):
        write(path, "second", overwrite=False)
        first.write(b"first")
    assert path.read_text() == "second" and list(tmp_path.iterdir()) == [path]
    with pytest.raises(UpkeepError, match="--force"):
        write(path, "third", overwrite=False)
    assert path.read_text() == "second"


def test_who_could_not_read_a_file_still_cannot(tmp_path):
    path = tmp_path / "file"
    for before, asked, after in (
        *((0o600, AS_USUAL, 0o600), (0o664, AS_USUAL, 0o664)),
        *((0o644, OURS, 0o600), (0o400, OURS, 0o400)),
    ):
        path.touch()
        path.chmod(before)
        write(path, "new", asked)
        assert mode_of(path) == after and path.read_text() == "new"


def test_nobody_else_gets_it_by_a_link_in_its_way(tmp_path, monkeypatch):
    """In a folder that others may write to."""
    monkeypatch.setattr(whole, "token_hex", lambda length: "known")
    theirs, path = tmp_path / "theirs", tmp_path / "file"
    theirs.write_text("as it was")
    (tmp_path / ".gatehouse-known.unfinished").symlink_to(theirs)
    with pytest.raises(FileExistsError):
        write(path, "new")
    assert theirs.read_text() == "as it was" and not path.exists()


def test_a_folder_that_is_not_there_is_said_by_its_name(tmp_path):
    with pytest.raises(UpkeepError) as error:
        write(tmp_path / "none" / "file", "new")
    assert str(error.value) == f"There is no folder {tmp_path}/none. Make it, or name another."


def test_what_goes_wrong_is_said_as_it_is_and_leaves_nothing(tmp_path):
    with (
        pytest.raises(FileExistsError, match="of something else"),
        whole_file(tmp_path / "file", AS_USUAL, overwrite=False),
    ):
        raise FileExistsError("of something else")
    assert list(tmp_path.iterdir()) == []


def test_a_link_that_leads_nowhere_is_not_followed_unless_that_is_meant(tmp_path):
    path, elsewhere = tmp_path / "file", tmp_path / "elsewhere"
    path.symlink_to(elsewhere)
    with pytest.raises(UpkeepError, match="file is there already"):
        write(path, "text", overwrite=False)
    assert not elsewhere.exists()
