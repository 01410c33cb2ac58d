"""An image: what a machine is deployed from. Its files are kept once, by their SHA-256; a set of them is current."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from innkeeper.errors import Conflict, Invalid

_PIECE = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,98}"
_NAME = re.compile(rf"(?:{_PIECE}/)?{_PIECE}")
_ARCHITECTURE = re.compile(r"[a-z0-9_]{2,20}(/[a-z0-9._-]{1,28})?")
GENERIC = "generic"
NAME_RULE = "SERIES or OS/SERIES; letters, digits, points, plus signs, underscores and hyphens, 99 at most each"
UPLOADED_OS = "custom"  # the operating system of an uploaded image whose name tells none
_FIRST = "ubuntu"  # whose series a bare "noble" means, where others have one of that name
_SHOWN = 10  # images that an error text names


class Kind(StrEnum):
    """Where an image comes from."""

    UPLOADED = "uploaded"
    SYNCED = "synced"  # from a tree of images (simplestreams)
    ALIAS = "alias"  # the hosts have it under that name already


class Part(StrEnum):
    """What a file is to a host. Hosts take one unified file, or metadata and disk."""

    UNIFIED = "lxd-unified"  # a tar of metadata.yaml and rootfs.img
    METADATA = "lxd-metadata"  # a tar of metadata.yaml and templates
    DISK = "lxd-disk"  # qcow2


@dataclass(frozen=True, kw_only=True)
class ImageFile:
    """A file of an image. `version`: the set that it belongs to; `filetype`: a Part, or what was announced."""

    id: int
    image_id: int
    version: str
    filetype: str
    sha256: str
    size: int
    received: int

    @property
    def complete(self) -> bool:
        """Whether all of it has arrived."""
        return self.received == self.size


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image. `complete`: one can be deployed from it; `version` names its current set of files.

    `source`: of a synced one its tree, of an alias its name on hosts. `fingerprint`: under which hosts know the
    current set (SHA-256 over its files); "" for an alias.
    """

    id: int
    name: str  # "ubuntu/noble"
    architecture: str  # "amd64/generic"
    title: str = ""
    kind: Kind
    source: str = ""
    version: str = ""
    complete: bool = False
    fingerprint: str = ""
    created: float = 0.0
    updated: float = 0.0
    files: tuple[ImageFile, ...] = ()

    @property
    def osystem(self) -> str:
        """What is before the slash: "ubuntu"."""
        return self.name.partition("/")[0]

    @property
    def series(self) -> str:
        """What is behind the slash: "noble"."""
        return self.name.partition("/")[2]

    @property
    def current(self) -> tuple[ImageFile, ...]:
        """The files that hosts are given."""
        return tuple(file for file in self.files if file.version == self.version) if self.complete else ()

    def part(self, part: Part) -> ImageFile | None:
        """One of the current files."""
        return next((file for file in self.current if file.filetype == part), None)


def full_name(text: str) -> str:
    """A name as it is kept: "tiny" is "custom/tiny". Raises Invalid."""
    if not _NAME.fullmatch(text):
        message = f"{text[:60]!r} is no name of an image: {NAME_RULE}"
        raise Invalid(f"{message}.", fields={"name": [message]})
    return text if "/" in text else f"{UPLOADED_OS}/{text}"


def whole_architecture(text: str) -> str:
    """An architecture as it is kept: "amd64" is "amd64/generic". Raises Invalid."""
    if not _ARCHITECTURE.fullmatch(text):
        message = f"{text[:60]!r} is no architecture: write it like amd64/generic"
        raise Invalid(f"{message}.", fields={"architecture": [message]})
    return text if "/" in text else f"{text}/{GENERIC}"


def family(architecture: str) -> str:
    """The part before the slash: "amd64/generic" and "amd64" are one family."""
    return architecture.partition("/")[0]


def choose(images: Iterable[Image], text: str, architecture: str, *, default: str = "") -> Image:
    """The image that a `distro_series` means on that architecture: its name, its series, or its title.

    "" is `default`, and without one the only image there is. Raises Invalid naming what there is, Conflict for one
    that has not arrived yet.
    """
    known = list(images)
    wanted = text or default
    fitting = [image for image in known if family(image.architecture) == family(architecture)]
    found = meant(fitting, wanted) if wanted else [image for image in fitting if image.complete]
    if len(found) == 1:
        if not found[0].complete:
            raise Conflict(f"The image {found[0].name} has not arrived yet.", resolution="Try again when it has.")
        return found[0]
    raise _no_image(known, fitting, found, text=text, wanted=wanted, architecture=architecture)


def must_be_known(images: Iterable[Image], text: str, *, field: str) -> None:
    """Raises Invalid naming what there is, when a text means none of the images, on whatever architecture."""
    known = list(images)
    if not meant(known, text):
        message = f"there is no image {text[:60]!r}; there {_are(known)}"
        raise Invalid(
            f"Invalid {field}: {message}.", fields={field: [message]}, resolution="Add it first: innkeeper image add."
        )


def meant(images: list[Image], text: str) -> list[Image]:
    """Those that a text may mean: by the first of the rules that finds any."""
    rules = (
        [image for image in images if image.name == text],
        [image for image in images if image.name == f"{UPLOADED_OS}/{text}"],
        [image for image in images if image.name == f"{_FIRST}/{text}"],
        [image for image in images if image.series == text],
        [image for image in images if image.title.casefold() == text.casefold()],
    )
    return next((found for found in rules if found), [])


def _no_image(
    known: list[Image], fitting: list[Image], found: list[Image], *, text: str, wanted: str, architecture: str
) -> Invalid:
    kind = family(architecture)
    if found and wanted:
        message = f"{wanted!r} may mean {_names(found)}; give the whole name"
    elif wanted and (elsewhere := meant(known, wanted)):
        message = f"the image {wanted!r} is not there for {kind}, only for {_families(elsewhere)}"
    elif text:
        message = f"there is no image {text[:60]!r} for {kind}; there {_are(fitting)}"
    elif wanted:
        message = f"the default image {wanted!r} is not there for {kind}; there {_are(fitting)}"
    else:
        message = f"name an image, for no default is set; for {kind} there {_are(fitting)}"
    return Invalid(
        f"No image to deploy: {message}.",
        fields={"distro_series": [message]},
        resolution="" if fitting else "Add one: innkeeper image add.",
    )


def _are(images: list[Image]) -> str:
    if not images:
        return "is none"
    return f"{'is' if len(images) == 1 else 'are'} {_names(images)}"


def _names(images: list[Image]) -> str:
    names = sorted({image.name for image in images})
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _families(images: list[Image]) -> str:
    return ", ".join(sorted({family(image.architecture) for image in images}))


# --- sets of files


def set_for(image: Image | None, part: str, *, day: str) -> str:
    """The set that a file of that type joins: the one that waits for it, or a new one named by the day (YYYYMMDD).

    Metadata wait for their disk; everything else stands alone.
    """
    files = image.files if image else ()
    arriving = [file for file in files if not (image and image.complete and file.version == image.version)]
    if arriving and part == Part.DISK:
        last = arriving[-1].version
        types = {file.filetype for file in arriving if file.version == last}
        if types == {Part.METADATA}:
            return last
    used = {file.version for file in files} | ({image.version} if image else set())
    names = (day if number == 0 else f"{day}.{number:03}" for number in range(len(used) + 1))  # in the order of text
    return next(name for name in names if name not in used)


def arrived(files: Iterable[ImageFile]) -> bool:
    """Whether these files of one set are all that it needs: each is whole, and one of them is or has a disk."""
    whole = list(files)
    return all(file.complete for file in whole) and any(file.filetype != Part.METADATA for file in whole)


# --- what hosts are given, and what they have


@dataclass(frozen=True, kw_only=True)
class ImageSpec:
    """An image to give to a host: the paths of its files, and the fingerprint it has there.

    `paths`: one unified file, or metadata and disk, in this order. `size`: bytes of all of them.
    """

    fingerprint: str
    paths: tuple[str, ...]
    size: int
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """An image as a host knows it. `tags`: our marks on it; `machine`: it is one of virtual machines."""

    fingerprint: str
    aliases: tuple[str, ...] = ()
    machine: bool = True
    size: int = 0
    tags: tuple[tuple[str, str], ...] = ()

    def tag(self, name: str) -> str:
        """The value of our mark `name`, or ""."""
        return dict(self.tags).get(name, "")
