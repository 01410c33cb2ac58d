"""User data reaches the guest as it was written, however it was wrapped on its way."""

from __future__ import annotations

import base64
import gzip
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.errors import Invalid
from innkeeper.model import user_data

CONFIG = "#cloud-config\npackages: [ä, b]\n"
MIME = 'Content-Type: multipart/mixed; boundary="b"\nMIME-Version: 1.0\n\n--b\n\nx\n--b--\n'
JUJU = "#cloud-config\n" + "".join(f"write_{number}: {'x' * (number % 97)}\n" for number in range(3000))

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def wrapped(text: str, *, zipped: bool, lines: int) -> bytes:
    """base64 (of gzip), in lines of that many characters and a line feed at the end."""
    raw = gzip.compress(text.encode()) if zipped else text.encode()
    plain = base64.b64encode(raw).decode()
    return ("\n".join(textwrap.wrap(plain, lines)) + "\n").encode() if lines else plain.encode()


@pytest.mark.parametrize("text", [CONFIG, MIME, JUJU, "#!/bin/sh\necho hi\n", "## template: jinja\n"])
def test_plain_text_is_itself(text: str) -> None:
    assert user_data.read(text.encode()) == text
    assert user_data.read(gzip.compress(text.encode())) == text


@given(text=texts, zipped=st.booleans(), lines=st.sampled_from([0, 1, 60, 76]))
def test_base64_and_gzip_are_taken_off(text: str, zipped: bool, lines: int) -> None:
    assert user_data.read(wrapped(text, zipped=zipped, lines=lines)) == text


@pytest.mark.parametrize("word", ["abcdefgh", "abcdefgh\n", "K10f3a9bc", "x" * 256])
def test_a_bare_word_that_only_looks_like_base64_is_itself(word: str) -> None:
    assert user_data.read(word.encode()) == word


def test_a_bare_word_that_is_base64_of_text_is_that_text() -> None:
    assert user_data.read(base64.b64encode(b"abcdef")) == "abcdef"


def test_what_juju_sends() -> None:
    sent = wrapped(JUJU, zipped=True, lines=0)
    assert len(JUJU) > 100_000
    assert user_data.read(sent) == JUJU


@pytest.mark.parametrize("raw", [b"", b"\n"])
def test_nothing_is_nothing(raw: bytes) -> None:
    assert user_data.read(raw).strip() == ""


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"\xff\xfe\x00", "neither text nor gzip of text"),
        (base64.b64encode(b"\x00\xff" * 20), "neither text nor gzip of text"),
        (base64.b64encode(b"\x00\xff\x00" * 80), "neither text nor gzip of text"),
        (base64.b64encode(gzip.compress(b"#!/bin/sh\n", mtime=0)[:-3]), "its gzip is cut off"),
        (b"#!/bin/sh\0", "NUL character"),
        (gzip.compress(CONFIG.encode(), mtime=0)[:-9], "its gzip is cut off"),
        (b"\x1f\x8bnothing at all", "its gzip is damaged"),
        (gzip.compress(b"x" * (user_data.MOST + 1), mtime=0), "larger than 4 MiB"),
        (b"#" * (user_data.MOST + 1), "larger than 4 MiB"),
    ],
)
def test_what_cannot_be_given_to_a_guest_is_said(raw: bytes, told: str) -> None:
    with pytest.raises(Invalid) as caught:
        user_data.read(raw)
    assert told in caught.value.fields["user_data"][0]
