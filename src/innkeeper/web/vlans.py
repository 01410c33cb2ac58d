"""A VLAN: its subnets, the interfaces of VM hosts and the machines on it; one to make, to change, to delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.model.network import UNTAGGED
from innkeeper.store import events, networks, vlan_users, vlans
from innkeeper.store.vlan_users import HostOn, MachineOn
from innkeeper.web import live
from innkeeper.web.nouns import Choices, Field, Inn, Noun, Seen, add_forms, number
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn
from innkeeper.web.wires import Wire, fabric_choices, space_choices, wires

router = APIRouter(include_in_schema=False)
PLACE = "/vlans"
MOST = 50  # machines that are named


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A VLAN with who is on it; of the machines the first, and how many NICs of machines there are."""

    wire: Wire
    hosts: list[HostOn]
    machines: list[MachineOn]
    nics: int


def _choices(sql: sa.Connection) -> dict[str, Choices]:
    known = networks.known(sql)
    return {"fabric": fabric_choices(known), "space": space_choices(known)}


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = vlans.find(sql, number(key))
    values: dict[str, object] = {name: getattr(one, name) for name in ("vid", "name", "description", "mtu", "dhcp_on")}
    values["fabric"] = f"id:{one.fabric_id}"
    values["space"] = f"id:{one.space_id}" if one.space_id is not None else ""
    untagged = "The untagged VLAN stays as long as its fabric: delete the fabric instead."
    return Seen(
        title=one.name,
        back=f"{PLACE}/{one.id}",
        after=f"/fabrics/{one.fabric_id}",
        values=values,
        choices=_choices(sql),
        stays=("What is on the VM hosts. A refresh of a host finds again what it is connected to.",),
        held=vlans.users(sql, one.id),
        fixed=untagged if one.vid == UNTAGGED else "",
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    fabric = query.get("fabric", "")
    back = f"/fabrics/{fabric.removeprefix('id:')}" if fabric.removeprefix("id:").isdigit() else "/networks"
    return Seen(title="", back=back, values={"fabric": fabric, "mtu": 1500}, choices=_choices(sql))


NOUN = Noun(
    word="VLAN",
    place=PLACE,
    many="fabrics/{fabric}/vlans/",
    one="vlans/{key}/",
    fields=(
        Field(name="fabric", label="Fabric", kind="choice"),
        Field(name="vid", label="Tag", kind="number", required=True, help="1 to 4094; 0 is the untagged one."),
        Field(name="name", label="Name", help="Without one it is called after its tag."),
        Field(name="description", label="Description"),
        Field(name="mtu", label="MTU", kind="number", help="At least 552."),
        Field(name="space", label="Space", kind="choice"),
        Field(name="dhcp_on", label="The network gives addresses itself (DHCP): guests ask it for one", kind="tick"),
    ),
    find=_find,
    blank=_blank,
)
add_forms(router, NOUN)


@router.get(f"{PLACE}/{{key}}")
async def page(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
    """One VLAN."""

    def ask(sql: sa.Connection) -> tuple[int, Shown]:
        cursor, wire = events.last(sql), wires(sql).wire(number(key))
        seen_by = None if who.is_admin else who.user_id
        named, nics = vlan_users.machines_on(sql, wire.vlan.id, limit=MOST, seen_by=seen_by)
        return cursor, Shown(wire=wire, hosts=vlan_users.hosts_on(sql, wire.vlan.id), machines=named, nics=nics)

    cursor, shown = await inn.services.database.reading(ask)
    return render(
        request,
        "vlan.html",
        title=shown.wire.title,
        actor=who,
        noun=NOUN,
        shown=shown,
        wire=shown.wire,
        live=live.address(cursor=cursor),
    )
