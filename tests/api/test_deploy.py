"""Deploy: from Ready or Allocated to Deployed, on simulated hosts whose guests the test speaks for."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.facts import events
from tests.kit.deployments import FINGERPRINT, give_image, phone_home_url, status, until_started
from tests.kit.house import Inn, inn

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB ann"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inn]:
    """One that guests could reach, if it listened."""
    async with inn(tmp_path, host="0.0.0.0") as one:
        yield one


async def ready(house: Inn, **fields: Any) -> str:
    """A machine that is Ready on a host with an image."""
    host = await house.add_host()
    give_image(house)
    return await house.admin.compose(host, hostname="web", cores=2, storage="root:8,data:5", **fields)


async def call(house: Inn, url: str, **form: str) -> int:
    """A guest calls."""
    path = url.removeprefix("http://10.0.0.254:5240")
    return (await house.admin.http.post(path, data=form)).status_code


async def test_a_deployed_guest_calls_and_is_deployed(house: Inn) -> None:
    system_id = await ready(house)
    await house.admin.post("account/prefs/sshkeys/", key=KEY)
    before = await house.admin.get(f"machines/{system_id}/")
    data = base64.encodebytes(b"#cloud-config\nusers: []\n").decode()
    made = await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny", user_data=data)
    assert (made["status_name"], made["owner"], made["osystem"], made["distro_series"]) == (
        "Deploying", "admin", "custom", "tiny",
    )  # fmt: skip
    await until_started(house, system_id)
    assert await status(house, system_id) == "Deploying"
    state = house.see("alpha")
    there, seed = state.instances["default/web"], state.seeds["default/web"]
    assert (there.power, there.tag("image"), there.tag("machine")) == ("on", FINGERPRINT, system_id)
    assert [nic.mac for nic in there.interfaces] == [nic["mac_address"] for nic in before["interface_set"]]
    assert len(state.volumes) == 1
    assert seed.user_data == "#cloud-config\nusers: []\n"
    assert KEY in json.loads(dict(line.split(": ", 1) for line in seed.meta_data.splitlines())["public-keys"])
    url = phone_home_url(house, "web")
    assert await call(house, url, hostname="web") == 200
    after = await house.admin.get(f"machines/{system_id}/")
    assert (after["status_name"], after["power_state"]) == ("Deployed", "on")
    assert await call(house, url) == 404, "it is good for one call"
    told = [one["text"] for one in await events(house.admin, system_id=system_id) if one["kind"] == "machine"]
    assert any("phones home to http://10.0.0.254:5240" in text for text in told)
    assert not any(url.rpartition("/")[2] in json.dumps(one) for one in await events(house.admin))
