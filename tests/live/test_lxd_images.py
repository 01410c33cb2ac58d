"""Images on a real LXD: given once, found by fingerprint and alias, deleted only when they are ours."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import subprocess
import tarfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from innkeeper.errors import HostRefused
from innkeeper.hypervisors.lxd.client import Exchange
from innkeeper.hypervisors.lxd.driver import Lxd
from innkeeper.images import files, metadata
from innkeeper.model.image import Image, ImageSpec, Kind
from innkeeper.model.machine import InstanceSpec
from tests.live.conftest import Connected, Lab

pytestmark = pytest.mark.live
US = f"live-{uuid.uuid4().hex[:8]}"


@dataclass
class Uploads:
    """How often something was POSTed to the images of the host."""

    seen: list[str] = field(default_factory=list)

    def __call__(self, exchange: Exchange) -> None:
        if exchange.method == "POST" and exchange.path.startswith("/1.0/images"):
            self.seen.append(exchange.path)


@pytest.fixture(scope="module")
def tiny(lab: Lab) -> Path:
    """The lab's tiny guest, as it was imported there."""
    told = json.loads(subprocess.run(["lab/lxd", "env", lab.name], capture_output=True, check=True).stdout)
    return Path(told["state"]).parents[2] / "tiny.tar"


@pytest.fixture
def unified(tiny: Path, tmp_path: Path) -> ImageSpec:
    """The tiny guest as an image that nobody has: one file."""
    file = tmp_path / "tiny.tar"
    with tarfile.open(tiny) as old, tarfile.open(file, "w") as new:
        for entry in old:
            stream = old.extractfile(entry)
            assert stream is not None
            new.addfile(entry, stream)
        mark = tarfile.TarInfo("mark")
        mark.size = len(US)
        new.addfile(mark, io.BytesIO(US.encode()))
    return spec_of(file)


@pytest.fixture
def split(tiny: Path, tmp_path: Path) -> ImageSpec:
    """The tiny guest as a bare disk with metadata of ours: two files."""
    with tarfile.open(tiny) as old:
        stream = old.extractfile("rootfs.img")
        assert stream is not None
        (tmp_path / "disk").write_bytes(stream.read())
    image = Image(id=1, name="custom/tiny", architecture="amd64/generic", kind=Kind.UPLOADED, title=US)
    (tmp_path / "metadata").write_bytes(metadata.archive(metadata.document(image)))
    return spec_of(tmp_path / "metadata", tmp_path / "disk")


def spec_of(*paths: Path) -> ImageSpec:
    return ImageSpec(
        fingerprint=files.digest(paths),
        paths=tuple(map(str, paths)),
        size=sum(path.stat().st_size for path in paths),
        tags=(("image", "1"), ("installation", US), ("operation", "o")),
    )


@pytest.fixture
async def pushed(driver: Lxd, split: ImageSpec) -> AsyncIterator[ImageSpec]:
    await driver.push_image(split)
    yield split
    await driver.delete_image(fingerprint=split.fingerprint, installation=US)


@pytest.mark.parametrize("which", ["unified", "split"])
async def test_an_image_is_given_once_and_goes_with_our_mark(
    connected: Connected, which: str, request: pytest.FixtureRequest
) -> None:
    spec: ImageSpec = request.getfixturevalue(which)
    uploads = Uploads()
    driver = await connected(observe=uploads)
    assert await driver.image(name=spec.fingerprint) is None
    await driver.push_image(spec)
    await driver.push_image(spec)
    assert len(uploads.seen) == 1
    found = await driver.image(name=spec.fingerprint)
    assert found is not None
    assert (found.fingerprint, found.machine, found.tag("installation")) == (spec.fingerprint, True, US)
    assert found in await driver.images()
    await driver.delete_image(fingerprint=spec.fingerprint, installation="another")
    assert await driver.image(name=spec.fingerprint) is not None
    for _ in range(2):
        await driver.delete_image(fingerprint=spec.fingerprint, installation=US)
        assert await driver.image(name=spec.fingerprint) is None


async def test_two_givers_at_once_are_both_content(connected: Connected, unified: ImageSpec) -> None:
    one, other = await connected(), await connected()
    await asyncio.gather(one.push_image(unified), other.push_image(unified))
    assert await one.image(name=unified.fingerprint) is not None
    await one.delete_image(fingerprint=unified.fingerprint, installation=US)


async def test_the_image_of_others_is_found_by_its_alias_and_never_deleted(driver: Lxd) -> None:
    found = await driver.image(name="tiny")
    assert found is not None
    assert (found.aliases, found.machine, found.tags) == (("tiny",), True, ())
    for installation in ("", US):
        await driver.delete_image(fingerprint=found.fingerprint, installation=installation)
    assert await driver.image(name="tiny") == found
    assert await driver.image(name="no-such-alias") is None


async def test_the_host_checks_what_arrives(driver: Lxd, unified: ImageSpec) -> None:
    wrong = replace(unified, fingerprint=hashlib.sha256(b"else").hexdigest())
    with pytest.raises(HostRefused):
        await driver.push_image(wrong)
    assert await driver.image(name=wrong.fingerprint) is None
    assert await driver.image(name=unified.fingerprint) is None


async def test_many_machines_at_once_from_one_image(
    clean: None, driver: Lxd, pushed: ImageSpec, spec: InstanceSpec
) -> None:
    """LXD 5.0 fails some of them where all are asked for at the same time."""
    mark = dict(spec.tags)["machine"]
    specs = [
        replace(
            spec,
            name=f"{spec.name}-{number}",
            image=pushed.fingerprint,
            interfaces=(),
            tags=(("installation", US), ("machine", mark), ("operation", f"o-{number}")),
        )
        for number in range(6)
    ]
    await asyncio.gather(*(driver.create(one) for one in specs))
    names = {one.name for one in await driver.instances()}
    assert {one.name for one in specs} <= names
    for one in specs:
        await driver.delete(name=one.name, machine=mark)
