"""Networks, images and the account in a browser: live, copied, and with JavaScript off."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Open
from tests.kit.client import Client
from tests.kit.disks import unified
from tests.kit.server import Server

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]


async def test_an_address_that_is_taken_shows_without_a_reload(site: Server, visit: Open) -> None:
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        admin = Client(http, site.key())
        subnet = await admin.post("subnets/", cidr="10.77.0.0/24")
        page: Page = await visit()
        await page.goto(f"/subnets/{subnet['id']}")
        await page.evaluate("window.mark = 1")  # it is gone after a reload
        await expect(page.locator("#page")).to_contain_text("0 used, 254 free")
        await admin.post("ipaddresses/", op="reserve", ip="10.77.0.9", hostname="printer")
        await expect(page.locator("#page")).to_contain_text("1 used, 253 free")
        await expect(page.get_by_role("row").filter(has_text="10.77.0.9").first).to_be_visible()
        assert await page.evaluate("window.mark") == 1


async def test_a_new_api_key_is_copied(site: Server, visit: Open) -> None:
    page: Page = await visit(permissions=["clipboard-read", "clipboard-write"])
    await page.goto("/account/keys/new")
    await page.fill("#name", "juju")
    await page.get_by_role("button", name="Make the key").click()
    key = await page.locator("#key").inner_text()
    await page.get_by_role("button", name="Copy the key").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == key
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        assert (await Client(http, key).get("users/", op="whoami"))["username"] == "admin"


async def test_without_javascript(site: Server, visit: Open, tmp_path: Path) -> None:
    page: Page = await visit(java_script_enabled=False)
    await page.goto("/networks")
    await page.get_by_role("link", name="New fabric").click()
    await page.fill("#name", "backbone")
    await page.get_by_role("button", name="Make the fabric").click()
    await expect(page.get_by_role("status")).to_have_text("The fabric backbone was made.")
    await page.get_by_role("link", name="backbone").click()
    await page.get_by_role("link", name="New VLAN").click()
    await expect(page.locator("#fabric")).to_have_value("id:" + page.url.rpartition(":")[2])
    await page.fill("#vid", "42")
    await page.get_by_role("button", name="Make the VLAN").click()
    await page.get_by_role("link", name="vlan-42").click()
    await page.get_by_role("link", name="Delete").click()
    await page.get_by_role("button", name="Delete the VLAN vlan-42").click()
    await expect(page.get_by_role("status")).to_have_text("The VLAN vlan-42 was deleted.")

    (tmp_path / "tiny.tar").write_bytes(unified())
    await page.goto("/images")
    await page.get_by_role("link", name="Upload an image").first.click()
    await page.fill("#name", "tiny")
    await page.set_input_files("#content", tmp_path / "tiny.tar")
    await page.get_by_role("button", name="Upload").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Image custom/tiny")


LISTS = {
    "/zones": ("zones/", {"name": "north"}, "north"),
    "/pools": ("resourcepools/", {"name": "team"}, "team"),
    "/tags": ("tags/", {"name": "gpu"}, "gpu"),
    "/users": ("users/", {"username": "zoe", "email": "", "password": "secret", "is_superuser": False}, "zoe"),
    "/domains": ("domains/", {"name": "lab.example"}, "lab.example"),
    "/networks": ("fabrics/", {"name": "spine"}, "spine"),
}


@pytest.mark.parametrize("path", LISTS)
async def test_what_others_make_shows_on_an_open_list_without_a_reload(site: Server, visit: Open, path: str) -> None:
    call, fields, name = LISTS[path]
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        page: Page = await visit()
        await page.goto(path)
        await page.evaluate("window.mark = 1")  # it is gone after a reload
        await expect(page.get_by_role("rowheader", name=name)).to_have_count(0)
        await Client(http, site.key()).post(call, **fields)
        await expect(page.get_by_role("rowheader", name=name).first).to_be_visible()
        assert await page.evaluate("window.mark") == 1


async def test_a_button_that_is_pressed_twice_makes_one_key(site: Server, visit: Open) -> None:
    page: Page = await visit()
    await page.goto("/account/keys/new")
    await page.fill("#name", "pressed")
    await page.get_by_role("button", name="Make the key").dblclick()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Your new API key")
    await page.goto("/account/keys")
    await expect(page.get_by_role("rowheader", name="pressed")).to_have_count(1)
