"""The choices of the compose form, as (value, words). What was chosen on another host stays, and is said to be away."""

from __future__ import annotations

from collections.abc import Iterable

from innkeeper.web.compose_limits import Limits
from innkeeper.web.formats import plural, size

Options = list[tuple[str, str]]


def of(names: Iterable[str], without: str) -> Options:
    """Names, after what it is without one."""
    return [("", without), *((name, name) for name in names)]


def pools(limits: Limits, chosen: str) -> Options:
    """Storage pools with what they have free."""
    first = f"The host’s default: {limits.default_pool}" if limits.default_pool else "The host’s default"
    found = [("", first)]
    for one in limits.pools:
        most = "" if limits.host else "at most "
        where = "" if limits.host else f", on {plural(one.hosts, 'host')}"
        found.append((one.name, f"{one.name}: {most}{size(one.figure.free)} free{where}"))
    return _kept(found, chosen)


def networks(limits: Limits, chosen: str) -> Options:
    """Subnets that a host reaches."""
    best = f"The best network: {limits.default_network}" if limits.default_network else "The host’s best network"
    return _kept([("", best), *limits.networks], chosen, name=chosen.partition("=")[2])


def _kept(found: Options, chosen: str, *, name: str = "") -> Options:
    if chosen in dict(found):
        return found
    return [*found, (chosen, f"{name or chosen}: not here")]
