"""What hosts have of ours and nothing here stands for goes; what others put there never does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.host import Host
from innkeeper.model.image import ImageFacts
from innkeeper.operations import forget_image, push_image, remove_host
from innkeeper.store import host_images, images
from innkeeper.store.deployment_tables import host_image
from innkeeper.store.operations import State
from innkeeper.store.tables import event
from tests.kit.images import add_image
from tests.laws.stage import Stage

pytestmark = pytest.mark.slow
THEIRS, ANOTHERS, OURS = "a" * 64, "b" * 64, "c" * 64


def others(stage: Stage) -> None:
    """Images without a mark, of another installation, and a nameless one of ours."""
    mine = (("installation", stage.services.uuid),)
    found = {
        THEIRS: ImageFacts(fingerprint=THEIRS, aliases=("jammy",)),
        ANOTHERS: ImageFacts(fingerprint=ANOTHERS, tags=(("installation", "another"),)),
        OURS: ImageFacts(fingerprint=OURS, tags=mine),
    }
    stage.change("alpha", lambda state: state.images.update(found))


async def pushed(stage: Stage, content: bytes = b"an image") -> Host:
    host = await stage.add_host("alpha") if not stage.file("alpha").exists() else stage.services.database.ask(_only)
    image = add_image(stage.services, content=content)
    await stage.run(stage.services.database.transact(push_image.submit, host, image, actor="admin"))
    return host


def _only(sql: object) -> Host:
    from innkeeper.store import hosts

    return hosts.listing(sql)[0]  # type: ignore[arg-type]


async def tidy(stage: Stage, host: Host) -> int:
    connection = await stage.services.connections.to(host.id)
    return await forget_image.tidy(stage.services, host.id, host=connection)


async def test_only_ours_that_nothing_stands_for_goes(stage: Stage) -> None:
    host = await pushed(stage)
    (kept,) = stage.see("alpha").images
    others(stage)
    assert await tidy(stage, host) == 1
    assert set(stage.see("alpha").images) == {kept, THEIRS, ANOTHERS}
    assert await tidy(stage, host) == 0


async def test_an_older_version_goes_when_the_newer_is_there(stage: Stage) -> None:
    host = await pushed(stage)
    (old,) = stage.see("alpha").images
    await pushed(stage, b"newer")
    assert len(stage.see("alpha").images) == 2
    await tidy(stage, host)
    assert old not in stage.see("alpha").images
    assert len(stage.see("alpha").images) == 1


async def test_what_nobody_used_for_long_goes_and_can_be_pushed_again(stage: Stage) -> None:
    host = await pushed(stage)
    database = stage.services.database
    long_ago = database.transact(lambda write: write.now()) - stage.services.settings.keep_images - 10
    database.transact(lambda write: write.sql.execute(host_image.update().values(used_at=long_ago)))
    assert await tidy(stage, host) == 1
    assert stage.see("alpha").images == {}
    await pushed(stage)
    assert len(stage.see("alpha").images) == 1


async def test_a_deleted_image_goes_although_its_own_operation_was_lost(stage: Stage) -> None:
    host = await pushed(stage)
    (image,) = stage.services.database.ask(images.listing)
    stage.services.database.transact(images.delete, image.id)
    assert await tidy(stage, host) == 1


async def test_the_same_content_under_two_names_stays_until_both_are_gone(stage: Stage) -> None:
    host = await pushed(stage)
    database = stage.services.database
    second = add_image(stage.services, "custom/second")
    await stage.run(database.transact(push_image.submit, host, second, actor="admin"))
    first = database.ask(images.listing)[0]
    database.transact(images.delete, first.id)
    await stage.run(database.transact(forget_image.submit, host.id, fingerprint=first.fingerprint, actor="admin"))
    assert set(stage.see("alpha").images) == {second.fingerprint}


async def test_a_host_that_refuses_keeps_what_it_has(stage: Stage) -> None:
    """A certificate restricted to a project may not delete images of the default one."""
    host = await pushed(stage)
    others(stage)
    stage.change("alpha", lambda state: state.faults.append(Fault(call="delete_image", kind="refuse")))
    assert await tidy(stage, host) == 0
    assert OURS in stage.see("alpha").images


async def test_a_push_that_came_to_nothing_is_no_reason_to_keep_anything(stage: Stage) -> None:
    host = await stage.add_host("alpha")
    image = add_image(stage.services)
    stage.change("alpha", lambda state: state.faults.append(Fault(call="push_image", kind="refuse", when="after")))
    await stage.run(stage.services.database.transact(push_image.submit, host, image, actor="admin"))
    assert set(stage.see("alpha").images) == {image.fingerprint}  # it arrived, and the answer did not
    await tidy(stage, host)
    assert stage.see("alpha").images == {}
    assert stage.services.database.ask(host_images.kept, host.id) == set()


async def removed(stage: Stage, host: Host) -> None:
    order = {"decompose": False, "force": False, "actor": "admin"}
    ended = await stage.run(stage.services.database.transact(remove_host.submit, host.id, **order))
    assert ended.state == State.DONE, ended


async def test_a_host_that_is_removed_gives_our_images_back(stage: Stage) -> None:
    host = await pushed(stage)
    others(stage)
    await removed(stage, host)
    assert set(stage.see("alpha").images) == {THEIRS, ANOTHERS}


async def test_an_image_that_waits_to_be_forgotten_keeps_no_host(stage: Stage) -> None:
    """The host is away: its image cannot go, and nobody waits for that."""
    host = await pushed(stage)
    stage.change("alpha", lambda state: setattr(state, "up", False))
    waiting = stage.services.database.transact(forget_image.submit, host.id, fingerprint=OURS, actor="admin")
    await removed(stage, host)
    assert stage.find(waiting).state == State.FAILED
    texts = stage.services.database.ask(_events)
    assert any("our images could not be deleted on the host" in text for text in texts)


def _events(sql: sa.Connection) -> list[str]:
    return list(sql.scalars(sa.select(event.c.text)))
