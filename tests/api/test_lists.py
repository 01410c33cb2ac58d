"""Lists cost a fixed number of queries, whatever their length."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from innkeeper.model.host import HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.store import (
    addresses,
    disks,
    fabrics,
    hosts,
    interfaces,
    ip_ranges,
    machines,
    spaces,
    static_routes,
    subnets,
    vlans,
)
from innkeeper.store.database import Write
from innkeeper.store.holdings import insert
from innkeeper.store.tables import storage_pool
from tests.kit.house import Inn, inn

MANY = 50


@contextmanager
def counted(engine: sa.Engine) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().upper().startswith("SELECT"):
            seen.append(statement)

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def fill(write: Write, number: int) -> None:
    """A host with two storage pools and a machine with two disks and two NICs on it, written as they are kept."""
    name = f"n{number}"
    host_id = hosts.insert(
        write,
        kind="simulated",
        name=name,
        address=f"simulated:{name}",
        project="default",
        state=HostState.REMOVING,  # left alone by watchers
        fingerprint=f"{number:064d}",
        zone_id=1,
        pool_id=0,
        cores=8,
        memory=8192,
    )
    for position, pool in enumerate(("default", "fast")):
        write.sql.execute(
            sa.insert(storage_pool).values(
                host_id=host_id,
                name=pool,
                position=position,
                driver="zfs",
                path=pool,
                total=10**12,
                written=0,
                foreign_bytes=0,
                other_allocated=0,
                ratio=1.0,
                stale=False,
                present=True,
                volumes_json="[]",
            )
        )
    system_id = f"id{number}"
    machines.insert(
        write,
        system_id=system_id,
        hostname=f"vm-{name}",
        domain_id=0,
        zone_id=1,
        pool_id=0,
        origin=Origin.COMPOSED,
        status=int(Status.READY),
        power_state=PowerState.OFF,
        architecture="amd64/generic",
        cores=1,
        memory=2048,
        host_id=host_id,
        owner_id=1,
    )
    for position in range(2):
        disks.insert(write, system_id=system_id, position=position, device=f"d{position}", size=1, pool="fast")
        interfaces.insert(
            write, system_id=system_id, position=position, name=f"e{position}", mac=f"m{position}", attach="", parent=""
        )
    insert(
        write,
        host_id=host_id,
        project="default",
        instance=name,
        origin="composed",
        system_id=system_id,
        cores=1,
        pinned="",
        memory=2048,
        huge_pages=False,
        storage=((0, "fast", "", 1), (1, "fast", "v", 1)),
    )

    fill_networks(write, number)


def fill_networks(write: Write, number: int) -> None:
    """A fabric with a VLAN in a space, two subnets on it, a route between them, a range and an address."""
    space = spaces.create(write)
    fabric = fabrics.create(write)
    vlan = vlans.create(write, fabric_id=fabric.id, vid=5, space_id=space.id)
    one, other = (subnets.create(write, cidr=f"10.{number}.{n}.0/24", vlan_id=vlan.id) for n in range(2))
    static_routes.create(write, source_id=one.id, destination_id=other.id, gateway_ip=f"10.{number}.0.1")
    ends = {"start": f"10.{number}.0.100", "end": f"10.{number}.0.199"}
    ip_ranges.create(write, subnet_id=one.id, kind="reserved", user_id=1, **ends)
    addresses.take_free(write, subnet_id=one.id, user_id=1)


NETWORKS = ["fabrics/", "spaces/", "subnets/", "static-routes/", "ipranges/", "ipaddresses/"]
OTHERS = ["vm-hosts/", "pods/", "machines/", "zones/", "users/", "/api/v1/operations"]


@pytest.mark.parametrize("path", [*OTHERS, *NETWORKS])
async def test_the_same_queries_for_1_and_for_50(tmp_path: Path, path: str) -> None:
    async with inn(tmp_path) as house:
        database = house.house.services.database
        await _still(house)
        costs = []
        for numbers in (range(1), range(1, MANY)):
            for number in numbers:
                database.transact(fill, number)
            with counted(database.engine) as seen:
                found = await house.admin.get(path)
            costs.append(len(seen))
        if path in ("vm-hosts/", "pods/", "machines/"):
            assert len(found) == MANY
            assert all(len(one.get("storage_pools", one.get("interface_set", ()))) == 2 for one in found)
        if path in NETWORKS:
            assert len(found) == MANY * (2 if path == "subnets/" else 1) + (path == "spaces/")  # and the pseudo space
        assert costs[0] == costs[1]
        assert costs[0] <= 17


async def _still(house: Inn) -> None:
    """Stop what asks the database in its own time, so that only the call is counted."""
    await house.house.watch.stop()
    await house.house.engine.stop()
    await house.house.feed.stop()


async def test_metrics_too(tmp_path: Path) -> None:
    async with inn(tmp_path) as house:
        database = house.house.services.database
        await _still(house)
        costs = []
        for numbers in (range(1), range(1, MANY)):
            for number in numbers:
                database.transact(fill, number)
            with counted(database.engine) as seen:
                text = (await house.nobody.call("GET", "/metrics")).text
            costs.append(len(seen))
        assert text.count("innkeeper_host_up{") == MANY
        assert costs[0] == costs[1]
