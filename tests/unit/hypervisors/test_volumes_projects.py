"""Volumes and projects: made once, deleted when they are ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from innkeeper.errors import HostRefused, HostUnreachable
from innkeeper.hypervisors.lxd.driver import Lxd
from tests.doubles.lxd import Cut, LxdDouble, Refuse
from tests.unit.hypervisors.specs import TAGS, VOLUME


async def test_volume_is_made_once_and_carries_our_marks(driver: Lxd, double: LxdDouble) -> None:
    assert await driver.volume_tags(pool="default", name="m1-disk1") is None
    await driver.create_volume(VOLUME)
    await driver.create_volume(VOLUME)
    assert await driver.volume_tags(pool="default", name="m1-disk1") == TAGS
    ((_, body),) = double.bodies
    assert (body["content_type"], body["config"]["size"]) == ("block", "5000000000")


async def test_volume_after_a_lost_answer(driver: Lxd, double: LxdDouble) -> None:
    double.faults["POST /1.0/storage-pools/default/volumes/custom"] = Cut(done=True)
    with pytest.raises(HostUnreachable, match="outcome is unknown"):
        await driver.create_volume(VOLUME)
    await driver.create_volume(VOLUME)
    assert len(double.bodies) == 1


async def test_volume_where_another_is(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_volume("m1-disk1", size="1GiB")
    with pytest.raises(HostRefused, match="already has volume m1-disk1") as taken:
        await driver.create_volume(VOLUME)
    assert taken.value.code == 409
    await driver.delete_volume(pool="default", name="m1-disk1", machine="m1")
    assert double.bodies == []


async def test_volume_is_deleted_once(driver: Lxd, double: LxdDouble) -> None:
    await driver.create_volume(VOLUME)
    for _ in range(2):
        await driver.delete_volume(pool="default", name="m1-disk1", machine="m1")
        assert double.world.volumes == {}


async def test_volume_that_another_vm_holds_is_not_deleted(driver: Lxd, double: LxdDouble) -> None:
    await driver.create_volume(VOLUME)
    double.world.add_instance("vm", devices={"d": {"type": "disk", "pool": "default", "source": "m1-disk1"}})
    with pytest.raises(HostRefused, match="still in use"):
        await driver.delete_volume(pool="default", name="m1-disk1", machine="m1")


async def test_volume_in_a_pool_that_is_not_there(driver: Lxd) -> None:
    with pytest.raises(HostRefused, match="Storage pool not found"):
        await driver.create_volume(replace(VOLUME, pool="nope"))


async def test_T14_a_missing_project_is_made_once(connected: Callable[..., Awaitable[Lxd]], double: LxdDouble) -> None:
    driver = await connected("maas")
    for _ in range(2):
        await driver.ensure_project(description="Machines", tags=TAGS)
    ((_, body),) = double.bodies
    assert (body["name"], body["description"]) == ("maas", "Machines")
    assert body["config"]["features.images"] == "false"
    assert body["config"]["user.innkeeper.operation"] == "o1"


async def test_a_project_made_by_another_meanwhile(connected: Callable[..., Awaitable[Lxd]], double: LxdDouble) -> None:
    driver = await connected("maas")
    double.faults["POST /1.0/projects"] = Cut(done=True)
    with pytest.raises(HostUnreachable):
        await driver.ensure_project(description="", tags=TAGS)
    double.faults = {"GET /1.0/projects/maas": Refuse(404, "Project not found", times=1)}
    await driver.ensure_project(description="", tags=TAGS)  # refused as a duplicate, and there


async def test_project_is_deleted_when_we_made_it_and_it_is_empty(
    connected: Callable[..., Awaitable[Lxd]], double: LxdDouble
) -> None:
    driver = await connected("maas")
    await driver.delete_project(operation="o1")
    await driver.ensure_project(description="", tags=TAGS)
    await driver.delete_project(operation="o2")
    await driver.delete_project(operation="")
    double.world.add_instance("vm", project="maas")
    await driver.delete_project(operation="o1")
    assert "maas" in double.world.projects
    double.world.instances.clear()
    for _ in range(2):
        await driver.delete_project(operation="o1")
        assert "maas" not in double.world.projects


async def test_project_that_the_host_does_not_delete(
    connected: Callable[..., Awaitable[Lxd]], double: LxdDouble
) -> None:
    driver = await connected("maas")
    await driver.ensure_project(description="", tags=TAGS)
    double.faults["DELETE /1.0/projects/maas"] = Refuse(500, "database is locked")
    with pytest.raises(HostRefused, match="database is locked"):
        await driver.delete_project(operation="o1")
