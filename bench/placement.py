"""Placement: the decision over a fleet of 1,000 hosts, and a burst of allocates over 20 of which one is slow."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec

from bench.house import Guest, guest, until_ready
from bench.table import QUICK, Figure, median_ms, p95_ms
from innkeeper.hypervisors.simulated_world import GB, MIB, world
from innkeeper.model import interface_constraints, network_names
from innkeeper.model.allocation import Wish
from innkeeper.model.constraints import storage
from innkeeper.model.host import HostInterface, HostState, Inventory, NumaNode, StoragePool, Thread
from innkeeper.operations.compose import COMPOSE
from innkeeper.settings import Settings
from innkeeper.store import claims, discovered_networks, holdings, hosts, networks, placements
from innkeeper.store import storage_pools as pools
from innkeeper.store.claims import Allotment
from innkeeper.store.database import Database, Write
from innkeeper.store.fleet import Choice, Fleet
from innkeeper.store.opening import open_store
from innkeeper.store.unfinished import Departing
from tests.kit.server import Server, running

HOSTS, EACH = 1000, 16  # of the fleet, and the machines on each
ROUNDS = 30 if QUICK else 100
_THREADS, _MEMORY = 64, 256 * 1024  # of a host; MiB
ALLOCATES, SMALL, SLOTS = 100, 20, 4  # at once, over so many hosts, with room for so many each
_CREATE, _SLOW = 0.05, 20.0  # seconds that hosts take for an instance, and that the slow one takes


async def measure() -> list[Figure]:
    return [*_decisions(), *await _burst()]


# --- the decision


def _decisions() -> list[Figure]:
    """With the reading of the fleet, and then with the claim: what an allocate does before the host is asked."""
    with tempfile.TemporaryDirectory() as directory:
        database, _, uuid = open_store(Settings(data=Path(directory)))
        try:
            for first in range(1, HOSTS, 100):
                database.transact(_fill, first, first + 100)
            return _measured(database, uuid)
        finally:
            database.close()


def _measured(database: Database, uuid: str) -> list[Figure]:
    fleet, chosen = Fleet(), random.Random(1)
    deciding, whole = [], []
    _decide(database, _wish(database, chosen), fleet)  # the first one reads everything
    for _ in range(ROUNDS):
        wish = _wish(database, chosen)
        begin = time.perf_counter()
        choice, packed = _decide(database, wish, fleet)
        deciding.append(time.perf_counter() - begin)
        database.transact(
            claims.compose,
            host_id=choice.decision.best.host_id if choice.decision.best else 0,
            request=wish.request,
            first_step=COMPOSE.first,
            uuid=uuid,
            actor_id=0,
            actor="bench",
            allotment=Allotment(wish=wish, verdicts=packed, around=choice.around),
        )
        whole.append(time.perf_counter() - begin)
        fleet.claimed(choice)
    title = f"placement decision over {HOSTS:,} hosts"
    return [
        Figure(
            name=f"{name} p95",
            value=p95_ms(seconds),
            unit="ms",
            most=most,
            detail=f"median {median_ms(seconds):.0f} ms, worst {max(seconds) * 1000:.0f} ms of {ROUNDS}",
        )
        for name, seconds, most in ((title, deciding, 50), (f"{title}, with claim", whole, 75))
    ]


def _decide(database: Database, wish: Wish, fleet: Fleet) -> tuple[Choice, str]:
    choice = database.ask(fleet.choose, wish)
    if choice.decision.best is None:
        raise RuntimeError(f"no host fits: {choice.decision.failed}")
    return choice, placements.pack(choice.decision)


def _wish(database: Database, chosen: random.Random) -> Wish:
    """Networks and storage that some hosts have, and others not."""
    rack = chosen.randrange(10)
    text = f"0:subnet_cidr=10.{rack}.0.0/16;1:subnet_cidr=172.{16 + rack}.0.0/16,type=bond"
    known = database.ask(networks.known)
    return Wish(
        cores=chosen.randint(1, 4),
        memory=chosen.choice((2048, 4096, 8192)),
        disks=storage("root:0,data:20(fast)", any_root=True),
        interfaces=network_names.resolve(interface_constraints.interfaces(text), known),
    )


def _fill(write: Write, first: int, behind: int) -> None:
    for number in range(first, behind):
        id = _host(write, number)
        for each in range(EACH):
            holdings.insert(
                write,
                host_id=id,
                project="default",
                instance=f"vm{each}",
                origin="adopted",
                cores=1 + (number + each) % 3,
                pinned="",
                memory=4096,
                huge_pages=False,
                storage=((0, "default", "", 20 * GB),),
                present=True,
            )


def _host(write: Write, number: int) -> int:
    told = _inventory(number)
    id = hosts.insert(
        write,
        kind="simulated",
        name=f"host{number}",
        address=f"simulated:/nowhere/host{number}.json",
        project="default",
        fingerprint=f"{number:064x}",
        state=HostState.READY,
        zone_id=1,
        pool_id=0,
        default_pool="default",
        cores=_THREADS,
        memory=_MEMORY,
        inventory_json=msgspec.json.encode(told).decode(),
        architectures_json=msgspec.json.encode(told.architectures).decode(),
    )
    there = ("default", "fast") if number % 3 else ("default",)
    listed = tuple(StoragePool(name=name, driver="zfs", total=4000 * GB, written=0) for name in there)
    nothing = Departing()
    pools.see(write, host_id=id, pools=listed, faults={}, project="default", departing=nothing)
    discovered_networks.see(write, hosts.find(write.sql, id), told.interfaces)
    return id


def _inventory(number: int) -> Inventory:
    """Two sockets, two bridges, a bond with VLANs: as a rack server tells it. Ten racks share their networks."""
    rack, half = number % 10, _THREADS // 2
    own = 1 + number // 10
    nodes = tuple(
        NumaNode(
            id=node,
            threads=tuple(Thread(id=id, core=id // 2, socket=node) for id in range(node * half, (node + 1) * half)),
            memory=_MEMORY * MIB // 2,
        )
        for node in range(2)
    )
    subnet = f"10.{rack}.0.0/16"
    interfaces = (
        HostInterface(name="lxdbr0", kind="bridge", managed=True, dhcp=True, subnets=(f"10.{100 + rack}.{own}.0/24",)),
        HostInterface(name="br0", kind="bridge", subnets=(subnet,), addresses=(f"10.{rack}.{own}.1/16",)),
        HostInterface(name="bond0", kind="bond", subnets=(f"172.{16 + rack}.0.0/16",), members=("eno1", "eno2")),
        *(HostInterface(name=f"bond0.{vid}", kind="vlan", vlan_parent="bond0", vlan_id=vid) for vid in range(10, 14)),
        HostInterface(name="eno1", kind="physical", speed=10_000),
        HostInterface(name="eno2", kind="physical", speed=10_000),
        HostInterface(name="eno3", kind="physical", speed=1000),
    )
    return Inventory(
        server_name=f"host{number}",
        architectures=("amd64/generic",),
        memory=_MEMORY * MIB,
        numa_nodes=nodes,
        interfaces=interfaces,
    )


# --- the burst


async def _burst() -> list[Figure]:
    """100 allocates at once where 80 have room; one host takes long for everything."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "hosts").mkdir()
        for number in range(SMALL):
            with world(directory / "hosts" / f"host{number}.json") as state:
                state.cores, state.create_seconds = SLOTS, _SLOW if number == 0 else _CREATE
        server = Server(directory, hosts=directory / "hosts")
        async with AsyncExitStack() as stack:
            stack.enter_context(running(server))
            client = await stack.enter_async_context(guest(server))
            for number in range(SMALL):
                added = await client.good("POST", "vm-hosts/", type="simulated", power_address=f"host{number}")
                await until_ready(client, added["id"])
            slow = (await client.good("GET", "vm-hosts/"))[0]["name"]
            answers = await asyncio.gather(*(_allocate(client) for _ in range(ALLOCATES)))
    return _told(answers, slow)


async def _allocate(client: Guest) -> tuple[float, int, Any]:
    begin = time.perf_counter()
    status, content = await client.call("POST", "machines/", op="allocate")
    return time.perf_counter() - begin, status, content


def _told(answers: list[tuple[float, int, Any]], slow: str) -> list[Figure]:
    title = f"{ALLOCATES} allocates at once over {SMALL} hosts"
    made = [(seconds, content["pod"]["name"]) for seconds, status, content in answers if status == 200]
    others = [seconds for seconds, pod in made if pod != slow]
    own = [seconds for seconds, pod in made if pod == slow]
    dumb = [content for _, status, content in answers if status != 200 and "cores fails on" not in str(content)]
    counts = Counter(status for _, status, _ in answers)
    told = ", ".join(f"{count} × {status}" for status, count in sorted(counts.items()))
    return [
        Figure(name=f"{title}: made", value=len(made), exactly=SMALL * SLOTS, detail=told),
        Figure(name=f"{title}: refusals that do not say why", value=len(dumb), exactly=0),
        Figure(
            name=f"{title}: the longest on another host than the slow one",
            value=max(others, default=0.0),
            unit="s",
            most=_SLOW * 0.75,
            detail=f"the {len(own)} on the slow one, which takes {_SLOW:.0f} s: up to {max(own, default=0.0):.1f} s",
        ),
    ]
