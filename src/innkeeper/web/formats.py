"""Numbers, sizes and times as people read them. The one place that formats."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from innkeeper.web import agents

_BINARY = ("MiB", "GiB", "TiB", "PiB")
_DECIMAL = ("B", "kB", "MB", "GB", "TB", "PB")


def mib(value: int) -> str:
    """Memory, from MiB: 2048 → "2 GiB". Free space is never rounded up: digits are cut."""
    return _scaled(value, 1024, _BINARY)


def binary(value: int) -> str:
    """Memory, from bytes: 2097152 → "2 MiB"."""
    return _scaled(value, 1024, ("B", "KiB", *_BINARY))


def size(value: int) -> str:
    """Storage, from bytes, decimal: 8000000000 → "8 GB"."""
    return _scaled(value, 1000, _DECIMAL)


def _scaled(value: int, base: int, units: tuple[str, ...]) -> str:
    power = 0
    while power < len(units) - 1 and abs(value) >= base ** (power + 1):
        power += 1
    hundredths = abs(value) * 100 // base**power
    whole, rest = divmod(hundredths, 100)
    digits = f"{whole}.{rest:02d}".rstrip("0").rstrip(".") if whole < 100 else str(whole)
    return f"{'-' if value < 0 else ''}{digits} {units[power]}"


def whole(value: int) -> str:
    """A number to the last digit: 12226 → "12,226"."""
    return f"{value:,}"


def speed(mbit: int) -> str:
    """How fast an interface is, from Mbit/s: 25000 → "25 Gbit/s"."""
    return f"{mbit / 1000:g} Gbit/s" if mbit >= 1000 else f"{mbit} Mbit/s"


def ago(at: float | None) -> str:
    """A moment as its distance: "3 min ago"."""
    if not at:
        return "never"
    seconds = time.time() - at
    if seconds < 5:
        return "just now"
    for length, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= length:
            return f"{int(seconds // length)} {name} ago"
    return "just now"


def moment(at: float | None) -> str:
    """A moment in UTC: "2026-11-26 01:35:09"."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at)) if at else "–"


def duration(seconds: float | None) -> str:
    """How long something took: "0.4 s", "3 min 12 s", "2 h 5 min"."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for length, name, small, less in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= length:
            rest = whole % length // small
            return f"{whole // length} {name}" + (f" {rest} {less}" if rest else "")
    return f"{whole} s"


def percent(part: float) -> str:
    """A part of a whole: 0.4375 → "43 %". Digits are cut."""
    return f"{int(part * 100)} %"


def plural(count: int, one: str, many: str = "") -> str:
    """ "1 VM", "3 VMs"."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def many(count: int) -> str:
    """A count that may be as large as the addresses of IPv6: "65,534", "1.8 × 10^19". Digits are cut."""
    power = len(str(abs(count))) - 1
    if power < 9:
        return f"{count:,}"
    return f"{count // 10 ** (power - 1) / 10:g} × 10^{power}"


def ranges(ids: Iterable[int]) -> str:
    """Numbers as people write them: 1, 2, 3, 7 → "1-3, 7"."""
    runs: list[list[int]] = []
    for one in sorted(set(ids)):
        if runs and runs[-1][1] == one - 1:
            runs[-1][1] = one
        else:
            runs.append([one, one])
    return ", ".join(f"{a}-{b}" if a != b else str(a) for a, b in runs)


FILTERS: Mapping[str, Callable[..., Any]] = {
    "mib": mib,
    "binary": binary,
    "size": size,
    "speed": speed,
    "whole": whole,
    "ago": ago,
    "moment": moment,
    "percent": percent,
    "plural": plural,
    "many": many,
    "duration": duration,
    "ranges": ranges,
    "browser": agents.named,
}
