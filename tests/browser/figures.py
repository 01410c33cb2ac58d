"""Every figure of a fleet: what its pages show, whole and by NUMA node, compared with what the API says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from innkeeper.web import formats
from innkeeper.web.core_map import WORDS
from tests.browser.told import Figures, Told
from tests.web.figures import PARTS, Shown, text_of

Page = Mapping[str, Any]  # as tests.browser.read has it
_CLOSE = 0.001  # of the length of a bar
_TITLES = {"memory": "Memory", "huge_pages": "Huge pages", "cores": "CPU cores"}
_TOGETHER = {"storage": "Storage", "functions": "Virtual functions"}
_PART_WORDS = {"claimed": "claimed", "others": "other use", "free": "free", "over": "over by", "limit": "limit"}


def shown(page: Page) -> Figures:
    """The figures of a page."""
    found: Figures = {
        (one["of"], one["name"]): {"over": 0} | {part: value for part, value, *_ in one["parts"]}
        for one in page["figures"]
    }
    assert len(found) == len(page["figures"])
    return found


def odd(page: Page) -> Iterator[str]:
    """Figures that say something else in their words or with their bars than in their numbers."""
    for one in page["figures"]:
        figure, kind = {"over": 0} | {part: value for part, value, *_ in one["parts"]}, one["name"]
        for part, value, text, whole in one["parts"]:
            if text != text_of(value, kind) or whole != f"{_PART_WORDS[part]} {text}":
                yield f"{one['of']} {kind}: {value} is written as {whole!r}"
        said = {part: text_of(figure[part], kind) for part in PARTS}
        sums = f"{said['limit']} − {said['claimed']} claimed − {said['others']} other use."
        if figure["over"]:
            sums = f"{said['claimed']} claimed + {said['others']} other use − {said['limit']}."
        sums = f"Over by {said['over']}: {sums}" if figure["over"] else f"Free {said['free']} = {sums}"
        if one["counted"] and sums not in one["counted"]:
            yield f"{one['of']} {kind}: {one['counted']}"
        yield from _bar(f"{one['of']} {kind}", one["bar"], figure)


def _bar(name: str, drawn: Sequence[tuple[str, float, float]], figure: Shown) -> Iterator[str]:
    """A bar that is not as long as its figure says; it is as long as the limit, or as all that is promised."""
    used = figure["claimed"] + figure["others"]
    length, at, meant = max(figure["limit"], used, 1), 0, []
    for part in ("claimed", "others", "free"):
        meant.append((part, at / length, figure[part] / length))
        at += figure[part]
    if figure["over"]:
        meant.append(("over", figure["limit"] / length, figure["over"] / length))
    as_meant = [part for part, *_ in drawn] == [part for part, *_ in meant] and all(
        abs(width - wide) < _CLOSE and (abs(left - start) < _CLOSE or not wide)
        for (_, left, width), (_, start, wide) in zip(drawn, meant, strict=True)
    )
    if not as_meant:
        yield f"{name}: its bar is {drawn}, not {meant}"


def odd_words(lines: Sequence[Mapping[str, Any]], one: Told, names: Sequence[str]) -> Iterator[str]:
    """Figures in one line (of the list of hosts, of a host's first page) that are not what the API says."""
    figures = {_TITLES[name]: (one.figures[name], name) for name in _TITLES if one.figures[name]}
    figures |= {_TOGETHER[name]: (figure, name) for name, figure in one.together.items()}
    if not one.figures["huge_pages"]["limit"]:
        del figures["Huge pages"]
    figures = {title: figure for title, figure in figures.items() if title in names}
    if sorted(line["name"] for line in lines) != sorted(figures):
        yield f"figures of {[line['name'] for line in lines]}, not {list(figures)}"
        return
    for line in lines:
        figure, kind = figures[line["name"]]
        said = {part: text_of(int(figure[part]), kind) for part in PARTS}
        others = f"{said['others']} other use, " if figure["others"] else ""
        words = f"{said['claimed']} claimed, {others}{said['free']} free of {said['limit']}"
        if figure.get("ratio", 1) != 1:
            words += f" = {text_of(int(figure['physical']), kind)} × {figure['ratio']:g}"
        if figure["over"]:
            words += f" over by {said['over']}"
        if line["text"] != words:
            yield f"{line['text']!r}, not {words!r}"
        yield from _bar(kind, line["bar"], figure)


def sums(one: Told) -> dict[str, list[str]]:
    """The table in which all nodes stand below each other: claimed, other use, and what is free or over."""

    def three(figure: Mapping[str, Any]) -> list[str]:
        last = f"over by {figure['over']:,}" if figure["over"] else f"{figure['free']:,}"
        return [f"{figure['claimed']:,}", f"{figure['others']:,}", last]

    rows = [(str(node["id"]), node) for node in one.nodes] + [("whole", one.figures)]
    return {name: list(chain.from_iterable(three(row[kind]) for kind in one.names)) for name, row in rows}


def ports(one: Told, *, numbered: bool) -> dict[str, dict[str, str]]:
    """The ports with virtual functions."""
    columns = {"Claimed": "claimed", "Other use": "others", "Free": "free"}
    found = {}
    for port in one.figures["virtual_functions"]:
        cells = {title: str(int(port["figure"][part])) for title, part in columns.items()}
        node = "–" if port["numa_node"] is None else str(port["numa_node"])
        found[port["name"]] = {"Port": port["name"], **({"Node": node} if numbered else {}), **cells}
    return found


def odd_cores(page: Page, one: Told) -> Iterator[str]:
    """NUMA nodes whose cores are not drawn, counted or told in the table as the API has them."""
    ours = defaultdict[int, list[str]](list)
    for machine in one.machines:
        for core in dict.fromkeys(machine["pinned_cores"]):
            ours[core].append(machine["hostname"])
    threads = {node["id"]: node["threads"] for node in one.inventory["numa_nodes"]}
    listed = Counter[tuple[str, str]]()
    for row in page["rows"]:
        if "Held by" in row["cells"]:
            listed[row["cells"]["NUMA node"], row["cells"]["Use"]] += int(row["cells"]["Number"])
    for node, view in zip(one.nodes, page["cores"], strict=True):
        pinned, left = 0, node["cores"]["claimed"] + node["cores"]["others"] - node["pinned"]
        uses = Counter[str]()
        for (title, number, kind), thread in zip(view["cells"], threads[node["id"]], strict=True):
            about, _, by = title.partition(": pinned by ")
            pinned += len(by.split(", ")) if by else 0
            if thread["id"] in ours or by:
                use, meant = "pinned", "pinned" if thread["id"] in ours else "others"
                right = about == f"Core {thread['id']}" and set(ours[thread["id"]]) <= set(by.split(", "))
            else:
                use = meant = "offline" if not thread["online"] else "shared" if left > 0 else "free"
                left -= use == "shared"
                right = title == f"Core {thread['id']}: {WORDS[use]}"
            uses[use] += 1
            if not right or kind != meant or number != str(thread["id"]):
                yield f"node {node['id']}: {title!r}, drawn as {kind} and {number}, is {meant}"
        if pinned != node["pinned"]:
            yield f"node {node['id']}: {pinned} pinned, not {node['pinned']}"
        if {use: (value, text) for use, value, text in view["counts"]} != {
            use: (count, str(count)) for use, count in uses.items()
        }:
            yield f"node {node['id']}: {view['counts']}, not {uses}"
        if {use: listed[str(node["id"]), WORDS[use]] for use in uses} != uses:
            yield f"node {node['id']}: listed are {listed}, not {uses}"


def pages(one: Told) -> dict[str, str]:
    """How much memory is in huge pages of each size."""
    found = Counter[int]()
    for node in one.inventory["numa_nodes"]:
        for some in node["huge_pages"]:
            found[some["page_size"]] += some["total"]
    return {
        formats.binary(size): f"{formats.binary(total)} ({formats.plural(total // size, 'page')})"
        for size, total in found.items()
    }


def machine(one: Mapping[str, Any]) -> dict[str, str]:
    """A machine in a list of them."""
    pinned, floating = one["pinned_cores"], one["cpu_count"] - len(one["pinned_cores"])
    cores = f"{formats.ranges(pinned)} pinned{f', any {floating}' if floating else ''}" if pinned else f"Any {floating}"
    paged = " huge pages" if one["hugepages_backed"] else ""
    return {
        "Cores": cores,
        "Memory": f"{formats.mib(one['memory'])}{paged}",
        "Storage": formats.size(round(one["storage"] * 1e6)),
    }
