"""Networks as clients name them: by id, by name, as "fabric-3", or as "name:floor", "cidr:10.0.0.0/24"."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import TypeVar

import sqlalchemy as sa

from innkeeper.api.house import House
from innkeeper.api.maas.network_shapes import Wiring
from innkeeper.api.maas.routes import Call, no_match
from innkeeper.api.maas.values import MOST_DIGITS
from innkeeper.errors import Invalid, NotFound
from innkeeper.model import addresses as decide
from innkeeper.model.names import check_label
from innkeeper.model.network import UNDEFINED, UNDEFINED_ID, Fabric, Space, Subnet, Vlan
from innkeeper.model.network_names import Networks
from innkeeper.store import networks

T = TypeVar("T", Fabric, Space, Subnet)


def wiring(sql: sa.Connection) -> Wiring:
    """Everything, ready to be told. Four queries."""
    return Wiring(networks.known(sql))


async def read_wiring(call: Call) -> Wiring:
    """`wiring`, for a call."""
    house: House = call.services
    return await house.services.database.reading(wiring)


def fabric(known: Networks, text: str) -> Fabric:
    """The fabric that a path names; NotFound."""
    return _only(_pick(known.fabrics, text, "fabric"), "Fabric")


def subnet(known: Networks, text: str) -> Subnet:
    """The subnet that a path names; NotFound."""
    return _only(_pick(known.subnets, text, "subnet"), "Subnet")


def space(known: Networks, text: str) -> Space | None:
    """The space that a path names, None for the pseudo space; NotFound."""
    if text in (UNDEFINED, str(UNDEFINED_ID)):
        return None
    return _only(_pick(known.spaces, text, "space"), "Space")


def vlan(known: Networks, id: int) -> Vlan:
    """The VLAN of that id; NotFound."""
    return _only([one for one in known.vlans if one.id == id], "VLAN")


def vlan_at(known: Networks, fabric_id: str, vid: str) -> Vlan:
    """The VLAN that a path names by fabric and vid; NotFound."""
    on = fabric(known, fabric_id)
    wanted = 0 if vid == "untagged" else _number(vid)
    return _only([one for one in known.vlans if (one.fabric_id, one.vid) == (on.id, wanted)], "VLAN")


def fabric_sent(known: Networks, text: str, *, field: str = "fabric") -> Fabric:
    """The fabric that a parameter names; Invalid naming the field."""
    return _sent(_pick(known.fabrics, text, "fabric"), text, field, "fabric")


def subnet_sent(known: Networks, text: str, *, field: str = "subnet") -> Subnet:
    """The subnet that a parameter names; Invalid naming the field."""
    return _sent(_pick(known.subnets, text, "subnet"), text, field, "subnet")


def space_sent(known: Networks, text: str, *, field: str = "space") -> int | None:
    """The id of the space that a parameter names; None for the pseudo space, and for "". Invalid naming the field."""
    if text in ("", UNDEFINED, str(UNDEFINED_ID)):
        return None
    return _sent(_pick(known.spaces, text, "space"), text, field, "space").id


def vlan_sent(known: Networks, text: str, *, field: str = "vlan") -> Vlan:
    """The VLAN whose id a parameter is; Invalid naming the field."""
    wanted = _number(text.removeprefix("id:"))
    return _sent([one for one in known.vlans if one.id == wanted], text, field, "VLAN")


def address_sent(text: str, *, field: str) -> str:
    """An address in normal form; Invalid naming the field."""
    return decide.normal(text, field=field)


def cidr_sent(text: str, *, field: str = "cidr") -> str:
    """A CIDR in normal form; Invalid naming the field, and what was meant when it is an address in a network."""
    try:
        loose = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        loose = None
    if loose is None or "%" in text:
        raise refused(field, f"{text[:60]!r} is not a network; write it like 10.0.0.0/24")
    if "/" not in text:
        raise refused(field, f"{text[:60]!r} does not say how large it is; write it like {loose.network_address}/24")
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError:
        raise refused(field, f"{text[:60]!r} is an address in a network; the network is {loose}") from None


def name_sent(text: str, prefix: str, *, id: int = 0) -> str:
    """A name for a fabric or a space; Invalid when it cannot be one. "fabric-3" means the id: only that one has it."""
    name = check_label(text)
    number = _number(name.removeprefix(f"{prefix}-"))
    if name.startswith(f"{prefix}-") and number not in (None, id):
        raise refused("name", f"{name!r} means the {prefix} with id {number}; choose another name")
    return name


def refused(field: str, message: str) -> Invalid:
    """What is wrong with one parameter."""
    return Invalid(f"Invalid {field}: {message}.", fields={field: [message]})


def _pick(things: Iterable[T], text: str, prefix: str) -> list[T]:
    """By name or CIDR, then by id: a network named "7" can be reached."""
    things = list(things)
    by, colon, rest = text.partition(":")
    if colon and by in ("id", "name", "cidr"):
        return [one for one in things if str(getattr(one, by, "")) == rest]
    named = [one for one in things if text in (one.name, getattr(one, "cidr", None))]
    wanted = _number(text.removeprefix(f"{prefix}-"))
    return named or [one for one in things if one.id == wanted]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


_One = TypeVar("_One", Fabric, Space, Subnet, Vlan)


def _only(found: list[_One], model: str) -> _One:
    if len(found) != 1:
        raise no_match(model) if not found else NotFound(f"More than one {model} matches the given query.")
    return found[0]


def _sent(found: list[_One], text: str, field: str, noun: str) -> _One:
    if len(found) != 1:
        several = f"more than one {noun} is called {text[:60]!r}; use its id"
        raise refused(field, several if found else f"there is no {noun} {text[:60]!r}")
    return found[0]
