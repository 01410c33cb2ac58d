"""Which image a `distro_series` means."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Conflict, Invalid
from innkeeper.model.image import (
    Image,
    ImageFile,
    Kind,
    Part,
    arrived,
    choose,
    full_name,
    set_for,
    whole_architecture,
)


def image(name: str, architecture: str = "amd64/generic", *, title: str = "", complete: bool = True) -> Image:
    return Image(id=1, name=name, architecture=architecture, title=title, kind=Kind.UPLOADED, complete=complete)


FLEET = [
    image("ubuntu/noble", title="24.04 LTS"),
    image("ubuntu/jammy"),
    image("custom/tiny"),
    image("debian/noble"),
    image("debian/12"),
    image("alma/9"),
    image("rocky/9"),
    image("custom/arm-only", "arm64/generic"),
    image("custom/late", complete=False),
]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ubuntu/noble", "ubuntu/noble"),
        ("noble", "ubuntu/noble"),  # Ubuntu's first: that is what clients mean
        ("debian/noble", "debian/noble"),
        ("tiny", "custom/tiny"),
        ("custom/tiny", "custom/tiny"),
        ("12", "debian/12"),
        ("24.04 lts", "ubuntu/noble"),
    ],
)
def test_a_text_means_an_image(text: str, name: str) -> None:
    assert choose(FLEET, text, "amd64/generic").name == name


def test_an_empty_text_is_the_default() -> None:
    assert choose(FLEET, "", "amd64", default="jammy").name == "ubuntu/jammy"


def test_without_a_default_the_only_image_is_meant() -> None:
    assert choose(FLEET, "", "arm64/generic").name == "custom/arm-only"


@pytest.mark.parametrize(
    ("text", "architecture", "default", "words"),
    [
        ("9", "amd64/generic", "", "'9' may mean alma/9, rocky/9"),
        ("arm-only", "amd64/generic", "", "only for arm64"),
        ("plan9", "arm64", "", "there is no image 'plan9' for arm64; there is custom/arm-only"),
        ("plan9", "s390x", "", "there is none"),
        ("", "amd64", "", "no default is set; for amd64 there are alma/9, custom/late"),
        ("", "amd64", "gone", "the default image 'gone' is not there"),
    ],
)
def test_what_it_cannot_mean_is_said(text: str, architecture: str, default: str, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        choose(FLEET, text, architecture, default=default)
    assert words in caught.value.fields["distro_series"][0]


def test_an_image_that_has_not_arrived_is_no_image_yet() -> None:
    with pytest.raises(Conflict, match="custom/late has not arrived"):
        choose(FLEET, "late", "amd64/generic")


@given(st.lists(st.sampled_from(FLEET), unique_by=lambda one: one.name), st.text(max_size=12), st.sampled_from(FLEET))
def test_a_whole_name_always_wins_and_no_text_finds_another_architecture(
    others: list[Image], text: str, wanted: Image
) -> None:
    fleet = [*others, *([wanted] if wanted not in others else [])]
    if wanted.complete:
        assert choose(fleet, wanted.name, wanted.architecture) == wanted
    with suppress(Invalid, Conflict):
        assert choose(fleet, text, "amd64/generic").architecture == "amd64/generic"


@pytest.mark.parametrize(
    ("text", "name"), [("tiny", "custom/tiny"), ("a/b", "a/b"), ("Win2k22.std", "custom/Win2k22.std")]
)
def test_names(text: str, name: str) -> None:
    assert full_name(text) == name


@pytest.mark.parametrize("text", ["", "/", "a/", "/a", "a/b/c", "../x", "a b", ".hidden", "ä", "a" * 100, "a\n"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(Invalid, match="no name of an image"):
        full_name(text)


def file(version: str, filetype: str, *, received: int = 1) -> ImageFile:
    return ImageFile(id=1, image_id=1, version=version, filetype=filetype, sha256="", size=1, received=received)


def with_files(*files: ImageFile, version: str = "", complete: bool = False) -> Image:
    return Image(
        id=1,
        name="a/b",
        architecture="amd64/generic",
        kind=Kind.UPLOADED,
        version=version,
        complete=complete,
        files=files,
    )


@pytest.mark.parametrize(
    ("image", "part", "version"),
    [
        (None, "tgz", "20260101"),
        (with_files(), "tgz", "20260101"),
        (with_files(file("20260101", "tgz")), "tgz", "20260101.001"),
        (with_files(file("20260101", Part.METADATA)), Part.DISK, "20260101"),
        (with_files(file("20260101", Part.METADATA)), Part.METADATA, "20260101.001"),
        (with_files(file("20260101", Part.METADATA), file("20260101", Part.DISK)), Part.DISK, "20260101.001"),
        (
            with_files(file("20260101", Part.METADATA), version="20260101", complete=True),
            Part.DISK,
            "20260101.001",  # what is current waits for nothing
        ),
    ],
)
def test_a_file_joins_the_set_that_waits_for_it(image: Image | None, part: str, version: str) -> None:
    assert set_for(image, part, day="20260101") == version


@given(st.integers(0, 150))
def test_newer_sets_come_later_in_the_order_of_text(count: int) -> None:
    """Clients take the last one for the newest."""
    image = with_files()
    for _ in range(count):
        version = set_for(image, "tgz", day="20260101")
        assert version > max((each.version for each in image.files), default="")
        image = with_files(*image.files, file(version, "tgz"))


@pytest.mark.parametrize(
    ("files", "whole"),
    [
        ([], False),
        ([file("1", "tgz")], True),
        ([file("1", "tgz", received=0)], False),
        ([file("1", Part.METADATA)], False),
        ([file("1", Part.METADATA), file("1", Part.DISK)], True),
        ([file("1", Part.METADATA, received=0), file("1", Part.DISK)], False),
    ],
)
def test_when_a_set_is_whole(files: list[ImageFile], whole: bool) -> None:
    assert arrived(files) == whole


@pytest.mark.parametrize(("text", "whole"), [("amd64", "amd64/generic"), ("arm64/ga-24.04", "arm64/ga-24.04")])
def test_architectures(text: str, whole: str) -> None:
    assert whole_architecture(text) == whole


@pytest.mark.parametrize("text", ["", "AMD64", "amd64/", "a/b/c", "amd 64", "x" * 60])
def test_what_is_no_architecture(text: str) -> None:
    with pytest.raises(Invalid, match="no architecture"):
        whole_architecture(text)
