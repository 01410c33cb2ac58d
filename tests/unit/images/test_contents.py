"""What is inside an upload, and why some of it makes no virtual machine."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from innkeeper.errors import Invalid
from innkeeper.images import contents, metadata
from innkeeper.images.formats import Format
from innkeeper.model.image import Image, Kind
from tests.kit.disks import METADATA, archive, qcow2, raw, unified

Put = Callable[[bytes], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    def write(content: bytes) -> Path:
        file = tmp_path / "upload"
        file.write_bytes(content)
        return file

    return write


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (unified(), (Format.TAR, False)),
        (unified(mode="w:xz"), (Format.TAR, True)),
        (qcow2(), (Format.QCOW2, False)),
        (raw(), (Format.RAW, False)),
        (gzip.compress(raw()), (Format.RAW, True)),
        (lzma.compress(qcow2()), (Format.QCOW2, True)),
        (bz2.compress(raw()), (Format.RAW, True)),
    ],
    ids=["tar", "tar.xz", "qcow2", "raw", "raw.gz", "qcow2.xz", "raw.bz2"],  # the bytes hold the time
)
def test_what_makes_a_machine(put: Put, content: bytes, kind: tuple[Format, bool]) -> None:
    assert contents.kind_of(put(content)) == kind


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hsqs" + bytes(1000), "a squashfs is a root file system"),
        (b"KDMV" + bytes(1000), "qemu-img convert"),
        (b"\x28\xb5\x2f\xfd" + bytes(1000), "zstd"),
        (b"hello", "no image of a virtual machine"),
        (b"", "no image of a virtual machine"),
        (gzip.compress(b"hello"), "no image of a virtual machine"),
        (gzip.compress(raw())[:20], "broken"),
        (b"\x1f\x8bnonsense", "broken"),
        (b"\xfd7zXZ\x00nonsense", "broken"),
    ],
    ids=["squashfs", "vmdk", "zstd", "text", "nothing", "text.gz", "cut.gz", "no.gz", "no.xz"],
)
def test_what_makes_none_is_refused_in_words(put: Put, content: bytes, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        contents.kind_of(put(content))
    assert words in str(refused.value)


def test_a_disk_is_unpacked_or_said_to_be_broken(put: Put, tmp_path: Path) -> None:
    packed, plain = gzip.compress(raw()), tmp_path / "plain"
    contents.unpack(put(packed), plain)
    assert plain.read_bytes() == raw()
    with pytest.raises(Invalid, match="broken"):
        contents.unpack(put(packed[:-20]), plain)
    assert not plain.exists()


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_an_image_in_one_file(put: Put, mode: str) -> None:
    contents.check_unified(put(unified(mode=mode)))


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"etc/passwd": b"root"}, "no metadata.yaml"),
        ({"metadata.yaml": METADATA, "rootfs/etc/passwd": b""}, "image of a container"),
        ({"metadata.yaml": METADATA, "rootfs.img": raw()}, "no qcow2 disk but raw disk"),
        ({"metadata.yaml": METADATA, "rootfs.img": qcow2(backing=99)}, "backing file"),
    ],
)
def test_an_archive_that_is_none(put: Put, files: dict[str, bytes], words: str) -> None:
    with pytest.raises(Invalid) as refused:
        contents.check_unified(put(archive(files)))
    assert words in str(refused.value)


@pytest.mark.parametrize("content", [b"no archive", unified()[:700]], ids=["text", "cut"])
def test_an_archive_that_cannot_be_read(put: Put, content: bytes) -> None:
    with pytest.raises(Invalid):
        contents.check_unified(put(content))


def test_metadata_of_a_split_image(put: Put) -> None:
    contents.check_metadata(put(archive({"metadata.yaml": METADATA}, mode="w:xz")))
    with pytest.raises(Invalid, match=r"no metadata\.yaml"):
        contents.check_metadata(put(archive({"readme": b""})))


def test_the_metadata_that_we_make_are_metadata_and_the_same_every_time(put: Put) -> None:
    image = Image(
        id=1, name="custom/my-disk", architecture="arm64/generic", title='A "disk"', kind=Kind.UPLOADED, created=7.9
    )
    made = metadata.archive(metadata.document(image))
    assert made == metadata.archive(metadata.document(image))
    file = put(made)
    contents.check_metadata(file)
    with tarfile.open(file) as tar:
        stream = tar.extractfile("metadata.yaml")
        assert stream is not None
        lines = stream.read().decode().splitlines()
    assert lines[:2] == ['architecture: "aarch64"', "creation_date: 7"]
    assert '  description: "A \\"disk\\""' in lines
    assert '  os: "custom"' in lines
