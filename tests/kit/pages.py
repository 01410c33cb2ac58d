"""What the pages of the project say, taken out of them: shell lines, tables, headings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
FIRST_HOST = ROOT / "docs" / "guide" / "first-host.md"
SETTINGS = ROOT / "docs" / "reference" / "settings.md"


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: the heading that it stands under, the words after its fence, its text."""

    heading: str
    kind: str
    text: str


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in their order."""
    found, heading, kind, lines = [], "", "", []
    for line in page.read_text().splitlines():
        if kind and line == "```":
            found.append(Block(heading=heading, kind=kind, text="\n".join(lines)))
            kind = ""
        elif kind:
            lines.append(line)
        elif line.startswith("```"):
            kind, lines = line.removeprefix("```"), []
        elif line.startswith("#"):
            heading = line.lstrip("# ")
    assert not kind, f"{page.name}: a block is not closed"
    return found


def shell(page: Path, heading: str, *, kind: str = "sh") -> str:
    """The shell lines under that heading."""
    found = [block.text for block in blocks(page) if block.heading == heading and block.kind == kind]
    assert found, f"{page.name} has no {kind} block under {heading!r}"
    return "\n".join(found)


def rows(page: Path, title: str) -> list[tuple[str, ...]]:
    """The rows of the table whose first column has that title, cells without their backquotes."""
    found = re.search(rf"^\| {re.escape(title)} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", page.read_text(), re.MULTILINE)
    assert found, f"{page.name} has no table of {title!r}"
    return [tuple(cell.strip().strip("`") for cell in line.strip("|").split("|")) for line in found[1].splitlines()]
