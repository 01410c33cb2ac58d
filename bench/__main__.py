"""Measure everything, print the table, and exit 1 where a bar fails. `python -m bench [NAME...]`: only these."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from bench import deploy, fleet, lxd, pages, placement, start, storm
from bench.table import Figure, print_table

MEASURES: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
    "lxd": lxd.measure,
    "deploy": deploy.measure,
    "storm": storm.measure,
    "start": start.measure,
    "placement": placement.measure,
    "fleet": fleet.measure,
    "pages": pages.measure,
}


async def _measure(names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        figures += await MEASURES[name]()
    return figures


def main() -> int:
    names = sys.argv[1:] or list(MEASURES)
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"not measured here: {', '.join(unknown)}; there is: {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    figures = asyncio.run(_measure(names))
    print_table(figures)
    return 0 if all(figure.holds for figure in figures) else 1


sys.exit(main())
