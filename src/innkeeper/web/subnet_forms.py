"""Subnets: one to make, to change, to delete."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from fastapi import APIRouter

from innkeeper.api.auth import Actor
from innkeeper.store import networks, subnets
from innkeeper.web.nouns import Field, Noun, Seen, add_forms, number
from innkeeper.web.wires import vlan_choices

router = APIRouter(include_in_schema=False)
PLACE = "/subnets"


def _find(sql: sa.Connection, who: Actor, key: str) -> Seen:
    one = subnets.find(sql, number(key))
    held = [each for each in (subnets.users(sql, one.id), subnets.host_users(sql, one)) if each]
    return Seen(
        title=one.cidr,
        back=f"{PLACE}/{one.id}",
        after=f"/vlans/{one.vlan_id}",
        values={
            "cidr": one.cidr,
            "name": one.name,
            "description": one.description,
            "vlan": one.vlan_id,
            "gateway_ip": one.gateway_ip or "",
            "dns_servers": ", ".join(one.dns_servers),
            "managed": one.managed,
        },
        choices={"vlan": vlan_choices(networks.known(sql))},
        goes=("Its IP ranges, and the static routes from and to it.",),
        stays=("The network itself, on the VM hosts. A refresh of a host that has an address in it finds it again.",),
        held=", ".join(held),
    )


def _blank(sql: sa.Connection, who: Actor, query: Mapping[str, str]) -> Seen:
    known = networks.known(sql)
    vlan = query.get("vlan", "")
    there = any(str(one.id) == vlan for one in known.vlans)
    return Seen(
        title="",
        back=f"/vlans/{vlan}" if there else "/networks",
        values={"vlan": vlan, "managed": True},
        choices={"vlan": [("", "the untagged one of the first fabric"), *vlan_choices(known)]},
    )


NOUN = Noun(
    word="subnet",
    place=PLACE,
    many="subnets/",
    one="subnets/{key}/",
    about="Addresses on a VLAN. Machines are given the free ones; interfaces of VM hosts are recognised by them.",
    fields=(
        Field(name="cidr", label="CIDR", required=True, help="For example 10.0.0.0/24."),
        Field(name="name", label="Name", help="Without one it is called by its CIDR."),
        Field(name="description", label="Description"),
        Field(name="vlan", label="VLAN", kind="choice"),
        Field(name="gateway_ip", label="Gateway", help="Where guests reach other networks."),
        Field(name="dns_servers", label="DNS servers", help="That guests use: addresses, with commas between them."),
        Field(
            name="managed",
            label="Its addresses are ours to give; if not, only those of its reserved ranges are",
            kind="tick",
        ),
    ),
    find=_find,
    blank=_blank,
)
add_forms(router, NOUN)
