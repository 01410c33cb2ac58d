"""Sentences of the API in plain words, on every page that shows one."""

from __future__ import annotations

import pytest

from innkeeper.web.wording import plain


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("No Pod matches the given query.", "It is not there any more."),
        ("No Static route matches the given query.", "It is not there any more."),
        (
            "storage pool fast: asked 991000000000 bytes, free 8000000000 bytes",
            "storage pool fast: asked 991 GB, free 8 GB",
        ),
        ("the disk has 8000000000 bytes", "the disk has 8 GB"),
        ("cores: asked 4 cores, free 2 cores", "cores: asked 4 cores, free 2 cores"),
        ("machine 12345678 is gone", "machine 12345678 is gone"),
    ],
)
def test_plain(said: str, shown: str) -> None:
    assert plain(said) == shown
