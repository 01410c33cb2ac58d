"""The server is killed right before or right after a call of a deployment or a release that changes the host.

Above all between the delete of an instance and the create of the one in its place: then there is none, its machine
must not be called missing, and the work goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from innkeeper.hypervisors.base import GuestFacts
from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.image import ImageFacts, Kind
from innkeeper.model.machine import Added
from innkeeper.store import images
from innkeeper.store.opening import open_store
from tests.kit.client import Client
from tests.kit.until import until
from tests.laws.conftest import Site
from tests.laws.test_kill import Death, add, deaths, kill, last, made_on

FINGERPRINT = "f" * 64
ADDED = Added(config=(("user.note", "mine"),), devices=(("gpu", (("type", "gpu"),)),))  # set on the host, by people


@dataclass
class Guest:
    """A machine on a host that has an image."""

    site: Site
    admin: Client
    host: str
    host_id: int
    system_id: str

    @property
    def path(self) -> str:
        return f"machines/{self.system_id}/"

    async def status(self) -> str:
        return str((await self.admin.get(self.path))["status_name"])

    async def dies_of(self, death: Death, op: str, **fields: str) -> None:
        """Order something, which is answered at once; the server dies of it, starts again, and all work ends."""
        self.site.fault(self.host, *kill(death))
        await self.admin.post(self.path, op=op, **fields)
        self.site.server.wait_dead()
        assert self.site.see(self.host).faults == [], "it died of something else"
        self.site.server.start()
        await self.site.quiet()

    def instance(self) -> Any:
        return self.site.see(self.host).instances[f"default/{self.host}-web"]

    def as_before(self) -> None:
        """It has the pins and huge pages of its record still, and what people set on it."""
        there, state = self.instance(), self.site.see(self.host)
        assert (there.pinned, there.huge_pages) == ((3, 5), True)
        assert state.added == {f"default/{self.host}-web": ADDED}

    async def never_missing(self) -> None:
        """Not even for a moment."""
        told = [one.text for one in self.site.accounts.events() if one.system_id == self.system_id]
        assert not [text for text in told if "Missing" in text or "not on" in text]


def _image(site: Site) -> None:
    """An image in the installation, whose hosts know it by an alias."""
    database, _, _ = open_store(site.server.settings)
    try:
        if database.ask(images.named, name="custom/tiny", architecture="amd64/generic") is None:
            database.transact(
                images.add,
                name="custom/tiny",
                architecture="amd64/generic",
                kind=Kind.ALIAS,
                source="tiny",
                complete=True,
            )
    finally:
        database.close()


async def guest(site: Site, admin: Client) -> Guest:
    _image(site)
    images_there = {FINGERPRINT: ImageFacts(fingerprint=FINGERPRINT, aliases=("tiny",))}
    host, id = await add(site, admin, images=images_there, huge_pages=8 * 2**30)
    shape = {"pinned_cores": ["3", "5"], "hugepages_backed": "true", "storage": "root:8,data:5"}
    system_id = await admin.compose(id, hostname=f"{host}-web", **shape)
    site.change(host, lambda state: state.added.update({f"default/{host}-web": ADDED}))
    return Guest(site=site, admin=admin, host=host, host_id=id, system_id=system_id)


@deaths("delete", "create", "start")
async def test_a_deployment_goes_on(site: Site, death: Death) -> None:
    async with site.admin() as admin:
        one = await guest(site, admin)
        await one.dies_of(death, "deploy", distro_series="tiny", user_data="#!/bin/sh\n")
        assert last(site, "deploy", one.host_id).state == "done"
        assert await one.status() == "Deploying"
        assert (one.instance().power, one.instance().tag("image")) == ("on", FINGERPRINT)
        assert site.see(one.host).seeds[f"default/{one.host}-web"].user_data == "#!/bin/sh\n"
        assert made_on(site, one.host) == {f"{one.host}-web": 2}
        one.as_before()
        await one.never_missing()
    assert site.accounts.wrong() == []


@deaths("delete", "create 2")
async def test_the_undo_of_a_deployment_goes_on(site: Site, death: Death) -> None:
    """It fails when it starts the guest; the image's instance goes, an empty one takes its place."""
    async with site.admin() as admin:
        one = await guest(site, admin)
        site.fault(one.host, Fault(call="start", kind="refuse"))
        nth = 2 if death.call == "delete" else death.nth
        await one.dies_of(Death(when=death.when, call=death.call, nth=nth), "deploy", distro_series="tiny")
        assert last(site, "deploy", one.host_id).state == "failed"
        assert await one.status() == "Failed deployment"
        assert (one.instance().power, one.instance().tag("image")) == ("off", "")
        assert len(site.see(one.host).volumes) == 1
        one.as_before()
        await one.never_missing()
    assert site.accounts.wrong() == []


@deaths("delete", "delete_volume", "create_volume", "create")
async def test_a_release_goes_on(site: Site, death: Death) -> None:
    async with site.admin() as admin:
        one = await guest(site, admin)
        await admin.post(one.path, op="deploy", distro_series="tiny")
        await site.quiet()
        await one.dies_of(death, "release")
        assert await one.status() == "Ready"
        assert (one.instance().power, one.instance().tag("image")) == ("off", "")
        assert len(site.see(one.host).volumes) == 1
        assert made_on(site, one.host) == {f"{one.host}-web": 3}
        one.as_before()
        await one.never_missing()
    assert site.accounts.wrong() == []


@pytest.mark.parametrize("order", ["before", "after"])
async def test_a_machine_between_two_instances_is_not_missing(site: Site, order: str) -> None:
    """Its host is looked at while there is no instance of it at all."""
    async with site.admin() as admin:
        one = await guest(site, admin)
        site.fault(one.host, Fault(call="create", kind="delay", when=order, seconds=1.0))
        await admin.post(one.path, op="deploy", distro_series="tiny")

        async def between() -> bool:
            return f"default/{one.host}-web" not in site.see(one.host).instances

        if order == "before":
            await until(between)
            await admin.post(f"vm-hosts/{one.host_id}/", op="refresh")
            assert await one.status() == "Deploying"
        await site.quiet()
        one.as_before()
        await one.never_missing()
        assert await one.status() == "Deploying"
        up = {f"default/{one.host}-web": GuestFacts(agent=True)}  # this server cannot be called
        site.change(one.host, lambda state: state.guests.update(up))

        async def deployed() -> bool:
            return await one.status() == "Deployed"

        await until(deployed)
    assert site.accounts.wrong() == []
