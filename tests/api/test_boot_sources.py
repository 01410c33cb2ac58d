"""Boot sources: what is selected of a tree on the web is fetched, checked, and only then an image."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streams import Product, Serving, build, serving

from tests.kit.client import good
from tests.kit.disks import METADATA, archive, qcow2
from tests.kit.house import Inn
from tests.kit.until import until

TOLD, DISK = archive({"metadata.yaml": METADATA}, mode="w:xz"), qcow2(salt=b"x" * 3_000_000)
NOBLE = Product("ubuntu", "noble", "24.04 LTS", {"lxd.tar.xz": TOLD, "disk1.img": DISK})
ROOTFS = Product("ubuntu", "core", "Core", {"lxd.tar.xz": TOLD, "squashfs": b"hsqs"})


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Serving]:
    directory = tmp_path / "tree"
    build(directory, NOBLE, ROOTFS)
    with serving(directory) as one:
        yield one


async def select(house: Inn, tree: Serving, *releases: str) -> int:
    """A source of that tree with these releases selected; its id."""
    source = await house.admin.post("boot-sources/", url=tree.address)
    for release in releases:
        await house.admin.post(f"boot-sources/{source['id']}/selections/", os="ubuntu", release=release, arches=["*"])
    return int(source["id"])


async def fetch(house: Inn) -> dict[str, Any]:
    """Import, wait for the end; the operation."""
    answer = await house.admin.call("POST", "boot-resources/", op="import")
    assert answer.text == "The import of images has begun."

    async def over() -> bool:
        return not await house.admin.get("boot-resources/", op="is_importing")

    await until(over, within=20)
    return next(one for one in await operations(house) if one["kind"] == "sync_images")


async def operations(house: Inn) -> list[dict[str, Any]]:
    found = good(await house.admin.call("GET", "/api/v1/operations"))
    return list(found["items"] if isinstance(found, dict) else found)


async def test_what_is_selected_is_fetched(house: Inn, tree: Serving) -> None:
    await select(house, tree, "noble")
    assert (await fetch(house))["state"] == "done"
    (one,) = await house.admin.get("boot-resources/")
    assert (one["name"], one["type"], one["architecture"], one["title"], one["complete"]) == (
        "ubuntu/noble",
        "Synced",
        "amd64/generic",
        "24.04 LTS",
        True,
    )
    assert one["fingerprint"] == hashlib.sha256(TOLD + DISK).hexdigest()
    assert one["source"] == tree.address


async def test_again_fetches_nothing_and_a_new_version_is_fetched(house: Inn, tree: Serving) -> None:
    await select(house, tree, "noble")
    await fetch(house)
    tree.requests.clear()
    await fetch(house)
    assert all(request.endswith(".json") for request in tree.requests)
    newer = replace(NOBLE, version="20260202", files=NOBLE.files | {"disk1.img": qcow2(salt=b"newer")})
    build(tree.directory, newer, ROOTFS)
    before = (await house.admin.get("boot-resources/"))[0]
    await fetch(house)
    (after,) = await house.admin.get("boot-resources/")
    assert after["id"] == before["id"]
    assert after["fingerprint"] == hashlib.sha256(TOLD + qcow2(salt=b"newer")).hexdigest()
    assert list((await house.admin.get(f"boot-resources/{after['id']}/"))["sets"]) == ["20260202"]


async def test_what_was_cut_off_goes_on_where_it_ended(house: Inn, tree: Serving) -> None:
    await select(house, tree, "noble")
    tree.cut = [len(TOLD), 1_500_000, 100_000]
    assert (await fetch(house))["state"] == "done"
    begins = [int(request.rpartition("=")[2].strip("-")) for request in tree.requests if "bytes=" in request]
    assert len(begins) == 2
    assert 1_000_000 < begins[0] <= 1_500_000
    assert begins[0] < begins[1] <= begins[0] + 100_000
    (one,) = await house.admin.get("boot-resources/")
    assert one["fingerprint"] == hashlib.sha256(TOLD + DISK).hexdigest()


async def test_a_file_that_is_not_what_the_tree_says_is_no_image(house: Inn, tree: Serving) -> None:
    await select(house, tree, "noble")
    (disk,) = tree.directory.rglob("disk1.img")
    disk.write_bytes(DISK[:-1] + b"!")
    ended = await fetch(house)
    assert ended["state"] == "failed"
    assert "not what was announced" in ended["error"]["details"]
    (one,) = await house.admin.get("boot-resources/")
    assert (one["complete"], one["fingerprint"]) == (False, "")
    disk.write_bytes(DISK)
    assert (await fetch(house))["state"] == "done"


async def test_what_makes_no_machine_is_named_and_the_rest_arrives(house: Inn, tree: Serving) -> None:
    await select(house, tree, "core", "noble", "plucky")
    ended = await fetch(house)
    assert ended["state"] == "failed"
    details = ended["error"]["details"]
    assert "ubuntu/core for amd64: It makes no virtual machine: it has no disk" in details
    assert f"ubuntu/plucky: {tree.address} has none for *" in details
    assert [(one["name"], one["complete"]) for one in await house.admin.get("boot-resources/")] == [
        ("ubuntu/noble", True)
    ]


async def test_a_server_that_is_away_or_is_no_tree_is_named(house: Inn, tree: Serving) -> None:
    (tree.directory / "streams" / "v1" / "index.json").write_text("<html>")
    await select(house, tree, "noble")
    gone = await house.admin.post("boot-sources/", url="http://127.0.0.1:9/")
    await house.admin.post(f"boot-sources/{gone['id']}/selections/", os="ubuntu", release="noble")
    details = (await fetch(house))["error"]["details"]
    assert "is not what simplestreams are" in details
    assert "http://127.0.0.1:9/" in details


async def test_an_import_is_stopped(house: Inn, tree: Serving) -> None:
    await select(house, tree, "noble")
    tree.cut = [len(TOLD), *[1] * 10_000]  # it gets on, a byte at a time
    await house.admin.call("POST", "boot-resources/", op="import")
    assert (await house.admin.call("POST", "boot-resources/", op="import")).text == "An import of images runs already."

    async def begun() -> bool:
        return len([request for request in tree.requests if "bytes=" in request]) > 1

    await until(begun)
    answer = await house.admin.call("POST", "boot-resources/", op="stop_import")
    assert answer.text == "The import of images stops."

    async def over() -> bool:
        return not await house.admin.get("boot-resources/", op="is_importing")

    await until(over)
    (one,) = await house.admin.get("boot-resources/")
    assert one["complete"] is False
    assert (await house.admin.call("POST", "boot-resources/", op="stop_import")).text == "No import of images runs."


async def test_sources_and_selections(house: Inn) -> None:
    admin = house.admin
    source = await admin.post(
        "boot-sources/", url="https://images.test/tree/streams/v1/index.json", keyring_filename="", keyring_data=""
    )
    assert source["url"] == "https://images.test/tree/"
    assert (await admin.call("POST", "boot-sources/", url="https://images.test/tree")).status_code == 409
    path = f"boot-sources/{source['id']}/"
    assert await admin.get("boot-sources/") == [source] == [await admin.get(path)]
    chosen = await admin.post(
        f"{path}selections/", os="ubuntu", release="noble", arches=["amd64", "arm64"], subarches="*", labels="*"
    )
    assert (chosen["os"], chosen["release"], chosen["arches"]) == ("ubuntu", "noble", ["amd64", "arm64"])
    again = await admin.call("POST", f"{path}selections/", os="ubuntu", release="noble")
    assert again.status_code == 409
    wrong = await admin.call("POST", f"{path}selections/", os="ubuntu", release="a/b")
    assert (wrong.status_code, list(wrong.json())) == (400, ["release"])
    one = f"{path}selections/{chosen['id']}/"
    assert await admin.get(one) == chosen
    changed = await admin.put(one, release="jammy")
    assert (changed["release"], changed["arches"]) == ("jammy", ["amd64", "arm64"])
    assert await admin.get(f"{path}selections/") == [changed]
    await admin.delete(one)
    assert await admin.get(f"{path}selections/") == []
    moved = await admin.put(path, url="https://other.test")
    assert moved["url"] == "https://other.test/"
    await admin.delete(path)
    gone = await admin.call("GET", path)
    assert (gone.status_code, gone.text) == (404, "No BootSource matches the given query.")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"url": "ftp://x/"}, "url"),
        ({"url": "https://u:p@x/"}, "url"),
        ({"url": "https://x/?a=b"}, "url"),
        ({"url": "https://[/"}, "url"),
        ({"url": "nonsense"}, "url"),
        ({"url": "https://x/", "keyring_data": "key"}, "keyring_data"),
        ({"url": "https://x/", "keyring_filename": "/usr/share/key"}, "keyring_filename"),
    ],
)
async def test_a_source_that_cannot_be(house: Inn, fields: dict[str, str], field: str) -> None:
    answer = await house.admin.call("POST", "boot-sources/", **fields)
    assert answer.status_code == 400
    assert field in answer.json()
