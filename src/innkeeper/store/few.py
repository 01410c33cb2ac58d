"""Users of a thing in words: the first few of each kind, and that there are more."""

from __future__ import annotations

from collections.abc import Sequence

MOST = 5  # of a kind that are named
READ = MOST + 1  # how many are read for it: one more tells that there are more


def first(texts: Sequence[str], kinds: str) -> list[str]:
    """The first few in words of their own: "eth0 of machine a", …, "more interfaces of machines"."""
    return [*texts[:MOST], *([f"more {kinds}"] if len(texts) > MOST else [])]


def few(names: Sequence[str], kind: str) -> list[str]:
    """The first few, each with what it is: "machine a", …, "more machines"."""
    more = [f"more {kind}s"] if len(names) > MOST else []
    return [*(f"{kind} {name}" for name in names[:MOST]), *more]
