"""200 composes at once where 50 have room: exactly 50 are made, 150 are refused by name, nothing is left over."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from tests.kit.databases import fresh_postgres, fresh_sqlite
from tests.kit.server import running
from tests.laws.conftest import make_site

SLOTS, ASKED = 50, 200


@pytest.mark.parametrize("processes", [1, pytest.param(3, marks=pytest.mark.postgres)])
async def test_exactly_fifty_of_two_hundred(tmp_path: Path, processes: int) -> None:
    if processes == 1:
        await _burst(tmp_path, fresh_sqlite(tmp_path), processes)
    else:
        with fresh_postgres() as url:
            await _burst(tmp_path, url, processes)


async def _burst(directory: Path, url: str, processes: int) -> None:
    site = make_site(directory, url, servers=processes, lease=5.0, beat=1.0)
    with running(*site.servers):
        name = site.host(cores=SLOTS, memory=2**40)
        async with site.admin() as admin:
            host = int((await admin.post("vm-hosts/", type="simulated", power_address=name, name=name))["id"])
        clients = [site.admin(one) for one in site.servers]
        admins = [await one.__aenter__() for one in clients]
        try:
            path = f"vm-hosts/{host}/"
            answers = await asyncio.gather(
                *(admins[n % processes].call("POST", path, op="compose", storage="root:8,data:1") for n in range(ASKED))
            )
            shown = await admins[0].get(path)
        finally:
            for one in clients:
                await one.__aexit__(None, None, None)
        await site.quiet()
    assert Counter(one.status_code for one in answers) == {200: SLOTS, 409: ASKED - SLOTS}
    refusals = [one.text for one in answers if one.status_code == 409]
    assert all("cores" in text and name in text and "ratio 1" in text for text in refusals), Counter(refusals)
    made = {one.json()["system_id"] for one in answers if one.status_code == 200}
    world = site.see(name)
    assert len(made) == len(world.instances) == len(world.volumes) == SLOTS
    assert {one.tag("machine") for one in world.instances.values()} == made
    assert world.calls["create"] == world.calls["create_volume"] == SLOTS
    assert (shown["limits"]["cores"]["claimed"], shown["limits"]["cores"]["free"]) == (SLOTS, 0)
    assert len(site.accounts.of("compose")) == SLOTS
    assert site.accounts.wrong() == []
    site.accounts.close()
