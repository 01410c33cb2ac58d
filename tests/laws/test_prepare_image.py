"""What was uploaded is made ready for hosts, or forgotten; until then the image stays as it was."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest

from innkeeper.images import contents, conversion
from innkeeper.model.image import Image, Kind, Part
from innkeeper.operations import prepare_image
from innkeeper.store import images
from innkeeper.store.operations import Operation, State
from tests.kit.disks import METADATA, archive, qcow2, raw, unified
from tests.kit.images import receive
from tests.laws.stage import Stage

pytestmark = pytest.mark.slow


async def upload(stage: Stage, version: str = "1", **content: bytes) -> tuple[Operation, Image | None]:
    """Files by their type, of a set; how its preparation ended, and the image then."""
    database = stage.services.database
    image = receive(
        stage.services, version=version, files={name.replace("_", "-"): one for name, one in content.items()}
    )
    ended = await stage.run(database.transact(prepare_image.submit, image.id, version=version, actor="admin"))
    return ended, next(iter(database.ask(images.listing)), None)


def path(stage: Stage, sha256: str) -> Path:
    return stage.services.settings.images_directory / sha256


def sha(*content: bytes) -> str:
    return hashlib.sha256(b"".join(content)).hexdigest()


async def test_one_file(stage: Stage) -> None:
    ended, image = await upload(stage, tgz=unified())
    assert ended.state == State.DONE, ended.error
    assert image is not None
    assert (image.complete, image.version, image.fingerprint) == (True, "1", sha(unified()))
    assert [file.filetype for file in image.current] == [Part.UNIFIED]


async def test_metadata_and_disk(stage: Stage) -> None:
    told, disk = archive({"metadata.yaml": METADATA}, mode="w:xz"), qcow2(salt=b"split")
    ended, image = await upload(stage, lxd_metadata=told, lxd_disk=disk)
    assert ended.state == State.DONE, ended.error
    assert image is not None
    assert image.fingerprint == sha(told, disk)
    assert [file.filetype for file in image.current] == [Part.METADATA, Part.DISK]


async def test_a_bare_disk_gets_metadata(stage: Stage) -> None:
    ended, image = await upload(stage, ddtgz=qcow2(salt=b"bare"))
    assert ended.state == State.DONE, ended.error
    assert image is not None
    told, disk = image.part(Part.METADATA), image.part(Part.DISK)
    assert told is not None
    assert disk is not None
    assert disk.sha256 == sha(qcow2(salt=b"bare"))
    contents.check_metadata(path(stage, told.sha256))
    assert image.fingerprint == sha(path(stage, told.sha256).read_bytes(), path(stage, disk.sha256).read_bytes())


@pytest.mark.parametrize("packed", [False, True])
async def test_a_raw_disk_is_converted(stage: Stage, packed: bool) -> None:
    disk = raw(2**20, salt=b"disk")
    ended, image = await upload(stage, ddraw=gzip.compress(disk) if packed else disk)
    assert ended.state == State.DONE, ended.error
    assert image is not None
    made = image.part(Part.DISK)
    assert made is not None
    contents.check_disk(path(stage, made.sha256).read_bytes()[:512], what="it")
    left = [one.name for one in stage.services.settings.images_directory.iterdir() if not one.name.isalnum()]
    assert left == []  # nothing half-made stays


async def test_a_missing_program_is_named(stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which(conversion.PROGRAM) is None
    ended, image = await upload(stage, ddraw=raw())
    assert ended.error is not None
    assert "qemu-img is not installed" in ended.error.brief
    assert "qemu-utils" in ended.error.resolution
    assert image is None


async def test_what_is_of_no_use_is_forgotten_and_what_was_there_stays(stage: Stage) -> None:
    _, before = await upload(stage, tgz=unified())
    ended, after = await upload(stage, version="2", tgz=archive({"etc/passwd": b"root"}))
    assert ended.error is not None
    assert "no metadata.yaml" in ended.error.brief
    assert before is not None
    assert after is not None
    assert (after.version, after.files, after.complete) == (before.version, before.files, True)


async def test_a_newer_set_takes_the_place_of_the_old(stage: Stage) -> None:
    await upload(stage, tgz=unified())
    _, image = await upload(stage, version="2", tgz=unified(salt=b"new"))
    assert image is not None
    assert (image.version, image.fingerprint) == ("2", sha(unified(salt=b"new")))
    assert len(image.files) == 1


async def test_an_older_set_that_is_ready_late_leaves_the_newer_arriving(stage: Stage) -> None:
    one = receive(stage.services, version="1", files={"tgz": unified()})
    receive(stage.services, version="2", files={"tgz": unified(salt=b"new")})
    database = stage.services.database
    await stage.run(database.transact(prepare_image.submit, one.id, version="1", actor="admin"))
    image = database.ask(images.find, one.id)
    assert image.version == "1"
    assert {file.version for file in image.files} == {"1", "2"}


async def test_what_never_came_to_be_is_forgotten_in_time(stage: Stage) -> None:
    """An upload that was given up, and the new version of an image that was; never what can be deployed."""
    await upload(stage, tgz=unified())
    receive(stage.services, version="2", files={"lxd-metadata": b"told"})
    receive(stage.services, version="1", files={"lxd-metadata": b"told"}, name="custom/half")
    database = stage.services.database
    alias = {"name": "custom/alias", "architecture": "amd64/generic", "kind": Kind.ALIAS, "complete": True}
    database.transact(images.add, **alias)
    before = database.ask(images.listing)
    database.transact(images.expire, older_than=100)
    assert database.ask(images.listing) == before
    database.transact(images.expire, older_than=-100)
    names = {one.name: [file.version for file in one.files] for one in database.ask(images.listing)}
    assert names == {"custom/tiny": ["1"], "custom/alias": []}
