"""Old operations and events go, in their time."""

from __future__ import annotations

import structlog

from innkeeper.operations.context import Services
from innkeeper.store import events, operations
from innkeeper.store.database import Write

log = structlog.get_logger(__name__)
EVERY = 3600.0  # seconds between two looks


async def prune(services: Services) -> None:
    """Delete ended operations and events that are older than the settings keep them."""
    await services.database.writing(_prune, services)


def _prune(write: Write, services: Services) -> None:
    settings = services.settings
    gone = operations.prune(write, older_than=settings.keep_operations)
    told = events.prune(write, older_than=settings.keep_events)
    if gone or told:
        log.info("pruned", operations=gone, events=told)
