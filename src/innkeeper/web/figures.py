"""Figures drawn as SVG on the server. What they show is always said in text beside them."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from innkeeper.model.capacity import Figure

WIDTH = 1000  # units of a bar, whatever its size on the page


def parts(figure: Figure) -> tuple[tuple[str, int], ...]:
    """What a figure's bar is made of: (claimed | others | free | over, amount). Over the limit all else shrinks."""
    return (("claimed", figure.claimed), ("others", figure.others), ("free", figure.free))


def bar(figure: Figure) -> Markup:
    """A bar of claimed, others and free; where more is promised than the limit, what is over stands out at its end."""
    total = max(figure.limit, figure.used, 1)
    shown: Iterable[tuple[str, int]] = parts(figure)
    pieces, at = [], 0.0
    for name, amount in shown:
        width = amount * WIDTH / total
        pieces.append(f'<rect class="bar-{name}" x="{at:.1f}" y="0" width="{width:.1f}" height="10"/>')
        at += width
    if figure.over:
        start = figure.limit * WIDTH / total
        pieces.append(f'<rect class="bar-over" x="{start:.1f}" y="0" width="{WIDTH - start:.1f}" height="10"/>')
    # Hidden from readers of the page: the text beside it says the same.
    frame = f'<svg class="bar" viewBox="0 0 {WIDTH} 10" preserveAspectRatio="none" aria-hidden="true">'
    return Markup(f"{frame}{''.join(pieces)}</svg>")


def share(part: int, whole: int) -> Markup:
    """A bar of what is used of a whole, in any unit."""
    width = part * WIDTH / max(whole, 1)
    return Markup(
        f'<svg class="bar" viewBox="0 0 {WIDTH} 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="bar-claimed" x="0" y="0" width="{width:.1f}" height="10"/>'
        f'<rect class="bar-free" x="{width:.1f}" y="0" width="{WIDTH - width:.1f}" height="10"/></svg>'
    )
