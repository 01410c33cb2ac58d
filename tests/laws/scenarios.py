"""For every kind of operation a story in which all of its steps have something to do. The laws are told with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from innkeeper.model.constraints import GB, DiskRequest
from innkeeper.model.host import Host
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import DiskFacts, InstanceFacts, Machine, PowerState
from innkeeper.model.request import Request
from innkeeper.operations import add_host, commission, decompose, power, reconnect_host, refresh, remove_host, resize
from innkeeper.operations.reconnect_host import Reconnect
from innkeeper.operations.saga import Saga
from innkeeper.store import hosts, machines, secrets
from tests.laws.image_scenarios import IMAGES
from tests.laws.life_scenarios import LIFE
from tests.laws.network_scenarios import NETWORK
from tests.laws.scenario import Order, Scenario
from tests.laws.stage import Stage, credentials

WEB = Request(
    hostname="web",
    cores=2,
    disks=(DiskRequest(label="root", size=8 * GB), DiskRequest(size=5 * GB), DiskRequest(size=6 * GB)),
)
DB = Request(hostname="db", disks=(DiskRequest(label="root", size=8 * GB), DiskRequest(size=7 * GB)))
FOREIGN = InstanceFacts(
    name="theirs",
    project="default",
    cores=3,
    memory=4096,
    power=PowerState.ON,
    disks=(DiskFacts(device="root", pool="default", size=10 * GB),),
)


async def _two_machines(stage: Stage) -> tuple[Host, Machine, Machine]:
    """A host with two composed machines and a VM that was there before."""
    stage.change("alpha", lambda state: state.instances.update({"default/theirs": FOREIGN}))
    stage.change("alpha", lambda state: setattr(state, "trusting", False))
    host = await stage.add_host("alpha", secret="token")
    return host, await stage.compose(host.id, request=WEB), await stage.compose(host.id, request=DB)


def _names(stage: Stage) -> set[str]:
    return {facts.name for facts in stage.see("alpha").instances.values()}


def _machines(stage: Stage) -> dict[str, Machine]:
    return {one.hostname: one for one in stage.services.database.ask(machines.listing)}


async def _adding(stage: Stage) -> Order:
    def make(state: object) -> None:
        state.trusting = False  # type: ignore[attr-defined]
        state.instances = {"default/theirs": FOREIGN}  # type: ignore[attr-defined]

    stage.change("alpha", make)
    return lambda: stage.order_host("alpha", secret="token", project="inn")[1]


def _added(stage: Stage) -> None:
    state = stage.see("alpha")
    assert set(state.projects) == {"default", "inn"}
    assert state.trusted == [credentials("alpha").certificate]
    (host,) = stage.services.database.ask(hosts.listing)
    assert (host.state, host.cores) == ("ready", 16)


async def _enrolling(stage: Stage) -> Order:
    stage.change("alpha", lambda state: setattr(state, "trusting", False))
    host = await stage.add_host("alpha", project="inn")
    assert host.state == "waiting for trust"
    stage.change("alpha", lambda state: state.trusted.append(credentials("alpha").certificate))
    return lambda: stage.services.database.transact(add_host.submit_enrol, host)


async def _reconnecting(stage: Stage) -> Order:
    """To another server (its certificate is named) with a new certificate of ours in place of one we had made."""
    stage.change("alpha", lambda state: setattr(state, "trusting", False))
    host = await stage.add_host("alpha", secret="token", project="inn")

    def move(state: object) -> None:
        state.trusting, state.trusted = False, [credentials("alpha").certificate]  # type: ignore[attr-defined]

    stage.change("beta", move)
    database, services = stage.services.database, stage.services
    certificate, server_certificate = database.ask(hosts.pins, host.id)
    wanted = Reconnect(
        address=f"simulated:{stage.file('beta')}",
        old_address=host.address,
        fingerprint=stage.fingerprint_of("beta"),
        certificate=credentials("new").certificate,
        old_certificate=certificate,
        old_server_certificate=server_certificate,
        old_fingerprint=host.fingerprint,
        old_made_here=True,
        made_here=True,
        redeem=False,
    )

    def order() -> str:
        with database.write() as write:
            secrets.put(write, services.cipher, path=f"host/{host.id}/next-key", text=credentials("new").key)
            return reconnect_host.submit(write, host, wanted, actor="admin")

    return order


def _reconnected(stage: Stage) -> None:
    assert stage.see("beta").trusted == [credentials("new").certificate]
    assert "inn" in stage.see("beta").projects
    (host,) = stage.services.database.ask(hosts.listing)
    kind, target = stage.services.database.ask(hosts.target, stage.services.cipher, host.id)
    assert (target.address, target.credentials.key) == (f"simulated:{stage.file('beta')}", credentials("new").key)
    assert kind == "simulated"


async def _refreshing(stage: Stage) -> Order:
    host, _, _ = await _two_machines(stage)

    def outside(state: object) -> None:
        instances = state.instances  # type: ignore[attr-defined]
        instances["default/web"] = replace(instances["default/web"], cores=5)
        instances["other/more"] = replace(FOREIGN, name="more", project="other")
        del instances["default/theirs"], instances["default/db"]

    stage.change("alpha", outside)
    return lambda: stage.services.database.transact(refresh.submit, host, actor="admin")


def _refreshed(stage: Stage) -> None:
    found = _machines(stage)
    assert found["web"].cores == 5
    assert found["db"].status == Status.MISSING
    assert set(found) == {"alpha", "web", "db"}


async def _composing(stage: Stage) -> Order:
    host = await stage.add_host("alpha")
    return lambda: stage.order_machine(host.id, request=WEB)[1]


def _composed(stage: Stage) -> None:
    assert _names(stage) == {"web"}
    assert len(stage.see("alpha").volumes) == 2
    assert _machines(stage)["web"].status == Status.READY


async def _commissioning(stage: Stage) -> Order:
    _, web, _ = await _two_machines(stage)
    return lambda: stage.services.database.transact(commission.submit, web, actor="admin")


def _commissioned(stage: Stage) -> None:
    assert _machines(stage)["web"].status == Status.READY


async def _resizing(stage: Stage) -> Order:
    """More of one thing, less of the other."""
    _, web, _ = await _two_machines(stage)
    more = {"cores": 5, "memory": 1024, "actor": "admin"}
    return lambda: stage.services.database.transact(resize.submit, web, **more)


def _resized(stage: Stage) -> None:
    facts, record = stage.see("alpha").instances["default/web"], _machines(stage)["web"]
    assert (facts.cores, facts.memory) == (record.cores, record.memory) == (5, 1024)


async def _growing(stage: Stage) -> Order:
    _, web, _ = await _two_machines(stage)
    more = {"size": 9 * GB, "actor": "admin"}
    return lambda: stage.services.database.transact(resize.submit_disk, web, web.disks[1], **more)


def _grown(stage: Stage) -> None:
    assert [one.size for one in _machines(stage)["web"].disks] == [8 * GB, 9 * GB, 6 * GB]
    assert sorted(one.size or 0 for one in stage.see("alpha").volumes.values()) == [6 * GB, 7 * GB, 9 * GB]


async def _starting(stage: Stage) -> Order:
    _, web, _ = await _two_machines(stage)
    return lambda: stage.services.database.transact(power.submit, power.POWER_ON, web, actor="admin")


async def _stopping(stage: Stage) -> Order:
    _, web, _ = await _two_machines(stage)
    database = stage.services.database
    await stage.run(database.transact(power.submit, power.POWER_ON, web, actor="admin"))
    return lambda: database.transact(power.submit, power.POWER_OFF, web, actor="admin")


def _power_is(state: PowerState) -> Callable[[Stage], None]:
    def check(stage: Stage) -> None:
        assert stage.see("alpha").instances["default/web"].power == state
        assert _machines(stage)["web"].power_state == state

    return check


async def _removing_machine(stage: Stage) -> Order:
    _, web, _ = await _two_machines(stage)
    return lambda: stage.services.database.transact(decompose.submit, web, forced=False, actor="admin")


def _machine_removed(stage: Stage) -> None:
    assert _names(stage) == {"db", "theirs"}
    assert len(stage.see("alpha").volumes) == 1
    assert set(_machines(stage)) == {"alpha", "db", "theirs"}


async def _removing_host(stage: Stage) -> Order:
    """With its machines; one is locked and stays on the host, as the one that was there before does."""
    host, _, db = await _two_machines(stage)
    database = stage.services.database
    database.transact(machines.update, db.system_id, locked=True)
    return lambda: database.transact(remove_host.submit, host.id, decompose=True, force=False, actor="admin")


def _host_removed(stage: Stage) -> None:
    assert _names(stage) == {"db", "theirs"}
    assert stage.see("alpha").trusted == []
    assert stage.services.database.ask(hosts.listing) == []
    assert _machines(stage) == {}


_FACTS = ["version", "architectures_json", "cores", "memory", "huge_pages", "stale_json", "inventory_json"]
_READ = (*(("host", name) for name in [*_FACTS, "default_pool"]), ("storage_pool", "*"))
_ALL = (
    Scenario(kind="add_host", tell=_adding, done=_added),
    Scenario(kind="enrol_host", tell=_enrolling, done=_added, loose=(("host", "reason"), ("machine", "*"), *_READ)),
    Scenario(kind="reconnect_host", tell=_reconnecting, done=_reconnected, loose=_READ),
    Scenario(kind="refresh", tell=_refreshing, done=_refreshed, only_reads=True),
    Scenario(kind="compose", tell=_composing, done=_composed),
    Scenario(
        kind="commission",
        tell=_commissioning,
        done=_commissioned,
        loose=(("machine", "status"), ("machine", "status_message")),
        leaves_host=True,
    ),
    Scenario(kind="resize", tell=_resizing, done=_resized),
    Scenario(kind="grow_disk", tell=_growing, done=_grown),
    Scenario(
        kind="power_on",
        tell=_starting,
        done=_power_is(PowerState.ON),
        power_is_free=True,
        loose=(("machine", "used"),),  # it may have run
    ),
    Scenario(kind="power_off", tell=_stopping, done=_power_is(PowerState.OFF), power_is_free=True),
    Scenario(kind="decompose", tell=_removing_machine, done=_machine_removed),
    Scenario(kind="remove_host", tell=_removing_host, done=_host_removed),
    *IMAGES,
    *LIFE,
    *NETWORK,
)
SCENARIOS = {one.kind: one for one in _ALL}


def scenario_of(saga: Saga) -> Scenario:
    """The story of a kind of operation; a kind without one fails the test that asks."""
    assert saga.kind in SCENARIOS, f"there is no scenario for the operation {saga.kind!r}: its laws are not tested"
    return SCENARIOS[saga.kind]
