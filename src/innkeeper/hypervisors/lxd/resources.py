"""/1.0/resources ↔ CPU, NUMA nodes, huge pages and network cards. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from innkeeper.hypervisors.lxd import shapes
from innkeeper.model.host import HugePages, NumaNode, Thread, VirtualFunction

# Management controllers show themselves to their host as a USB network card with one of these drivers.
_BMC_DRIVERS = ("cdc_ether", "cdc_subset", "cdc_eem", "rndis_host")
_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Processors:
    """CPU and memory of a host; memory in bytes (None: not told), speed in MHz (0: not told)."""

    model: str = ""
    speed: int = 0
    memory: int | None = None
    numa_nodes: tuple[NumaNode, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CardPort:
    """What the hardware listing adds to the network interface of the same name."""

    name: str
    ethernet: bool = True
    numa_node: int | None = None
    pci_address: str = ""
    speed: int = 0  # Mbit/s
    vf_total: int = 0
    vfs: tuple[VirtualFunction, ...] = ()


def processors(resources: shapes.Resources) -> Processors:
    """CPU model and speed, memory, and the NUMA nodes with their threads and huge pages, under the host's own ids."""
    sockets = (resources.cpu.sockets if resources.cpu else None) or []
    memory = resources.memory or shapes.Memory()
    return Processors(
        model=next((socket.name for socket in sockets if socket.name), ""),
        speed=_speed(sockets),
        memory=memory.total,
        numa_nodes=_nodes(_threads(sockets), memory),
    )


def _threads(sockets: list[shapes.Socket]) -> dict[int, list[Thread]]:
    """Threads by NUMA node, each list by id: LXD sends them in directory order (cpu0, cpu1, cpu10, …)."""
    found: dict[int, list[Thread]] = {}
    for socket in sockets:
        for core in socket.cores or []:
            for thread in core.threads or []:
                node = thread.numa_node if thread.numa_node is not None else core.numa_node
                found.setdefault(node or 0, []).append(
                    Thread(
                        id=thread.id,
                        core=core.core,
                        socket=socket.socket,
                        online=thread.online,
                        isolated=thread.isolated,
                    )
                )
    return {node: sorted(threads, key=lambda thread: thread.id) for node, threads in found.items()}


def _nodes(threads: dict[int, list[Thread]], memory: shapes.Memory) -> tuple[NumaNode, ...]:
    told = {node.numa_node: node for node in memory.nodes or []}
    if not told and set(threads) <= {0} and memory.total is not None:
        # No NUMA at all (a Raspberry Pi): one node that is the whole machine.
        told = {
            0: shapes.MemoryNode(
                total=memory.total, hugepages_total=memory.hugepages_total, hugepages_used=memory.hugepages_used
            )
        }
    return tuple(
        NumaNode(
            id=id,
            threads=tuple(threads.get(id, ())),
            memory=told[id].total if id in told else 0,
            huge_pages=_huge_pages(told[id], memory.hugepages_size) if id in told else (),
        )
        for id in sorted(set(threads) | set(told))
    )


def _huge_pages(node: shapes.MemoryNode, page_size: int) -> tuple[HugePages, ...]:
    if node.hugepages_total <= 0 or page_size <= 0:
        return ()
    # LXD computes used as total minus free in unsigned numbers: a node that lost pages shows 18 quintillion.
    used = node.hugepages_used if 0 <= node.hugepages_used <= node.hugepages_total else 0
    return (HugePages(page_size=page_size, total=node.hugepages_total, used=used),)


def _speed(sockets: list[shapes.Socket]) -> int:
    """MHz: as the model's name says, else the highest turbo, else the mean of the cores to the nearest 100."""
    for socket in sockets:
        named = re.search(r"@\s*([0-9]+(?:\.[0-9]+)?)\s*([GM])Hz", socket.name)
        if named:
            return round(float(named[1]) * (1000 if named[2] == "G" else 1))
    turbo = max((socket.frequency_turbo for socket in sockets), default=0)
    if turbo > 0:
        return turbo
    cores = [core.frequency for socket in sockets for core in socket.cores or [] if core.frequency > 0]
    cores = cores or [socket.frequency for socket in sockets if socket.frequency > 0]
    return round(sum(cores) / len(cores) / 100) * 100 if cores else 0


def card_ports(resources: shapes.Resources) -> dict[str, CardPort]:
    """The ports of all network cards by interface name. A card without ports has nothing to offer."""
    cards = (resources.network.cards if resources.network else None) or []
    return {port.id: _card_port(card, port) for card in cards for port in card.ports or [] if port.id}


def _card_port(card: shapes.Card, port: shapes.Port) -> CardPort:
    sriov = card.sriov or shapes.Sriov()
    management = bool(card.usb_address) and card.driver in _BMC_DRIVERS
    return CardPort(
        name=port.id,
        ethernet=port.protocol in ("", "ethernet") and is_mac(port.address or "00:00:00:00:00:00") and not management,
        numa_node=card.numa_node,
        pci_address=card.pci_address,
        speed=max(port.link_speed, 0),
        vf_total=sriov.maximum_vfs,
        vfs=tuple(_function(vf) for vf in sriov.vfs or []),
    )


def _function(card: shapes.Card) -> VirtualFunction:
    port = next(iter(card.ports or []), shapes.Port())
    return VirtualFunction(id=port.id, pci_address=card.pci_address, address=port.address)


def is_mac(text: str) -> bool:
    """Whether it is an Ethernet address (InfiniBand's has 20 bytes)."""
    return bool(_MAC.fullmatch(text))
