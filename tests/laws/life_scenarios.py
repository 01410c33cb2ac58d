"""The stories of machines that are deployed, called off and released."""

from __future__ import annotations

from dataclasses import replace

from innkeeper.hypervisors.simulated_world import World
from innkeeper.model.constraints import GB, DiskRequest
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Added, InstanceFacts, Machine, PowerState
from innkeeper.model.request import Request
from innkeeper.operations import arrivals, commission, deploy, release, remake
from innkeeper.store import allocation, deployments, images, machines, users
from innkeeper.store.database import Write
from tests.kit.images import add_image
from tests.laws.scenario import Order, Scenario
from tests.laws.stage import Stage

WEB = Request(
    hostname="web",
    cores=2,
    pinned=(3, 5),
    huge_pages=True,
    disks=(DiskRequest(label="root", size=8 * GB), DiskRequest(size=5 * GB)),
)
# What people set on the instance on its host: a deploy and a release delete it, and it must have all of that again.
ADDED = Added(
    config=(("environment.TOKEN", "hush"), ("user.note", "the one with the GPU")),
    devices=(("gpu", (("pci", "0000:01:00.0"), ("type", "gpu"))), ("root", (("boot.priority", "9"),))),
    profiles=("gpu",),
)
DATA = "#cloud-config\npassword: secret\n"


def _find(stage: Stage, name: str = "web") -> Machine:
    found = stage.services.database.ask(machines.named, name)
    assert found is not None
    return found


async def _allocated(stage: Stage) -> Machine:
    """A machine that somebody allocated and switched on, beside a VM that was there; and an image."""
    database = stage.services.database

    def make(state: World) -> None:
        state.our_end, state.huge_pages = "10.0.0.254", 8 * 2**30
        state.instances["default/theirs"] = InstanceFacts(name="theirs", project="default", power=PowerState.ON)

    stage.change("alpha", make)
    host = await stage.add_host("alpha")
    one = await stage.compose(host.id, request=WEB)
    add_image(stage.services)

    def switch_on(state: World) -> None:
        state.instances["default/web"] = replace(state.instances["default/web"], power=PowerState.ON)
        state.added["default/web"] = ADDED

    stage.change("alpha", switch_on)

    def allocate(write: Write) -> None:
        user = users.create(write, username="ann", password="secret")
        machines.update(write, one.system_id, owner_id=user.id, owner_data_json='{"a": "b"}')
        machines.set_status(write, one.system_id, Status.ALLOCATED)
        remake.settle_power(write, one.system_id, PowerState.ON)

    database.transact(allocate)
    return _find(stage)


def _deploy(stage: Stage) -> str:
    services = stage.services
    (image,) = services.database.ask(images.listing)
    order = {"image": image, "user_data": DATA, "actor": "admin"}
    return services.database.transact(deploy.submit, services.cipher, services.settings, _find(stage), **order)


async def _deploying(stage: Stage) -> Order:
    await _allocated(stage)
    return lambda: _deploy(stage)


def _as_before(state: World) -> None:
    """What was made anew is of the same shape, and has what people had set on it."""
    there = state.instances["default/web"]
    assert (there.cores, there.pinned, there.huge_pages) == (2, (3, 5), True)
    assert state.added == {"default/web": ADDED}


def _started(stage: Stage) -> None:
    one, state = _find(stage), stage.see("alpha")
    assert (one.status, one.power_state, one.osystem, one.distro_series) == (
        Status.DEPLOYING, PowerState.ON, "custom", "tiny",
    )  # fmt: skip
    _as_before(state)
    there = state.instances["default/web"]
    assert (there.power, bool(there.tag("image"))) == (PowerState.ON, True)
    seed = state.seeds["default/web"]
    assert seed.user_data == DATA
    assert "http://10.0.0.254:5240/phone-home/" in seed.vendor_data
    assert len(state.volumes) == 1


async def _deployed(stage: Stage) -> Machine:
    await _allocated(stage)
    await stage.run(_deploy(stage))
    _started(stage)
    return _find(stage)


async def _calling_off(stage: Stage) -> Order:
    one = await _deployed(stage)
    database = stage.services.database
    database.transact(deployments.void_token, one.system_id)  # an order does it, and its failure leaves it at that
    return lambda: database.transact(release.abort, one, actor="admin")


def _empty_again(stage: Stage) -> None:
    state = stage.see("alpha")
    _as_before(state)
    there = state.instances["default/web"]
    assert (there.power, there.tag("image")) == (PowerState.OFF, "")
    assert there.interfaces[0].mac == _find(stage).interfaces[0].mac
    assert state.seeds == {}
    (volume,) = state.volumes.values()
    assert there.tag("operation") == f"{dict(volume.tags)['operation']}-empty", "its data went too"
    assert stage.services.database.ask(deployments.find, _find(stage).system_id) is None


def _called_off(stage: Stage) -> None:
    _empty_again(stage)
    one = _find(stage)
    assert (one.status, one.owner, one.osystem) == (Status.ALLOCATED, "ann", "")


async def _releasing(stage: Stage) -> Order:
    one = await _deployed(stage)
    stage.services.database.transact(arrivals.arrived, one.system_id, how="it called")
    assert _find(stage).status == Status.DEPLOYED
    return lambda: stage.services.database.transact(release.submit, _find(stage), actor="admin")


def _released(stage: Stage) -> None:
    _empty_again(stage)
    one = _find(stage)
    assert (one.status, one.owner, one.owner_data, one.osystem) == (Status.READY, "", (), "")


async def _commissioning(stage: Stage) -> Order:
    """Its owner ran it, then it was found broken: nobody has it, and it holds what they left."""
    one = await _allocated(stage)

    def broken(write: Write) -> None:
        allocation.vacate(write, one.system_id)
        machines.set_status(write, one.system_id, Status.BROKEN)

    stage.services.database.transact(broken)
    return lambda: stage.services.database.transact(commission.submit, _find(stage), actor="admin")


_TOLD = (("machine", "status"), ("machine", "status_message"))
_SWITCHED = (("machine", "power_state"), ("claim", "power_state"))
LIFE = (
    Scenario(
        kind="deploy",
        tell=_deploying,
        done=_started,
        loose=(*_TOLD, *_SWITCHED),
        power_is_free=True,
        makes_anew=True,
    ),
    Scenario(kind="abort_deploy", tell=_calling_off, done=_called_off, loose=_TOLD),
    Scenario(kind="recommission", tell=_commissioning, done=_released, loose=_TOLD),
    Scenario(kind="release", tell=_releasing, done=_released, loose=_TOLD),
)
