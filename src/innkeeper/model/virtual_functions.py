"""SR-IOV: the virtual functions of a host's ports, and who has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.model.host import HostInterface

Hung = Mapping[tuple[str, str], tuple[int, int]]  # NICs by (attach, parent): (all, those of running machines)


def figures(interfaces: Sequence[HostInterface], hung: Hung) -> dict[str, Figure]:
    """The figures of the ports that have virtual functions, by name."""
    through = {one.name: one.vlan_parent for one in interfaces if one.kind == "sriov"}  # managed networks
    claimed: dict[str, int] = {}
    running: dict[str, int] = {}
    for (attach, parent), (all, on) in hung.items():
        if attach != "sriov" and parent not in through:
            continue
        port = through.get(parent, parent)
        claimed[port] = claimed.get(port, 0) + all
        running[port] = running.get(port, 0) + on
    return {
        one.name: capacity.virtual_functions(
            name=one.name,
            total=one.vf_total,
            claimed=claimed.get(one.name, 0),
            running=running.get(one.name, 0),
            bound=sum(1 for vf in one.vfs if not vf.id),  # the host's own network stack does not have it
        )
        for one in interfaces
        if one.vf_total
    }
