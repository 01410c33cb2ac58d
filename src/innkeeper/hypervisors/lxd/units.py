"""LXD's ways to write amounts: sizes, CPU lists, booleans. Pure; what cannot be understood is None."""

from __future__ import annotations

import re

MIB = 1024**2
_PREFIXES = ("", "k", "m", "g", "t", "p", "e")
_SIZE = re.compile(r"([0-9]{1,20})\s*(?:([KMGTPE]i?|k)?B?|bytes)")
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
# Kernels end at 8,192 CPUs; a longer list is a mistake, not a machine.
_MOST_CPUS = 8192


def size(text: str) -> int | None:
    """Bytes of "8GiB", "8GB", "512kB" or "8589934592"; None for what LXD would refuse too, and for percentages."""
    found = _SIZE.fullmatch(text.strip())
    if not found:
        return None
    unit = (found[2] or "").lower()
    base = 1024 if unit.endswith("i") else 1000
    return int(found[1]) * int(base ** _PREFIXES.index(unit.removesuffix("i")))


def cpus(text: str) -> tuple[int, tuple[int, ...]] | None:
    """What `limits.cpu` means: (number, ()) for "4", (number, the pinned ones) for "0-3,8"; a pin of one is "2-2"."""
    plain = text.strip()
    if plain.isascii() and plain.isdigit():
        return (int(plain), ()) if 0 < int(plain) <= _MOST_CPUS else None
    pinned: set[int] = set()
    for piece in plain.split(","):
        found = _RANGE.fullmatch(piece.strip())
        if not found:
            return None
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first or last >= _MOST_CPUS:
            return None
        pinned.update(range(first, last + 1))
    return len(pinned), tuple(sorted(pinned))


def cpu_text(*, cores: int, pinned: tuple[int, ...]) -> str:
    """`limits.cpu` for a number of cores or for pinned ones. One pinned core is "2-2": "2" would be a number."""
    if not pinned:
        return str(cores)
    return f"{pinned[0]}-{pinned[0]}" if len(pinned) == 1 else ",".join(str(core) for core in sorted(pinned))


def truth(text: str) -> bool:
    """LXD's booleans: true, 1, yes and on in any case; all else is false."""
    return text.strip().lower() in ("true", "1", "yes", "on")


def number(text: str, default: int = 0) -> int:
    """A whole number written as text, or the default."""
    return int(text) if text.isascii() and text.isdigit() else default


_ARCHITECTURES = {
    "x86_64": "amd64",
    "i686": "i386",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "ppc64le": "ppc64el",
}


def architecture(kernel: str) -> str:
    """The kernel's name as MAAS writes it: x86_64 is "amd64/generic"; names that are the same in both stay."""
    return f"{_ARCHITECTURES.get(kernel, kernel)}/generic" if kernel else ""


def kernel_architecture(name: str) -> str:
    """The reverse of `architecture`: "amd64/generic" is x86_64."""
    plain = name.partition("/")[0]
    return next((kernel for kernel, debian in _ARCHITECTURES.items() if debian == plain), plain)
