"""A walk over every page of figures of a fleet: what it shows is what the API says, and both views are of one sum."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from playwright.async_api import Page

from innkeeper.web import formats
from tests.browser import figures
from tests.browser.read import read
from tests.browser.told import Figures, Told, told
from tests.kit.client import Client

_ADDS_UP = ("claimed", "others", "limit")
_IN_LIST = ("CPU cores", "Memory", "Storage")
_EVERYTHING = (*_IN_LIST, "Huge pages", "Virtual functions")


async def walk(page: Page, admin: Client, *, pressed: str) -> list[str]:
    """What is wrong. On the host called `pressed` the view is changed as a person does; on others by its address."""
    hosts = await told(admin)
    wrong = [*await _lists(page, admin, hosts)]
    for one in hosts:
        base = f"/hosts/{one.host['id']}"
        first = await read(page, base)
        whole = await read(page, f"{base}/resources")
        if one.host["name"] == pressed:
            await page.get_by_role("link", name="By NUMA node").click()
            await page.wait_for_url(f"**{base}/resources?numa=1")
            by_node = await read(page)
        else:
            by_node = await read(page, f"{base}/resources?numa=1")
        pools = await read(page, f"{base}/storage")
        found = [
            *figures.odd_words(first["words"], one, _EVERYTHING),
            *_machines(first, {machine["system_id"]: machine for machine in one.machines}),
            *_host(one, whole, by_node, pools),
        ]
        wrong += [f"{one.host['name']}: {what}" for what in found]
    return wrong


def _host(one: Told, whole: Mapping[str, Any], by_node: Mapping[str, Any], pools: Mapping[str, Any]) -> Iterator[str]:
    """Of a host: its resources in both views, its storage pools."""
    nodes = bool(one.nodes)
    for name, seen, meant in (
        ("whole", whole, one.whole),
        ("by node", by_node, one.by_node if nodes else one.whole),
        ("storage", pools, one.by_pool),
    ):
        shown = figures.shown(seen)
        if shown != meant:
            yield f"{name}: {shown}, not {meant}"
        yield from figures.odd(seen)
        # What is over is told once more, where it is said how it was counted.
        over = Counter(figure["over"] for figure in shown.values() if figure["over"])
        if Counter(seen["loose"]) != over:
            yield f"{name}: {seen['loose']} over, not {over}"
    for name, seen, numbered in (("whole", whole, len(one.nodes) > 1), ("by node", by_node, False)):
        meant_ports = figures.ports(one, numbered=numbered)
        if dict(seen["ports"]) != meant_ports or len(seen["ports"]) != len(meant_ports):
            yield f"{name}: {seen['ports']}, not {meant_ports}"
        if nodes:
            yield from figures.odd_cores(seen, one)
        sizes = {row["cells"]["Page size"]: row["cells"]["All"] for row in seen["rows"] if "Page size" in row["cells"]}
        if sizes != figures.pages(one):
            yield f"{name}: huge pages {sizes}, not {figures.pages(one)}"
    if dict(by_node["sums"]) != (figures.sums(one) if nodes else {}) or whole["sums"]:
        yield f"all nodes together: {by_node['sums']}, not {figures.sums(one)}"
    yield from _add_up(figures.shown(whole), figures.shown(by_node) if nodes else {}, figures.shown(pools))


def _add_up(whole: Figures, by_node: Figures, pools: Figures) -> Iterator[str]:
    """What the page shows of the whole is what it shows of the parts, added."""
    for (_, name), figure in whole.items():
        parts = [part for (of, kind), part in (*by_node.items(), *pools.items()) if of and kind == name]
        if parts and any(sum(part[which] for part in parts) != figure[which] for which in _ADDS_UP):
            yield f"{name}: {parts} are not {figure}"


async def _lists(page: Page, admin: Client, hosts: Sequence[Told]) -> list[str]:
    """The lists of hosts, machines, and what these are in."""
    wrong: list[str] = []
    seen = await read(page, "/hosts")
    rows = {row["id"]: row["cells"] for row in seen["rows"]}
    if rows.keys() != {f"host-{one.host['id']}" for one in hosts}:
        wrong.append(f"/hosts has {list(rows)}")
    for one in hosts:
        row = f"host-{one.host['id']}"
        lines = [line for line in seen["words"] if line["of"] == row]
        wrong += [f"{one.host['name']}: {what}" for what in figures.odd_words(lines, one, _IN_LIST)]
        if rows[row]["VMs"] != str(len(one.machines)):
            wrong.append(f"{one.host['name']} has {rows[row]['VMs']} VMs, not {len(one.machines)}")
    machines = {machine["system_id"]: machine for one in hosts for machine in one.machines}
    at, listed = "/machines", list[Mapping[str, Any]]()
    while at:
        seen = await read(page, at)
        listed += seen["rows"]
        at = seen["next"]
    wrong += _machines({"rows": listed}, machines)
    for path, many, name in (("/pools", "resourcepools/", "pool"), ("/zones", "zones/", "zone")):
        seen = await read(page, path)
        on, of = (
            Counter(each[name]["name"] for each in some) for some in ([one.host for one in hosts], machines.values())
        )
        wrong += _counts(
            path,
            seen,
            {
                one["name"]: {
                    "VM hosts": formats.plural(on[one["name"]], "VM host"),
                    "Machines": formats.plural(of[one["name"]], "machine"),
                }
                for one in await admin.get(many)
            },
        )
    seen = await read(page, "/tags")
    tagged = Counter(tag for machine in machines.values() for tag in machine["tag_names"])
    wrong += _counts(
        "/tags",
        seen,
        {one["name"]: {"Machines": formats.plural(tagged[one["name"]], "machine")} for one in await admin.get("tags/")},
    )
    return wrong


def _counts(path: str, seen: Mapping[str, Any], meant: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Rows of a list, by name, with how many are in each."""
    rows = {row["cells"]["Name"]: row["cells"] for row in seen["rows"]}
    if rows.keys() != meant.keys():
        yield f"{path} has {list(rows)}, not {list(meant)}"
    for name in rows.keys() & meant.keys():
        if not meant[name].items() <= rows[name].items():
            yield f"{path}: {name} has {rows[name]}, not {meant[name]}"


def _machines(seen: Mapping[str, Any], machines: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Rows of machines: each is there, once, with what it has."""
    rows = [row for row in seen["rows"] if row["id"].startswith("machine-")]
    if sorted(row["id"] for row in rows) != sorted(f"machine-{system_id}" for system_id in machines):
        yield f"{len(rows)} machines, not {len(machines)}"
    for row in rows:
        meant = figures.machine(machines[row["id"].removeprefix("machine-")])
        if not meant.items() <= row["cells"].items():
            yield f"{row['cells']}, not {meant}"
