"""The server is killed right before or right after each call of a change of sizes, and started again.

While it is dead the claim holds the larger of both: whatever the host has by then, nobody else is given that room.
In the end the record, the claim and the host say the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa

from innkeeper.hypervisors.simulated_world import GB, Fault
from innkeeper.model.machine import PowerState
from innkeeper.store.tables import claim, claim_storage
from tests.kit.client import Client
from tests.laws.conftest import Site
from tests.laws.test_kill import Death, add, deaths, kill, last

Sizes = tuple[int, int, tuple[int, ...]]  # cores, memory (MiB), bytes of each disk, the root disk first


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A machine with a root disk and a data volume that is off, and its host."""

    site: Site
    admin: Client
    host: str
    host_id: int
    system_id: str

    @property
    def key(self) -> str:
        return f"default/{self.host}-web"

    async def dies_of(self, path: str, *faults: Fault, **fields: Any) -> None:
        """Send a change during which the server dies of these faults; then it is not started yet."""
        self.site.fault(self.host, *faults)
        with pytest.raises(httpx2.TransportError):
            await self.admin.put(path, **fields)
        self.site.server.wait_dead()

    async def goes_on(self) -> None:
        self.site.server.start()
        await self.site.quiet()
        assert self.site.see(self.host).faults == [], "it died of something else"
        assert self.site.accounts.wrong() == []

    async def disk(self, number: int) -> str:
        """The path of one of its disks."""
        disks = (await self.admin.get(f"machines/{self.system_id}/"))["blockdevice_set"]
        return f"nodes/{self.system_id}/blockdevices/{disks[number]['id']}/"

    async def recorded(self) -> Sizes:
        one = await self.admin.get(f"machines/{self.system_id}/")
        return one["cpu_count"], one["memory"], tuple(disk["size"] for disk in one["blockdevice_set"])

    def held(self) -> Sizes:
        """What its claim holds, as the tables have it."""
        with self.site.accounts.database.read() as sql:
            row = sql.execute(sa.select(claim).where(claim.c.system_id == self.system_id)).one()
            of_it = sa.select(claim_storage.c.size).where(claim_storage.c.claim_id == row.id)
            return row.cores, row.memory, tuple(sql.scalars(of_it.order_by(claim_storage.c.position)))

    def there(self) -> Sizes:
        """What its host has; a volume's own size is the one of its disk."""
        state = self.site.see(self.host)
        facts = state.instances[self.key]
        for disk in facts.disks[1:]:
            assert state.volumes[f"{disk.pool}/default/{disk.volume}"].size == disk.size
        return facts.cores, facts.memory, tuple(disk.size or 0 for disk in facts.disks)

    async def all_are(self, sizes: Sizes) -> None:
        assert (await self.recorded(), self.held(), self.there()) == (sizes, sizes, sizes)


async def sized(site: Site, admin: Client) -> Sized:
    host, host_id = await add(site, admin)
    system_id = await admin.compose(host_id, hostname=f"{host}-web", cores=2, memory=2048, storage="root:8,data:5")
    return Sized(site=site, admin=admin, host=host, host_id=host_id, system_id=system_id)


BEFORE: Sizes = (2, 2048, (8 * GB, 5 * GB))
BOTH = {"cpu_count": 5, "memory": 1024}  # more of one thing, less of the other
AFTER: Sizes = (5, 1024, BEFORE[2])
WHILE: Sizes = (5, 2048, BEFORE[2])  # what is held meanwhile
GROWN: Sizes = (2, 2048, (8 * GB, 9 * GB))
CUT_RESIZE = Fault(call="resize", kind="cut", when="after")  # it was done, and we do not know
CUT_GROWTH = Fault(call="resize_disk", kind="cut", when="after")


@deaths("settle", "resize", "instance 3")
async def test_a_resize_goes_on(site: Site, death: Death) -> None:
    """At its first step, at its second one, and when what was made is looked at."""
    async with site.admin() as admin:
        one = await sized(site, admin)
        await one.dies_of(f"machines/{one.system_id}/", *kill(death), **BOTH)
        assert one.held() == WHILE
        await one.goes_on()
        await one.all_are(AFTER)
    assert last(site, "resize", one.host_id).state == "done"


@deaths("resize", "instance 5")
async def test_the_undo_of_a_resize_goes_on(site: Site, death: Death) -> None:
    """It was made and its answer is lost; the second call, and the fifth look, are those that take it back."""
    async with site.admin() as admin:
        one = await sized(site, admin)
        await one.dies_of(f"machines/{one.system_id}/", CUT_RESIZE, *kill(death), **BOTH)
        assert one.held() == WHILE
        await one.goes_on()
        await one.all_are(BEFORE)
        assert last(site, "resize", one.host_id).state == "failed"
        await admin.put(f"machines/{one.system_id}/", **BOTH)  # and can be asked for again
        await one.all_are(AFTER)
    assert site.accounts.wrong() == []


async def test_a_resize_that_cannot_be_undone_is_what_it_has(site: Site) -> None:
    """Its VM is started on the host while the server is dead. It can be stopped afterwards, as any other."""
    async with site.admin() as admin:
        one = await sized(site, admin)
        dies = kill(Death(when="before", call="resize"))
        await one.dies_of(f"machines/{one.system_id}/", CUT_RESIZE, *dies, **BOTH)
        started = replace(site.see(one.host).instances[one.key], power=PowerState.ON)
        site.change(one.host, lambda state: state.instances.update({one.key: started}))
        await one.goes_on()
        await one.all_are(AFTER)
        assert last(site, "resize", one.host_id).state == "failed"
        stopped = await admin.post(f"machines/{one.system_id}/", op="power_off", stop_mode="hard")
        assert stopped["power_state"] == "off"
    assert site.accounts.wrong() == []


@pytest.mark.parametrize(("when", "ends"), [("before", "failed"), ("after", "done")])
async def test_a_resize_of_what_was_started_meanwhile(site: Site, when: str, ends: str) -> None:
    """Changed already: done. Not yet: it runs and stays what it is."""
    async with site.admin() as admin:
        one = await sized(site, admin)
        await one.dies_of(f"machines/{one.system_id}/", *kill(Death(when=when, call="resize")), **BOTH)
        started = replace(site.see(one.host).instances[one.key], power=PowerState.ON)
        site.change(one.host, lambda state: state.instances.update({one.key: started}))
        await one.goes_on()
        await one.all_are(BEFORE if ends == "failed" else AFTER)
    assert last(site, "resize", one.host_id).state == ends


@deaths("settle", "resize_disk")
async def test_a_data_volume_goes_on_growing(site: Site, death: Death) -> None:
    await _grows(site, death, 1, (8 * GB, 9 * GB))


@deaths("resize_disk")
async def test_a_root_disk_goes_on_growing(site: Site, death: Death) -> None:
    await _grows(site, death, 0, (11 * GB, 5 * GB))


async def _grows(site: Site, death: Death, number: int, after: tuple[int, int]) -> None:
    async with site.admin() as admin:
        one = await sized(site, admin)
        await one.dies_of(await one.disk(number), *kill(death), size=after[number])
        assert one.held() == (2, 2048, after)
        await one.goes_on()
        await one.all_are((2, 2048, after))
    assert last(site, "grow_disk", one.host_id).state == "done"


@deaths("resize_disk")
async def test_the_undo_of_a_growth_goes_on(site: Site, death: Death) -> None:
    async with site.admin() as admin:
        one = await sized(site, admin)
        await one.dies_of(await one.disk(1), CUT_GROWTH, *kill(death), size=9 * GB)
        assert one.held() == GROWN
        await one.goes_on()
        await one.all_are(BEFORE)
    assert last(site, "grow_disk", one.host_id).state == "failed"


async def test_a_growth_that_cannot_be_undone_is_what_it_has(site: Site) -> None:
    """The next process hears from the host that no disk becomes smaller."""
    refused = Fault(call="resize_disk", kind="refuse")
    async with site.admin() as admin:
        one = await sized(site, admin)
        dies = kill(Death(when="before", call="resize_disk"))
        await one.dies_of(await one.disk(1), CUT_GROWTH, *dies, refused, size=9 * GB)
        assert one.held() == GROWN
        await one.goes_on()
        await one.all_are(GROWN)
    assert last(site, "grow_disk", one.host_id).state == "failed"
