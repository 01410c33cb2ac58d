"""Figures with their bars, and the table they are printed in."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

QUICK = os.environ.get("QUICK", "") not in ("", "0")
# What the bars are multiplied by: a machine that does other work meanwhile needs some.
SLACK = float(os.environ.get("BENCH_SLACK") or (1.3 if QUICK else 1.0))


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured value. `most`: its bar; `exactly`: what it must be; `aim`: where it should be; none is no bar."""

    name: str
    value: float
    unit: str = ""
    most: float | None = None
    exactly: float | None = None
    aim: float | None = None
    detail: str = ""

    @property
    def holds(self) -> bool:
        if self.exactly is not None:
            return self.value == self.exactly
        return self.most is None or self.value <= self.most * SLACK

    @property
    def row(self) -> tuple[str, ...]:
        if self.exactly is not None:
            bar = f"= {_number(self.exactly)}"
        else:
            bar = f"≤ {_number(self.most)}" if self.most is not None else ""
        aim = _number(self.aim) if self.aim is not None else ""
        value = f"{_number(self.value)} {self.unit}".strip()
        return self.name, value, bar, aim, "ok" if self.holds else "FAILS", self.detail


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"


def print_table(figures: Sequence[Figure]) -> None:
    """Print the figures, their columns aligned."""
    rows = [("figure", "value", "bar", "aim", "", "measured"), *(figure.row for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row[:5], widths, strict=True)) + "  " + row[5])
    if SLACK != 1:
        print(f"(bars × {SLACK:g})")


def median_ms(seconds: Sequence[float]) -> float:
    """The median in milliseconds."""
    return statistics.median(seconds) * 1000


def p95_ms(seconds: Sequence[float]) -> float:
    """The value that 95 of 100 are not above, in milliseconds."""
    return sorted(seconds)[max(0, -(-len(seconds) * 95 // 100) - 1)] * 1000
