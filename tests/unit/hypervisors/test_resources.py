"""Host resources as LXD reports them, read by the real client from the double."""

from __future__ import annotations

import copy
from typing import Any

from innkeeper.hypervisors.lxd import resources, shapes
from innkeeper.hypervisors.lxd.driver import Lxd
from tests.doubles.lxd import LxdDouble
from tests.doubles.world import sample

GIB = 1024**3


def thread(id: int, node: int | None = 0, **more: Any) -> dict[str, Any]:
    return {"id": id, "thread": 0, "online": True, "isolated": False, **more} | (
        {} if node is None else {"numa_node": node}
    )


def machine(
    nodes: dict[int, list[int]], *, memory: list[dict[str, int]] | None, total: int, **more: int
) -> dict[str, Any]:
    """A host whose threads (one a core) lie on these nodes."""
    cores = [{"core": id, "threads": [thread(id, node)]} for node, ids in nodes.items() for id in ids]
    return {
        "cpu": {"architecture": "x86_64", "sockets": [{"socket": 0, "cores": cores}], "total": len(cores)},
        "memory": {"total": total, "nodes": memory, "hugepages_size": 2 * 1024**2, **more},
        "network": {"cards": [], "total": 0},
    }


async def test_R01_raspberry_pi_has_one_numa_node(driver: Lxd, double: LxdDouble) -> None:
    cores = [{"core": n, "frequency": 1500, "threads": [thread(n)]} for n in range(4)]
    for nodes in ({}, {"nodes": None}, {"nodes": []}):
        double.world.resources = {
            "cpu": {"architecture": "aarch64", "sockets": [{"socket": 0, "cores": cores}], "total": 4},
            "memory": {**nodes, "used": 2 * GIB, "total": 8 * GIB, "hugepages_total": 0, "hugepages_used": 0},
            "network": {"cards": None, "total": 0},
        }
        told = await driver.describe()
        (node,) = told.numa_nodes
        assert (node.id, node.memory, len(node.threads)) == (0, 8 * GIB, 4)
        assert (told.cores, told.memory, told.cpu_model, told.cpu_speed) == (4, 8 * GIB, "", 1500)
        assert told.faults == ()


async def test_R03_a_node_without_memory(driver: Lxd, double: LxdDouble) -> None:
    memory = [{"numa_node": 0, "total": 64 * GIB}, {"numa_node": 1, "total": 0}]
    double.world.resources = machine({0: [0, 1], 1: [2, 3]}, memory=memory, total=64 * GIB)
    told = await driver.describe()
    assert [(node.id, node.memory, len(node.threads)) for node in told.numa_nodes] == [(0, 64 * GIB, 2), (1, 0, 2)]


async def test_R05_numa_ids_are_kept(driver: Lxd, double: LxdDouble) -> None:
    memory = [{"numa_node": id, "total": GIB} for id in (17, 0, 16, 1)]
    double.world.resources = machine({0: [0], 1: [8], 16: [16], 17: [24]}, memory=memory, total=4 * GIB)
    told = await driver.describe()
    assert [node.id for node in told.numa_nodes] == [0, 1, 16, 17]
    assert [node.threads[0].id for node in told.numa_nodes] == [0, 8, 16, 24]


async def test_R07_numa_node_on_the_core(driver: Lxd, double: LxdDouble) -> None:
    cores = [{"core": n, "numa_node": n // 2, "threads": [thread(n, None)]} for n in range(4)]
    cores.append({"core": 9, "numa_node": 0, "threads": [thread(9, 1)]})  # the thread's own word counts
    double.world.resources = {
        "cpu": {"sockets": [{"socket": 0, "cores": cores}]},
        "memory": {"total": 2 * GIB, "nodes": [{"numa_node": 0, "total": GIB}, {"numa_node": 1, "total": GIB}]},
        "network": {},
    }
    told = await driver.describe()
    assert [[thread.id for thread in node.threads] for node in told.numa_nodes] == [[0, 1], [2, 3, 9]]


async def test_R09_a_card_without_ports(driver: Lxd, double: LxdDouble) -> None:
    double.world.resources["network"]["cards"].append({"driver": "rp1", "pci_address": "0001:01:00.0"})
    double.world.resources["network"]["cards"].append({"driver": "rp1", "ports": None})
    told = await driver.describe()
    assert {one.name for one in told.interfaces} == {"eth0", "incusbr0", "lxdbr0"}
    assert told.faults == ()


async def test_R10_infiniband_and_management_cards_are_not_offered(driver: Lxd, double: LxdDouble) -> None:
    address = "80:00:00:28:fe:80:00:00:00:00:00:00:98:03:9b:03:00:a1:a8:fe"
    double.world.resources["network"]["cards"] += [
        {"driver": "mlx5_core", "ports": [{"id": "ibs2", "address": address, "protocol": "infiniband"}]},
        {"driver": "cdc_ether", "usb_address": "1:4", "ports": [{"id": "idrac", "address": "d0:8e:79:00:00:01"}]},
        {"driver": "r8152", "usb_address": "2:1", "ports": [{"id": "enx1", "address": "d0:8e:79:00:00:02"}]},
    ]
    for name, mac in (("ibs2", address), ("idrac", "d0:8e:79:00:00:01"), ("enx1", "d0:8e:79:00:00:02")):
        double.world.networks.append({"name": name, "type": "physical", "managed": False, "config": {}})
        double.world.network_states[name] = {"hwaddr": mac, "mtu": 1500, "state": "up", "addresses": None}
    told = {one.name: one for one in (await driver.describe()).interfaces}
    assert {name: (one.ethernet, one.mac) for name, one in told.items() if name in ("ibs2", "idrac", "enx1")} == {
        "ibs2": (False, ""),
        "idrac": (False, "d0:8e:79:00:00:01"),
        "enx1": (True, "d0:8e:79:00:00:02"),
    }


async def test_R13_s390x(driver: Lxd, double: LxdDouble) -> None:
    double.world.server["environment"]["kernel_architecture"] = "s390x"
    double.world.server["environment"]["architectures"] = ["s390x"]
    cores = [{"core": 0, "threads": [thread(0)]}]
    double.world.resources["cpu"] = {"architecture": "s390x", "sockets": [{"socket": 0, "cores": cores}]}
    told = await driver.describe()
    assert (told.architectures, told.cpu_speed, told.cpu_model, told.cores) == (("s390x/generic",), 0, "", 1)


async def test_R14_huge_pages_are_kept_per_node(driver: Lxd, double: LxdDouble) -> None:
    pages = {"hugepages_total": 16 * GIB, "hugepages_used": 4 * GIB}
    memory = [{"numa_node": n, "total": 32 * GIB, **pages} for n in (0, 1)]
    double.world.resources = machine(
        {0: [0], 1: [1]}, memory=memory, total=64 * GIB, hugepages_total=32 * GIB, hugepages_used=8 * GIB
    )
    double.world.resources["memory"]["hugepages_size"] = GIB
    told = await driver.describe()
    assert told.memory is not None
    assert told.memory - told.huge_page_bytes == 32 * GIB
    for node in told.numa_nodes:
        (one,) = node.huge_pages
        assert (one.page_size, one.total - one.used) == (GIB, 12 * GIB)


async def test_R16_only_the_kernels_own_architecture_is_offered(driver: Lxd, double: LxdDouble) -> None:
    assert double.world.server["environment"]["architectures"] == ["x86_64", "i686"]
    assert (await driver.describe()).architectures == ("amd64/generic",)


async def test_big_host_with_virtual_functions(driver: Lxd, double: LxdDouble) -> None:
    """An LXD on an invented topology: 2 sockets, 32 threads on 4 nodes, huge pages, SR-IOV with its VFs listed too."""
    double.world.resources = sample("resources-fake-2s16c32t4n")
    names = ["ens1f0", "ens2f0", "ens1f0v0", "ens1f0v1", "ens1f0v2", "ens1f0v3"]
    for name in names:
        double.world.networks.append({"name": name, "type": "physical", "managed": False, "config": {}})
        double.world.network_states[name] = {"hwaddr": "aa:bb:cc:00:00:09", "mtu": 9000, "state": "down"}
    told = await driver.describe()
    assert [thread.id for thread in told.threads] == list(range(32))
    assert [len(node.threads) for node in told.numa_nodes] == [8, 8, 8, 8]
    assert {(t.socket, t.core) for t in told.threads if t.id in (0, 16)} == {(0, 0)}
    assert sum(node.memory for node in told.numa_nodes) == told.memory == 256 * GIB
    assert told.huge_page_bytes == 8 * GIB
    assert (told.cpu_model, told.cpu_speed) == ("AMD EPYC 7302P 16-Core Processor", 3300)
    by_name = {one.name: one for one in told.interfaces}
    port = by_name["ens1f0"]
    assert (port.vf_total, port.numa_node, port.pci_address, port.up) == (63, 1, "0000:41:00.0", False)
    assert [(vf.id, vf.pci_address, vf.address) for vf in port.vfs][:2] == [
        ("ens1f0v0", "0000:41:10.0", "aa:bb:cc:00:00:01"),
        ("ens1f0v1", "0000:41:10.1", "aa:bb:cc:00:00:02"),
    ]
    assert not any(name.startswith("ens1f0v") for name in by_name)  # told with their port, not beside it
    assert not any("ens1f0v" in request for request in double.requests)


async def test_offline_threads_and_underflown_huge_pages(driver: Lxd, double: LxdDouble) -> None:
    double.world.resources = sample("resources-fake-1s4c-offline")
    told = await driver.describe()
    assert (len(told.threads), told.cores) == (4, 3)
    assert told.huge_page_bytes == 0
    reading = copy.deepcopy(double.world.resources)
    reading["memory"]["nodes"][0]["hugepages_total"] = 4 * 1024**2  # used is 18446744071822114816
    double.world.resources = reading
    ((page,),) = [node.huge_pages for node in (await driver.describe()).numa_nodes]
    assert (page.total, page.used) == (4 * 1024**2, 0)


def test_cpu_speed_by_name_turbo_or_mean() -> None:
    def speed(*sockets: shapes.Socket) -> int:
        return resources.processors(shapes.Resources(cpu=shapes.Cpu(sockets=list(sockets)))).speed

    cores = [shapes.Core(frequency=1510), shapes.Core(frequency=1730)]
    assert speed(shapes.Socket(name="Xeon E5 @ 2.40GHz", frequency_turbo=3300)) == 2400
    assert speed(shapes.Socket(name="EPYC", frequency_turbo=3300, cores=cores)) == 3300
    assert speed(shapes.Socket(name="EPYC", frequency=1500, cores=cores)) == 1600
    assert speed(shapes.Socket(frequency=1450)) == 1400
    assert speed() == 0


def test_empty_resources() -> None:
    assert resources.processors(shapes.Resources()) == resources.Processors()
    assert resources.card_ports(shapes.Resources()) == {}
