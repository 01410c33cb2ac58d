"""The directory of images: a whole file or none."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import InnkeeperError, Invalid
from innkeeper.images import files


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@given(st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=8), st.data())
def test_pieces_make_the_file_also_when_one_is_sent_again(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], data: st.DataObject
) -> None:
    directory = tmp_path_factory.mktemp("images")
    file, at = files.arriving(directory, "7"), 0
    for piece in pieces:
        for _ in range(data.draw(st.integers(1, 2))):
            files.append(file, piece, at=at)
        at += len(piece)
    whole = b"".join(pieces)
    files.seal(file, sha256=sha(whole))
    assert files.path(directory, sha(whole)).read_bytes() == whole
    assert files.has(directory, sha(whole), len(whole))
    assert [one.name for one in directory.iterdir()] == [sha(whole)]


def test_a_file_with_another_content_is_gone(tmp_path: Path) -> None:
    file = files.arriving(tmp_path, "7")
    files.append(file, b"wrong", at=0)
    with pytest.raises(Invalid, match="not what was announced"):
        files.seal(file, sha256=sha(b"right"))
    assert list(tmp_path.iterdir()) == []


def test_a_piece_whose_beginning_is_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(InnkeeperError, match=r"not in .* of this server") as refused:
        files.append(files.arriving(tmp_path, "7"), b"end", at=100)
    assert "INNKEEPER_IMAGES" in refused.value.resolution


def test_a_directory_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "arriving-7").mkdir()
    with pytest.raises(InnkeeperError, match="cannot be written"):
        files.append(files.arriving(tmp_path, "7"), b"x", at=0)


def test_a_file_of_another_size_is_not_that_file(tmp_path: Path) -> None:
    files.path(tmp_path, sha(b"x")).write_bytes(b"xy")
    assert not files.has(tmp_path, sha(b"x"), 1)
    assert not files.has(tmp_path, sha(b"y"), 1)


def test_only_what_nobody_wants_and_nobody_touches_is_tidied_away(tmp_path: Path) -> None:
    for name in ("wanted", "old", "fresh"):
        (tmp_path / name).write_bytes(b"x")
    for name in ("wanted", "old"):
        os.utime(tmp_path / name, (time.time() - 500, time.time() - 500))
    assert files.tidy(tmp_path, wanted={"wanted"}, older_than=100) == ["old"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["fresh", "wanted"]
    assert files.tidy(tmp_path / "nowhere", wanted=set(), older_than=0) == []
