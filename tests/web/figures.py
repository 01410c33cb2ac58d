"""Figures as a page shows them, read back from it: their exact values, by what they are of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html.parser import HTMLParser
from typing import Any

from innkeeper.web import formats

Shown = Mapping[str, int]  # claimed, others, free, over, limit
NAMES = ("cores", "memory", "huge_pages")  # figures that NUMA nodes have their parts of
PARTS = ("claimed", "others", "free", "over", "limit")
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class _Reader(HTMLParser):
    """Notes what a `data` element says, with the nearest figure, part and owner (data-node, data-pool) around it."""

    def __init__(self) -> None:
        super().__init__()
        self._stack: list[tuple[str, dict[str, str]]] = []
        self.found: dict[tuple[str, str], dict[str, int]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "data":
            figure, part = self._near("data-figure"), self._part()
            if figure and part:
                owner = self._near("data-node") or self._near("data-pool")
                self.found.setdefault((owner, figure), {})[part] = int(given["value"])
        if tag not in _VOID:
            self._stack.append((tag, given))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Nothing is in it."""

    def handle_endtag(self, tag: str) -> None:
        while self._stack and self._stack.pop()[0] != tag:
            pass

    def _near(self, name: str) -> str:
        return next((given[name] for _, given in reversed(self._stack) if name in given), "")

    def _part(self) -> str:
        classes = [name for _, given in self._stack[-3:] for name in given.get("class", "").split()]
        return next((part for part in PARTS if f"is-{part}" in classes), "")


def figures_on(page: str) -> dict[tuple[str, str], Shown]:
    """(NUMA node or storage pool, or "" for the whole host; name of the figure) → its parts. No "over": not over."""
    reader = _Reader()
    reader.feed(page)
    return {key: {"over": 0} | parts for key, parts in reader.found.items()}


def of_api(figure: Mapping[str, float]) -> Shown:
    """A figure of the API as a page shows it."""
    return {part: int(figure[part]) for part in PARTS}


def added(pieces: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Figures of one kind as one: what adds up."""
    many = list(pieces)
    return {part: sum(int(one[part]) for one in many) for part in ("claimed", "others", "limit")}


def text_of(value: int, kind: str) -> str:
    """How a figure's number is written."""
    return {"memory": formats.mib, "huge_pages": formats.mib, "storage": formats.size}.get(kind, str)(value)
