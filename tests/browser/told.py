"""What the API says of the figures of a fleet, as its pages show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.kit.client import Client
from tests.web.figures import NAMES, Shown, added, of_api

Figures = dict[tuple[str, str], Shown]  # (NUMA node or storage pool, "" for the whole host; name) → parts


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the API says of a host."""

    host: Mapping[str, Any]
    figures: Mapping[str, Any]
    pools: Sequence[Mapping[str, Any]]
    inventory: Mapping[str, Any]
    machines: Sequence[Mapping[str, Any]]

    @property
    def nodes(self) -> Sequence[Mapping[str, Any]]:
        """Its NUMA nodes with their parts of the figures."""
        found: Sequence[Mapping[str, Any]] = self.figures["numa_nodes"]
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The figures that its pages have of it and of its nodes."""
        paged = any(node["huge_pages"] for node in self.inventory["numa_nodes"])
        return tuple(name for name in (NAMES if paged else NAMES[:2]) if self.figures[name])

    @cached_property
    def together(self) -> dict[str, Shown]:
        """What a host has several of, as one: its storage, its virtual functions."""
        kinds = {
            "storage": [one["figure"] for one in self.pools if one["figure"]],
            "functions": [one["figure"] for one in self.figures["virtual_functions"]],
        }
        return {kind: _one(pieces) for kind, pieces in kinds.items() if pieces}

    @property
    def whole(self) -> Figures:
        """The figures of the whole host."""
        return {("", name): of_api(self.figures[name]) for name in self.names} | {
            ("", name): one for name, one in self.together.items()
        }

    @property
    def by_node(self) -> Figures:
        """Those of its NUMA nodes, and its storage."""
        parts = {(str(node["id"]), name): of_api(node[name]) for node in self.nodes for name in self.names}
        return parts | {key: one for key, one in self.whole.items() if key[1] == "storage"}

    @property
    def by_pool(self) -> Figures:
        """Those of its storage pools."""
        return {(one["name"], "storage"): of_api(one["figure"]) for one in self.pools if one["figure"]}


async def told(admin: Client) -> list[Told]:
    """Of all hosts."""
    machines = [one for one in await admin.get("machines/") if one["origin"] in ("adopted", "composed")]
    return [
        Told(
            host=host,
            figures=await admin.get(f"/api/v1/vm-hosts/{host['id']}/figures"),
            pools=await admin.get(f"/api/v1/vm-hosts/{host['id']}/storage-pools"),
            inventory=await admin.get(f"/api/v1/vm-hosts/{host['id']}/inventory"),
            machines=[one for one in machines if one["pod"] and one["pod"]["id"] == host["id"]],
        )
        for host in await admin.get("vm-hosts/")
    ]


def _one(pieces: Sequence[Mapping[str, Any]]) -> Shown:
    """Figures as one: what is free, and what is over, is of the sums."""
    sums = added(pieces)
    room = sums["limit"] - sums["claimed"] - sums["others"]
    return sums | {"free": max(room, 0), "over": max(-room, 0)}
