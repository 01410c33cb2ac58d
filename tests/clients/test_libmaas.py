"""python-libmaas, as it is on PyPI, drives a server of its own: connect, login, pods, machines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from maas.client import connect, login
from maas.client.bones import CallError
from maas.client.bones.helpers import RemoteError
from maas.client.enum import NodeStatus, PowerState, PowerStopMode
from maas.client.viscera.machines import MachineNotFound

from innkeeper.hypervisors.simulated_world import Fault, world
from tests.clients.stage import SERIES, simulated, simulated_host
from tests.kit.server import Server

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
    with simulated(tmp_path_factory.mktemp("inn")) as one:
        yield one


@pytest.fixture(scope="module")
def address(server: Server) -> str:
    return f"{server.base}/MAAS/"


@pytest.fixture
def client(own_loop: None, server: Server, address: str) -> Any:
    return connect(address, apikey=server.key())


@pytest.fixture
def pod(client: Any, server: Server, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A pod on a simulated host of the test's own."""
    name = request.node.name.removeprefix("test_").replace("_", "-")[:40].strip("-")
    simulated_host(server, name)
    made = client.pods.create(type="simulated", power_address=name, name=name, tags="one,two", power_pass="token")
    yield made
    if made.id in [one.id for one in client.pods.list()]:
        made.delete()


def seen(server: Server, pod: Any) -> Any:
    with world(server.data / "hosts" / f"{pod.name}.json") as state:
        return state


def within(seconds: float, holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_connect(client: Any) -> None:
    me = client.users.whoami()
    assert (me.username, me.is_admin) == ("admin", True)
    assert [(one.username, one.email) for one in client.users.list()] == [("admin", "")]
    assert "authenticate-api" in client.version.get().capabilities
    assert "default" in [zone.name for zone in client.zones.list()]
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
    assert (machine.owner, machine.owner_data, machine.locked) == (None, {}, False)
    assert (machine.osystem, machine.distro_series, machine.ip_addresses) == ("", "", [])
    assert (machine.zone.name, machine.pool.name, machine.domain.name) == ("default", "default", "maas")
    assert [(disk.name, disk.size, disk.uuid) for disk in machine.block_devices] == [
        ("sda", 8 * 10**9, ""),
        ("sdb", 20 * 10**9, ""),
    ]
    [nic] = machine.interfaces
    assert (nic.name, [link.subnet.cidr for link in nic.links], nic.vlan.vid) == ("eth0", ["10.0.0.0/24"], 0)
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


def test_allocate_deploy_release(client: Any, server: Server, pod: Any) -> None:
    """A machine is made for whoever asks, deployed, released; the library takes a 404 for its end."""
    client.zones.create("north")
    with pytest.raises(MachineNotFound):
        client.machines.allocate(cpus=500, pod=pod)
    machine = client.machines.allocate(
        cpus=2, memory=2048, architectures=["amd64"], pod=pod, not_zones=["north"], agent_name="lib", comment="mine"
    )
    assert (machine.status, machine.cpus, machine.memory) == (NodeStatus.ALLOCATED, 2, 2048)
    assert machine.owner.username == "admin"
    data = b"#cloud-config\nusers: []\n" * 50
    machine.deploy(distro_series=SERIES, user_data=data, comment="go", wait=True, wait_interval=0)
    assert (machine.status, machine.distro_series, machine.power_state) == (NodeStatus.DEPLOYED, SERIES, PowerState.ON)
    seed = seen(server, pod).seeds[f"default/{machine.hostname}"]
    assert seed.user_data == data.decode()
    machine.release(comment="done", erase=True, wait=True, wait_interval=0)
    assert seen(server, pod).instances == {}
    with pytest.raises(CallError, match="404"):
        client.machines.get(system_id=machine.system_id)


def test_a_composed_machine_comes_back(client: Any, server: Server, pod: Any) -> None:
    """Allocated by name, aborted, deployed, released, commissioned: it is Ready again and stays."""
    system_id = pod.compose(hostname="stays1", storage="8")["system_id"]
    machine = client.machines.allocate(hostname="stays1")
    assert machine.system_id == system_id
    name = f"default/{machine.hostname}"
    with world(server.data / "hosts" / f"{pod.name}.json") as state:
        state.faults.append(Fault(call="create", kind="delay", seconds=2.0))
    machine.deploy(distro_series=SERIES)
    machine.abort(comment="the wrong image")
    assert machine.status in (NodeStatus.DEPLOYING, NodeStatus.ALLOCATED)  # what was begun is taken back first
    within(20, lambda: client.machines.get(system_id=system_id).status == NodeStatus.ALLOCATED)
    there = seen(server, pod).instances[name]
    assert (there.power, there.tag("image"), seen(server, pod).seeds) == ("off", "", {})
    machine = client.machines.get(system_id=system_id)
    assert (machine.owner.username, machine.distro_series) == ("admin", "")
    with pytest.raises(CallError, match="409"):
        machine.abort()
    machine.deploy(distro_series=SERIES, wait=True, wait_interval=0)
    assert (machine.status, seen(server, pod).instances[name].power) == (NodeStatus.DEPLOYED, "on")
    machine.release(wait=True, wait_interval=0)
    assert client.machines.get(system_id=system_id).status == NodeStatus.READY
    machine = client.machines.get(system_id=system_id)
    machine.commission(wait=True, wait_interval=0)
    machine.mark_broken(comment="smoke")
    assert client.machines.get(system_id=system_id).status == NodeStatus.BROKEN
    machine.mark_fixed(comment="fan")
    assert client.machines.get(system_id=system_id).status == NodeStatus.READY
    machine.delete()


def test_tags_of_machines(client: Any, pod: Any) -> None:
    tag = client.tags.create("lib", comment="by the library")
    assert (tag.name, tag.comment, tag.definition, tag.kernel_opts) == ("lib", "by the library", "", "")
    machine = client.machines.get(system_id=pod.compose(hostname="tagged1")["system_id"])
    machine.tags.add(tag)
    assert [one.name for one in client.machines.get(system_id=machine.system_id).tags] == ["lib"]
    assert [one.name for one in client.tags.list()] == ["lib"]
    machine.tags.remove(tag)
    assert list(client.machines.get(system_id=machine.system_id).tags) == []
    tag.delete()
    assert list(client.tags.list()) == []
    machine.delete()


def test_events(client: Any, pod: Any) -> None:
    """Pages backwards and forwards, as the library walks them."""
    machine = client.machines.get(system_id=pod.compose(hostname="told1")["system_id"])
    machine.power_on(wait=True)
    page = client.events.query(system_ids=[machine.system_id], limit=2, level="DEBUG")
    told = list(page.backwards())
    assert len(told) > 2
    assert {one.hostname for one in told} == {"told1"}
    assert [one.event_id for one in told] == sorted((one.event_id for one in told), reverse=True)
    first = client.events.query(system_ids=[machine.system_id], limit=2, level="DEBUG", after=0)
    assert [one.event_id for one in first.forwards()] == [one.event_id for one in reversed(told)]
    machine.power_off()
    machine.delete()


def test_devices_and_files(client: Any, server: Server) -> None:
    device = client.devices.create(["00:16:3e:00:aa:01"], hostname="libbox", zone="default")
    assert (device.hostname, [nic.mac_address for nic in device.interfaces]) == ("libbox", ["00:16:3e:00:aa:01"])
    assert [one.hostname for one in client.devices.list()] == ["libbox"]
    assert [one.filename for one in client.files.list()] == []


def test_a_key_of_ones_own(client: Any, address: str) -> None:
    made = client.account.create_credentials()
    key = f"{made.consumer_key}:{made.token_key}:{made.token_secret}"
    assert connect(address, apikey=key).users.whoami().username == "admin"
    client.account.delete_credentials(made)
    with pytest.raises(CallError, match="401"):
        connect(address, apikey=key).users.whoami()


def test_networks(client: Any, pod: Any) -> None:
    [subnet] = [one for one in client.subnets.list() if one.cidr == "10.0.0.0/24"]
    assert subnet.vlan.vid == 0
    assert [one.name for one in client.spaces.list()] == ["undefined"]
    assert subnet.vlan.id in {vlan.id for fabric in client.fabrics.list() for vlan in fabric.vlans}


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
