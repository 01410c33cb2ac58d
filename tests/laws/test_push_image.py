"""A host is given an image once, by whomever; what it lost or what is new it is given again."""

from __future__ import annotations

import pytest

from innkeeper.hypervisors.simulated_world import Fault
from innkeeper.model.host import Host
from innkeeper.model.image import Image, Kind
from innkeeper.operations import push_image
from innkeeper.store import host_images, images
from innkeeper.store.operations import State
from tests.kit.images import add_image
from tests.laws.stage import Stage

pytestmark = pytest.mark.slow


def order(stage: Stage, host: Host, image: Image) -> str:
    return stage.services.database.transact(push_image.submit, host, image, actor="admin")


def pushes(stage: Stage) -> int:
    return stage.see("alpha").calls.get("push_image", 0)


async def test_twice_pushes_once(stage: Stage) -> None:
    host, image = await stage.add_host("alpha"), add_image(stage.services)
    for _ in range(2):
        assert (await stage.run(order(stage, host, image))).state == State.DONE
    assert pushes(stage) == 1


async def test_two_at_once_push_once(stage: Stage) -> None:
    host, image = await stage.add_host("alpha"), add_image(stage.services)
    stage.change("alpha", lambda state: state.faults.append(Fault(call="push_image", kind="delay", seconds=1.0)))
    ids = [order(stage, host, image) for _ in range(4)]
    await stage.run(*ids)
    assert {stage.find(id).state for id in ids} == {State.DONE}
    assert pushes(stage) == 1


async def test_who_waits_takes_over_from_one_that_failed(stage: Stage) -> None:
    host, image = await stage.add_host("alpha"), add_image(stage.services)
    stage.change("alpha", lambda state: state.faults.append(Fault(call="push_image", kind="refuse")))
    ids = [order(stage, host, image) for _ in range(3)]
    await stage.run(*ids)
    assert sorted(stage.find(id).state for id in ids) == [State.DONE, State.DONE, State.FAILED]
    assert pushes(stage) == 2


async def test_nobody_waits_for_an_operation_that_nobody_works_on(stage: Stage) -> None:
    """Its process is dead, or it waits itself: it could need the place of the one that waits."""
    host, image = await stage.add_host("alpha"), add_image(stage.services)
    idle = order(stage, host, image)
    me = {"fingerprint": image.fingerprint, "operation_id": idle}
    stage.services.database.transact(host_images.take_turn, host.id, image.id, **me)
    turn = stage.services.database.transact(
        host_images.take_turn, host.id, image.id, fingerprint=image.fingerprint, operation_id="another"
    )
    assert turn == host_images.Turn.MINE


async def test_what_was_removed_on_the_host_is_pushed_again(stage: Stage) -> None:
    host, image = await stage.add_host("alpha"), add_image(stage.services)
    await stage.run(order(stage, host, image))
    stage.change("alpha", lambda state: state.images.clear())
    await stage.run(order(stage, host, image))
    assert set(stage.see("alpha").images) == {image.fingerprint}


async def test_a_new_version_is_pushed(stage: Stage) -> None:
    host, old = await stage.add_host("alpha"), add_image(stage.services)
    await stage.run(order(stage, host, old))
    new = add_image(stage.services, content=b"a newer one")
    assert new.id == old.id
    await stage.run(order(stage, host, new))
    database = stage.services.database
    assert database.ask(host_images.fingerprint, host.id, new.id) == new.fingerprint != old.fingerprint
    assert new.fingerprint in stage.see("alpha").images


async def test_files_that_this_server_does_not_have_are_named(stage: Stage) -> None:
    host, image = await stage.add_host("alpha"), add_image(stage.services)
    (stage.services.settings.images_directory / image.fingerprint).unlink()
    ended = await stage.run(order(stage, host, image))
    assert ended.error is not None
    assert "INNKEEPER_IMAGES" in ended.error.resolution
    assert image.fingerprint in ended.error.details


@pytest.mark.parametrize(("known", "state"), [(True, State.DONE), (False, State.FAILED)])
async def test_an_alias_must_be_on_the_host(stage: Stage, known: bool, state: State) -> None:
    host, there = await stage.add_host("alpha"), add_image(stage.services)
    await stage.run(order(stage, host, there))
    database = stage.services.database
    source = there.fingerprint if known else "nowhere"
    alias = database.transact(
        images.add, name="custom/theirs", architecture="amd64/generic", kind=Kind.ALIAS, source=source, complete=True
    )
    ended = await stage.run(order(stage, host, alias))
    assert ended.state == state
    assert pushes(stage) == 1
    if not known:
        assert ended.error is not None
        assert "no image under the alias 'nowhere'" in ended.error.brief


async def test_an_image_that_has_not_arrived_is_not_pushed(stage: Stage) -> None:
    host = await stage.add_host("alpha")
    half = stage.services.database.transact(
        images.add, name="custom/half", architecture="amd64/generic", kind=Kind.UPLOADED
    )
    ended = await stage.run(order(stage, host, half))
    assert ended.error is not None
    assert "has not arrived" in ended.error.brief
    assert pushes(stage) == 0
