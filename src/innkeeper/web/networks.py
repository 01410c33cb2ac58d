"""All networks on one page: VLANs and their subnets, by the fabric or the space they are in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from innkeeper.model.network import UNDEFINED
from innkeeper.store import events
from innkeeper.web import live
from innkeeper.web.nouns import Inn
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.wires import Wire, Wires, natural, wires

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, kw_only=True)
class Group:
    """A fabric or a space with its VLANs. `address`: its page, "" of the space called undefined."""

    name: str
    address: str
    description: str
    wires: tuple[Wire, ...]


@router.get("/networks")
async def overview(
    request: Request,
    inn: Inn,
    who: SignedIn,
    by: str = "fabric",
    q: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Everything, searched, by fabric or by space."""

    def ask(sql: sa.Connection) -> tuple[int, Wires]:
        cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
        return cursor, wires(sql)

    cursor, there = await inn.services.database.reading(ask)
    known = _by_space(there) if by == "space" else _by_fabric(there)
    words = q.casefold().split()
    groups = [found for one in known if (found := _matching(one, words)) is not None]
    return render(
        request,
        "networks.html",
        title="Networks",
        actor=who,
        by="space" if by == "space" else "fabric",
        q=q,
        known=len(there.wires),
        groups=groups,
        live=live.address(cursor=cursor),
    )


def _by_fabric(there: Wires) -> list[Group]:
    return [
        Group(
            name=one.name,
            address=f"/fabrics/{one.id}",
            description=one.description,
            wires=tuple(there.by_fabric[one.id]),
        )
        for one in sorted(there.known.fabrics, key=lambda one: natural(one.name))
    ]


def _by_space(there: Wires) -> list[Group]:
    groups = [
        Group(
            name=one.name, address=f"/spaces/{one.id}", description=one.description, wires=tuple(there.by_space[one.id])
        )
        for one in sorted(there.known.spaces, key=lambda one: natural(one.name))
    ]
    if lost := there.by_space.get(None):
        groups.append(Group(name=UNDEFINED, address="", description="VLANs without a space", wires=tuple(lost)))
    return groups


def _matching(group: Group, words: list[str]) -> Group | None:
    """What of a group is searched for; None: nothing of it."""
    found = tuple(one for one in group.wires if all(word in _text(group, one) for word in words))
    return replace(group, wires=found) if found or not words else None


def _text(group: Group, wire: Wire) -> str:
    texts = [group.name, wire.vlan.name, wire.tag, wire.fabric.name, wire.space_name]
    for one in wire.subnets:
        texts += [one.subnet.cidr, one.subnet.name, one.subnet.gateway_ip or ""]
    return " ".join(texts).casefold()
