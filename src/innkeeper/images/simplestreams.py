"""Trees of images as Ubuntu, LXD and Incus publish them (simplestreams): what is in one, for virtual machines. Pure.

    streams/v1/index.json   names the documents of products
    streams/v1/….json       products → versions → items, each with path, size, SHA-256

A virtual machine needs an item of metadata and one of a disk. Products that have only a root file system are named
with the reason. Signatures (.sjson) are not read: the address should be https.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import msgspec
from msgspec import Struct

from innkeeper.errors import Invalid

T = TypeVar("T")
INDEX = "streams/v1/index.json"
_METADATA = ("lxd.tar.xz", "incus.tar.xz")
_DISKS = ("disk-kvm.img", "disk1.img", "uefi1.img", "disk.qcow2")
_VARIANTS = ("cloud", "default")
_SHA256 = 64


class _Listed(Struct):
    path: str = ""
    datatype: str = ""
    products: list[str] = []


class _Index(Struct):
    index: dict[str, _Listed]


class _Item(Struct):
    ftype: str = ""
    path: str = ""
    sha256: str = ""
    size: int = 0


class _Version(Struct):
    items: dict[str, _Item] = {}


class _Product(Struct):
    arch: str = ""
    os: str = ""
    release: str = ""
    release_title: str = ""
    aliases: str = ""
    versions: dict[str, _Version] = {}
    variant: str = "default"


class _Products(Struct):
    products: dict[str, _Product]


_INDEX = msgspec.json.Decoder(_Index)
_PRODUCTS = msgspec.json.Decoder(_Products)


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A file of a tree; `path` is relative to it."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True, kw_only=True)
class Offer:
    """The newest image of a product: its two files. `refusal`: why it makes no virtual machine, instead of them."""

    product: str
    os: str
    release: str
    title: str
    family: str  # "amd64"
    variant: str = ""
    version: str = ""
    metadata: Remote | None = None
    disk: Remote | None = None
    refusal: str = ""


def documents(index: bytes) -> list[str]:
    """The paths of an index's documents of products that can be images. Invalid when it is no index."""
    read = _decoded(_INDEX, index, what="The index of the tree")
    wanted = [one for one in read.index.values() if one.datatype in ("image-downloads", "image-ids", "")]
    return sorted({_relative(one.path) for one in wanted if one.path})


def offers(document: bytes) -> list[Offer]:
    """What a document of products offers, newest version of each product first of all. Invalid when it is none."""
    read = _decoded(_PRODUCTS, document, what="A document of the tree")
    return [_offer(name, product) for name, product in sorted(read.products.items())]


def chosen(found: Iterable[Offer], *, os: str, release: str, arches: Iterable[str]) -> list[Offer]:
    """Of these, what a selection wants: by operating system, release (or its title) and architecture, "*" for all.

    One of each architecture: of several variants one that makes a machine, best with cloud-init in it.
    """
    kinds = set(arches)
    fitting = [
        one
        for one in found
        if one.os == os.lower()
        and release.lower() in (one.release.lower(), one.title.lower())
        and ("*" in kinds or one.family in kinds)
    ]
    fitting.sort(key=lambda one: (bool(one.refusal), _rank(one), one.product))
    best: dict[tuple[str, str], Offer] = {}
    for one in fitting:
        best.setdefault((one.release, one.family), one)
    return sorted(best.values(), key=lambda one: (one.release, one.family))


def _rank(one: Offer) -> int:
    return _VARIANTS.index(one.variant) if one.variant in _VARIANTS else len(_VARIANTS)


def _offer(name: str, product: _Product) -> Offer:
    base = Offer(
        product=name,
        os=product.os.lower(),
        release=product.release,
        title=product.release_title or product.release,
        family=product.arch,
        variant=product.variant,
    )
    for version in sorted(product.versions, reverse=True):
        items = [item for item in product.versions[version].items.values() if item.path]
        metadata, disk = _first(items, _METADATA), _first(items, _DISKS)
        if metadata and disk:
            return replace(base, version=version, metadata=metadata, disk=disk)
    return replace(base, refusal=_refusal(product))


def _refusal(product: _Product) -> str:
    types = sorted({item.ftype for version in product.versions.values() for item in version.items.values()})
    if not types:
        return "it has no files"
    if any(one.startswith(("boot-kernel", "boot-initrd")) for one in types):
        return f"it is made for MAAS's network boot ({', '.join(types)}); take a tree of LXD images"
    return f"it has no disk of a virtual machine, only {', '.join(types)}"


def _first(items: list[_Item], types: tuple[str, ...]) -> Remote | None:
    for ftype in types:
        for item in items:
            if item.ftype == ftype and len(item.sha256) == _SHA256 and item.size > 0:
                return Remote(path=_relative(item.path), sha256=item.sha256.lower(), size=item.size)
    return None


def _relative(path: str) -> str:
    """A path inside the tree. Invalid for one that leads out of it."""
    parts = urlsplit(path)
    if parts.scheme or parts.netloc or path.startswith("/") or ".." in unquote(path).split("/"):
        raise Invalid(f"The tree names a file outside of itself: {path[:80]!r}.")
    return path


def _decoded(decoder: msgspec.json.Decoder[T], content: bytes, *, what: str) -> T:
    try:
        return decoder.decode(content)
    except msgspec.DecodeError as error:
        raise Invalid(f"{what} is not what simplestreams are.", details=str(error)) from None
