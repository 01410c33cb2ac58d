"""Settings through the API: those that mean something here, and the reason for all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.facts import audits, cursor
from tests.kit.deployments import give_image, until_started
from tests.kit.house import Inn, inn


async def read(house: Inn, name: str) -> str:
    return (await house.admin.call("GET", "maas/", op="get_config", name=name)).text


async def test_a_series_that_no_image_has(house: Inn) -> None:
    sent = {"name": "default_distro_series", "value": "nothing"}
    for there in ("is none", "is custom/tiny"):
        answer = await house.admin.call("POST", "maas/", op="set_config", **sent)
        assert (answer.status_code, answer.json()) == (400, {"value": [f"there is no image 'nothing'; there {there}"]})
        give_image(house)
    assert await read(house, "default_distro_series") == '""'


async def test_what_deployments_get(house: Inn) -> None:
    give_image(house, name="ubuntu/noble")
    start = await cursor(house.admin)
    for name, value in (("default_osystem", "ubuntu"), ("default_distro_series", "noble")):
        answer = await house.admin.call("POST", "maas/", op="set_config", name=name, value=value)
        assert (answer.status_code, answer.text) == (200, "OK")
        assert await read(house, name) == f'"{value}"'
        await house.admin.call("POST", "maas/", op="set_config", name=name, value=value)  # nothing to tell
    assert await audits(house.admin, after=start) == [
        "set default_osystem to 'ubuntu'",
        "set default_distro_series to 'noble'",
    ]
    await house.admin.call("POST", "maas/", op="set_config", name="default_osystem", value="")
    assert (await read(house, "default_osystem"), await read(house, "default_distro_series")) == ('""', '"noble"')
    bad = await house.admin.call("POST", "maas/", op="set_config", name="default_osystem", value="a b")
    assert (bad.status_code, set(bad.json())) == (400, {"value"})


async def test_the_default_image_of_the_servers_start(tmp_path: Path) -> None:
    async with inn(tmp_path, default_image="ubuntu/noble") as house:
        assert (await read(house, "default_osystem"), await read(house, "default_distro_series")) == (
            '"ubuntu"',
            '"noble"',
        )
        give_image(house, name="ubuntu/jammy")
        await house.admin.call("POST", "maas/", op="set_config", name="default_distro_series", value="jammy")
        assert (await read(house, "default_osystem"), await read(house, "default_distro_series")) == ('""', '"jammy"')


async def test_a_deployment_that_names_no_image_gets_the_default(tmp_path: Path) -> None:
    async with inn(tmp_path, host="0.0.0.0", default_image="custom/other") as house:
        host = await house.add_host()
        give_image(house)
        for name, value in (("default_osystem", "custom"), ("default_distro_series", "tiny")):
            await house.admin.call("POST", "maas/", op="set_config", name=name, value=value)
        system_id = await house.admin.compose(host)
        made = await house.admin.post(f"machines/{system_id}/", op="deploy")
        assert (made["osystem"], made["distro_series"]) == ("custom", "tiny")
        await until_started(house, system_id)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("maas_name", "INNKEEPER_NAME"),
        ("upstream_dns", "subnets"),
        ("ntp_servers", "networks"),
        ("http_proxy", "user data"),
        ("kernel_opts", "user data"),
        ("commissioning_distro_series", "without scripts"),
        ("enable_disk_erasing_on_release", "root disk"),
        ("boot_images_auto_import", "boot-sources"),
        ("remote_syslog", "INNKEEPER_"),
        ("completed_intro", "leave it out"),
        ("colour", "known: maas_name, default_osystem, default_distro_series"),
    ],
)
async def test_all_others_say_why_not(house: Inn, name: str, word: str) -> None:
    answer = await house.admin.call("POST", "maas/", op="set_config", name=name, value="x")
    assert (answer.status_code, word in answer.json()["name"][0]) == (400, True), answer.text
