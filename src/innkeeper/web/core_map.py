"""The cores of a NUMA node as a picture, and as rows that say the same: pinned, shared, free, and who holds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from innkeeper.model.numa import Core, Use
from innkeeper.web.formats import ranges
from innkeeper.web.names import Name

COLUMNS = 8
_WIDTH, _HEIGHT, _GAP = 40, 28, 3
WORDS = {
    Use.PINNED: "pinned",
    Use.SHARED: "shared by VMs that are not pinned",
    Use.FREE: "free",
    Use.OFFLINE: "offline",
}


@dataclass(frozen=True, kw_only=True)
class Run:
    """Cores of one use with the same holders: "0-3"."""

    cores: str
    count: int
    use: Use
    kind: str
    words: str
    names: tuple[Name, ...]


def runs(cores: Sequence[Core], names: Sequence[Name]) -> list[Run]:
    """The cores of a node as rows: one for each use with the same holders."""
    found: dict[tuple[Use, tuple[int, ...]], list[int]] = {}
    for one in cores:
        found.setdefault((one.use, one.holders), []).append(one.thread.id)
    return [
        Run(
            cores=ranges(ids),
            count=len(ids),
            use=use,
            kind=_kind(use, [names[at] for at in holders]),
            words=WORDS[use],
            names=tuple(names[at] for at in holders),
        )
        for (use, holders), ids in found.items()
    ]


def picture(cores: Sequence[Core], names: Sequence[Name], *, label: str) -> Markup:
    """The cores of a node, drawn. Each tells its number, its use and its holders when it is pointed at."""
    pieces = [_cell(at, one, names) for at, one in enumerate(cores)]
    lines = (len(cores) + COLUMNS - 1) // COLUMNS
    width, height = COLUMNS * (_WIDTH + _GAP) - _GAP, max(lines, 1) * (_HEIGHT + _GAP) - _GAP
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    frame = Markup('<svg class="cores" {} role="img" aria-label="{}">').format(Markup(size), label)
    return frame + Markup("".join(pieces)) + Markup("</svg>")


def _cell(at: int, one: Core, names: Sequence[Name]) -> str:
    x, y = at % COLUMNS * (_WIDTH + _GAP), at // COLUMNS * (_HEIGHT + _GAP)
    holders = [names[holder] for holder in one.holders]
    kind = _kind(one.use, holders)
    by = f" by {', '.join(name.text for name in holders)}" if holders else ""
    title = escape(f"Core {one.thread.id}: {WORDS[one.use]}{by}")
    mark = _MARKS.get(kind, "")
    return (
        f'<g class="core core-{kind}" transform="translate({x} {y})"><title>{title}</title>'
        f'<rect class="core-frame" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="2"/>{mark}'
        f'<text x="{_WIDTH // 2}" y="{_HEIGHT // 2 + 5}">{one.thread.id}</text></g>'
    )


# What is drawn into a cell, so that its use shows without its colour: half full, a corner, a stroke.
_MARKS = {
    "shared": f'<rect class="core-half" x="0.5" y="{_HEIGHT - 6}" width="{_WIDTH - 1}" height="5.5"/>',
    "others": f'<path class="core-corner" d="M{_WIDTH - 10} 1H{_WIDTH - 1}V10Z"/>',
    "offline": f'<path class="core-stroke" d="M2 {_HEIGHT - 2}L{_WIDTH - 2} 2"/>',
}


def _kind(use: Use, holders: Sequence[Name]) -> str:
    """How a core looks: what others are pinned to looks different from what is ours."""
    if use == Use.PINNED:
        return "pinned" if any(one.ours for one in holders) else "others"
    return use.value
