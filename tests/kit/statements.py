"""Statements are compiled once for all databases of a process that runs tests: else half the time of a small house goes
into that. Servers that are processes of their own compile theirs."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

MOST = 10_000


class Compiled(dict[Any, Any]):
    """The compiled statements of all engines of one kind. An engine's own key begins with its dialect, as an object."""

    def get(self, key: Any, default: Any = None) -> Any:
        dialect, *rest = key
        return super().get((dialect.name, *rest), default)

    def __setitem__(self, key: Any, compiled: Any) -> None:
        if len(self) >= MOST:
            self.clear()
        dialect, *rest = key
        super().__setitem__((dialect.name, *rest), compiled)


def share() -> None:
    """Have every engine of this process do so, from now on."""
    everywhere = Compiled()

    @sa.event.listens_for(sa.Engine, "engine_connect")
    def _share(connection: sa.Connection) -> None:
        connection.execution_options(compiled_cache=everywhere)
