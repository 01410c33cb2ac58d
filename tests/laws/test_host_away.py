"""A host that goes away: before, in the middle of, and after what is asked of it. Nothing is lost, nothing leaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from innkeeper.hypervisors.simulated_world import Fault, World
from tests.kit.accounts import Accounts
from tests.kit.house import Inn, inn
from tests.kit.until import until

FORM = {"cores": 2, "storage": "root:8,data:5"}


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[Inn]:
    async with inn(tmp_path, database_url, compose_wait=4.0, poll_every=0.3, lease=2.0, beat=0.4) as one:
        yield one


@pytest.fixture
def accounts(database_url: str) -> Iterator[Accounts]:
    one = Accounts(database_url)
    yield one
    one.close()


def down(world: World) -> None:
    world.up = False


def up(world: World) -> None:
    world.up = True


async def quiet(accounts: Accounts) -> None:
    async def ended() -> bool:
        return not accounts.open()

    await until(ended, within=20)


async def back(house: Inn, accounts: Accounts, host: int) -> None:
    """The host answers again: wait until that is known, and until everything that waited for it has ended."""
    house.change("alpha", up)

    async def ready() -> bool:
        return bool((await house.admin.get(f"vm-hosts/{host}/"))["state"] == "ready")

    await until(ready, within=20)
    await quiet(accounts)


async def cores(house: Inn, host: int) -> tuple[int, int]:
    """Held by machines of ours, and by everything else."""
    figure = (await house.admin.get(f"vm-hosts/{host}/"))["limits"]["cores"]
    return figure["claimed"], figure["others"]


async def test_a_host_that_is_down_decomposes_nothing_without_force(house: Inn, accounts: Accounts) -> None:
    host = await house.add_host()
    machine = await house.admin.compose(host, **FORM)
    house.change("alpha", down)
    refused = await house.admin.call("DELETE", f"machines/{machine}/")
    assert refused.status_code == 503
    assert "alpha" in refused.text
    assert "retry-after" not in refused.headers
    assert (await house.admin.get(f"machines/{machine}/"))["status_name"] == "Ready"
    assert await cores(house, host) == (2, 0)
    house.change("alpha", up)
    await house.admin.delete(f"machines/{machine}/")
    assert accounts.wrong() == []


async def test_a_forced_decompose_is_done_when_the_host_is_back(house: Inn, accounts: Accounts) -> None:
    host = await house.add_host()
    machine = await house.admin.compose(host, hostname="web1", **FORM)
    house.change("alpha", down)
    await house.admin.delete(f"machines/{machine}/", force="true")
    assert (await house.admin.call("GET", f"machines/{machine}/")).status_code == 404
    assert await cores(house, host) == (0, 2), "its capacity is not free: the VM is still there"
    taken = await house.admin.call("POST", f"vm-hosts/{host}/", op="compose", hostname="web1")
    assert taken.status_code == 409
    await back(house, accounts, host)
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})
    assert await cores(house, host) == (0, 0)
    await house.admin.compose(host, hostname="web1", **FORM)
    assert accounts.wrong() == []


async def test_a_host_that_goes_down_while_it_makes_a_machine(house: Inn, accounts: Accounts) -> None:
    host = await house.add_host()
    house.change("alpha", lambda world: setattr(world, "create_seconds", 0.6))
    composing = asyncio.create_task(
        house.admin.call("POST", f"vm-hosts/{host}/", op="compose", hostname="web1", **FORM)
    )

    async def making() -> bool:
        return bool(house.see("alpha").making)

    await until(making)
    house.change("alpha", down)
    answer = await composing
    assert answer.status_code == 503
    assert "alpha" in answer.text
    assert "retry-after" not in answer.headers
    assert await cores(house, host) == (2, 0), "what may be on the host stays counted"
    again = await house.admin.call("POST", f"vm-hosts/{host}/", op="compose", hostname="web1", **FORM)
    assert again.status_code == 503
    await back(house, accounts, host)
    world = house.see("alpha")
    assert (world.instances, world.volumes, world.making) == ({}, {}, {})
    assert await cores(house, host) == (0, 0)
    assert len(accounts.of("compose")) == 1
    assert accounts.wrong() == []
    await house.admin.compose(host, hostname="web1", **FORM)


async def test_a_host_that_goes_down_in_the_middle_of_a_decompose(house: Inn, accounts: Accounts) -> None:
    """The instance is gone, a volume is not: the client hears that it is not over; it ends when the host is back."""
    host = await house.add_host()
    machine = await house.admin.compose(host, hostname="web1", **FORM)
    house.change(
        "alpha", lambda world: world.faults.append(Fault(call="delete", kind="delay", when="after", seconds=0.5))
    )
    removing = asyncio.create_task(house.admin.call("DELETE", f"machines/{machine}/"))

    async def half() -> bool:
        return not house.see("alpha").instances

    await until(half)
    house.change("alpha", down)
    answer = await removing
    assert answer.status_code == 503, answer.text
    assert "alpha" in answer.text
    assert "retry-after" not in answer.headers
    assert (await house.admin.get(f"machines/{machine}/"))["hostname"] == "web1"
    await back(house, accounts, host)
    assert (await house.admin.call("GET", f"machines/{machine}/")).status_code == 404
    assert not house.see("alpha").volumes
    assert accounts.wrong() == []


async def test_force_is_heard_while_an_undo_waits_for_the_host(house: Inn, accounts: Accounts) -> None:
    """The compose waits to be undone; its machine is removed by force; both find their end when the host is back."""
    host = await house.add_host()
    house.change("alpha", lambda world: setattr(world, "create_seconds", 0.6))
    composing = asyncio.create_task(house.admin.call("POST", f"vm-hosts/{host}/", op="compose", **FORM))

    async def making() -> bool:
        return bool(house.see("alpha").making)

    await until(making)
    house.change("alpha", down)
    assert (await composing).status_code == 503
    [machine] = accounts.machines()
    await house.admin.delete(f"machines/{machine.system_id}/", force="true")
    assert not accounts.machines()
    assert await cores(house, host) == (0, 2)
    await back(house, accounts, host)
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})
    assert await cores(house, host) == (0, 0)
    assert accounts.wrong() == []


async def test_force_is_heard_while_a_compose_runs(house: Inn, accounts: Accounts) -> None:
    host = await house.add_host()
    house.change("alpha", lambda world: setattr(world, "create_seconds", 0.8))
    composing = asyncio.create_task(house.admin.call("POST", f"vm-hosts/{host}/", op="compose", **FORM))

    async def making() -> bool:
        return bool(house.see("alpha").making)

    await until(making)
    [machine] = accounts.machines()
    await house.admin.delete(f"machines/{machine.system_id}/", force="true")
    answer = await composing
    assert answer.status_code == 409, answer.text
    await quiet(accounts)
    world = house.see("alpha")
    assert (world.instances, world.volumes) == ({}, {})
    assert accounts.wrong() == []
    assert await cores(house, host) == (0, 0)


async def test_a_machine_is_removed_once_however_often_it_is_asked(house: Inn, accounts: Accounts) -> None:
    host = await house.add_host()
    machine = await house.admin.compose(host, **FORM)
    house.change("alpha", lambda world: world.faults.append(Fault(call="delete", kind="delay", seconds=0.5)))
    answers = await asyncio.gather(*(house.admin.call("DELETE", f"machines/{machine}/") for _ in range(5)))
    assert {one.status_code for one in answers} <= {204, 404}
    assert len(accounts.of("decompose")) == 1
    assert house.see("alpha").calls["delete"] == 1
    assert accounts.wrong() == []


async def test_a_host_leaves_while_a_machine_waits_to_be_removed_by_force(house: Inn, accounts: Accounts) -> None:
    """Gone for good: removing the host by force ends what waits for it, and says what may be left."""
    host = await house.add_host()
    machine = await house.admin.compose(host, **FORM)
    house.change("alpha", down)
    await house.admin.delete(f"machines/{machine}/", force="true")
    refused = await house.admin.call("DELETE", f"vm-hosts/{host}/")
    assert refused.status_code == 409
    assert "decompose" in refused.text
    await house.admin.delete(f"vm-hosts/{host}/", force="true")
    assert not accounts.open()
    assert [one.state for one in accounts.of("decompose")] == ["failed"]
    assert accounts.wrong() == []
