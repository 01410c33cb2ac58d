"""The README's pictures, taken of the demo fleet: `PYTHONPATH=.:lab .venv/bin/python -m tests.browser.pictures`."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import httpx2
from playwright.async_api import Page, async_playwright, expect

from innkeeper.demo_fleet import COMPOSED
from innkeeper.hypervisors.simulated_world import world
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.kit.client import Client
from tests.kit.server import Server, running
from tests.kit.until import until

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZE = {"width": 1280, "height": 1100}  # px
MOST, EDGE = 1400, 16  # px: the highest picture, and what is left around elements
HOST, GUEST = "fir", "web-1"
BOOT = """\
\x1b[1;31mBdsDxe\x1b[0m: starting Boot0001 "UEFI QEMU QEMU HARDDISK"\r
[    0.000000] Linux version 6.1.0-28-cloud-amd64 (debian-kernel@lists.debian.org)\r
[    0.412207] virtio_blk virtio2: [vda] 39062500 512-byte logical blocks (20.0 GB)\r
[    0.733810] EXT4-fs (vda1): mounted filesystem with ordered data mode\r
[    1.204511] systemd[1]: Detected virtualization kvm.\r
[\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39msystemd-networkd.service\x1b[0m - Network Configuration.\r
[\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39mssh.service\x1b[0m - OpenBSD Secure Shell server.\r
[    6.018834] cloud-init[512]: Cloud-init finished. Datasource DataSourceNoCloud. Up 6.01 seconds\r
\r
Debian GNU/Linux 12 web-1 ttyS0\r
\r
web-1 login: """


async def pictures(site: Server) -> None:
    """Take all of them."""
    async with httpx2.AsyncClient(base_url=site.base, timeout=60, trust_env=False) as http:
        admin = Client(http, site.key())

        async def there() -> bool:
            made = [one for one in await admin.get("machines/") if one["origin"] == "composed"]
            return len(made) == COMPOSED and not await admin.get("/api/v1/operations", open_only="true")

        await until(there, within=180, what="the demo fleet")
        [guest] = await admin.get("machines/", hostname=GUEST)
        await admin.post(f"machines/{guest['system_id']}/", op="unlock")
        [shown] = [one for one in await admin.get("vm-hosts/") if one["name"] == HOST]
        pinned = {"pinned_cores": [4, 5, 6, 7, 24, 25], "memory": 4096, "hugepages_backed": "true"}
        await admin.compose(shown["id"], hostname="cache", **pinned)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        page = await browser.new_page(base_url=site.base, viewport=SIZE, color_scheme="light")
        await page.goto("/sign-in")
        await page.fill("#username", "admin")
        await page.fill("#password", "secret")
        await page.get_by_role("button", name="Sign in").click()
        await page.goto("/hosts")
        await take(page, "hosts")
        await page.goto(f"/hosts/{shown['id']}/resources")
        await take(page, "resources", begin=".tabs", end=".core-pictures")
        await page.goto("/compose/review?hostname=db&cores=64&memory=65536&disk-1-size=100")
        await take(page, "compose", begin=".crumbs", end="tr:has(a:text-is('cedar'))")
        await page.goto(f"/machines/{guest['system_id']}/console")
        await expect(page.locator("#console-words")).to_contain_text(f"This is the console of {GUEST}")
        with world(site.data / "fleet" / f"{guest['pod']['name']}.json") as state:
            state.printed[f"default/{GUEST}"] = BOOT
        await expect(page.locator(".xterm-accessibility-tree")).to_contain_text("login:")
        await take(page, "console", end="#console-frame")
        await browser.close()


async def take(page: Page, name: str, *, begin: str = "", end: str = "") -> None:
    """One picture of the page, from an element to another (from the top, to a page's height)."""
    await page.evaluate("document.fonts.ready")
    top = await _edge(page, begin, "top") - EDGE if begin else 0
    bottom = await _edge(page, end, "bottom") + EDGE if end else top + SIZE["height"]
    left = await _edge(page, "#main", "left") if begin else 0
    clip = {"x": left, "y": top, "width": SIZE["width"] - left, "height": min(bottom - top, MOST)}
    IMAGES.mkdir(parents=True, exist_ok=True)
    await page.screenshot(path=IMAGES / f"{name}.png", full_page=True, clip=clip)  # type: ignore[arg-type]


async def _edge(page: Page, selector: str, side: str) -> float:
    return float(await page.locator(selector).first.evaluate(f"one => one.getBoundingClientRect().{side} + scrollY"))


def main() -> None:
    """A server with the demo fleet, while the pictures are taken."""
    with tempfile.TemporaryDirectory() as directory:
        site = Server(Path(directory), demo_fleet=True)
        site.key()
        with running(site):
            asyncio.run(pictures(site))


if __name__ == "__main__":
    main()
