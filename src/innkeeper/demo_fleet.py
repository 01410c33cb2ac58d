"""`innkeeper up --demo-fleet`: twenty simulated hosts of odd shapes with two hundred machines, to look at the pages.

The hosts are files in the data directory. They are added, and machines composed on them, by the calls of the API.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import anyio
import structlog
from fastapi import FastAPI
from starlette.requests import Request

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.maas.dispatch import Dispatch
from innkeeper.errors import InnkeeperError
from innkeeper.hypervisors.simulated_world import GB, MIB, World, world
from innkeeper.model.host import HostInterface, HugePages, NumaNode, Thread, VirtualFunction, Volume
from innkeeper.model.machine import DiskFacts, InstanceFacts, InterfaceFacts, PowerState
from innkeeper.settings import Settings
from innkeeper.store import hosts, users

log = structlog.get_logger(__name__)

GIB = 1024 * MIB
ADOPTED, COMPOSED = 140, 60  # machines that are on the hosts before, and those that are composed
ROOMY = 24  # threads of a host that has room for more than what is on it
_NAMES = ("web", "db", "cache", "queue", "build", "mail", "dns", "proxy", "search", "log", "metrics", "vault")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a host of the fleet is like. `nodes`: ids of NUMA nodes; `threads`: of each; memory and pages of each."""

    name: str
    nodes: tuple[int, ...] = (0,)
    threads: int = 8
    smt: int = 1
    memory: int = 32 * GIB
    huge_pages: tuple[HugePages, ...] = ()
    offline: int = 0  # threads of each node that are off
    pools: tuple[tuple[str, int], ...] = (("default", 1000 * GB),)
    functions: int = 0  # SR-IOV virtual functions
    rack: int = 1
    cpu_ratio: str = "1"
    memory_ratio: str = "1"
    trusting: bool = True
    up: bool = True


def _pages(size: int, total: int) -> HugePages:
    return HugePages(page_size=size, total=total)


_LARGE = (("default", 1800 * GB), ("fast", 960 * GB))
SHAPES = (
    Shape(name="aspen", nodes=(0, 1), threads=16, smt=2, memory=64 * GIB, pools=_LARGE, cpu_ratio="2", functions=8),
    Shape(name="birch", nodes=(0, 1), threads=16, smt=2, memory=64 * GIB, pools=_LARGE, cpu_ratio="4"),
    Shape(name="cedar", nodes=(0, 1, 16, 17), threads=8, smt=4, memory=32 * GIB, cpu_ratio="1.4"),
    Shape(name="elm", threads=4, memory=8 * GIB, pools=(("default", 120 * GB),)),
    Shape(name="fir", nodes=(0, 1), threads=24, huge_pages=(_pages(2 * MIB, 8 * GIB),), memory=96 * GIB, pools=_LARGE),
    Shape(
        name="ginkgo",
        nodes=(0, 1),
        threads=32,
        smt=2,
        memory=128 * GIB,
        huge_pages=(_pages(2 * MIB, 4 * GIB), _pages(GIB, 16 * GIB)),
        pools=(*_LARGE, ("archive", 12000 * GB), ("scratch", 400 * GB), ("images", 200 * GB)),
        functions=32,
    ),
    Shape(name="hazel", threads=12, offline=4, memory=24 * GIB, memory_ratio="1.5"),
    Shape(name="juniper", nodes=(0, 2), threads=10, memory=40 * GIB, rack=2),
    Shape(name="larch", nodes=tuple(range(8)), threads=16, smt=2, memory=64 * GIB, pools=_LARGE, rack=2),
    Shape(name="maple", threads=64, smt=2, memory=256 * GIB, cpu_ratio="10", memory_ratio="2", rack=2),
    Shape(name="oak", threads=45, memory=90 * GIB, cpu_ratio="1.4", rack=2),
    Shape(name="pine", threads=8, memory=16 * GIB, pools=(("default", 260 * GB),), rack=2),
    Shape(name="poplar", threads=16, memory=32 * GIB, cpu_ratio="0.5", rack=3),
    Shape(name="rowan", threads=16, memory=32 * GIB, rack=3, memory_ratio="0"),
    Shape(name="spruce", nodes=(0, 1), threads=20, smt=2, memory=80 * GIB, pools=_LARGE, rack=3),
    Shape(name="sycamore", nodes=(0, 1), threads=20, smt=2, memory=80 * GIB, pools=_LARGE, rack=3),
    Shape(name="teak", threads=8, memory=16 * GIB, rack=3),
    Shape(name="walnut", threads=32, memory=64 * GIB, rack=3, functions=4),
    Shape(name="willow", threads=8, memory=16 * GIB, rack=3, trusting=False),
    Shape(name="yew", threads=8, memory=16 * GIB, rack=3),
)


def worlds() -> dict[str, World]:
    """The hosts as they are before Innkeeper comes: the same each time."""
    chosen = random.Random(7)
    made = {shape.name: _world(shape) for shape in SHAPES}
    able = [shape for shape in SHAPES if shape.trusting and shape.up]
    for number in range(ADOPTED):
        shape = able[number % len(able)]
        _instance(made[shape.name], shape, number, project="default", chosen=chosen)
    for number in range(ADOPTED, ADOPTED + 12):  # of other projects: other use
        shape = able[(number * 5) % len(able)]
        made[shape.name].projects["lab"] = ""
        _instance(made[shape.name], shape, number, project="lab", chosen=chosen)
    _network_functions(made["ginkgo"])
    return made


def _network_functions(state: World) -> None:
    """What few hosts have: cores pinned by others, huge pages in use, virtual functions given away, odd volumes."""
    state.projects["lab"] = ""
    for number, cores in enumerate((range(32, 36), range(36, 38))):
        name = f"router-{number + 1}"
        state.instances[f"lab/{name}"] = InstanceFacts(
            name=name,
            project="lab",
            architecture="amd64/generic",
            cores=len(cores),
            pinned=tuple(cores),
            memory=4096,
            huge_pages=True,
            power=PowerState.ON,
            disks=(DiskFacts(device="root", pool="fast", size=20 * GB),),
            interfaces=(
                InterfaceFacts(device="eth0", mac=f"00:16:3e:11:00:{number:02x}", attach="sriov", parent="ens2"),
            ),
        )
    for pool, name, kind, size in (
        ("archive", "backup-2025", "custom", 400 * GB),
        ("images", "ubuntu-24.04", "image", 3 * GB),
        ("images", "debian-13", "image", 2 * GB),
    ):
        state.volumes[f"{pool}/default/{name}"] = Volume(name=name, kind=kind, size=size, written=size * 3 // 10)


def _world(shape: Shape) -> World:
    nodes = [
        NumaNode(
            id=id,
            threads=tuple(_threads(shape, first=position * shape.threads, socket=position)),
            memory=shape.memory,
            huge_pages=shape.huge_pages,
        )
        for position, id in enumerate(shape.nodes)
    ]
    return World(
        name=shape.name,
        cores=shape.threads * len(nodes),
        memory=shape.memory * len(nodes),
        numa_nodes=nodes,
        pools=dict(shape.pools),
        interfaces=_interfaces(shape),
        trusting=shape.trusting,
        up=shape.up,
        create_seconds=0.2,
    )


def _threads(shape: Shape, *, first: int, socket: int) -> Iterator[Thread]:
    for number in range(shape.threads):
        id = first + number
        yield Thread(id=id, core=id // shape.smt, socket=socket, online=number < shape.threads - shape.offline)


def _interfaces(shape: Shape) -> list[HostInterface]:
    rack, number = shape.rack, 10 + len(shape.name) * 7 + ord(shape.name[0]) % 20
    found = [
        HostInterface(
            name="lxdbr0",
            kind="bridge",
            managed=True,
            subnets=(f"10.{200 + rack}.{number}.0/24",),
            addresses=(f"10.{200 + rack}.{number}.1/24",),
            dhcp=True,
            fixed=(4,),
        ),
        HostInterface(
            name="br0", kind="bridge", subnets=(f"10.{rack}.0.0/16",), addresses=(f"10.{rack}.0.{number}/16",)
        ),
        HostInterface(name="eno1", kind="physical", mac=f"52:54:00:00:{rack:02x}:{number:02x}", speed=25_000),
    ]
    if shape.functions:
        given = shape.functions // 8  # to guests of other projects: the host's own network has them not
        functions = tuple(
            VirtualFunction(id="" if one < given else f"ens2v{one}", pci_address=f"0000:3b:02.{one}")
            for one in range(shape.functions)
        )
        found.append(
            HostInterface(
                name="ens2",
                kind="physical",
                speed=100_000,
                numa_node=shape.nodes[-1],
                vf_total=shape.functions,
                vfs=functions,
            )
        )
    return found


def _instance(state: World, shape: Shape, number: int, *, project: str, chosen: random.Random) -> None:
    name = f"{_NAMES[number % len(_NAMES)]}-{number // len(_NAMES) + 1}"
    small = shape.threads * len(shape.nodes) <= 8
    cores = 1 if small else chosen.choice((1, 2, 2, 4))
    memory = 512 if small else chosen.choice((1024, 2048, 4096))
    running = chosen.random() < 0.8
    mac = f"00:16:3e:10:{number // 256:02x}:{number % 256:02x}"
    state.instances[f"{project}/{name}"] = InstanceFacts(
        name=name,
        project=project,
        architecture="amd64/generic",
        cores=cores,
        memory=memory,
        power=PowerState.ON if running else PowerState.OFF,
        disks=(DiskFacts(device="root", pool="default", size=chosen.choice((8, 10, 20)) * GB),),
        interfaces=(InterfaceFacts(device="eth0", mac=mac, attach="network", parent="lxdbr0"),),
    )


def prepare(settings: Settings) -> Settings:
    """Have the hosts' files in the data directory; the settings with them."""
    directory = settings.data / "fleet"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, made in worlds().items():
        file = directory / f"{name}.json"
        if not file.exists():
            with world(file) as state:
                for field in made.__struct_fields__:
                    setattr(state, field, getattr(made, field))
    return settings.model_copy(update={"simulated_hosts": directory})


async def fill(app: FastAPI) -> None:
    """Add the hosts that are not there yet, and compose machines on them. What fails is logged and left."""
    house: House = app.state.house
    database = house.services.database
    known = {one.name for one in await database.reading(hosts.listing)}
    if {shape.name for shape in SHAPES} <= known:
        return
    (admin, *_) = [one for one in await database.reading(users.listing) if one.is_admin]
    caller = _Caller(app, Actor(user_id=admin.id, username=admin.username, is_admin=True))
    for rack in (1, 2, 3):
        await caller.call("POST", "zones/", name=f"rack{rack}", description=f"The machines of rack {rack}.")
    for name in ("production", "staging"):
        await caller.call("POST", "resourcepools/", name=name, description=f"What is for {name}.")
    ids: dict[str, Any] = {}
    for shape in SHAPES:
        fields = {"cpu_over_commit_ratio": shape.cpu_ratio, "memory_over_commit_ratio": shape.memory_ratio}
        place = {"zone": f"rack{shape.rack}", "tags": f"virtual,rack{shape.rack}"}
        made = await caller.call(
            "POST", "vm-hosts/", type="simulated", name=shape.name, power_address=shape.name, **fields, **place
        )
        ids[shape.name] = made["id"] if isinstance(made, dict) else None
    chosen = random.Random(11)
    able = [one for one in SHAPES if (one.threads - one.offline) * len(one.nodes) >= ROOMY and one.memory_ratio != "0"]
    for number in range(COMPOSED):
        shape = able[number % len(able)]
        fields = {"cores": str(chosen.choice((1, 2))), "memory": str(chosen.choice((1024, 2048)))}
        if number % 9 == 4:
            fields = {"pinned_cores": f"{number % 8}", "memory": "1024"}
        if shape.huge_pages and number % 4 < 2:
            fields["hugepages_backed"] = "true"
        if number % 10 == 3:
            fields["storage"] = "root:8(default),data:20"
        fields["pool"] = chosen.choice(("default", "production", "staging"))
        await caller.call("POST", f"vm-hosts/{ids[shape.name]}/", op="compose", hostname=f"inn-{number + 1}", **fields)
    with world(settings_file(house, "yew")) as state:
        state.up = False
    log.info("the demo fleet is there", hosts=len(SHAPES), machines=ADOPTED + COMPOSED)


def settings_file(house: House, name: str) -> Any:
    """The file of a host of the fleet."""
    directory = house.services.settings.simulated_hosts
    assert directory is not None
    return directory / f"{name}.json"


class _Caller:
    """Calls of the API's table, as somebody."""

    def __init__(self, app: FastAPI, actor: Actor) -> None:
        self._calls: Dispatch = app.state.calls
        self._actor = actor

    async def call(self, method: str, path: str, *, op: str | None = None, **fields: str) -> Any:
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "headers": [],
            "query_string": b"",
            "client": None,
        }
        try:
            return await self._calls.perform(
                actor=self._actor,
                request=Request(scope, _silence),
                method=method,
                path=path,
                op=op,
                sent=tuple(fields.items()),
            )
        except InnkeeperError as error:
            log.warning("of the demo fleet", path=path, op=op, error=str(error))
            return None


async def _silence() -> NoReturn:
    await anyio.sleep_forever()
    raise AssertionError
