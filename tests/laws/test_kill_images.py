"""The server is killed while it gives an image to a host, and started again: it is given once, and accounted for."""

from __future__ import annotations

import hashlib

import pytest

from tests.kit.client import Client, good, oauth
from tests.kit.disks import unified
from tests.laws.conftest import Site
from tests.laws.test_kill import Death, add, deaths, dies, kill, last


async def uploaded(admin: Client, content: bytes) -> int:
    """An image, sent at once; its id."""
    assert admin.key is not None
    fields = {"name": "custom/tiny", "architecture": "amd64/generic"}
    answer = await admin.http.post(
        "/MAAS/api/2.0/boot-resources/",
        data=fields,
        files={"content": ("tiny.tar", content)},
        headers={"Authorization": oauth(admin.key)},
    )
    return int(good(answer)["id"])


@deaths("push_image", "image")
async def test_a_push_goes_on(site: Site, death: Death) -> None:
    content = unified(salt=str(death).encode())
    async with site.admin() as admin:
        host, host_id = await add(site, admin)
        id = await uploaded(admin, content)
        if death.call == "image":  # asked only of what is believed to be there
            await admin.post(f"boot-resources/{id}/", op="push", host=host)
        await dies(site, host, admin.post(f"boot-resources/{id}/", op="push", host=host), *kill(death))
        assert last(site, "push_image", host_id).state == "done"
        assert set(site.see(host).images) == {hashlib.sha256(content).hexdigest()}
        await admin.delete(f"boot-resources/{id}/")
        await site.quiet()
        assert site.see(host).images == {}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_forgotten_image_goes_although_the_server_died(site: Site, when: str) -> None:
    content = unified(salt=when.encode())
    async with site.admin() as admin:
        host, _ = await add(site, admin)
        id = await uploaded(admin, content)
        await admin.post(f"boot-resources/{id}/", op="push", host=host)
        site.fault(host, *kill(Death(when=when, call="delete_image")))
        await admin.call("DELETE", f"boot-resources/{id}/")
        site.server.wait_dead()
        site.server.start()
        await site.quiet()
        assert site.see(host).images == {}
