"""A process is frozen (SIGSTOP) for longer than its lease, and woken: what it was about to do is not its work any more.

Two lines of defence are in the process (the guard before every change, the heartbeat that finds itself given up). They
leave microseconds; the sweep of each host closes them, and takes nothing else.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace

import psycopg
import pytest

from innkeeper.hypervisors.simulated_world import Fault, World
from innkeeper.model.machine import InstanceFacts
from tests.kit.databases import fresh_postgres
from tests.kit.forked import freeze
from tests.kit.server import running
from tests.kit.until import until
from tests.laws.conftest import QUICK, Site
from tests.laws.load import Load, sprinkle

pytestmark = pytest.mark.postgres
NewSite = Callable[..., Site]
SWEEP: dict[str, object] = {"refresh_every": 1.5, "sweep_after": 1.0}
LEASE = float(str(QUICK["lease"]))


@pytest.fixture
def url() -> Iterator[str]:
    with fresh_postgres() as one:
        yield one


async def host_id(site: Site, name: str) -> int:
    async with site.admin() as admin:
        return int((await admin.post("vm-hosts/", type="simulated", power_address=name, name=name))["id"])


@pytest.mark.parametrize("step", ["create_volume", "create"])
async def test_a_sleeper_that_wakes_at_its_step_changes_nothing(new_site: NewSite, url: str, step: str) -> None:
    """It falls asleep in the middle of a step; the other one undoes all; it wakes up and would go on with the step."""
    site = new_site(url, servers=2, **(SWEEP | {"sweep_after": 3600.0}))
    sleeper, other = site.servers
    name = site.host(create_seconds=0.0)
    with running(sleeper):
        id = await host_id(site, name)
        # the first volume is made, then it dozes off; next would come the second volume, or the instance
        doze = Fault(call="create_volume", kind="delay", when="after", seconds=1.0)
        passing = [Fault(call="create_volume", kind="delay")] if step == "create" else []
        site.fault(name, *passing, doze)
        async with site.admin(sleeper) as admin:
            form = {"hostname": "web1", "storage": "root:8,data:5,more:2"}
            composing = asyncio.create_task(admin.call("POST", f"vm-hosts/{id}/", op="compose", **form))

            async def dozing() -> bool:
                return not site.see(name).faults

            await until(dozing)
            freeze(sleeper, files=[site.file(name)])
            with running(other):
                site.fault(name, Fault(call="create", kind="refuse"))
                await site.quiet()
                assert [one.state for one in site.accounts.of("compose")] == ["failed"]
                before = site.see(name)
                assert (before.instances, before.volumes) == ({}, {})
                sleeper.signal(signal.SIGCONT)
                answer = await composing
                await asyncio.sleep(1.0)
            after = site.see(name)
    assert answer.status_code == 503
    assert "a fault on demand" in answer.text
    assert (after.instances, after.volumes) == ({}, {})
    for call in ("create", "create_volume"):
        assert after.calls[call] == before.calls[call], f"the sleeper called {call}"
    assert site.accounts.wrong() == []


@pytest.mark.parametrize("fate", ["undone", "removed"])
async def test_what_a_sleeper_makes_between_guard_and_request_is_swept(new_site: NewSite, url: str, fate: str) -> None:
    """The window that no check can close: the guard let it pass, then it slept. Meanwhile all was over."""
    site = new_site(url, servers=2, refresh_every=0.5, sweep_after=3.0)
    for _ in range(3):  # whether it asks the host before it hears that it lost its lease is a matter of microseconds
        if await _made_too_late(site, fate):
            return
    raise AssertionError("the sleeper was stopped before its request each time")


async def _made_too_late(site: Site, fate: str) -> bool:
    """Once; False when the sleeper heard in time, and made nothing."""
    sleeper, other = site.servers
    name, before = site.host(), len(_swept(site))
    with running(sleeper):
        id = await host_id(site, name)
        site.fault(name, Fault(call="create", kind="delay", when="before", seconds=1.0))  # after the guard
        async with site.admin(sleeper) as admin:
            fields = {"hostname": f"{name}-web", "storage": "root:8,data:5"}
            composing = asyncio.create_task(admin.call("POST", f"vm-hosts/{id}/", op="compose", **fields))

            async def past_its_guard() -> bool:
                return site.see(name).calls.get("create") == 1

            await until(past_its_guard)
            freeze(sleeper, files=[site.file(name)])
            with running(other):
                if fate == "undone":
                    site.fault(name, Fault(call="instance", kind="refuse"))
                await site.quiet()
                if fate == "removed":
                    [made] = [one for one in site.accounts.machines() if one.hostname == f"{name}-web"]
                    async with site.admin(other) as admin_of_other:
                        await admin_of_other.delete(f"machines/{made.system_id}/")
                assert site.accounts.wrong() == []
                sleeper.signal(signal.SIGCONT)
                await composing
                await asyncio.sleep(1.0)
                told = [event for event in site.see(name).events if event[1] == "instance-created"]
                if len(told) < 2:
                    return False
                await site.agreed(within=15)
                assert site.see(name).instances == {}
    assert _swept(site)[before:] == [f"removed what belonged to nobody any more: instance {name}-web"]
    return True


def _swept(site: Site) -> list[str]:
    return [one.text for one in site.accounts.events() if one.what == "swept"]


async def test_a_sleeper_in_the_middle_of_its_heartbeat_holds_nobody_up(new_site: NewSite, url: str) -> None:
    """It holds the lock of its own row until PostgreSQL ends its session; the others go on beating and working."""
    site = new_site(url)
    name = site.host()
    with (
        running(site.server),
        psycopg.connect(url.replace("+psycopg", "")) as sleeper,
    ):
        id = await host_id(site, name)
        sleeper.execute("INSERT INTO process (id, beat, address) VALUES ('sleeper', 0, 'elsewhere')")
        sleeper.commit()
        sleeper.execute("UPDATE process SET beat = 1 WHERE id = 'sleeper'")
        # long enough for every heartbeat to have met the row, and for a lease to run out
        await asyncio.sleep(3 * LEASE)
        async with site.admin() as admin:
            await asyncio.wait_for(admin.compose(id, storage="root:8,data:5"), 4 * LEASE)
        sleeper.rollback()

        async def gone() -> bool:
            return sleeper.execute("SELECT 1 FROM process WHERE id = 'sleeper'").fetchone() is None

        await until(gone)
    assert site.accounts.wrong() == []


@pytest.mark.parametrize("seed", [11])
async def test_processes_freeze_and_wake_again_and_again_under_load(new_site: NewSite, url: str, seed: int) -> None:
    site = new_site(url, servers=3, **SWEEP)
    chosen = random.Random(seed)
    names = [site.host(cores=64, memory=2**38, create_seconds=0.1) for _ in range(2)]
    files = [site.file(one) for one in names]
    with running(*site.servers):
        ids = [await host_id(site, one) for one in names]
        for number, name in enumerate(names):
            sprinkle(site, name, seed=seed + number, many=8)
        load = Load(site, ids, seed)
        working = asyncio.create_task(load.run())
        for _ in range(6):
            await asyncio.sleep(chosen.uniform(0.3, 0.9))
            victim = chosen.choice(site.servers)
            await asyncio.to_thread(freeze, victim, files=files)
            await asyncio.sleep(LEASE * chosen.uniform(1.3, 2.2))
            victim.signal(signal.SIGCONT)
        load.stop()
        await working
        await site.quiet()
        before_sweep = site.accounts.wrong()
        await site.agreed(within=10)
    print(f"{load.statuses=} {load.broken=} {load.longest=:.1f} {before_sweep=}")
    assert load.statuses[200] > 10
    assert load.statuses.keys() <= {200, 204, 404, 409, 503}
    assert load.longest < 20


def tagged(facts: InstanceFacts, **tags: str) -> InstanceFacts:
    return replace(facts, tags=tuple((dict(facts.tags) | tags).items()))


def names_on(state: World) -> set[str]:
    """Instances and volumes, by name."""
    return {key.split("/")[1] for key in state.instances} | {key.split("/")[2] for key in state.volumes}


async def test_the_sweep_takes_exactly_what_belongs_to_nobody(new_site: NewSite, url: str) -> None:
    """What a sleeper would have made too late, put there by hand among everything that must stay."""
    site = new_site(url, refresh_every=0.5, sweep_after=2.0)
    name = site.host()
    with running(site.server):
        id = await host_id(site, name)
        async with site.admin() as admin:
            stays = await admin.compose(id, hostname="stays", storage="root:8,data:5")
            gone = await admin.compose(id, hostname="gone", storage="root:8,data:5")
            lived = site.see(name)
            await admin.delete(f"machines/{gone}/")
            site.fault(name, Fault(call="instance", kind="refuse"))
            assert (await admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="failed")).status_code == 503
            failed = site.accounts.of("compose")[0]
            site.fault(name, Fault(call="settle", kind="delay", seconds=4.0))
            slow = asyncio.create_task(admin.compose(id, hostname="slow"))

            async def ordered() -> bool:
                return site.accounts.of("compose")[0].id != failed.id

            await until(ordered)
            at_work = site.accounts.of("compose")[0]
            pattern, removed = lived.instances["default/stays"], lived.instances["default/gone"]
            volume = lived.volumes[f"default/default/innkeeper-{gone}-disk1"]
            late = {
                "late": tagged(pattern, machine=failed.system_id, operation=failed.id),
                "gone": removed,
            }
            kept = {
                "unknown-operation": tagged(pattern, machine="zzzzzz", operation="f" * 32),
                "other-installation": tagged(pattern, installation="another", operation=failed.id),
                "no-mark": replace(pattern, tags=()),
                "copy-of-gone": replace(removed, disks=removed.disks[:1]),  # hypervisors copy marks, not volumes
                "at-work": tagged(pattern, machine=at_work.system_id, operation=at_work.id),
            }
            orphan = replace(
                volume,
                name="innkeeper-orphan",
                tags=tuple((dict(volume.tags) | {"machine": failed.system_id, "operation": failed.id}).items()),
            )
            unknown = replace(
                volume,
                name="innkeeper-unknown",
                tags=tuple((dict(volume.tags) | {"machine": "zzzzzz", "operation": "f" * 32}).items()),
            )

            def put(state: World) -> None:
                for instance, facts in (late | kept).items():
                    state.instances[f"default/{instance}"] = replace(facts, name=instance)
                    state.tell("instance-created", "default", instance)
                for one in (volume, orphan, unknown):
                    state.volumes[f"default/default/{one.name}"] = one

            site.change(name, put)

            async def swept() -> bool:
                return not names_on(site.see(name)) & {*late, volume.name, orphan.name}

            await until(swept, within=15)
            await slow
            await asyncio.sleep(1.5)  # one more look and one more sweep
    assert names_on(site.see(name)) == {"stays", f"innkeeper-{stays}-disk1", "slow", *kept, unknown.name}
