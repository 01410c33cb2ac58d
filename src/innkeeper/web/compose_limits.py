"""What the compose form offers, and how much there is of it: of one host, or the most that any host has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.model.capacity import Figure
from innkeeper.model.host import Host
from innkeeper.model.image import Image, family
from innkeeper.placement.decide import Standing
from innkeeper.placement.fit import Candidate
from innkeeper.placement.offer import Option
from innkeeper.store import candidates, domains, hosts, images, pools, ssh_keys, tags, zones
from innkeeper.web import formats
from innkeeper.web.compose_cores import Node, nodes_of


@dataclass(frozen=True, kw_only=True)
class Room:
    """A figure, and the host that it is of. None: not known."""

    figure: Figure | None = None
    host: str = ""


@dataclass(frozen=True, kw_only=True)
class PoolRoom:
    """A storage pool, or all of that name. `hosts`: how many have it."""

    name: str
    figure: Figure
    host: str
    hosts: int


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the form offers. `host` None: any of `standings`, the best of which is chosen."""

    host: Host | None
    hosts: tuple[tuple[int, str], ...]
    standings: tuple[Standing, ...]
    cores: Room
    memory: Room
    huge_pages: Room
    nodes: tuple[Node, ...]
    pools: tuple[PoolRoom, ...]
    default_pool: str
    networks: tuple[tuple[str, str], ...]
    default_network: str
    architectures: tuple[str, ...]
    zones: tuple[str, ...]
    resource_pools: tuple[str, ...]
    domains: tuple[str, ...]
    default_domain: str
    tags: tuple[str, ...]
    images: tuple[Image, ...]
    keys: int

    @property
    def path(self) -> str:
        """Where the form is."""
        return f"/hosts/{self.host.id}/compose" if self.host else "/compose"


def limits(sql: sa.Connection, inn: House, who: Actor, host_id: int | None) -> Limits:
    """What there is now. A number of queries that does not grow with hosts."""
    every = hosts.listing(sql)
    host = hosts.find(sql, host_id) if host_id is not None else None
    standings = candidates.standings(sql, [host]) if host else inn.fleet.standings(sql)
    usable = [one.candidate for one in standings if host or not (one.away or one.candidate.closed)]
    one = usable[0] if host else None
    architectures = tuple(dict.fromkeys(name for each in usable for name in each.inventory.architectures))
    named = domains.listing(sql)
    families = {family(name) for name in architectures}
    return Limits(
        host=host,
        hosts=tuple((each.id, each.name) for each in every),
        standings=tuple(standings),
        cores=_most((each.cores, each.name) for each in usable),
        memory=_most((each.memory, each.name) for each in usable),
        huge_pages=_most((each.huge_pages, each.name) for each in usable),
        nodes=nodes_of(one) if one else (),
        pools=_pools(usable),
        default_pool=_default_pool(one) if one else "",
        networks=_networks(usable, alone=one is not None),
        default_network=_default_network(one) if one else "",
        architectures=architectures,
        zones=tuple(each.name for each in zones.listing(sql)),
        resource_pools=tuple(each.name for each in pools.listing(sql)),
        domains=tuple(each.name for each in named),
        default_domain=next((each.name for each in named if each.is_default), ""),
        tags=tuple(each.name for each in tags.listing(sql)),
        images=tuple(each for each in images.listing(sql) if each.complete and family(each.architecture) in families),
        keys=len(ssh_keys.of_user(sql, who.user_id)),
    )


def _most(figures: Iterable[tuple[Figure | None, str]]) -> Room:
    """The figure with most that is free."""
    known = [(figure, name) for figure, name in figures if figure is not None]
    if not known:
        return Room()
    figure, name = max(known, key=lambda pair: pair[0].free)
    return Room(figure=figure, host=name)


def _pools(usable: Sequence[Candidate]) -> tuple[PoolRoom, ...]:
    found: dict[str, list[tuple[Figure, str]]] = {}
    for one in usable:
        for name, figure in one.storage:
            found.setdefault(name, []).append((figure, one.name))
    most = {name: max(many, key=lambda pair: pair[0].free) for name, many in found.items()}
    return tuple(
        PoolRoom(name=name, figure=figure, host=host, hosts=len(found[name])) for name, (figure, host) in most.items()
    )


def _default_pool(one: Candidate) -> str:
    """The pool of a disk that names none (as `placement.fit` has it)."""
    return (
        one.default_pool if one.default_pool in one.free else max(one.free, key=lambda name: one.free[name], default="")
    )


def _default_network(one: Candidate) -> str:
    ways = one.offer.direct.all
    return ways[0].interface.name if ways else ""


def _networks(usable: Sequence[Candidate], *, alone: bool) -> tuple[tuple[str, str], ...]:
    """(condition, words) of every network that a NIC can be on, each subnet once; what has none by its host's name."""
    found: dict[str, str] = {}
    on: dict[str, set[str]] = {}
    for one in usable:
        for option in (*one.offer.direct.all, *one.offer.tagged.all):
            for condition, text in _ways(one, option, alone=alone):
                found.setdefault(condition, text)
                on.setdefault(condition, set()).add(one.name)
    if alone:
        return tuple(found.items())
    return tuple((condition, f"{text}, {_where(on[condition])}") for condition, text in found.items())


def _ways(one: Candidate, option: Option, *, alone: bool) -> list[tuple[str, str]]:
    reach = option.reach
    vlan = one.known.vlan(reach.vlan_id) if reach.vlan_id is not None else None
    hangs = option.why or f"on {option.interface.name}"
    told = [hangs] if alone else []
    if vlan is not None and not option.tag:
        told.append(f"VLAN {vlan.vid}" if vlan.vid else "untagged")
    subnets = [subnet for id in reach.subnet_ids if (subnet := one.known.subnet(id)) is not None]
    if not subnets:
        return [(f"name={option.interface.name}", f"{option.interface.name}, no subnet known")] if alone else []
    return [
        (
            f"subnet_cidr={subnet.cidr}",
            ", ".join([subnet.cidr if subnet.name == subnet.cidr else f"{subnet.cidr} ({subnet.name})", *told]),
        )
        for subnet in subnets
    ]


def _where(names: set[str]) -> str:
    return f"on {min(names)}" if len(names) == 1 else f"on {formats.plural(len(names), 'host')}"
