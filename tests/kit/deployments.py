"""What a deployment needs of a house, and a guest that calls."""

from __future__ import annotations

import json
from typing import Any

from innkeeper.model.image import ImageFacts, Kind
from innkeeper.store import images
from tests.kit.house import Inn
from tests.kit.until import until

FINGERPRINT = "f" * 64


def give_image(house: Inn, host: str = "alpha", *, name: str = "custom/tiny", our_end: str = "10.0.0.254") -> None:
    """An image that a simulated host has under an alias; `our_end` "": its guests do not reach us."""

    def change(state: Any) -> None:
        state.images[FINGERPRINT] = ImageFacts(fingerprint=FINGERPRINT, aliases=("tiny",))
        state.our_end = our_end

    house.change(host, change)
    database = house.house.services.database
    if database.ask(images.named, name=name, architecture="amd64/generic") is None:
        database.transact(
            images.add, name=name, architecture="amd64/generic", kind=Kind.ALIAS, source="tiny", complete=True
        )


async def status(house: Inn, system_id: str) -> str:
    return str((await house.admin.get(f"machines/{system_id}/"))["status_name"])


async def until_status(house: Inn, system_id: str, wanted: str) -> None:
    """Wait until a machine is that."""

    async def holds() -> bool:
        return await status(house, system_id) == wanted

    await until(holds)


async def until_started(house: Inn, system_id: str) -> None:
    """Wait until the deployment has started the guest and ended."""

    async def holds() -> bool:
        found = await house.admin.get("/api/v1/operations", system_id=system_id)
        return [one["state"] for one in found if one["kind"] == "deploy"][:1] == ["done"]

    await until(holds)


def phone_home_url(house: Inn, hostname: str, host: str = "alpha") -> str:
    """Where the seed of a simulated guest tells it to call; "" when it is not told."""
    seed = house.see(host).seeds[f"default/{hostname}"]
    told = json.loads(seed.vendor_data.removeprefix("#cloud-config\n"))
    return str(told.get("phone_home", {}).get("url", ""))


async def ready(house: Inn, **fields: Any) -> str:
    """A machine that is Ready on a host with an image."""
    host = await house.add_host()
    give_image(house)
    return await house.admin.compose(host, hostname="web", cores=2, storage="root:8,data:5", **fields)


async def call(house: Inn, url: str, **form: str) -> int:
    """A guest calls."""
    path = url.removeprefix("http://10.0.0.254:5240")
    return (await house.admin.http.post(path, data=form)).status_code
