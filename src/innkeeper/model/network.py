"""Networks as people see them: fabrics, their VLANs, the subnets on those, and spaces that group VLANs.

A VLAN without a space is in the pseudo space "undefined". The untagged VLAN of a fabric has the id (vid) 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

UNDEFINED = "undefined"  # the space of VLANs that have none
UNDEFINED_ID = -1  # MAAS's id for it
UNTAGGED = 0


class LinkMode(StrEnum):
    """How a NIC gets its address on a subnet: MAAS's words, as its clients read them."""

    AUTO = "auto"  # by DHCP where the network has it, else an address of ours
    DHCP = "dhcp"
    STATIC = "static"
    LINK_UP = "link_up"  # no address


@dataclass(frozen=True, kw_only=True)
class Fabric:
    """VLANs that are switched together."""

    id: int
    name: str
    description: str = ""
    class_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Vlan:
    """A broadcast domain. `vid` 0: untagged; `dhcp_on`: the network itself gives addresses."""

    id: int
    fabric_id: int
    vid: int = UNTAGGED
    name: str = "untagged"
    description: str = ""
    mtu: int = 1500
    dhcp_on: bool = False
    space_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Space:
    """A group of VLANs whose subnets reach one another."""

    id: int
    name: str
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """An address range on a VLAN; `cidr` is unique. `managed` false: we give only addresses of reserved ranges."""

    id: int
    name: str
    cidr: str
    vlan_id: int
    description: str = ""
    gateway_ip: str | None = None
    dns_servers: tuple[str, ...] = ()
    managed: bool = True
    allow_dns: bool = True
    allow_proxy: bool = True
    active_discovery: bool = False
    rdns_mode: int = 2


@dataclass(frozen=True, kw_only=True)
class StaticRoute:
    """Guests on `source_id` reach `destination_id` (subnets) through `gateway_ip`."""

    id: int
    source_id: int
    destination_id: int
    gateway_ip: str
    metric: int = 0


@dataclass(frozen=True, kw_only=True)
class IpRange:
    """Addresses of a subnet that we never give. `kind`: reserved, or dynamic (DHCP gives them)."""

    id: int
    subnet_id: int
    kind: str
    start: str
    end: str
    comment: str = ""
    user_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Link:
    """How a NIC is linked to a subnet. `ip` "" : none yet; `learnt`: told by a lease, an agent or the guest itself.

    `gateway`: a person chose the subnet's gateway as the machine's default.
    """

    id: int
    mode: LinkMode
    subnet_id: int | None = None
    ip: str = ""
    learnt: bool = False
    gateway: bool = False

    @property
    def seen_only(self) -> bool:
        """Nobody asked for it: an address that was seen on the NIC, beside or instead of those of its links."""
        return self.learnt and self.mode == LinkMode.LINK_UP


@dataclass(frozen=True, kw_only=True)
class HostLink:
    """A host's interface and the VLAN it is on. None: not known; an administrator may say.

    `kind`, `mac`, `addresses` ("10.0.0.1/24") and `dhcp` (it gives addresses itself): as the host told them last.
    """

    id: int
    host_id: int
    name: str
    vlan_id: int | None
    kind: str = "unknown"
    mac: str = ""
    addresses: tuple[str, ...] = ()
    dhcp: bool = False
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class HostNetwork:
    """An interface of a host as a network that a request can name: what placement matches `interfaces=` against.

    `id`: of the host's interface, as clients send it. While its VLAN is not known the rest is None and empty. `space`
    None with a VLAN: the pseudo space. `subnets`: all of the VLAN, by id; what the host itself has an address in is in
    its inventory.
    """

    id: int
    host_id: int
    name: str
    vlan: Vlan | None = None
    fabric: Fabric | None = None
    space: Space | None = None
    subnets: tuple[Subnet, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def space_name(self) -> str:
        """The name of its space, UNDEFINED when the VLAN has none or is not known."""
        return self.space.name if self.space else UNDEFINED

    @property
    def dhcp_on(self) -> bool:
        """Whether the network itself gives addresses."""
        return self.vlan is not None and self.vlan.dhcp_on
