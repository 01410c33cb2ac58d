"""MAAS's own addresses lead to the same here."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from innkeeper.web.old_addresses import here
from innkeeper.web.router import add_pages


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("kvm", "/hosts"),
        ("kvm/lxd", "/hosts"),
        ("kvm/virsh", "/hosts"),
        ("kvm/lxd/3", "/hosts/3"),
        ("kvm/lxd/3/vms", "/hosts/3"),
        ("kvm/lxd/3/resources", "/hosts/3/resources"),
        ("kvm/lxd/3/edit", "/hosts/3/settings"),
        ("kvm/virsh/4/resources/", "/hosts/4/resources"),
        ("kvm/lxd/cluster/2/hosts", "/hosts"),
        ("kvm/lxd/cluster/2/vms/7", "/hosts/7"),
        ("kvm/lxd/cluster/2/host/7/edit", "/hosts/7/settings"),
        ("machines", "/machines"),
        ("machine/abc123/summary", "/machines/abc123"),
        ("subnet/5", "/subnets/5"),
        ("fabric", "/networks"),
        ("domains", "/domains"),
        ("images", "/images"),
        ("account/prefs/api-keys", "/account/keys"),
        ("account/prefs/ssh-keys/add", "/account/ssh-keys"),
        ("account/prefs/details", "/account"),
        ("settings/users", "/users"),
        ("settings/general", "/"),
        ("nothing/that/we/have", "/"),
        ("", "/"),
    ],
)
def test_where_an_old_address_leads(old: str, new: str) -> None:
    assert here(old) == new


async def test_where_they_all_begin_leads_there_too() -> None:
    app = FastAPI(redirect_slashes=False)
    add_pages(app)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://inn.test") as one:
        for path in ("/MAAS/r", "/MAAS/r/"):
            answer = await one.get(path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/"), path
        assert (await one.get("/MAAS/rack")).status_code == 404
