"""python-libmaas, as it is on PyPI, drives a server of its own: connect, login, pods, machines."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from maas.client import connect, login
from maas.client.bones import CallError
from maas.client.bones.helpers import RemoteError
from maas.client.enum import NodeStatus, PowerState, PowerStopMode

from innkeeper.hypervisors.simulated_world import Fault, world
from tests.kit.server import Server, running

# An old library on newer ones: these warnings are not ours to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Deprecated, use .url:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def own_loop() -> Iterator[None]:
    """The library runs its calls in the thread's event loop, which it expects to be there."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("inn")
    (data / "hosts").mkdir()
    one = Server(data, hosts=data / "hosts")
    one.key()
    with running(one):
        yield one


@pytest.fixture(scope="module")
def address(server: Server) -> str:
    return f"{server.base}/MAAS/"


@pytest.fixture
def client(own_loop: None, server: Server, address: str) -> Any:
    return connect(address, apikey=server.key())


@pytest.fixture
def pod(client: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A pod on a simulated host of the test's own."""
    name = request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-")
    made = client.pods.create(type="simulated", power_address=name, name=name, tags="one,two", power_pass="token")
    yield made
    if made.id in [one.id for one in client.pods.list()]:
        made.delete()


def seen(server: Server, pod: Any) -> Any:
    with world(server.data / "hosts" / f"{pod.name}.json") as state:
        return state


def test_connect(client: Any) -> None:
    me = client.users.whoami()
    assert (me.username, me.is_admin) == ("admin", True)
    assert "authenticate-api" in client.version.get().capabilities
    assert [zone.name for zone in client.zones.list()] == ["default"]
    assert [pool.name for pool in client.resource_pools.list()] == ["default"]
    assert [domain.name for domain in client.domains.list()] == ["maas"]
    assert client.maas.get_name() == "innkeeper"


def test_login_with_a_password(address: str) -> None:
    me = login(address, username="admin", password="secret").users.whoami()
    assert me.username == "admin"


def test_a_wrong_password_and_a_wrong_key(address: str) -> None:
    with pytest.raises(RemoteError, match="403 Forbidden"):
        login(address, username="admin", password="wrong")
    with pytest.raises(CallError, match="401"):
        connect(address, apikey="a:b:c").pods.list()


def test_pods_create_list_read(client: Any, pod: Any) -> None:
    assert [one.id for one in client.pods.list()] == [pod.id]
    for one in (pod, client.pods.get(pod.id), client.pods.list()[0]):
        assert (one.name, one.type, one.tags) == ("pods-create-list-read", "simulated", ["one", "two"])
        assert (one.architectures, "composable" in one.capabilities) == (["amd64/generic"], True)
        assert (one.cpu_over_commit_ratio, one.memory_over_commit_ratio) == (1.0, 1.0)
        assert (one.zone.name, one.total["cores"], one.used["cores"], one.available["cores"]) == ("default", 16, 0, 16)
        assert client.machines.get(system_id=one.host.system_id).hostname == one.name


def test_pod_compose(client: Any, server: Server, pod: Any) -> None:
    made = pod.compose(cores=2, memory=4096, storage="root:8,data:20", hostname="web1", zone=pod.zone, domain=0)
    machine = client.machines.get(system_id=made["system_id"])
    assert (machine.hostname, machine.cpus, machine.memory, machine.status) == ("web1", 2, 4096, NodeStatus.READY)
    assert list(seen(server, pod).instances) == ["default/web1"]
    pod.refresh()
    assert client.pods.get(pod.id).used["cores"] == 2
    machine.delete()


def test_pod_refusals(server: Server, pod: Any) -> None:
    for fields, status in (({"cores": 99}, 409), ({"storage": "20GB"}, 400), ({"interfaces": "eth0:space=dmz"}, 400)):
        with pytest.raises(CallError) as refused:
            pod.compose(**fields)
        assert refused.value.status == status
    assert seen(server, pod).instances == {}


def test_pod_parameters(pod: Any) -> None:
    found = pod.parameters()
    assert (found["power_pass"], found["project"]) == ("token", "default")
    assert "PRIVATE KEY" in found["key"]


def test_pod_tags(client: Any, pod: Any) -> None:
    pod.tags = ["two", "three"]
    pod.save()
    assert client.pods.get(pod.id).tags == ["two", "three"]


def test_pod_save(client: Any, pod: Any) -> None:
    """The library's own save sends texts only (a float makes it raise)."""
    pod.name = "renamed"
    pod.save()
    again = client.pods.get(pod.id)
    assert (again.name, again.tags, again.cpu_over_commit_ratio) == ("renamed", ["one", "two"], 1.0)


def test_pod_delete(client: Any, server: Server, pod: Any) -> None:
    pod.compose(hostname="stays")
    host = pod.host.system_id
    pod.delete()
    assert [one.id for one in client.pods.list()] == []
    with pytest.raises(CallError, match="404"):
        client.machines.get(system_id=host)
    assert list(seen(server, pod).instances) == ["default/stays"]


def test_machines(client: Any, server: Server, pod: Any) -> None:
    system_id = pod.compose(hostname="web2", storage="8,20")["system_id"]
    assert {one.hostname for one in client.machines.list()} == {"web2", "machines"}
    [machine] = client.machines.list(hostnames=["web2"])
    assert machine.system_id == system_id
    machine = client.machines.get(system_id=system_id)
    assert (machine.fqdn, machine.architecture, machine.status_name) == ("web2.maas", "amd64/generic", "Ready")
    assert (machine.owner.username, machine.owner_data, machine.locked) == ("admin", {}, False)
    assert (machine.osystem, machine.distro_series, machine.ip_addresses) == ("", "", [])
    assert (machine.zone.name, machine.pool.name, machine.domain.name) == ("default", "default", "maas")
    assert [(disk.name, disk.size, disk.uuid) for disk in machine.block_devices] == [
        ("sda", 8 * 10**9, ""),
        ("sdb", 20 * 10**9, ""),
    ]
    [nic] = machine.interfaces
    assert (nic.name, list(nic.links), nic.vlan) == ("eth0", [], None)
    assert machine.boot_interface.id == nic.id
    assert machine.boot_disk.id == next(iter(machine.block_devices)).id
    machine.delete()
    assert (seen(server, pod).instances, seen(server, pod).volumes) == ({}, {})
    with pytest.raises(CallError, match="404"):
        client.machines.get(system_id=system_id)


def test_machine_power_and_lock(client: Any, pod: Any) -> None:
    machine = client.machines.get(system_id=pod.compose(hostname="web3")["system_id"])
    assert machine.query_power_state() is PowerState.OFF
    machine.power_on(comment="go", wait=True)
    assert (machine.power_state, machine.query_power_state()) == (PowerState.ON, PowerState.ON)
    machine.power_off(stop_mode=PowerStopMode.SOFT, wait=True)
    machine.power_on()
    machine.power_off()
    assert machine.query_power_state() is PowerState.OFF
    assert machine.get_power_parameters()["instance_name"] == "web3"
    machine.lock(comment="mine")
    assert client.machines.get(system_id=machine.system_id).locked is True
    machine.unlock()
    machine.hostname = "web4"
    machine.save()
    assert client.machines.get(system_id=machine.system_id).hostname == "web4"
    machine.delete()


def test_a_host_that_refuses(client: Any, server: Server, pod: Any) -> None:
    with world(server.data / "hosts" / f"{pod.name}.json") as state:
        state.faults.append(Fault(call="create", kind="refuse"))
    with pytest.raises(CallError) as refused:
        pod.compose(hostname="web5")
    assert refused.value.status == 503
    assert [one.hostname for one in client.machines.list()] == [pod.name]


def test_anonymous(address: str) -> None:
    """Without a key only what is for everybody is described to be there."""
    nobody = connect(address)
    assert nobody.version.get().version
