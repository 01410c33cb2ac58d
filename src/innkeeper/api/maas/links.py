"""Links of NICs to subnets: add one, take it away, choose the default gateway."""

from __future__ import annotations

from collections.abc import Callable

from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import interface_access as access
from innkeeper.api.maas import shapes
from innkeeper.api.maas.network_lookups import address_sent, subnet_sent
from innkeeper.api.maas.network_lookups import refused as bad
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, no_match
from innkeeper.model import linking
from innkeeper.model.machine import Interface, Machine, Origin
from innkeeper.model.network import LinkMode
from innkeeper.model.network_names import Networks
from innkeeper.operations import readdress
from innkeeper.store import addresses, hosts, interfaces, links, networks
from innkeeper.store.database import Write

_PATIENCE = 5.0  # seconds that a caller waits for the host to hear of it; it hears of it in any case
_MODES = tuple(mode.name for mode in LinkMode)


async def link_subnet(call: Call) -> object:
    return await _changed(call, _link)


async def unlink_subnet(call: Call) -> object:
    return await _changed(call, _unlink)


async def disconnect(call: Call) -> object:
    return await _changed(call, _disconnect)


async def set_default_gateway(call: Call) -> object:
    return await _changed(call, _choose_gateway)


async def _changed(call: Call, change: Callable[[Call, Write, Machine, Interface], str]) -> object:
    """Change the links of the NIC of the path, and tell the host's DHCP of the addresses it is to give."""
    house: House = call.services

    def write_it(write: Write) -> tuple[shapes.Json, str]:
        one = access.mine(call, write.sql)
        linking.changeable(one)
        if one.host_id is not None:  # before any address, as everybody does
            hosts.lock_for_work(write, one.host_id)
        text = change(call, write, one, access.nic(call, one))
        audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        operation = readdress.submit(write, one, actor=call.user.username, request=mark(call.request))
        return access.shape(write.sql, call), operation

    shown, operation = await house.services.database.writing(write_it)
    if operation:
        await house.engine.wait(operation, timeout=_PATIENCE)
    return shown


def _link(call: Call, write: Write, one: Machine, nic: Interface) -> str:
    values, known = call.values, networks.known(write.sql)
    mode = LinkMode(values.text("mode").strip().lower())
    subnet = subnet_sent(known, values.text("subnet")) if values.text("subnet") else None
    ip = address_sent(values.text("ip_address"), field="ip_address") if values.text("ip_address") else ""
    force, gateway = values.boolean("force", False), values.boolean("default_gateway", False)
    vlan = known.vlan(nic.vlan_id) if nic.vlan_id is not None else None
    linking.check_link(nic, mode=mode, subnet=subnet, vlan=vlan, ip=ip, gateway=gateway, force=force)
    if subnet is not None and vlan is None:  # where it is was not known: the caller says so
        interfaces.update(write, nic.id, vlan_id=subnet.vlan_id)
    links.delete(write, linking.replaced(nic, mode=mode, force=force))
    subnet_id = subnet.id if subnet else None
    id = links.insert(write, interface_id=nic.id, mode=mode, subnet_id=subnet_id)
    if mode == LinkMode.STATIC and subnet is not None:
        taken = {"subnet_id": subnet.id, "link_id": id, "hostname": one.hostname}
        fixed = _fixed(write, one, nic)
        ip = addresses.take(write, ip=ip, **taken) if ip else addresses.take_free(write, **taken)  # type: ignore[arg-type]
        linking.must_be_kept(nic, ip, fixed=fixed, force=force)
        links.update(write, id, ip=ip)
    if gateway:
        _set_gateway(write, known, one, id, subnet_id)
    where = f" to {subnet.cidr}" if subnet else ""
    return f"linked {nic.name} of {one.hostname}{where} ({mode}{f', {ip}' if ip else ''})"


def _fixed(write: Write, one: Machine, nic: Interface) -> tuple[int, ...]:
    """The IP versions whose DHCP, on the host's own network that a NIC is on, is told which address it gets."""
    told = hosts.inventory(write.sql, one.host_id).interfaces if one.host_id is not None else ()
    return next((each.fixed for each in told if each.managed and each.name == nic.parent), ())


def _unlink(call: Call, write: Write, one: Machine, nic: Interface) -> str:
    wanted = call.values.integer("id")
    gone = next((each for each in nic.links if each.id == wanted), None)
    if gone is None:
        there = ", ".join(str(each.id) for each in nic.links) or "none"
        raise bad("id", f"{nic.name} has no link {wanted}; it has {there}")
    links.delete(write, [gone.id])
    return f"unlinked {nic.name} of {one.hostname}{f' from {gone.ip}' if gone.ip else ''}"


def _disconnect(call: Call, write: Write, one: Machine, nic: Interface) -> str:
    """All links go. A VM's NIC stays on its VLAN, which is its host's interface's; of a device it is forgotten."""
    links.delete(write, [each.id for each in nic.links])
    if one.origin == Origin.DEVICE:
        interfaces.update(write, nic.id, vlan_id=None)
    return f"disconnected {nic.name} of {one.hostname}"


def _choose_gateway(call: Call, write: Write, one: Machine, nic: Interface) -> str:
    known, wanted = networks.known(write.sql), call.values.integer("link_id")
    gateway = {each.id: each.gateway_ip for each in known.subnets if each.gateway_ip}
    having = [
        each
        for each in nic.links
        if each.subnet_id in gateway and each.mode != LinkMode.LINK_UP and wanted in (None, each.id)
    ]
    if wanted is not None and all(each.id != wanted for each in nic.links):
        raise no_match("Link")
    if not having:
        raise bad("link_id", f"{nic.name} has no link to a subnet with a gateway")
    chosen: dict[bool, int] = {}
    for each in having:
        ip = gateway[each.subnet_id or 0] or ""
        if chosen.setdefault(":" in ip, each.id) != each.id:
            raise bad("link_id", f"{nic.name} has several gateways; say one of {[one.id for one in having]}")
    for each in having:
        _set_gateway(write, known, one, each.id, each.subnet_id)
    return f"{nic.name} has the default gateway of {one.hostname}"


def _set_gateway(write: Write, known: Networks, one: Machine, link_id: int, subnet_id: int | None) -> None:
    """The link's gateway is the machine's default for its IP version; another one of that version is not any more."""
    six = {each.id: ":" in each.cidr for each in known.subnets}
    for nic in one.interfaces:
        for each in nic.links:
            same = each.subnet_id is not None and six.get(each.subnet_id) == six.get(subnet_id or 0)
            if each.gateway and same and each.id != link_id:
                links.update(write, each.id, gateway=False)
    links.update(write, link_id, gateway=True)


OPERATIONS = (
    (
        "link_subnet",
        link_subnet,
        "Link a NIC to a subnet.\n\nA machine's network is what its guest is told when it is deployed.",
        (
            Param(
                "mode",
                "text",
                "AUTO: by DHCP, or an address of ours; DHCP; STATIC: an address of ours; LINK_UP: none.",
                required=True,
                choices=(*_MODES, *(mode.lower() for mode in _MODES)),
            ),
            Param("subnet", "text", "The subnet, by id or name."),
            Param("ip_address", "text", "The address, of STATIC. Default: a free one."),
            Param("force", "boolean", "Replace all links that the NIC has."),
            Param("default_gateway", "boolean", "The subnet's gateway is the machine's default."),
        ),
    ),
    (
        "unlink_subnet",
        unlink_subnet,
        "Take a link away.",
        (Param("id", "integer", "The link, by id.", required=True),),
    ),
    ("disconnect", disconnect, "Take all links of a NIC away.", ()),
    (
        "set_default_gateway",
        set_default_gateway,
        "Use the gateway of a NIC's subnet as the machine's default.",
        (Param("link_id", "integer", "The link, where the NIC has several with gateways."),),
    ),
)
