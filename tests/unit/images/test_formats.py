"""What a file is, and what hosts are never given."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innkeeper.images import formats
from innkeeper.images.formats import Format
from tests.kit.disks import qcow2, raw


@pytest.mark.parametrize(
    ("head", "format"),
    [
        (qcow2(), Format.QCOW2),
        (raw(), Format.RAW),
        (bytes(512) + b"EFI PART", Format.RAW),
        (b"\x1f\x8b\x08", Format.GZIP),
        (b"\xfd7zXZ\x00", Format.XZ),
        (b"BZh9", Format.BZIP2),
        (b"\x28\xb5\x2f\xfd", Format.ZSTD),
        (b"hsqs", Format.SQUASHFS),
        (b"KDMV", Format.VMDK),
        (bytes(257) + b"ustar\x0000", Format.TAR),
        (b"", Format.UNKNOWN),
        (bytes(2000), Format.UNKNOWN),
        (b"#!/bin/sh\n", Format.UNKNOWN),
    ],
)
def test_a_file_is_known_by_its_first_bytes(head: bytes, format: Format) -> None:
    assert formats.of(head) == format


@given(st.binary(max_size=1500))
def test_whatever_is_sent_it_is_told(content: bytes) -> None:
    assert formats.of(content) in Format
    assert isinstance(formats.flaw_of_qcow2(content), str)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (qcow2(), ""),
        (qcow2(version=2), ""),
        (qcow2(version=9), "unknown version 9"),
        (qcow2(backing=200), "backing file"),
        (qcow2(incompatible=4), "in another file"),
        (qcow2(incompatible=1), ""),  # only "dirty"
        (qcow2()[:50], "cut off"),
    ],
)
def test_a_qcow2_disk_must_stand_alone(head: bytes, words: str) -> None:
    assert words in formats.flaw_of_qcow2(head)
    assert bool(words) == bool(formats.flaw_of_qcow2(head))


@given(st.integers(1, 2**63))
def test_no_backing_file_gets_through(offset: int) -> None:
    assert "backing" in formats.flaw_of_qcow2(struct.pack(">4sIQ", b"QFI\xfb", 3, offset) + bytes(100))
