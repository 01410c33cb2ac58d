"""What a host has and who holds it: its figures whole, by NUMA node and by port, with every holder, in one look."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.model import numa, virtual_functions
from innkeeper.model.capacity import Figure
from innkeeper.model.host import Host, Inventory
from innkeeper.model.numa import NodeFigures
from innkeeper.store import holders, hosts
from innkeeper.store.figures import Figures, figures
from innkeeper.store.holders import Holder


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port with virtual functions. `node`: its NUMA node; None: the host does not say."""

    name: str
    node: int | None
    figure: Figure


@dataclass(frozen=True, kw_only=True)
class Resources:
    """A host's resources. The parts of `nodes` add up to `whole` exactly."""

    told: Inventory
    whole: Figures
    nodes: tuple[NodeFigures, ...]
    ports: tuple[Port, ...]
    holders: tuple[Holder, ...]


def of_host(sql: sa.Connection, host: Host) -> Resources:
    """A fixed number of queries, whatever is on the host."""
    told = hosts.inventory(sql, host.id)
    whole = figures(sql, [host])[host.id]
    on_it = tuple(holders.of_host(sql, host.id))
    node_of = {one.name: one.numa_node for one in told.interfaces}
    ports = virtual_functions.figures(told.interfaces, holders.hung(sql, host.id))
    return Resources(
        told=told,
        whole=whole,
        nodes=numa.by_node(
            told.numa_nodes,
            cores=whole.cores,
            memory=whole.memory,
            huge_pages=whole.huge_pages,
            holdings=[one.holding for one in on_it],
        ),
        ports=tuple(Port(name=name, node=node_of[name], figure=figure) for name, figure in ports.items()),
        holders=on_it,
    )
