"""The server is killed (SIGKILL) right before or right after a call that changes a host, and started again.

Then the host's own file and all tables are compared: nothing lost, nothing leaked, one end event per operation,
and the host made nothing once too often.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.store.operations import ENDED, Operation
from tests.kit.client import Client
from tests.kit.databases import fresh_sqlite
from tests.kit.server import running
from tests.laws.conftest import Site

NewSite = Callable[..., Site]

FORM = {"cores": 2, "storage": "root:8,data:5,more:6"}


@dataclass(frozen=True, kw_only=True)
class Death:
    """Before or after which call; `nth`: at its first, second … time."""

    when: str
    call: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.when}-{self.call}-{self.nth}"


def deaths(*calls: str) -> pytest.MarkDecorator:
    """Before and after each of these calls ("create_volume 2": the second one)."""
    split = [(call, int(nth or 1)) for call, _, nth in (one.partition(" ") for one in calls)]
    made = [Death(call=call, nth=nth, when=when) for call, nth in split for when in ("before", "after")]
    return pytest.mark.parametrize("death", made, ids=str)


def kill(death: Death) -> list[Fault]:
    """The faults on the host that make it so (a delay of nothing lets an earlier call pass)."""
    passing = [Fault(call=death.call, kind="delay") for _ in range(death.nth - 1)]
    return [*passing, Fault(call=death.call, kind="kill", when=death.when)]


async def dies(site: Site, host: str, request: Awaitable[object], *faults: Fault) -> None:
    """Make a request during which the server dies of these faults; it is started again, and all work ends."""
    site.fault(host, *faults)
    with pytest.raises(httpx2.TransportError):
        await request
    site.server.wait_dead()
    assert site.see(host).faults == [], "it died of something else"
    site.server.start()
    await site.quiet()


def made_on(site: Site, host: str) -> Counter[str]:
    """How often the host really made an instance of each name."""
    return Counter(name for _, action, _, name in site.see(host).events if action == "instance-created")


async def add(site: Site, admin: Client, **state: object) -> tuple[str, int]:
    """A new host on which a create takes time; its name and id."""
    name = site.host(create_seconds=0.2, **state)
    made = await admin.post("vm-hosts/", type="simulated", power_address=name, name=name)
    return name, int(made["id"])


def last(site: Site, kind: str, host_id: int) -> Operation:
    """The newest operation of a kind on a host."""
    return next(one for one in site.accounts.of(kind) if one.host_id == host_id)


async def claimed(admin: Client, host_id: int) -> int:
    host = await admin.get(f"vm-hosts/{host_id}/")
    return int(host["limits"]["cores"]["claimed"])


@deaths("create_volume", "create_volume 2", "create", "instance")
async def test_a_compose_goes_on(site: Site, death: Death) -> None:
    async with site.admin() as admin:
        host, id = await add(site, admin)
        await dies(site, host, admin.compose(id, hostname=f"{host}-web", **FORM), *kill(death))
        again = await admin.compose(id, hostname=f"{host}-web", **FORM)
        machine = await admin.get(f"machines/{again}/")
    assert machine["status_name"] == "Ready"
    assert made_on(site, host) == {f"{host}-web": 1}
    assert len(site.see(host).volumes) == 2
    assert len([one for one in site.accounts.of("compose") if one.host_id == id]) == 1
    assert site.accounts.wrong() == []


@deaths("delete", "delete_volume", "delete_volume 2")
async def test_the_undo_of_a_compose_goes_on(site: Site, death: Death) -> None:
    fails = Fault(call="instance", kind="refuse")
    cut = Fault(call="create", kind="cut", when="after")  # it was made, and we do not know
    async with site.admin() as admin:
        host, id = await add(site, admin)
        failing = cut if death.nth == 1 else fails
        await dies(site, host, admin.compose(id, hostname=f"{host}-web", **FORM), failing, *kill(death))
        state = site.see(host)
        assert (state.instances, state.volumes, await claimed(admin, id)) == ({}, {}, 0)
        assert last(site, "compose", id).state == "failed"
        assert site.accounts.wrong() == []
        await admin.compose(id, hostname=f"{host}-web", **FORM)  # name and room are free again
    assert site.accounts.wrong() == []


@deaths("delete", "delete_volume", "delete_volume 2")
async def test_a_decompose_goes_on(site: Site, death: Death) -> None:
    async with site.admin() as admin:
        host, id = await add(site, admin)
        stays = await admin.compose(id, hostname=f"{host}-stays", **FORM)
        goes = await admin.compose(id, hostname=f"{host}-goes", **FORM)
        await dies(site, host, admin.delete(f"machines/{goes}/"), *kill(death))
        assert (await admin.call("GET", f"machines/{goes}/")).status_code == 404
        assert (await admin.get(f"machines/{stays}/"))["status_name"] == "Ready"
        assert await claimed(admin, id) == 2
    assert list(site.see(host).instances) == [f"default/{host}-stays"]
    assert site.accounts.wrong() == []


ADD = {"type": "simulated", "project": "mine", "password": "token"}


@deaths("redeem", "ensure_project")
async def test_adding_a_host_goes_on(site: Site, death: Death) -> None:
    host = site.host(trusting=False)
    async with site.admin() as admin:
        await dies(site, host, admin.post("vm-hosts/", power_address=host, name=host, **ADD), *kill(death))
        added = next(one for one in await admin.get("vm-hosts/") if one["name"] == host)
        await admin.post(f"vm-hosts/{added['id']}/", op="refresh")
    assert last(site, "add_host", added["id"]).state == "done"
    state = site.see(host)
    assert len(state.trusted) == 1
    assert state.projects["mine"] == last(site, "add_host", added["id"]).id
    assert site.accounts.wrong() == []


@deaths("delete_project", "forget")
async def test_the_undo_of_adding_a_host_goes_on(site: Site, death: Death) -> None:
    host = site.host(trusting=False)
    fails = Fault(call="describe", kind="refuse")
    async with site.admin() as admin:
        await dies(site, host, admin.post("vm-hosts/", power_address=host, name=host, **ADD), fails, *kill(death))
        assert host not in {one["name"] for one in await admin.get("vm-hosts/")}
        assert host not in {one["hostname"] for one in await admin.get("machines/")}
        state = site.see(host)
        assert (state.trusted, list(state.projects)) == ([], ["default"])
        assert site.accounts.of("add_host")[0].state == "failed"
        assert site.accounts.wrong() == []
        await admin.post("vm-hosts/", power_address=host, name=host, **ADD)
    assert site.accounts.wrong() == []


@deaths("delete", "delete_volume", "forget")
async def test_removing_a_host_goes_on(site: Site, death: Death) -> None:
    async with site.admin() as admin:
        host = site.host(trusting=False)
        made = await admin.post("vm-hosts/", power_address=host, name=host, **ADD)
        id = int(made["id"])
        await admin.compose(id, hostname=f"{host}-one", **FORM)
        await admin.compose(id, hostname=f"{host}-two", **FORM)
        await dies(site, host, admin.delete(f"vm-hosts/{id}/", decompose="true"), *kill(death))
        assert (await admin.call("GET", f"vm-hosts/{id}/")).status_code == 404
        assert not [one for one in await admin.get("machines/") if one["hostname"].startswith(f"{host}-")]
    state = site.see(host)
    assert (state.instances, state.volumes, state.trusted) == ({}, {}, [])
    assert site.accounts.wrong() == []


@deaths("trust", "distrust")
async def test_changing_a_certificate_goes_on(site: Site, death: Death) -> None:
    host = site.host(trusting=False)
    async with site.admin() as admin:
        id = int((await admin.post("vm-hosts/", power_address=host, name=host, **ADD))["id"])
        before = site.see(host).trusted
        change = admin.put(f"vm-hosts/{id}/", regenerate_certificate="true")
        await dies(site, host, change, *kill(death))
        await admin.post(f"vm-hosts/{id}/", op="refresh")
        shown = await admin.get(f"vm-hosts/{id}/", op="parameters")
    assert last(site, "reconnect_host", id).state == "done"
    assert site.see(host).trusted == [shown["certificate"]] != before
    assert site.accounts.wrong() == []


@deaths("distrust")
async def test_the_undo_of_changing_a_certificate_goes_on(site: Site, death: Death) -> None:
    host = site.host(trusting=False)
    cut = Fault(call="trust", kind="cut", when="after")
    async with site.admin() as admin:
        id = int((await admin.post("vm-hosts/", power_address=host, name=host, **ADD))["id"])
        before = site.see(host).trusted
        change = admin.put(f"vm-hosts/{id}/", regenerate_certificate="true")
        await dies(site, host, change, cut, *kill(death))
        await admin.post(f"vm-hosts/{id}/", op="refresh")
        shown = await admin.get(f"vm-hosts/{id}/", op="parameters")
    assert last(site, "reconnect_host", id).state == "failed"
    assert site.see(host).trusted == [shown["certificate"]] == before
    assert site.accounts.wrong() == []


async def test_what_kills_every_process_is_stopped_with_its_error_and_can_be_resumed(
    new_site: NewSite, tmp_path: Path
) -> None:
    """It is not started again for ever, nothing of it is lost, and an administrator decides."""
    site = new_site(fresh_sqlite(tmp_path), crash_limit=2)
    with running(site.server):
        async with site.admin() as admin:
            host, id = await add(site, admin)
            site.fault(host, Fault(call="create", kind="kill"), Fault(call="create", kind="kill"))
            with pytest.raises(httpx2.TransportError):
                await admin.compose(id, hostname="web1", **FORM)
            site.server.wait_dead()
            site.server.start()  # it takes the work up again, and dies of it
            site.server.wait_dead()
            site.server.start()
            asked = await admin.call("POST", f"vm-hosts/{id}/", op="compose", hostname="web1", **FORM)
            assert asked.status_code == 500
            assert "2 processes died at the step 'create the instance'" in asked.text
            assert site.see(host).faults == []
            [stopped] = site.accounts.of("compose")
            assert (stopped.state, stopped.owner) == ("stopped", None)
            assert await claimed(admin, id) == 2, "what it may have made stays counted"
            resumed = await admin.call("POST", f"/api/v1/operations/{stopped.id}/resume")
            assert resumed.status_code == 200, resumed.text
            machine = await admin.compose(id, hostname="web1", **FORM)
            assert (await admin.get(f"machines/{machine}/"))["status_name"] == "Ready"
    ends = [one.state for one in site.accounts.events() if one.operation == stopped.id and one.state in ENDED]
    assert ends == ["stopped", "done"]
    assert made_on(site, host) == {"web1": 1}
