"""The volumes of a host and who holds what of it, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from innkeeper.model.host import Inventory, NumaNode, StoragePool, Thread, Volume
from innkeeper.store import holdings, host_resources, hosts, schema, storage_pools, volumes
from innkeeper.store.database import Database, Write
from innkeeper.store.secrets import load_key
from innkeeper.store.unfinished import Departing
from tests.kit.networks import simulated_host

GB, GIB = 10**9, 2**30


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    one = Database(database_url)
    schema.upgrade(one)
    one.transact(schema.seed, load_key(tmp_path / "key"), domain_name="maas")
    yield one
    one.close()


def held(write: Write, host_id: int, instance: str, *, present: bool = True, cores: int = 1, pinned: str = "") -> None:
    """An instance with a root disk and a data disk."""
    holdings.insert(
        write,
        host_id=host_id,
        project="default",
        instance=instance,
        origin="composed",
        cores=cores,
        pinned=pinned,
        memory=1024,
        huge_pages=False,
        storage=((0, "fast", "", 8 * GB), (1, "slow", f"{instance}-disk1", 5 * GB)),
        present=present,
    )


def test_what_is_held_is_there_before_the_host_is_read_again(database: Database) -> None:
    host_id = simulated_host(database)

    def told(write: Write) -> None:
        mine = Volume(name="old-disk1", kind="custom", size=5 * GB, written=1)
        stray = Volume(name="stray", kind="custom", size=GB)
        pools = (
            StoragePool(name="fast", driver="zfs", path="", total=99 * GB, written=0, volumes=()),
            StoragePool(name="slow", driver="zfs", path="", total=99 * GB, written=0, volumes=(mine, stray)),
        )
        storage_pools.see(write, host_id=host_id, pools=pools, faults={}, project="default", departing=Departing())
        held(write, host_id, "old")
        held(write, host_id, "new")
        held(write, host_id, "planned", present=False)

    database.transact(told)
    found = database.ask(volumes.of_host, host_id)
    assert {pool: [(one.name, one.kind, one.size, one.holders) for one in many] for pool, many in found.items()} == {
        "fast": [("new", "virtual-machine", 8 * GB, ()), ("old", "virtual-machine", 8 * GB, ())],
        "slow": [
            ("old-disk1", "custom", 5 * GB, ("default/old",)),
            ("stray", "custom", GB, ()),
            ("new-disk1", "custom", 5 * GB, ("default/new",)),
        ],
    }


def test_what_a_host_has_and_who_holds_it(database: Database) -> None:
    host_id = simulated_host(database)
    nodes = tuple(
        NumaNode(id=id, threads=tuple(Thread(id=id * 4 + at, core=at) for at in range(4)), memory=8 * GIB)
        for id in (0, 1)
    )

    def told(write: Write) -> None:
        seen = msgspec.json.encode(Inventory(server_name="alpha", version="1", numa_nodes=nodes)).decode()
        hosts.update(write, host_id, cores=8, memory=16 * 1024, inventory_json=seen)
        held(write, host_id, "web", cores=2, pinned="4,5")
        held(write, host_id, "db", cores=3)

    database.transact(told)
    found = database.ask(lambda sql: host_resources.of_host(sql, hosts.find(sql, host_id)))
    assert [(one.instance, one.cores, one.pinned) for one in found.holders] == [("db", 3, ()), ("web", 2, (4, 5))]
    assert found.whole.cores is not None
    assert (found.whole.cores.claimed, found.whole.cores.limit) == (5, 8)
    assert [one.pinned for one in found.nodes] == [0, 2]
    assert sum(one.cores.claimed for one in found.nodes if one.cores) == 5
    assert sum(one.memory.claimed for one in found.nodes if one.memory) == 2048
