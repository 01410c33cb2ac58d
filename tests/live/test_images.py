"""An image from upload to host and back, on a real LXD: pushed once, kept, deleted; what others put there stays."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from streams import Product, build, serving, tiny

from innkeeper.model.image import Image
from innkeeper.operations import push_image
from innkeeper.store import hosts, images
from innkeeper.store.operations import State, find
from tests.api.test_boot_resources import announce, send
from tests.kit.house import Inn, inn
from tests.kit.lab import Lab
from tests.kit.until import until

pytestmark = pytest.mark.live
PIECE = 4 * 2**20


@pytest.fixture
def lab() -> Iterator[Lab]:
    one = Lab("life")
    one.clean()
    before = one.query("/1.0/images")
    yield one
    try:
        assert one.query("/1.0/images") == before
        assert one.leftovers() == {}
    finally:
        one.clean()


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Inn]:
    async with inn(tmp_path) as one:
        yield one


@pytest.fixture
def product(lab: Lab) -> Product:
    """The tiny guest, taken apart: metadata and disk."""
    return tiny(Path(lab.env["state"]).parents[2] / "tiny.tar")


async def add(house: Inn, lab: Lab) -> int:
    fields = {"type": "lxd", "name": "lab", "power_address": lab.address, "password": lab.token()}
    return int((await house.admin.post("vm-hosts/", **fields))["id"])


async def push(house: Inn, host_id: int) -> Image:
    """Have the only image pushed to the host."""
    database = house.house.services.database
    (image,) = database.ask(images.listing)
    host = database.ask(hosts.find, host_id)
    id = database.transact(push_image.submit, host, image, actor="admin")
    assert await house.house.engine.wait(id, timeout=60) == State.DONE, database.ask(find, id)
    return image


async def on_host(lab: Lab, fingerprint: str) -> dict[str, Any] | None:
    found = {one["fingerprint"]: one for one in lab.query("/1.0/images?recursion=1")}
    return found.get(fingerprint)


async def gone(house: Inn, lab: Lab, image: Image) -> None:
    """Delete it here; it goes there."""
    await house.admin.delete(f"boot-resources/{image.id}/")

    async def is_gone() -> bool:
        return await on_host(lab, image.fingerprint) is None

    await until(is_gone, what="the image is gone on the host")


def raw_disk(product: Product, directory: Path) -> bytes:
    """The tiny guest's disk, raw."""
    packed, plain = directory / "disk.qcow2", directory / "disk"
    packed.write_bytes(product.files["disk-kvm.img"])
    words = ["qemu-img", "convert", "-f", "qcow2", "-O", "raw", str(packed), str(plain)]
    subprocess.run(words, check=True, timeout=60)
    return plain.read_bytes()


async def test_uploaded_pushed_once_and_deleted(house: Inn, lab: Lab, product: Product) -> None:
    """One file, as `lxc image export` makes it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(product.files["lxd.tar.xz"])) as packed:
        told = packed.extractfile("metadata.yaml")
        assert told is not None
        inside = {"metadata.yaml": told.read(), "rootfs.img": product.files["disk-kvm.img"]}
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in inside.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    made = await announce(house.admin, buffer.getvalue(), filetype="tgz")
    assert (await send(house.admin, made, buffer.getvalue(), piece=PIECE)).status_code == 200
    host_id = await add(house, lab)
    image = await push(house, host_id)
    first = await on_host(lab, image.fingerprint)
    assert first is not None
    assert (first["type"], first["properties"]["user.innkeeper.image"]) == ("virtual-machine", str(image.id))
    await push(house, host_id)
    assert await on_host(lab, image.fingerprint) == first  # not given again
    await gone(house, lab, image)
    await house.admin.delete(f"vm-hosts/{host_id}/")


async def test_a_raw_disk_becomes_an_image_that_machines_are_made_of(
    house: Inn, lab: Lab, product: Product, tmp_path: Path
) -> None:
    content = raw_disk(product, tmp_path)
    made = await announce(house.admin, content, filetype="ddraw")
    assert (await send(house.admin, made, content, piece=PIECE)).status_code == 200
    host_id = await add(house, lab)
    image = await push(house, host_id)
    lab.lxc("init", image.fingerprint, "of-raw", "--vm", "-c", "security.secureboot=false")
    assert lab.query("/1.0/instances/of-raw")["config"]["volatile.base_image"] == image.fingerprint
    lab.lxc("delete", "of-raw")
    await gone(house, lab, image)
    await house.admin.delete(f"vm-hosts/{host_id}/")


async def test_fetched_from_a_tree_and_pushed(house: Inn, lab: Lab, product: Product, tmp_path: Path) -> None:
    build(tmp_path / "tree", product)
    with serving(tmp_path / "tree") as tree:
        source = await house.admin.post("boot-sources/", url=tree.address)
        await house.admin.post(f"boot-sources/{source['id']}/selections/", os="lab", release="1", arches=["amd64"])
        await house.admin.call("POST", "boot-resources/", op="import")

        async def here() -> bool:
            return any(one["complete"] for one in await house.admin.get("boot-resources/"))

        await until(here, within=30)
    host_id = await add(house, lab)
    image = await push(house, host_id)
    assert await on_host(lab, image.fingerprint) is not None
    await gone(house, lab, image)
    await house.admin.delete(f"vm-hosts/{host_id}/")
