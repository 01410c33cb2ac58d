"""Old operations and events go, in their time."""

from __future__ import annotations

import structlog

from innkeeper.images import files
from innkeeper.images.aside import aside
from innkeeper.operations.context import Services
from innkeeper.store import batches, events, host_drafts, images, operations
from innkeeper.store.database import Write
from innkeeper.store.events import Event

log = structlog.get_logger(__name__)
ARRIVING = 7 * 86400.0  # seconds after its last piece that an upload is given up
EVERY = 3600.0  # seconds between two looks


async def prune(services: Services) -> None:
    """Delete ended operations and events that are older than the settings keep them, and files that no image has."""
    await services.database.writing(_prune, services)
    wanted = await services.database.reading(images.wanted)
    await aside(files.tidy, services.settings.images_directory, wanted=wanted, older_than=ARRIVING)


def _prune(write: Write, services: Services) -> None:
    settings = services.settings
    gone = operations.prune(write, older_than=settings.keep_operations)
    told = events.prune(write, older_than=settings.keep_events)
    batches.prune(write, older_than=settings.keep_operations)
    images.expire(write, older_than=ARRIVING)
    for one in host_drafts.prune(write, older_than=host_drafts.KEPT_DAYS * 86400.0):
        text = f"{one.name} at {one.address} was not added for {host_drafts.KEPT_DAYS} days: forgotten, with its key"
        events.add(write, Event(kind="host", what="draft forgotten", text=text))
    if gone or told:
        log.info("pruned", operations=gone, events=told)
