"""The stories of operations on images."""

from __future__ import annotations

from innkeeper.operations import prepare_image, push_image
from innkeeper.store import host_images, hosts, images
from tests.kit.disks import raw
from tests.kit.images import add_image, receive
from tests.laws.scenario import Order, Scenario
from tests.laws.stage import Stage


async def _pushing(stage: Stage) -> Order:
    host, image = await stage.add_host("alpha"), add_image(stage.services)
    return lambda: stage.services.database.transact(push_image.submit, host, image, actor="admin")


def _pushed(stage: Stage) -> None:
    database = stage.services.database
    (image,) = database.ask(images.listing)
    (host,) = database.ask(hosts.listing)
    assert database.ask(host_images.fingerprint, host.id, image.id) == image.fingerprint
    assert set(stage.see("alpha").images) == {image.fingerprint}
    assert stage.see("alpha").calls["push_image"] >= 1


async def _preparing(stage: Stage) -> Order:
    """A raw disk, which has to be converted."""
    image = receive(stage.services, version="1", files={"ddraw": raw()})
    return lambda: stage.services.database.transact(prepare_image.submit, image.id, version="1", actor="admin")


def _prepared(stage: Stage) -> None:
    (image,) = stage.services.database.ask(images.listing)
    assert (image.complete, image.version) == (True, "1")
    assert len(image.current) == 2
    assert {one.name for one in stage.services.settings.images_directory.iterdir()} >= {
        file.sha256 for file in image.current
    }


IMAGES = (
    Scenario(kind="push_image", tell=_pushing, done=_pushed),
    Scenario(kind="prepare_image", tell=_preparing, done=_prepared, only_reads=True, hostless=True),
)
