"""NICs of machines and devices, and the interfaces of VM hosts: list, read, name, tag, place on a VLAN."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import interface_access as access
from innkeeper.api.maas import links, shapes
from innkeeper.api.maas.network_lookups import refused as bad
from innkeeper.api.maas.network_lookups import vlan_sent
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.refused import refuse
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Conflict, Forbidden
from innkeeper.model import linking
from innkeeper.model.machine import Interface, Machine, Origin
from innkeeper.model.names import check_mac, check_tag
from innkeeper.model.network import UNTAGGED, HostLink
from innkeeper.store import host_interfaces, hosts, interfaces, networks
from innkeeper.store.database import Write

MANY, ONE = "nodes/{system_id}/interfaces/", "nodes/{system_id}/interfaces/{id}/"


async def listing(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(lambda sql: access.shown(sql, access.node(call, sql)))


async def read(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(access.shape, call)


async def update(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> shapes.Json:
        one = access.mine(call, write.sql)
        changed = _update_uplink(call, write, one) if access.is_host(one) else _update_nic(call, write, one)
        if changed:
            text = f"changed the interface {access.name(call, write.sql, one)} of {one.hostname}: {', '.join(changed)}"
            audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return access.shape(write.sql, call)

    return await house.services.database.writing(change)


def _update_nic(call: Call, write: Write, one: Machine) -> list[str]:
    nic, values = access.nic(call, one), call.values
    wanted: dict[str, object] = {}
    if values.text("name") and values.text("name") != nic.name:
        linking.changeable(one)
        wanted["name"] = linking.check_name(values.text("name"), [each.name for each in one.interfaces])
    if values.text("mac_address") and check_mac(values.text("mac_address")) != nic.mac:
        wanted["mac"] = _mac(write, one, values.text("mac_address"))
    if "vlan" in values.sent:
        vlan = vlan_sent(networks.known(write.sql), values.text("vlan")) if values.text("vlan") else None
        if (vlan.id if vlan else None) != nic.vlan_id:
            _may_move(one, nic)
            wanted["vlan_id"] = vlan.id if vlan else None
    if wanted:
        interfaces.update(write, nic.id, **wanted)
    tags = values.texts("tags")
    if "tags" in values.sent and set(tags) != set(nic.tags):
        interfaces.set_tags(write, nic.id, tags)
        wanted["tags"] = tags
    return [field.removesuffix("_id") for field in wanted]


def _mac(write: Write, one: Machine, text: str) -> str:
    mac = check_mac(text)
    if one.origin != Origin.DEVICE:
        raise bad("mac_address", "a VM's MAC stays what it was made with")
    if interfaces.mac_taken(write.sql, mac):
        raise bad("mac_address", f"another NIC has {mac} already")
    return mac


def _may_move(one: Machine, nic: Interface) -> None:
    """Only of a device we believe what is said: a VM's NIC is where its host's interface is."""
    if one.origin == Origin.DEVICE:
        if linking.asked_for(nic.links):
            raise bad("vlan", f"{nic.name} is linked to a subnet; unlink it first")
        return
    raise bad(
        "vlan",
        f"{nic.name} hangs on {nic.parent} of its VM host and is on that one's VLAN; compose a machine with "
        "interfaces=… for another, or set the VLAN of the host's interface",
    )


def _update_uplink(call: Call, write: Write, one: Machine) -> list[str]:
    """Of a VM host's interface an administrator may say what nobody can see: its VLAN, and its tags."""
    there, values = access.uplink(call, write.sql, one), call.values
    if values.text("name") and values.text("name") != there.name:
        raise bad("name", "an interface of a VM host is named by the host")
    if values.text("mac_address") and check_mac(values.text("mac_address")) != there.mac:
        raise bad("mac_address", "an interface of a VM host has the MAC that the host says")
    changed = []
    if "vlan" in values.sent:
        known = networks.known(write.sql)
        vlan = vlan_sent(known, values.text("vlan")) if values.text("vlan") else None
        if (vlan.id if vlan else None) != there.vlan_id:
            if there.addresses:
                raise Conflict(
                    f"{there.name} has the addresses {', '.join(there.addresses)}: it is where their subnet is.",
                    resolution="Move the subnet to the other VLAN instead.",
                )
            tag = _tag_of(write.sql, there)
            if vlan is not None and tag not in (UNTAGGED, vlan.vid):
                raise Conflict(
                    f"{there.name} tags its frames with {tag}: it is not on the VLAN {vlan.name} (vid {vlan.vid}).",
                    resolution=f"Put it on a VLAN with vid {tag}.",
                )
            if linked := interfaces.linked_on(write.sql, host_id=there.host_id, parent=there.name):
                raise Conflict(f"{there.name} cannot move: on it there is {linked}.", resolution="Unlink them first.")
            host_interfaces.set_vlan(write, there.id, vlan.id if vlan else None)
            interfaces.move(write, host_id=there.host_id, parent=there.name, vlan_id=vlan.id if vlan else None)
            changed.append("vlan")
    tags = values.texts("tags")
    if "tags" in values.sent and set(tags) != set(there.tags):
        host_interfaces.set_tags(write, there.id, tags)
        changed.append("tags")
    return changed


def _tag_of(sql: sa.Connection, there: HostLink) -> int:
    """What a host's own interface tags its frames with, as the host tells."""
    told = hosts.inventory(sql, there.host_id).interfaces
    return next((each.vlan_id for each in told if each.name == there.name), UNTAGGED)


async def add_tag(call: Call) -> object:
    return await _tag(call, put=True)


async def remove_tag(call: Call) -> object:
    return await _tag(call, put=False)


async def _tag(call: Call, *, put: bool) -> object:
    house: House = call.services
    tag = check_tag(call.values.text("tag"))

    def change(write: Write) -> shapes.Json:
        one = access.mine(call, write.sql)
        there: Interface | HostLink = (
            access.uplink(call, write.sql, one) if access.is_host(one) else access.nic(call, one)
        )
        tags = (*(each for each in there.tags if each != tag), *((tag,) if put else ()))
        if set(tags) != set(there.tags):
            store = host_interfaces if isinstance(there, HostLink) else interfaces
            store.set_tags(write, there.id, tags)
            text = f"{'put' if put else 'took'} the tag {tag} {'on' if put else 'off'} {there.name} of {one.hostname}"
            audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return access.shape(write.sql, call)

    return await house.services.database.writing(change)


async def create_physical(call: Call) -> object:
    """A NIC of a device; a VM has those that it was composed with."""
    house: House = call.services
    values = call.values

    def change(write: Write) -> shapes.Json:
        one = _device(call, write, "NICs are made with the machine: compose one with interfaces=….")
        names = [each.name for each in one.interfaces]
        free = next(name for number in range(len(names) + 1) if (name := f"eth{number}") not in names)
        vlan = vlan_sent(networks.known(write.sql), values.text("vlan")) if values.text("vlan") else None
        id = interfaces.insert(
            write,
            system_id=one.system_id,
            position=len(names),
            name=linking.check_name(values.text("name") or free, names),
            mac=_mac(write, one, values.text("mac_address")),
            attach="",
            parent="",
            vlan_id=vlan.id if vlan else None,
        )
        interfaces.set_tags(write, id, values.texts("tags"))
        text = f"gave {one.hostname} the interface {values.text('name') or free}"
        audit(write, call.request, call.user, text, system_id=one.system_id)
        again = access.node(call, write.sql)
        return next(each for each in access.shown(write.sql, again) if each["id"] == id)

    return await house.services.database.writing(change)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = _device(call, write, "A VM's NICs go with it: delete the machine.")
        nic = access.nic(call, one)
        interfaces.delete(write, nic.id)
        audit(write, call.request, call.user, f"took {nic.name} off {one.hostname}", system_id=one.system_id)

    await house.services.database.writing(change)
    return None


def _device(call: Call, write: Write, why: str) -> Machine:
    one = access.mine(call, write.sql)
    if one.origin != Origin.DEVICE:
        raise Forbidden(f"{one.hostname} is no device. {why}")
    return one


_VLAN = Param("vlan", "text", "The VLAN, by id. Of a VM it is its host's interface's.")
_TAGS = Param("tags", "csv", "Its tags.", repeated=True)
_NAME = Param("name", "text", "Its name in the guest, from the next deployment on.")
_MAC = Param("mac_address", "text", "Its MAC; that of a VM stays.")
_GUESTS = "the guest decides that: user_data of the deployment can say it."
_REFUSED = (
    Param("mtu", "integer", "", refused="the MTU is the VLAN's: set it there."),
    Param("accept_ra", "boolean", "", refused=_GUESTS),
    Param("autoconf", "boolean", "", refused=_GUESTS),
    Param("link_connected", "boolean", "", refused="a VM's NIC is always connected."),
    Param("interface_speed", "integer", "", refused="a VM's NIC has no speed of its own."),
    Param("link_speed", "integer", "", refused="a VM's NIC has no speed of its own."),
)
_TAG = Param("tag", "text", "The tag.", required=True, longest=100)
_INSIDE = "Bonds, bridges and VLANs of a VM are made inside its guest: say them in the user_data of its deployment."
Handler = Callable[[Call], Awaitable[object]]


def _one(method: str, call: Handler, who: Who, doc: str, *params: Param, op: str | None = None) -> Route:
    return Route(
        handler="Interface",
        method=method,
        path=ONE,
        op=op,
        call=call,
        who=who,
        doc=doc,
        params=params,
        model="Interface",
    )


def _no(path: str, handler: str, doc: str, op: str) -> Route:
    return Route(
        handler=handler,
        method="POST",
        path=path,
        op=op,
        call=refuse,
        who=Who.USER,
        doc=doc,
        refused=_INSIDE,
        model=handler,
    )


ROUTES = (
    Route(
        handler="Interfaces",
        method="GET",
        path=MANY,
        call=listing,
        who=Who.USER,
        doc="List the NICs of a machine or device, or a VM host's interfaces.",
        model="Machine",
    ),
    Route(
        handler="Interfaces",
        method="POST",
        path=MANY,
        op="create_physical",
        call=create_physical,
        who=Who.OWNER,
        doc="Give a device a NIC.",
        params=(Param("mac_address", "text", "Its MAC.", required=True), _NAME, _VLAN, _TAGS, *_REFUSED),
        model="Machine",
    ),
    *(_no(MANY, "Interfaces", "Not for VMs.", f"create_{kind}") for kind in ("bond", "bridge", "vlan")),
    _one("GET", read, Who.USER, "Read an interface."),
    _one("PUT", update, Who.OWNER, "Change an interface: only what is sent.", _NAME, _VLAN, _TAGS, _MAC, *_REFUSED),
    _one("DELETE", delete, Who.OWNER, "Take a NIC off a device."),
    _one("POST", add_tag, Who.OWNER, "Put a tag on an interface.", _TAG, op="add_tag"),
    _one("POST", remove_tag, Who.OWNER, "Take a tag off an interface.", _TAG, op="remove_tag"),
    *(_one("POST", handler, Who.OWNER, doc, *params, op=op) for op, handler, doc, params in links.OPERATIONS),
)
