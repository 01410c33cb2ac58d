"""All pages by keyboard: past the navigation, in the order one reads, to the search, and what keys there are."""

from __future__ import annotations

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import Open
from tests.kit.client import Client
from tests.kit.server import Server

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser]
_FOCUSED = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
  return {
    name: (at.labels?.[0] ?? at).textContent.trim().split(":")[0],
    inside: ["shell-head", "shell-nav", "shell-main", "shell-foot"].find((one) => at.closest("." + one)) ?? "",
    seen: box.width > 0 && box.height > 0 && box.top >= 0 && style.visibility === "visible",
    marked: style.outlineStyle !== "none",
  };
}"""


async def focused(page: Page) -> dict[str, object]:
    """What has the focus: its name, where it is, and whether one sees it."""
    found: dict[str, object] = await page.evaluate(_FOCUSED)
    return found


async def test_the_first_key_leads_past_the_navigation(site: Server, visit: Open) -> None:
    page: Page = await visit()
    for path in ("/hosts", "/zones", "/zones/new", "/account"):
        await page.goto(path)
        await page.keyboard.press("Tab")
        at = await focused(page)
        assert at["name"] == "Skip to the content", path
        assert at["seen"], path
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        assert (await focused(page))["inside"] == "shell-main", path


async def test_the_focus_goes_as_one_reads_and_is_seen(site: Server, visit: Open) -> None:
    page: Page = await visit()
    await page.goto("/zones")
    order: list[dict[str, object]] = []
    while not order or order[-1]["name"] != "Keyboard":
        assert len(order) < 60, order
        await page.keyboard.press("Tab")
        order.append(await focused(page))
    names = [str(one["name"]) for one in order]
    assert names[:5] == ["Skip to the content", "Innkeeper", "Search everything", "Theme", "admin"]
    places = [str(one["inside"]) for one in order[1:]]
    assert list(dict.fromkeys(places)) == ["shell-head", "shell-nav", "shell-main", "shell-foot"]
    assert places == sorted(places, key=["shell-head", "shell-nav", "shell-main", "shell-foot"].index)
    assert [one for one in order if not one["seen"] or not one["marked"]] == []


async def test_a_slash_leads_to_the_search(site: Server, visit: Open) -> None:
    page: Page = await visit()
    await page.goto("/zones")
    await page.keyboard.press("/")
    await expect(page.get_by_label("Search everything")).to_be_focused()
    await page.keyboard.type("a/b")
    await expect(page.get_by_label("Search everything")).to_have_value("a/b")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/search?q=a%2Fb")
    async with httpx2.AsyncClient(base_url=site.base, timeout=30, trust_env=False) as http:
        await Client(http, site.key()).post("vm-hosts/", type="simulated", name="alpha", power_address="alpha")
    await page.goto("/hosts")
    await page.keyboard.press("/")
    await expect(page.locator("[data-search]")).to_be_focused()


async def test_a_question_mark_tells_the_keys(site: Server, visit: Open) -> None:
    page: Page = await visit()
    await page.goto("/zones")
    keys = page.get_by_role("dialog", name="Keyboard")
    await page.keyboard.press("?")
    await expect(keys).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(keys).to_be_hidden()
    await page.get_by_role("button", name="Keyboard").click()
    await expect(keys).to_contain_text("go to the search box")
    await keys.get_by_role("button", name="Close").click()
    await expect(keys).to_be_hidden()


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_theme_is_chosen_where_one_is(site: Server, visit: Open, scripts: bool) -> None:
    page: Page = await visit(java_script_enabled=scripts, color_scheme="light")
    whole = page.locator("html")
    await page.goto("/machines?q=web&sort=-name")
    for theme, dark in (("Dark", True), ("Light", False), ("Dark", True), ("System theme", False)):
        await page.get_by_label("Theme").select_option(theme)
        if not scripts:
            await page.get_by_role("button", name="Set").click()
        await expect(page.get_by_label("Theme").locator("option:checked")).to_have_text(theme)
        await page.wait_for_load_state()
        assert page.url.endswith("/machines?q=web&sort=-name")
        await expect(whole).to_have_class("is-dark" if dark else "")
    if scripts:
        await page.emulate_media(color_scheme="dark")
        await expect(whole).to_have_class("is-dark")


# What of all that is on a page differs between the themes. Options do by what is chosen.
_COLOURS = """() => [...document.querySelectorAll("*:not(option, [type=hidden])")].map((at) => {
  const style = getComputedStyle(at);
  const own = ["--vf-focus-outline-color", "--claimed", "--core-ink"].map((name) => style.getPropertyValue(name));
  return [at.localName, style.color, style.backgroundColor, style.backgroundImage, style.borderColor, style.colorScheme,
    ...own].join(" ");
})"""


async def test_the_theme_of_the_system_needs_no_script(site: Server, visit: Open) -> None:
    page: Page = await visit(java_script_enabled=False, color_scheme="dark")

    async def colours() -> list[str]:
        found: list[str] = []
        for path in ("/zones", "/zones/new"):
            await page.goto(path)
            found += await page.evaluate(_COLOURS)
        return found

    dark = await colours()
    await page.emulate_media(color_scheme="light")
    light = await colours()
    await page.get_by_label("Theme").select_option("Dark")
    await page.get_by_role("button", name="Set").click()
    chosen = await colours()
    assert [pair for pair in zip(dark, chosen, strict=True) if len(set(pair)) > 1] == []
    assert dark != light
    await page.get_by_label("Theme").select_option("Light")
    await page.get_by_role("button", name="Set").click()
    await page.emulate_media(color_scheme="dark")
    assert await colours() == light
