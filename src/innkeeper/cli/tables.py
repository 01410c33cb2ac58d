"""JSON answers as tables: drawn with rich on a terminal, aligned text elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from innkeeper.cli.columns import Column, cell, columns_for


@dataclass(frozen=True, kw_only=True)
class Table:
    """Cells as text. `numbers` tells for each column whether it is set right."""

    titles: tuple[str, ...]
    numbers: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""


def tables_of(*, document: Mapping[str, Any] | Sequence[Any], resource: str) -> tuple[Table, ...]:
    """A list as one table; an object as its simple fields, then one table for each known list in it."""
    if not isinstance(document, Mapping):
        return (_list_table(document, resource=resource),)
    inside = {name: _items(value) for name, value in document.items() if columns_for(name)}
    simple = {name: value for name, value in document.items() if not inside.get(name)}
    fields = Table(titles=("FIELD", "VALUE"), numbers=(False, False), rows=tuple(_fields(simple)))
    inner = [
        _list_table(items, resource=name, caption=name.replace("_", " ")) for name, items in inside.items() if items
    ]
    return (fields, *inner)


def plain_text(table: Table) -> str:
    """The table as lines of aligned columns, two blanks between them, each line ended."""
    lines = [table.titles, *table.rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(table.titles))]
    text = f"{table.caption}\n" if table.caption else ""
    for line in lines:
        cells = [
            value.rjust(width) if number else value.ljust(width)
            for value, width, number in zip(line, widths, table.numbers, strict=True)
        ]
        text += "  ".join(cells).rstrip() + "\n"
    return text


def print_rich(tables: Sequence[Table]) -> None:
    """Draw the tables on standard output, as wide as the terminal."""
    from rich import box
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    console = Console()
    for table in tables:
        drawn = Drawn(box=box.SIMPLE_HEAD, title=table.caption or None, title_justify="left", title_style="bold")
        for title, number in zip(table.titles, table.numbers, strict=True):
            drawn.add_column(title, justify="right" if number else "left", overflow="fold")
        for row in table.rows:
            drawn.add_row(*(Text(value) for value in row))  # Text: no value is read as markup
        console.print(drawn)


def _items(value: object) -> Sequence[Mapping[str, Any]]:
    """The rows of a list inside an object; of an object of objects each with its key as name; () for others."""
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping) and all(isinstance(part, Mapping) for part in value.values()):
        return [{"name": name.replace("_", " "), **part} for name, part in value.items()]
    return ()


def _fields(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Name and value of all simple fields; those of an object inside are named `outer.inner`."""
    for name, value in document.items():
        if name.startswith("__"):  # notes of the API to its clients
            continue
        if _is_simple(value):
            yield cell(prefix + name), cell(value)
        elif isinstance(value, Mapping):
            yield from _fields(value, f"{prefix}{name}.")


def _list_table(items: Sequence[Any], *, resource: str, caption: str = "") -> Table:
    objects = [item for item in items if isinstance(item, Mapping)]
    if len(objects) < len(items):
        rows = tuple((cell(item),) for item in items)
        return Table(titles=("VALUE",), numbers=(False,), rows=rows, caption=caption)
    columns = columns_for(resource) or _simple_columns(objects)
    return Table(
        titles=tuple(column.title for column in columns),
        numbers=tuple(column.number for column in columns),
        rows=tuple(tuple(cell(column.read(item)) for column in columns) for item in objects),
        caption=caption,
    )


def _simple_columns(items: Sequence[Mapping[str, Any]]) -> tuple[Column, ...]:
    """A column for each simple field that any of the objects has."""
    names = {name: None for item in items for name, value in item.items() if _is_simple(value)}
    names.pop("resource_uri", None)
    return tuple(_field(name) for name in names)


def _field(name: str) -> Column:
    return Column(title=cell(name).upper(), read=lambda item: item.get(name))


def _is_simple(value: object) -> bool:
    """Whether a value fits in a cell: a scalar, a list of scalars, or an object that has a name."""
    if isinstance(value, list):
        return not any(isinstance(part, dict | list) for part in value)
    return not isinstance(value, dict) or "name" in value
