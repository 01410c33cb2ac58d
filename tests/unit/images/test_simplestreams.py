"""What a tree of images offers, and what of it makes no virtual machine."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streams import Product, build

from innkeeper.errors import Invalid
from innkeeper.images import simplestreams
from innkeeper.images.simplestreams import INDEX, Offer

PAIR = {"lxd.tar.xz": b"metadata", "disk-kvm.img": b"disk"}


def offers(directory: Path, *products: Product) -> list[Offer]:
    build(directory, *products)
    found = []
    for path in simplestreams.documents((directory / INDEX).read_bytes()):
        found += simplestreams.offers((directory / path).read_bytes())
    return found


def test_metadata_and_disk_make_an_image(tmp_path: Path) -> None:
    (one,) = offers(tmp_path, Product("Ubuntu", "noble", "24.04 LTS", PAIR))
    assert (one.os, one.release, one.title, one.family, one.version) == (
        "ubuntu",
        "noble",
        "24.04 LTS",
        "amd64",
        "20260101",
    )
    assert one.metadata is not None
    assert one.disk is not None
    assert (tmp_path / one.metadata.path).read_bytes() == b"metadata"
    assert one.disk.size == 4


@pytest.mark.parametrize("disk", ["disk-kvm.img", "disk1.img", "uefi1.img", "disk.qcow2"])
@pytest.mark.parametrize("metadata", ["lxd.tar.xz", "incus.tar.xz"])
def test_the_names_that_trees_give_them(tmp_path: Path, disk: str, metadata: str) -> None:
    (one,) = offers(tmp_path, Product("a", "1", "", {metadata: b"m", disk: b"d"}))
    assert one.refusal == ""


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"lxd.tar.xz": b"m", "squashfs": b"s"}, "no disk of a virtual machine, only lxd.tar.xz, squashfs"),
        ({"boot-kernel": b"k", "boot-initrd": b"i", "squashfs": b"s"}, "made for MAAS's network boot"),
        ({}, "no files"),
    ],
)
def test_what_makes_no_machine_says_why(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    (one,) = offers(tmp_path, Product("a", "1", "", files))
    assert (one.metadata, one.disk) == (None, None)
    assert words in one.refusal


def document(versions: dict[str, Any]) -> bytes:
    return json.dumps({"products": {"p": {"arch": "amd64", "os": "a", "release": "1", "versions": versions}}}).encode()


def items(*types: str, path: str = "x") -> dict[str, Any]:
    return {"items": {ftype: {"ftype": ftype, "path": path, "sha256": "a" * 64, "size": 1} for ftype in types}}


def test_the_newest_version_that_is_whole_is_taken() -> None:
    both = items("lxd.tar.xz", "disk1.img")
    (one,) = simplestreams.offers(document({"20250101": both, "20260301": items("squashfs"), "20260101": both}))
    assert one.version == "20260101"


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x", "a/%2e%2e/b", "http://elsewhere/x", "//elsewhere/x"])
def test_a_tree_names_only_files_of_its_own(path: str) -> None:
    with pytest.raises(Invalid, match="outside of itself"):
        simplestreams.offers(document({"1": items("lxd.tar.xz", "disk1.img", path=path)}))
    with pytest.raises(Invalid, match="outside of itself"):
        simplestreams.documents(json.dumps({"index": {"a": {"path": path}}}).encode())


@pytest.mark.parametrize(
    ("os", "release", "arches", "found"),
    [
        ("ubuntu", "noble", ("*",), {("noble", "amd64"), ("noble", "arm64")}),
        ("Ubuntu", "24.04 lts", ("amd64",), {("noble", "amd64")}),
        ("ubuntu", "noble", ("s390x",), set()),
        ("debian", "noble", ("*",), set()),
        ("ubuntu", "jammy", ("amd64", "arm64"), {("jammy", "amd64")}),
    ],
)
def test_a_selection_chooses(
    tmp_path: Path, os: str, release: str, arches: tuple[str, ...], found: set[tuple[str, str]]
) -> None:
    tree = offers(
        tmp_path,
        Product("ubuntu", "noble", "24.04 LTS", PAIR),
        Product("ubuntu", "noble", "24.04 LTS", PAIR, arch="arm64"),
        Product("ubuntu", "jammy", "22.04 LTS", PAIR),
    )
    chosen = simplestreams.chosen(tree, os=os, release=release, arches=arches)
    assert {(one.release, one.family) for one in chosen} == found


def test_of_variants_the_one_with_cloud_init_that_makes_a_machine(tmp_path: Path) -> None:
    whole, rootfs = PAIR, {"lxd.tar.xz": b"m", "squashfs": b"s"}
    tree = offers(
        tmp_path,
        Product("alma", "9", "9", whole, variant="default"),
        Product("alma", "9", "9", whole, variant="cloud"),
        Product("rocky", "9", "9", rootfs, variant="cloud"),
        Product("rocky", "9", "9", whole, variant="default"),
    )
    assert [one.variant for one in simplestreams.chosen(tree, os="alma", release="9", arches=("*",))] == ["cloud"]
    (one,) = simplestreams.chosen(tree, os="rocky", release="9", arches=("*",))
    assert (one.variant, one.refusal) == ("default", "")


@given(st.binary(max_size=200) | st.from_regex(rb'\{"(index|products)": ?.{0,40}\}', fullmatch=True))
def test_whatever_a_server_sends_it_is_a_tree_or_refused(content: bytes) -> None:
    for read in (simplestreams.documents, simplestreams.offers):
        with suppress(Invalid):
            assert isinstance(read(content), list)
