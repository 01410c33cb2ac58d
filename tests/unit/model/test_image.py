"""Which image a `distro_series` means."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Conflict, Invalid
from innkeeper.model.image import Image, Kind, choose, full_name


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
