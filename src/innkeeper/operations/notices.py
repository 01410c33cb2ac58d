"""Look now and then for what is to be noticed: every process does, and the first that finds news writes it down."""

from __future__ import annotations

from innkeeper.operations.context import Services
from innkeeper.store import notices

EVERY = 10.0  # seconds between two looks


async def look(services: Services) -> None:
    """Bring the notices that are kept up to date. Nothing is written while nothing is new."""
    if await services.database.reading(notices.news):
        await services.database.writing(notices.settle)
