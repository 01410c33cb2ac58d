"""The stories of operations on images."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from streams import Product, build, serving

from innkeeper.model.image import ImageFacts
from innkeeper.operations import forget_image, prepare_image, push_image, sync_images
from innkeeper.store import boot_sources, host_images, hosts, images
from innkeeper.store.database import Write
from tests.kit.disks import METADATA, archive, qcow2, raw
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


async def _forgetting(stage: Stage) -> Order:
    """An image that was deleted here; another one on the host is somebody else's."""
    host, image = await stage.add_host("alpha"), add_image(stage.services)
    database = stage.services.database
    await stage.run(database.transact(push_image.submit, host, image, actor="admin"))
    stage.change("alpha", lambda state: state.images.update({"f" * 64: ImageFacts(fingerprint="f" * 64)}))
    database.transact(images.delete, image.id)
    return lambda: database.transact(forget_image.submit, host.id, fingerprint=image.fingerprint, actor="admin")


def _forgotten(stage: Stage) -> None:
    assert set(stage.see("alpha").images) == {"f" * 64}


@cache
def _tree() -> str:
    """The address of a tree with one image, served until the tests end."""
    directory = Path(tempfile.mkdtemp(prefix="tree-"))
    told = archive({"metadata.yaml": METADATA}, mode="w:xz")
    build(directory, Product("ubuntu", "noble", "24.04 LTS", {"lxd.tar.xz": told, "disk1.img": qcow2()}))
    stack = ExitStack()
    atexit.register(shutil.rmtree, directory)
    atexit.register(stack.close)
    return stack.enter_context(serving(directory)).address


async def _syncing(stage: Stage) -> Order:
    def want(write: Write) -> None:
        source = boot_sources.create(write, url=_tree())
        boot_sources.select(write, source.id, os="ubuntu", release="noble", arches=("*",))

    stage.services.database.transact(want)
    return lambda: stage.services.database.transact(sync_images.submit, actor="admin")


def _synced(stage: Stage) -> None:
    (image,) = stage.services.database.ask(images.listing)
    assert (image.name, image.complete, image.version) == ("ubuntu/noble", True, "20260101")


IMAGES = (
    Scenario(kind="push_image", tell=_pushing, done=_pushed),
    Scenario(kind="prepare_image", tell=_preparing, done=_prepared, only_reads=True, hostless=True),
    Scenario(kind="forget_image", tell=_forgetting, done=_forgotten),
    Scenario(kind="sync_images", tell=_syncing, done=_synced, only_reads=True, hostless=True),
)
