"""The tiny guest deployed on a real LXD: it takes its address and its user data, phones home, and answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from innkeeper.model.image import Kind
from innkeeper.store import images
from innkeeper.store.opening import open_store
from tests.kit.client import Client
from tests.kit.lab import Lab
from tests.kit.server import Server, running
from tests.kit.until import until

pytestmark = [pytest.mark.live, pytest.mark.timeout(240)]


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lab's LXD, on which a test leaves nothing."""
    one = Lab()
    one.clean()
    yield one
    left = one.leftovers()
    one.clean()
    assert left == {}


@dataclass
class Site:
    """A server that guests reach, its administrator, and the lab's host in it."""

    admin: Client
    host: int
    lab: Lab


@pytest.fixture
async def site(tmp_path: Path, lab: Lab) -> AsyncIterator[Site]:
    server = Server(tmp_path, host="0.0.0.0")
    key = server.key()
    database, _, _ = open_store(server.settings)
    database.transact(
        images.add, name="custom/tiny", architecture="amd64/generic", kind=Kind.ALIAS, source="tiny", complete=True
    )
    database.close()
    with running(server):
        async with httpx2.AsyncClient(base_url=server.base, timeout=100, trust_env=False) as http:
            admin = Client(http, key)
            added = await admin.post(
                "vm-hosts/", type="lxd", name="lab", power_address=lab.address, password=lab.token()
            )
            yield Site(admin=admin, host=int(added["id"]), lab=lab)
            await admin.delete(f"vm-hosts/{added['id']}/", decompose="true")


async def until_status(site: Site, system_id: str, wanted: str, *, within: float = 90.0) -> None:
    seen: set[str] = set()

    async def holds() -> bool:
        seen.add((await site.admin.get(f"machines/{system_id}/"))["status_name"])
        return wanted in seen

    await until(holds, within=within, what=f"{system_id} is {wanted}; {seen}")


async def test_deploy(site: Site) -> None:
    system_id = await site.admin.compose(site.host, hostname="guest", memory=1024, storage="root:1")
    await site.admin.put(f"machines/{system_id}/", hostname="renamed")
    script = "#!/bin/sh\nhostname > /run/name\nhttpd -p 80 -h /run\n"
    made = await site.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny", user_data=script)
    assert made["status_name"] == "Deploying"
    await until_status(site, system_id, "Deployed")
    print(await site.admin.get("/api/v1/events", system_id=system_id, after=0))
