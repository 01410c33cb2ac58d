"""A VM host: its interfaces and networks, and which VLANs and subnets a VM reaches through each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.model.host import HostInterface
from innkeeper.model.network import HostNetwork
from innkeeper.placement.reach import offers
from innkeeper.store import holders, host_interfaces, hosts
from innkeeper.web.host_head import Head, head, show
from innkeeper.web.sessions import SignedIn
from innkeeper.web.tables import Listing, Sort, page_of

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}/networks")
PAGE = 100


@dataclass(frozen=True, kw_only=True)
class Row:
    """An interface of a host. `network` None: nothing is known of what it reaches; `offered`: VMs can hang on it;
    `nics`: of machines that do; `below`: what it is made of."""

    interface: HostInterface
    network: HostNetwork | None
    offered: bool
    nics: int
    below: str

    @property
    def fabric(self) -> str:
        return self.network.fabric.name if self.network and self.network.fabric else ""

    @property
    def subnets(self) -> tuple[str, ...]:
        return tuple(one.cidr for one in self.network.subnets) if self.network else ()


SORTS = (
    Sort(name="name", title="Interface", key=lambda row: row.interface.name),
    Sort(name="kind", title="Kind", key=lambda row: (row.interface.kind, row.interface.name)),
    Sort(name="fabric", title="Fabric and VLAN", key=lambda row: (row.fabric, row.interface.name)),
    Sort(name="nics", title="VM NICs", key=lambda row: (row.nics, row.interface.name)),
)


@router.get("")
async def networks(
    request: Request,
    inn: Annotated[House, Depends(house)],
    who: SignedIn,
    id: HostId,
    q: Annotated[str, Query(max_length=200)] = "",
    sort: str = "name",
    page: int = 1,
) -> Response:
    """The interfaces of a host, searched, sorted, page by page."""

    def ask(sql: sa.Connection) -> tuple[Head, list[Row]]:
        top = head(sql, id)
        told = hosts.inventory(sql, id).interfaces
        known = {one.name: one for one in host_interfaces.networks(sql, [id]).get(id, ())}
        hung: dict[str, int] = {}
        for (_, parent), (count, _) in holders.hung(sql, id).items():
            hung[parent] = hung.get(parent, 0) + count
        return top, [_row(one, known.get(one.name), hung.get(one.name, 0)) for one in told]

    top, rows = await inn.services.database.reading(ask)
    words = q.casefold().split()
    found = [row for row in rows if all(word in _text(row) for word in words)]
    shown: Listing[Row] = page_of(found, request=request, sorts=SORTS, sort=sort, page=page, size=PAGE)
    return show(request, "host_networks.html", who=who, top=top, title="Networks", rows=shown, known=len(rows), q=q)


def _row(one: HostInterface, network: HostNetwork | None, nics: int) -> Row:
    below = f"VLAN {one.vlan_id} of {one.vlan_parent}" if one.vlan_parent and one.vlan_id else ""
    below = below or (f"on {one.vlan_parent}" if one.vlan_parent else "")
    if one.members:
        below = f"of {', '.join(one.members)}"
    return Row(interface=one, network=network, offered=offers(one), nics=nics, below=below)


def _text(row: Row) -> str:
    """What the search looks into."""
    one, network = row.interface, row.network
    vlan = (network.vlan.name, f"vlan {network.vlan.vid}") if network and network.vlan else ()
    space = network.space_name if network else ""
    texts = (one.name, one.kind, one.mac, row.fabric, space, *vlan, *row.subnets, *one.addresses)
    return " ".join((*texts, *(network.tags if network else ()))).casefold()
