"""What a search finds beside VM hosts and machines: images, networks, zones, resource pools, tags, users, by name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import sqlalchemy as sa

from innkeeper.api.auth import Actor
from innkeeper.model.addresses import holds
from innkeeper.store import images, networks, pools, tags, users, zones
from innkeeper.web.wires import natural

SOME = 10  # of a kind that are shown


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One that was found: its name, what is said of it, where it leads."""

    name: str
    about: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """Those of one kind: the first few of them, how many there are, and the page of all."""

    title: str
    word: str
    all: str
    hits: tuple[Hit, ...]
    total: int


@dataclass(frozen=True, kw_only=True)
class _Known:
    """One that can be found. `names`: one of the words must be in them; `address`: an address, where it is a subnet."""

    hit: Hit
    names: str
    cidr: str = ""


def find(sql: sa.Connection, words: tuple[str, ...], who: Actor) -> list[Group]:
    """Each kind of which there is one that matches. Nine queries."""
    kinds = [
        ("Images", "image", "/images", _images(sql)),
        ("Networks", "network", f"/networks?q={quote(' '.join(words))}", _networks(sql)),
        ("Zones", "zone", "/zones", _zones(sql)),
        ("Resource pools", "resource pool", "/pools", _pools(sql)),
        ("Tags", "tag", "/tags", _tags(sql)),
    ]
    if who.is_admin:
        kinds.append(("Users", "user", "/users", _users(sql)))
    groups = []
    for title, word, path, known in kinds:
        found = sorted((one.hit for one in known if _matches(one, words)), key=lambda hit: natural(hit.name))
        if found:
            groups.append(Group(title=title, word=word, all=path, hits=tuple(found[:SOME]), total=len(found)))
    return groups


def _matches(one: _Known, words: tuple[str, ...]) -> bool:
    """Whether all words are in its names or say what it is, and not all only say that; or its subnet holds them."""
    names = one.names.casefold()
    text = f"{names} {one.hit.about.casefold()}"
    if all(word in text for word in words) and any(word in names for word in words):
        return True
    return bool(one.cidr) and all(_is_address(word) and holds(one.cidr, word) for word in words)


def _is_address(word: str) -> bool:
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return "%" not in word


def _images(sql: sa.Connection) -> Iterator[_Known]:
    for one in images.listing(sql):
        hit = Hit(name=one.name, about=f"image for {one.architecture}", path=f"/images/{one.id}")
        yield _Known(hit=hit, names=f"{one.name} {one.title}")


def _networks(sql: sa.Connection) -> Iterator[_Known]:
    known = networks.known(sql)
    of = {one.id: one.name for one in known.fabrics}
    for fabric in known.fabrics:
        yield _Known(hit=Hit(name=fabric.name, about="fabric", path=f"/fabrics/{fabric.id}"), names=fabric.name)
    for space in known.spaces:
        yield _Known(hit=Hit(name=space.name, about="space", path=f"/spaces/{space.id}"), names=space.name)
    for vlan in known.vlans:
        about = f"VLAN of {of[vlan.fabric_id]}" + (f", tag {vlan.vid}" if vlan.vid else "")
        yield _Known(hit=Hit(name=vlan.name, about=about, path=f"/vlans/{vlan.id}"), names=vlan.name)
    for one in known.subnets:
        about = "subnet" if one.name in ("", one.cidr) else f"subnet {one.name}"
        hit = Hit(name=one.cidr, about=about, path=f"/subnets/{one.id}")
        yield _Known(hit=hit, names=f"{one.cidr} {one.name}", cidr=one.cidr)


def _zones(sql: sa.Connection) -> Iterator[_Known]:
    for one in zones.listing(sql):
        hit = Hit(name=one.name, about="zone: its machines", path=f"/machines?zone={quote(one.name, safe='')}")
        yield _Known(hit=hit, names=f"{one.name} {one.description}")


def _pools(sql: sa.Connection) -> Iterator[_Known]:
    for one in pools.listing(sql):
        hit = Hit(name=one.name, about="resource pool: its machines", path=f"/machines?pool={quote(one.name, safe='')}")
        yield _Known(hit=hit, names=f"{one.name} {one.description}")


def _tags(sql: sa.Connection) -> Iterator[_Known]:
    for one in tags.listing(sql):
        hit = Hit(name=one.name, about="tag: its machines", path=f"/machines?tag={quote(one.name, safe='')}")
        yield _Known(hit=hit, names=f"{one.name} {one.comment}")


def _users(sql: sa.Connection) -> Iterator[_Known]:
    for one in users.listing(sql):
        hit = Hit(name=one.username, about="user", path=f"/users/{quote(one.username, safe='')}/edit")
        yield _Known(hit=hit, names=f"{one.username} {one.email}")
