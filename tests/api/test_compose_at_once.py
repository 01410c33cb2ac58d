"""Compose with what is done with the machine then: tags, a deployment at once; and a dry run that changes nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.image import Kind
from innkeeper.store import deployments, images
from tests.api.facts import asked, events
from tests.kit.databases import fresh_postgres
from tests.kit.deployments import give_image, until_started
from tests.kit.house import Inn, inn
from tests.kit.until import until

DATA = "#cloud-config\nhostname: kept-secret\n"


async def test_it_is_deployed_when_it_is_there(tmp_path: Path) -> None:
    """The order is the operation's: nobody has to wait for the compose to give it."""
    async with inn(tmp_path, host="0.0.0.0") as house:
        host = await house.add_host()
        give_image(house)
        await house.admin.post("tags/", name="web")
        made = await house.admin.post(
            f"vm-hosts/{host}/",
            op="compose",
            hostname="web1",
            tags="web",
            deploy="true",
            distro_series="tiny",
            user_data=DATA,
        )
        one = await house.admin.get(f"machines/{made['system_id']}/")
        assert (one["status_name"], one["owner"], one["tag_names"]) == ("Deploying", "admin", ["web"])
        await until_started(house, made["system_id"])
        assert house.see("alpha").seeds["default/web1"].user_data == DATA
        found = await house.admin.get("/api/v1/operations", system_id=made["system_id"])
        assert "kept-secret" not in json.dumps(found)
        assert "kept-secret" not in json.dumps(await events(house.admin, system_id=made["system_id"]))


async def test_what_stands_against_the_deployment_is_said(house: Inn) -> None:
    await stays_ready(house)


@pytest.mark.postgres
async def test_it_is_said_with_postgresql_too(tmp_path: Path) -> None:
    """What is refused within the last transaction of a compose leaves the rest of it as it is."""
    with fresh_postgres() as url:
        async with inn(tmp_path, url) as house:
            await stays_ready(house)


async def stays_ready(house: Inn) -> None:
    """The image goes while a machine is composed: that is there, Ready and nobody's."""
    host = await house.add_host()
    give_image(house)
    house.change("alpha", lambda world: world.faults.append(Fault(call="create", kind="delay", seconds=1)))
    database = house.house.services.database
    image = database.ask(images.named, name="custom/tiny", architecture="amd64/generic")
    assert image is not None
    system_id = ""

    async def composing() -> bool:
        nonlocal system_id
        found = await house.admin.get("machines/", hostname="web1")
        system_id = found[0]["system_id"] if found else ""
        return bool(system_id)

    answer = asyncio.create_task(
        house.admin.post(f"vm-hosts/{host}/", op="compose", hostname="web1", deploy="true", user_data=DATA)
    )
    await until(composing)
    database.transact(images.delete, image.id)
    await answer
    one = await house.admin.get(f"machines/{system_id}/")
    assert (one["status_name"], one["owner"]) == ("Ready", None)
    assert "not deployed: There is no image" in one["status_message"]
    told = [one["text"] for one in await events(house.admin, system_id=system_id) if one["what"] == "deploy"]
    assert len(told) == 1
    assert "There is no image" in told[0]
    assert database.ask(deployments.secrets_of, house.house.services.cipher, system_id) == ("", "")


async def test_a_dry_run_answers_and_changes_nothing(house: Inn) -> None:
    host = await house.add_host()
    before, calls = await house.admin.get(f"vm-hosts/{host}/"), asked(house, "alpha")
    answer = await house.admin.post(
        f"vm-hosts/{host}/", op="compose", hostname="web1", cores=3, storage="8,5", dry_run="true"
    )
    assert (answer["hostname"], answer["cpu_count"], len(answer["blockdevice_set"])) == ("web1", 3, 2)
    after = await house.admin.get(f"vm-hosts/{host}/")
    assert after["used"] == before["used"]
    assert await house.admin.get("machines/", hostname="web1") == []
    assert asked(house, "alpha") == calls


async def test_what_is_refused(house: Inn) -> None:
    host = await house.add_host()
    give_image(house)
    database = house.house.services.database
    database.transact(images.add, name="ubuntu/late", architecture="amd64/generic", kind=Kind.SYNCED)
    for wrong, field in (
        ({"tags": "unknown"}, "tags"),
        ({"distro_series": "tiny"}, "distro_series"),
        ({"user_data": "#cloud-config"}, "user_data"),
        ({"deploy": "true", "distro_series": "nothing"}, "distro_series"),
        ({"deploy": "true", "user_data": "a\0"}, "user_data"),
    ):
        answer = await house.admin.call("POST", f"vm-hosts/{host}/", op="compose", **wrong)
        assert answer.status_code == 400, wrong
        assert list(answer.json()) == [field]
    late = await house.admin.call("POST", f"vm-hosts/{host}/", op="compose", deploy="true", distro_series="late")
    assert late.status_code == 409
    assert await house.admin.get("machines/", status="ready") == []
