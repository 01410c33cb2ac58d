"""The whole way through the pages on a real LXD: from an empty server to a machine with a console, and back.

Once with scripts, where every page follows by itself and is never loaded anew; once with JavaScript off.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, async_playwright, expect

from innkeeper.web.formats import mib, size
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.kit.lab import LAB, Lab
from tests.kit.server import Server, running
from tests.kit.until import until
from tests.web.figures import Shown, figures_on

pytestmark = [pytest.mark.live, pytest.mark.browser, pytest.mark.timeout(600)]
BOOT = 120.0  # seconds: a guest boots in 8, on a busy machine in 30
MIB = 2**20
SCREEN = "#console .xterm-accessibility-tree"  # the rows that are seen
KEPT, WEB = "kept", "web"  # a VM that runs before Innkeeper comes; the machine that is composed
BOOTED = f"seed=/seed host={WEB}"  # what the guest prints before it phones home: the console may be let go then


@pytest.fixture
def lab() -> Iterator[Lab]:
    """The lab's LXD with a VM that runs. In the end it still does, and nothing else is there."""
    one = Lab()
    one.clean()
    one.new_vm(KEPT, "limits.cpu=1", "limits.memory=256MiB")
    one.lxc("start", KEPT)
    before = _is(one)
    yield one
    try:
        assert _is(one) == before
        one.lxc("delete", "--force", KEPT)
        assert one.leftovers() == {}
    finally:
        one.clean()


def _is(lab: Lab) -> tuple[Any, ...]:
    """What Innkeeper may not change: that VM, its process, and the server's own settings."""
    kept = lab.query(f"/1.0/instances/{KEPT}")
    pid = lab.query(f"/1.0/instances/{KEPT}/state")["pid"]
    others = [lab.query(f"/1.0/{noun}?recursion=1") for noun in ("profiles", "networks", "storage-pools")]
    return kept["config"], kept["devices"], kept["status"], pid, lab.query("/1.0")["config"], others


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server without any user, as `innkeeper up --no-admin` starts it; guests reach it."""
    one = Server(tmp_path, host="0.0.0.0", first_admin=False)
    with running(one):
        yield one


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody at the pages, with the LXD server's own terminal beside."""

    page: Page
    server: Server
    lab: Lab
    scripts: bool
    complaints: list[str]  # of the page

    async def paste(self, lines: str) -> str:
        """What lines print that are pasted into a terminal on the LXD server, as they are."""
        return await asyncio.to_thread(_pasted, self.server.data, self.lab, lines)

    async def query(self, path: str) -> Any:
        """What LXD says of itself."""
        return await asyncio.to_thread(self.lab.query, path)

    async def sees(self, where: Locator, text: str | re.Pattern[str], *, within: float = 10.0) -> None:
        """That text comes to be there: by itself, in the same document; without scripts by loading the page again."""
        if self.scripts:
            await self.page.evaluate("window.mark = 1")
            await expect(where).to_contain_text(text, timeout=within * 1000)
            assert await self.page.evaluate("window.mark") == 1
            return

        async def there() -> bool:
            await asyncio.sleep(0.5)  # as often as a person would
            await self.page.reload()
            shown = await where.text_content() if await where.count() else ""
            return bool(re.search(text if isinstance(text, re.Pattern) else re.escape(text), shown or ""))

        await until(there, within=within, what=f"{text!r} on {self.page.url}")

    async def does(self, name: str) -> None:
        """Press what a machine's head offers, and once more on the page that says what it does."""
        await self.page.locator(".machine-actions").get_by_role("link", name=name, exact=True).click()
        await self.page.locator("#main form").get_by_role("button", name=name, exact=True).click()
        await self.page.wait_for_url(re.compile(r"/machines/[a-z0-9]+$"))

    async def figures(self, path: str) -> dict[tuple[str, str], Shown]:
        """The figures on a page."""
        await self.page.goto(path)
        return figures_on(await self.page.content())


def _pasted(directory: Path, lab: Lab, lines: str) -> str:
    programs = directory / "bin"
    programs.mkdir(exist_ok=True)
    lxc = programs / "lxc"
    path = shlex.quote(os.environ["PATH"])  # where the lab finds the real one
    lxc.write_text(f'#!/bin/sh\nPATH={path} exec {shlex.quote(str(LAB))} lxc {lab.name} -- "$@"\n')
    lxc.chmod(0o755)
    env = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-eu"], input=lines, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{lines}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@asynccontextmanager
async def browsing(server: Server, lab: Lab, *, scripts: bool) -> AsyncIterator[Person]:
    """A tab. What a page complains of, or asks of another server, fails the test."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        context = await browser.new_context(
            base_url=server.base,
            java_script_enabled=scripts,
            permissions=["clipboard-read", "clipboard-write"],
            viewport={"width": 1280, "height": 900},
        )
        page = await context.new_page()
        page.on("console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda one: complaints.append(str(one)))
        page.on("request", lambda one: complaints.append(one.url) if not one.url.startswith(server.base) else None)
        yield Person(page=page, server=server, lab=lab, scripts=scripts, complaints=complaints)
        await browser.close()
    assert complaints == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
async def test_from_nothing_to_a_console_and_back(server: Server, lab: Lab, scripts: bool) -> None:
    project = "default" if scripts else "inn"
    async with browsing(server, lab, scripts=scripts) as one:
        await first_run(one)
        host = await add_host(one, project)
        await figures_are_lxds(one, host, project)
        machine = await compose(one, host, project)
        await figures_are_lxds(one, host, project)
        await slide(one, host)
        await figures_are_lxds(one, host, project, ratio=1.5)
        await deploy(one, machine)
        await one.sees(one.page.locator("#page .card").first, await address(one, project))
        await machine_is_lxds(one, project)
        await power_and_console(one, machine, project)
        await delete(one, machine)
        await figures_are_lxds(one, host, project, ratio=1.5)
        await remove(one, host)
    if project != "default":
        assert lab.leftovers() == {"instances": [KEPT], "volumes": [f"default/{KEPT}"], "projects": [project]}
        lab.lxc("project", "delete", project)  # what was said to stay


async def first_run(one: Person) -> None:
    """The administrator, with the code that the terminal shows."""
    page = one.page
    await page.goto("/")
    (code,) = set(re.findall(r"code: (\S+)", one.server.log.read_text()))
    await page.get_by_label("Code").fill(code)
    await page.get_by_label("User name").fill("ada")
    await page.get_by_label("Password", exact=True).fill("a long password")
    await page.get_by_label("Password again").fill("a long password")
    await page.get_by_role("button", name="Next: the first VM host").click()
    await expect(page.get_by_role("status")).to_contain_text("The administrator ada was made.")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Add VM host")


async def add_host(one: Person, project: str) -> str:
    """By a certificate made on the way; the address of the host's page. Trust is found by the page itself."""
    page = one.page
    await page.get_by_label("Address").fill(one.lab.address)
    await page.get_by_label("Name", exact=True).fill("rack1")
    await page.get_by_role("button", name="Next: credentials").click()
    await page.get_by_label("By a certificate that is made here").check()
    await page.get_by_role("button", name="Next: the server").click()

    shown = await page.locator("#shown").inner_text()
    told = await one.paste(await page.locator("pre.command code").inner_text())
    assert shown == told.split()[-1]
    assert re.fullmatch(r"[0-9a-f]{64}", shown)
    await page.get_by_role("button", name="Yes, this is the server").click()

    await expect(page.get_by_role("status").first).to_contain_text("Waiting until the server trusts our certificate.")
    assert len(await one.query("/1.0/certificates")) == 1  # the lab's own: nobody is trusted by being shown
    await one.paste(await _command(one))
    await page.wait_for_url("**/project", timeout=15_000)
    assert "innkeeper" in [each["name"] for each in await one.query("/1.0/certificates?recursion=1")]

    await expect(page.locator("#how-1-more")).to_contain_text("1 VM: nothing happens to it.")  # project default
    if project == "default":
        await page.locator("#how").get_by_text("default", exact=True).click()
    else:
        await page.get_by_label("A new project").check()
        await page.get_by_label("Its name").fill(project)
    await page.get_by_role("button", name="Next: review").click()
    await expect(page.get_by_text(shown)).to_be_visible()
    if project == "default":
        row = page.get_by_role("row", name=KEPT)
        await expect(row).to_contain_text("on")
        await expect(row).to_contain_text("256 MiB")
        await expect(row).to_contain_text("Nothing: shown and locked")
    else:
        await expect(page.locator("#page")).to_contain_text(f"There is no VM in the project {project} yet.")
        await expect(page.locator("#page")).to_contain_text("1 VM of other projects: nothing happens to it either")
    await page.get_by_role("button", name="Add VM host").click()
    await page.wait_for_url(re.compile(r"/hosts/\d+$"), timeout=30_000)
    await expect(page.get_by_role("status").first).to_contain_text("rack1 was added.")
    await expect(page.locator(".page-head")).to_contain_text("ready")
    await expect(page.locator(".host-facts")).to_contain_text(
        (await one.query("/1.0"))["environment"]["server_version"]
    )
    return page.url.removeprefix(one.server.base)


async def _command(one: Person) -> str:
    """The command to have the certificate trusted, as it is copied: by the button, or by hand."""
    page = one.page
    if not one.scripts:
        return await page.locator("#trust-command").text_content() or ""
    await page.get_by_role("button", name="Copy the command").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    return str(await page.evaluate("navigator.clipboard.readText()"))


async def figures_are_lxds(one: Person, host: str, project: str, *, ratio: float = 1) -> None:
    """Cores, memory at an overcommit ratio, pools, and what is claimed, as LXD itself has them."""
    resources = await one.query("/1.0/resources")
    instances = await one.query("/1.0/instances?recursion=1&all-projects=true")
    ours = [each for each in instances if each["project"] == project]
    others = [each for each in instances if each["project"] != project]
    shown = await one.figures(f"{host}/resources")
    for name, whole, held in (
        ("cores", resources["cpu"]["total"], _cores),
        ("memory", int(resources["memory"]["total"] // MIB * ratio), _memory),
    ):
        figure = shown["", name]
        assert figure["claimed"] == sum(map(held, ours)), name
        assert figure["others"] == sum(map(held, others)), name
        assert figure["limit"] == whole, name
        assert figure["free"] - figure["over"] == whole - figure["claimed"] - figure["others"], name
    pools = await one.figures(f"{host}/storage")
    there = [each["name"] for each in await one.query("/1.0/storage-pools?recursion=1")]
    assert {pool for pool, _ in pools if pool} == set(there)
    for pool in there:
        space = (await one.query(f"/1.0/storage-pools/{pool}/resources"))["space"]
        assert pools[pool, "storage"]["limit"] == space["total"], pool
        roots = [_root(each) for each in ours]
        extra = [each["size"] for each in roots if each["pool"] == pool] + await _volumes(one, project, pool)
        assert pools[pool, "storage"]["claimed"] == sum(map(_bytes, extra)), pool


async def _volumes(one: Person, project: str, pool: str) -> list[str]:
    """The sizes of the volumes beside root disks in a project's part of a pool."""
    found = await one.query(f"/1.0/storage-pools/{pool}/volumes/custom?recursion=1&project={project}")
    return [each["config"]["size"] for each in found]


def _cores(instance: dict[str, Any]) -> int:
    return int(instance["expanded_config"].get("limits.cpu", "1"))


def _memory(instance: dict[str, Any]) -> int:
    return _bytes(instance["expanded_config"].get("limits.memory", "1GiB")) // MIB


def _root(instance: dict[str, Any]) -> dict[str, str]:
    return next(each for each in instance["expanded_devices"].values() if each.get("path") == "/")


def _bytes(text: str) -> int:
    """A size as LXD's settings have it."""
    found = re.fullmatch(r"(\d+)(B|MiB|GiB|MB|GB)?", text)
    assert found, text
    return int(found[1]) * {"MiB": MIB, "GiB": 2**30, "MB": 10**6, "GB": 10**9}.get(found[2] or "", 1)


async def compose(one: Person, host: str, project: str) -> str:
    """A machine with two disks in two pools; its page comes to say that it is Ready. The address of that page."""
    page = one.page
    await page.goto(host)
    await page.get_by_role("link", name="Compose", exact=True).click()
    await page.get_by_label("Name", exact=True).fill(WEB)
    await page.fill("#cores", "1")
    await page.fill("#memory", "1024")
    await page.fill("#disk-1-size", "1")
    await page.select_option("#disk-1-pool", "fast")
    await page.get_by_role("button", name="Add a disk").click()
    await page.fill("#disk-2-size", "0.1")
    await page.select_option("#disk-2-pool", "slow")
    await page.get_by_role("button", name="Review").last.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Compose {WEB} on rack1")
    await page.get_by_role("button", name="Compose", exact=True).click()
    await page.wait_for_url(re.compile(r"/machines/[a-z0-9]+"))
    await one.sees(page.locator("#status"), "Ready", within=30)
    await expect(page.locator("#power")).to_have_text("power off")
    await machine_is_lxds(one, project)
    return page.url.removeprefix(one.server.base).partition("?")[0]


async def machine_is_lxds(one: Person, project: str) -> None:
    """The machine's page says what LXD says of the instance."""
    there = await one.query(f"/1.0/instances/{WEB}?project={project}&recursion=1")
    root, data = _root(there), there["devices"]["disk1"]
    volume = await one.query(f"/1.0/storage-pools/{data['pool']}/volumes/custom/{data['source']}?project={project}")
    assert (root["pool"], data["pool"]) == ("fast", "slow")
    facts = one.page.locator("#page .card").first
    await expect(facts).to_contain_text(f"CPU cores{_cores(there)}")
    await expect(facts).to_contain_text(f"Memory{mib(_memory(there))}")
    disks = [(_bytes(root["size"]), root["pool"]), (_bytes(volume["config"]["size"]), data["pool"])]
    await expect(facts).to_contain_text(", ".join(f"{size(large)} in {pool}" for large, pool in disks))
    await expect(facts).to_contain_text(f"{there['name']} in the project {project}")


async def slide(one: Person, host: str) -> None:
    """Memory promised one and a half times: seen before it is saved, and then on a page that is open beside."""
    page, name = one.page, "memory_over_commit_ratio"
    physical = (await one.query("/1.0/resources"))["memory"]["total"] // MIB
    wanted = physical * 3 // 2
    beside = await page.context.new_page()
    await beside.goto(f"{host}/resources")
    limit = beside.locator('[data-figure="memory"] .is-limit data')
    await expect(limit).to_have_attribute("value", str(physical))

    await page.goto(f"{host}/settings")
    if one.scripts:
        await page.locator(f"#{name}-slider").focus()
        for _ in range(5):
            await page.keyboard.press("ArrowRight")
        await expect(page.locator(f"#{name}")).to_have_value("1.5")
    else:
        await page.locator(f"#{name}").fill("1.5")
        await page.locator("#overcommit").get_by_role("button", name="Preview").click()
    then = page.locator('[data-change="memory"] [data-row="limit"] [data-when="then"] data')
    await expect(then).to_have_attribute("value", str(wanted))
    await expect(limit).to_have_attribute("value", str(physical))  # nothing is saved yet
    saving = page.locator("#overcommit") if one.scripts else page.locator("#main")
    await saving.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("status").first).to_contain_text("The settings were saved.")
    await expect(page.locator(f"#{name}")).to_have_value("1.5")

    looking = replace(one, page=beside)
    await looking.sees(beside.locator('[data-figure="memory"]'), mib(wanted), within=3)
    await expect(limit).to_have_attribute("value", str(wanted))
    await beside.close()


async def deploy(one: Person, machine: str) -> None:
    """The tiny guest on it, by the alias of an image that the host has; Deployed when it phoned home."""
    page = one.page
    await page.goto("/images")
    await page.get_by_role("link", name="Use an alias").click()
    await page.get_by_label("Name", exact=True).fill("tiny")
    await page.get_by_label("Alias on the hosts").fill("tiny")
    await page.get_by_label("Architecture").fill("amd64/generic")
    await page.get_by_role("button", name="Add the image").click()
    await expect(page.get_by_role("status").first).to_be_visible()
    await page.goto(machine)
    await page.locator(".machine-actions").get_by_role("link", name="Deploy", exact=True).click()
    await page.get_by_label("Image", exact=True).select_option("custom/tiny")
    await page.get_by_role("button", name="Deploy", exact=True).click()
    await page.wait_for_url(re.compile(f"{machine}$"))
    await one.sees(page.locator("#status"), "Deployed", within=BOOT)
    await one.sees(page.locator("#power"), "power on")


async def power_and_console(one: Person, machine: str, project: str) -> None:
    """Off, on, what it prints, and off again; LXD agrees each time."""
    page, instance = one.page, f"/1.0/instances/{WEB}?project={project}"
    if one.scripts:
        await page.goto(f"{machine}/console")
        await one.sees(page.locator(SCREEN), BOOTED)  # printed while it was deployed
        await typed(one, "before")
    await page.goto(machine)
    await one.does("Power off")
    await one.sees(page.locator("#power"), "power off", within=BOOT)
    assert (await one.query(instance))["status"] == "Stopped"
    await one.does("Power on")
    await one.sees(page.locator("#power"), "power on", within=30)
    assert (await one.query(instance))["status"] == "Running"
    await page.goto(f"{machine}/console")
    if one.scripts:
        await expect(page.locator("#console-words")).to_contain_text(f"This is the console of {WEB}", timeout=10_000)
        # What was printed until it was powered off may be above: this is the guest that was powered on.
        booted = re.compile(f"BdsDxe: starting.*READY host={WEB}(?!.*before).*/ #", re.DOTALL)
        await one.sees(page.locator(SCREEN), booted, within=BOOT)
        await typed(one, "after")
    else:
        await expect(page.locator("#console-island noscript p")).to_be_visible()
        await expect(page.locator("#kept")).to_contain_text(BOOTED)
    await page.goto(machine)
    await one.does("Power off" if one.scripts else "Force off")
    await one.sees(page.locator("#power"), "power off", within=BOOT)
    assert (await one.query(instance))["status"] == "Stopped"


async def address(one: Person, project: str) -> str:
    """The guest's IPv4 address, as LXD sees it."""
    nics = (await one.query(f"/1.0/instances/{WEB}/state?project={project}"))["network"].values()
    (found,) = [each["address"] for nic in nics for each in nic["addresses"] if each["family"] == "inet"]
    return str(found)


async def typed(one: Person, word: str) -> None:
    """A command to the guest's shell, and its answer. It is typed again where it came before the shell."""

    async def answered() -> bool:
        await one.page.keyboard.type(f'echo {word[0]}""{word[1:]}\r')
        with suppress(AssertionError):
            await expect(one.page.locator(SCREEN)).to_contain_text(word, timeout=5000)
            return True
        return False

    await until(answered, within=BOOT, what=f"the answer {word!r}")
    assert await one.page.evaluate("window.mark") == 1  # `sees` set it


async def delete(one: Person, machine: str) -> None:
    """With its name typed; another name deletes nothing. LXD has nothing of it then."""
    page = one.page
    await page.goto(machine)
    await page.locator(".machine-actions").get_by_role("link", name="Delete", exact=True).click()
    await expect(page.locator("#main form")).to_contain_text("in the storage pool slow")
    for name in ("wrong", WEB):
        await page.get_by_label(f"Type {WEB} to confirm").fill(name)
        await page.get_by_role("button", name=f"Delete {WEB}").click()
        if name == "wrong":
            await expect(page.locator("#typed-wrong")).to_be_visible()
            assert [text for text in one.complaints if "400" not in text] == []
            one.complaints.clear()
    await page.wait_for_url("**/machines")
    await expect(page.get_by_role("status").first).to_contain_text(f"{WEB} was deleted.")
    left = await asyncio.to_thread(one.lab.leftovers)
    assert left["instances"] == [KEPT]
    assert left["volumes"] == [f"default/{KEPT}"]
    assert (await page.request.get(machine)).status == 404


async def remove(one: Person, host: str) -> None:
    """The host is taken out; our certificate goes with it."""
    page = one.page
    await page.goto(host)
    await page.locator(".page-actions").get_by_role("link", name="Delete").click()
    await page.get_by_role("button", name="Remove rack1").click()
    await page.wait_for_url("**/hosts")
    await expect(page.locator("#main")).to_contain_text("There is no VM host yet")
    assert len(await one.query("/1.0/certificates")) == 1
