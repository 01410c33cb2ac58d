"""Lists in pages: sorting and paging, all of it in the address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Sort:
    """A column that can be sorted by: "name", or "-name" for the other way round."""

    name: str
    title: str
    key: Callable[[Any], Any]


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The head of a column: where its link leads, and how the list is sorted by it now ("ascending", …, "none")."""

    name: str
    title: str
    address: str
    sorted: str


@dataclass(frozen=True, kw_only=True)
class Listing(Generic[T]):
    """One page of a list. `first`, `last`: positions of its rows, from 1; `before`, `after`: addresses, or ""."""

    rows: Sequence[T]
    total: int
    first: int
    last: int
    page: int
    pages: int
    before: str
    after: str
    headings: dict[str, Heading]

    def __iter__(self) -> Iterator[T]:
        return iter(self.rows)


def address(request: Request, **changes: object) -> str:
    """This page with other values in its query; None takes one away."""
    sent = parse_qsl(request.scope["query_string"].decode("latin-1"))
    query = [pair for pair in sent if pair[0] not in changes]
    query += [(name, str(value)) for name, value in changes.items() if value is not None]
    path: str = request.scope["path"]
    return path + (f"?{urlencode(query)}" if query else "")


def page_of(
    found: Sequence[T], *, request: Request, sorts: Sequence[Sort], sort: str, page: int, size: int
) -> Listing[T]:
    """The rows of one page. An unknown sort is the first one, and a page beyond the last is the last."""
    by = {one.name: one for one in sorts}
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if name not in by:
        name, down = sorts[0].name, False
    ordered = sorted(found, key=by[name].key, reverse=down)
    pages = max((len(ordered) + size - 1) // size, 1)
    page = min(max(page, 1), pages)
    rows = ordered[(page - 1) * size : page * size]
    return Listing(
        rows=rows,
        total=len(ordered),
        first=(page - 1) * size + 1 if rows else 0,
        last=(page - 1) * size + len(rows),
        page=page,
        pages=pages,
        before=address(request, page=page - 1) if page > 1 else "",
        after=address(request, page=page + 1) if page < pages else "",
        headings=headings(request, {one.name: one.title for one in sorts}, sort=f"-{name}" if down else name),
    )


def turned(rows: Sequence[T], *, request: Request, total: int, page: int, size: int) -> Listing[T]:
    """A page whose rows were read alone; one beyond the last is the last."""
    pages = max((total + size - 1) // size, 1)
    page = min(max(page, 1), pages)
    return Listing(
        rows=rows,
        total=total,
        first=(page - 1) * size + 1 if rows else 0,
        last=(page - 1) * size + len(rows),
        page=page,
        pages=pages,
        before=address(request, page=page - 1) if page > 1 else "",
        after=address(request, page=page + 1) if page < pages else "",
        headings={},
    )


def sliced(found: Sequence[T], *, request: Request, page: int, size: int) -> Listing[T]:
    """One page of rows that have their order; one beyond the last is the last."""
    at = min(max(page, 1), max((len(found) + size - 1) // size, 1))
    rows = found[(at - 1) * size : at * size]
    return turned(rows, request=request, total=len(found), page=at, size=size)


def headings(request: Request, titles: Mapping[str, str], *, sort: str) -> dict[str, Heading]:
    """The heads of columns by name, whose titles these are, of a list that is sorted by `sort`."""
    found = {}
    for name, title in titles.items():
        current = name == sort.removeprefix("-")
        target = f"-{name}" if sort == name else name
        state = ("descending" if sort.startswith("-") else "ascending") if current else "none"
        found[name] = Heading(name=name, title=title, address=address(request, sort=target, page=None), sorted=state)
    return found
