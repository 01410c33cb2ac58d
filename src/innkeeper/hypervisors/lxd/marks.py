"""Our marks on what we make: configuration keys `user.innkeeper.*`. Pure."""

from __future__ import annotations

from collections.abc import Mapping

PREFIX = "user.innkeeper."


def marks(config: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """The marks in a configuration, without the prefix, sorted."""
    found = ((key.removeprefix(PREFIX), value) for key, value in (config or {}).items() if key.startswith(PREFIX))
    return tuple(sorted(found))


def marked(tags: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """The configuration keys for these marks."""
    return {f"{PREFIX}{name}": value for name, value in tags}


def mark(config: Mapping[str, str] | None, name: str) -> str:
    """One mark's value, or ""."""
    return (config or {}).get(f"{PREFIX}{name}", "")


def ours(config: Mapping[str, str] | None, tags: tuple[tuple[str, str], ...]) -> bool:
    """Whether a thing was made by the operation that these tags name."""
    operation = dict(tags).get("operation", "")
    return bool(operation) and mark(config, "operation") == operation
