"""Networks and interfaces of a host with their state → HostInterface. Pure."""

from __future__ import annotations

import ipaddress
import re

from innkeeper.hypervisors.lxd import shapes, units
from innkeeper.hypervisors.lxd.resources import CardPort, is_mac
from innkeeper.model.host import HostInterface

# Managed networks of these types only name a parent: there is no interface of their own name to ask about.
_BORROWED = ("macvlan", "sriov", "physical")
_KINDS = ("bridge", "bond", "vlan", "physical", "ovn", "macvlan", "sriov")
# Interfaces that come and go with guests: LXD's taps and veths, macvtaps, libvirt's vnets; and ifb, a kernel helper.
_EPHEMERAL = re.compile(r"(?:tap|veth|vnet|ifb)[0-9a-f]+|mac[0-9a-f]{8}|lo")


def known(networks: list[shapes.NetworkEntry], ports: dict[str, CardPort]) -> list[str]:
    """The names that are surely the host's own, whose state is worth a request: never one per guest."""
    return [n.name for n in networks if _own(n, ports) and not (n.managed and n.type in _BORROWED)]


def doubtful(
    networks: list[shapes.NetworkEntry], ports: dict[str, CardPort], states: dict[str, shapes.NetworkState]
) -> list[str]:
    """The names of unknown type that may be the host's own: an LXD in a container sees its uplink so.

    What is plugged into a bridge is a guest's, whatever its name is.
    """
    plugged = {name for state in states.values() if state.bridge for name in state.bridge.upper_devices or []}
    plugged |= _functions(ports)
    return [n.name for n in networks if not (_own(n, ports) or n.name in plugged or _passing(n))]


def interface(network: shapes.NetworkEntry, state: shapes.NetworkState | None, port: CardPort | None) -> HostInterface:
    """One interface or managed network. Without a state only its name, kind and own configuration are told."""
    config = network.config or {}
    state = state or shapes.NetworkState(state="up" if network.managed else "")
    port = port or CardPort(name=network.name)
    addresses = _addresses(state, config)
    parent, vlan = _parent(network, state)
    return HostInterface(
        name=network.name,
        kind=network.type if network.type in _KINDS else "unknown",
        managed=network.managed,
        mac=state.hwaddr if is_mac(state.hwaddr) else "",
        mtu=state.mtu,
        up=state.state == "up",
        addresses=addresses,
        subnets=tuple(dict.fromkeys(str(ipaddress.ip_interface(address).network) for address in addresses)),
        dhcp=_gives(network) and any(_dhcp(config, version) for version in (4, 6)),
        fixed=tuple(version for version in (4, 6) if _gives(network) and _can_fix(config, version)),
        numa_node=port.numa_node,
        pci_address=port.pci_address,
        vf_total=port.vf_total,
        vfs=port.vfs,
        vlan_parent=parent,
        vlan_id=vlan,
        members=_members(state),
        speed=port.speed,
        ethernet=port.ethernet and (not state.hwaddr or is_mac(state.hwaddr)),
    )


def _own(network: shapes.NetworkEntry, ports: dict[str, CardPort]) -> bool:
    """Surely the host's own: not a guest's, and not a VF, which is told with its port."""
    sure = network.managed or network.type in _KINDS or network.name in ports
    return sure and network.name not in _functions(ports) and not _passing(network)


def _passing(network: shapes.NetworkEntry) -> bool:
    """Loopback, or an interface that belongs to a guest."""
    return network.type == "loopback" or (not network.managed and bool(_EPHEMERAL.fullmatch(network.name)))


def _functions(ports: dict[str, CardPort]) -> set[str]:
    """Names of all VFs."""
    return {vf.id for port in ports.values() for vf in port.vfs if vf.id}


def _addresses(state: shapes.NetworkState, config: dict[str, str]) -> tuple[str, ...]:
    """Global addresses with prefix; of a managed network without any, those of its configuration."""
    told = [f"{a.address}/{a.netmask}" for a in state.addresses or [] if a.scope == "global"]
    told = told or [config[key] for key in ("ipv4.address", "ipv6.address") if key in config]
    return tuple(address for address in told if _is_interface(address))


def _is_interface(address: str) -> bool:
    try:
        ipaddress.ip_interface(address)
    except ValueError:
        return False
    return "/" in address


def _gives(network: shapes.NetworkEntry) -> bool:
    """Whether it is a network that can have DHCP of its own."""
    return network.managed and network.type in ("bridge", "ovn")


def _dhcp(config: dict[str, str], version: int) -> bool:
    """Whether a managed network gives addresses: LXD does unless told not to, where it has an address itself."""
    there = config.get(f"ipv{version}.address", "none") not in ("none", "")
    return there and units.truth(config.get(f"ipv{version}.dhcp", "true"))


def _can_fix(config: dict[str, str], version: int) -> bool:
    """Whether a NIC can be given its address: of IPv6 only where DHCP gives whole addresses, not only the prefix."""
    return _dhcp(config, version) and (version == 4 or units.truth(config.get("ipv6.dhcp.stateful", "false")))


def _parent(network: shapes.NetworkEntry, state: shapes.NetworkState) -> tuple[str, int]:
    """What lies below: a VLAN's device, or the parent of a managed macvlan, sriov or physical network."""
    if state.vlan:
        return state.vlan.lower_device, state.vlan.vid
    config = network.config or {}
    return config.get("parent", ""), units.number(config.get("vlan", ""))


def _members(state: shapes.NetworkState) -> tuple[str, ...]:
    """Lower devices of a bond, ports of a bridge; guests' own are left out, they come and go."""
    names = (state.bond.lower_devices if state.bond else None) or []
    names = names or (state.bridge.upper_devices if state.bridge else None) or []
    return tuple(sorted(name for name in names if not _EPHEMERAL.fullmatch(name)))
