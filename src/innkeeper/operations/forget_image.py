"""Take an image of ours off a host: one that was deleted here, or that nobody has used for long.

Only what carries our mark goes, and only while no image here stands for it. A host that is away is asked again.
"""

from __future__ import annotations

import sqlalchemy as sa
import structlog

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.base import Hypervisor
from innkeeper.operations.context import Services, Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import events, host_images, operations, unfinished
from innkeeper.store.database import Write
from innkeeper.store.events import Event

log = structlog.get_logger(__name__)


def submit(write: Write, host_id: int, *, fingerprint: str, actor: str, request: str = "") -> str:
    """Order an image to be taken off a host. Returns the operation."""
    return operations.submit(
        write,
        kind=FORGET_IMAGE.kind,
        first_step=FORGET_IMAGE.first,
        host_id=host_id,
        arguments={"fingerprint": fingerprint},
        actor=actor,
        request=request,
    )


async def forget(work: Work) -> None:
    fingerprint = work.arguments["fingerprint"]
    if fingerprint in await work.read(host_images.kept, work.host_id):
        return  # another image has the same content
    await (await work.host()).delete_image(fingerprint=fingerprint, installation=work.services.uuid)


FORGET_IMAGE = Saga("forget_image", steps=(Step("delete it on the host", forget, persists=True),))


async def forget_all(work: Work) -> None:
    """Take all images of ours off the operation's host."""
    host, installation = await work.host(), work.services.uuid
    for one in await host.images():
        if one.tag("installation") == installation:
            await host.delete_image(fingerprint=one.fingerprint, installation=installation)


async def tidy(services: Services, host_id: int, *, host: Hypervisor) -> int:
    """Remove from a host the images of ours that nothing here stands for (any more); how many went.

    Not while a machine of it is being deployed, which may have been told the name of an older version.
    """
    database = services.database
    if await database.reading(_deploying, host_id):
        return 0
    await database.patiently(host_images.expire, host_id, unused_for=services.settings.keep_images)
    try:
        ours = [one for one in await host.images() if one.tag("installation") == services.uuid]
        kept = await database.reading(host_images.kept, host_id) if ours else set()
        gone = [one.fingerprint for one in ours if one.fingerprint not in kept]
        for fingerprint in gone:
            await host.delete_image(fingerprint=fingerprint, installation=services.uuid)
    except HostRefused as refused:  # a restricted certificate, perhaps: what is there may stay
        log.warning("could not tidy images", host=host_id, error=str(refused))
        return 0
    if gone:
        log.info("removed images", host=host_id, fingerprints=gone)
        await database.patiently(_tell, host_id, len(gone))
    return len(gone)


def _deploying(sql: sa.Connection, host_id: int) -> bool:
    return any(one.kind == "deploy" for one in unfinished.of_host(sql, host_id))


def _tell(write: Write, host_id: int, count: int) -> None:
    text = f"removed {count} image{'' if count == 1 else 's'} that nothing uses"
    events.add(write, Event(kind="host", what="swept", text=text, host_id=host_id))
