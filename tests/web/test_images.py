"""Images as pages: uploaded in a form, given to hosts, fetched from a source, deleted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from streams import Product, Serving, build, serving

from tests.kit.disks import METADATA, archive, qcow2, unified
from tests.kit.house import Inn
from tests.kit.images import add_image
from tests.kit.until import until
from tests.web.visitor import ORIGIN, Visitor

NOBLE = Product(
    "ubuntu",
    "noble",
    "24.04 LTS",
    {"lxd.tar.xz": archive({"metadata.yaml": METADATA}, mode="w:xz"), "disk1.img": qcow2(salt=b"web")},
)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Serving]:
    build(tmp_path / "tree", NOBLE)
    with serving(tmp_path / "tree") as one:
        yield one


async def upload(who: Visitor, files: dict[str, bytes], **fields: str) -> httpx2.Response:
    """The form of an upload, as a browser sends it."""
    sent = {name: (f"{name}.bin", content) for name, content in files.items()}
    return await who.http.post("/images/upload", data=fields, files=sent, headers={"Origin": ORIGIN})


async def test_an_upload_is_ready_afterwards(admin: Visitor, house: Inn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("innkeeper.web.image_upload.PIECE", 700)
    assert "There is no image yet" in await admin.look("/images")
    content = unified()
    assert len(content) > 700
    made = await upload(admin, {"content": content}, name="tiny", architecture="amd64", title="Tiny")
    assert made.status_code == 200, made.text
    (one,) = await house.admin.get("boot-resources/")
    assert made.url.path == f"/images/{one['id']}"

    async def ready() -> bool:
        return bool((await house.admin.get(f"boot-resources/{one['id']}/"))["complete"])

    await until(ready)
    assert (one["name"], one["title"]) == ("custom/tiny", "Tiny")
    page = await admin.look(f"/images/{one['id']}")
    assert hashlib.sha256(content).hexdigest() in page
    assert ">ready<" in page
    assert "metadata and disk in one" in page
    again = await upload(admin, {"content": content}, name="second", architecture="amd64")
    assert again.url.path.startswith("/images/"), "a file that is here already need not be written again"


async def test_a_split_image(admin: Visitor, house: Inn) -> None:
    told, disk = archive({"metadata.yaml": METADATA}, mode="w:xz"), qcow2(salt=b"split in a form")
    made = await upload(admin, {"content": disk, "metadata": told}, name="tiny", architecture="amd64")
    assert made.status_code == 200, made.text

    async def ready() -> bool:
        return [one["complete"] for one in await house.admin.get("boot-resources/")] == [True]

    await until(ready)
    (one,) = await house.admin.get("boot-resources/")
    assert one["fingerprint"] == hashlib.sha256(told + disk).hexdigest()


async def test_what_is_wrong_with_an_upload_is_told_and_what_was_typed_stays(admin: Visitor, house: Inn) -> None:
    nothing = await admin.send("/images/upload", name="kept", architecture="amd64")
    assert 'id="content-wrong"' in nothing.text
    assert 'value="kept"' in nothing.text
    bad = await upload(admin, {"content": unified()}, name="a//b", architecture="amd64")
    assert bad.status_code == 400
    assert 'id="name-wrong"' in bad.text
    assert await house.admin.get("boot-resources/") == []


async def test_given_to_a_host_and_made_the_default(admin: Visitor, house: Inn) -> None:
    host = await house.add_host("alpha")
    one = add_image(house.house.services)
    page = await admin.look(f"/images/{one.id}")
    assert "not there" in page
    pushed = await admin.send(f"/images/{one.id}/push", host="alpha")
    assert "alpha has the image." in pushed.text
    assert re.search(r'state-good">there<', await admin.look(f"/images/{one.id}"))
    listed = await admin.look("/images")
    assert f'<a href="/hosts/{host}">alpha</a>' in listed
    assert "the default" not in listed
    await admin.send(f"/images/{one.id}/default")
    assert await house.admin.get("maas/", op="get_config", name="default_distro_series") == "tiny"
    assert "the default" in await admin.look("/images")
    asked = await admin.look(f"/images/{one.id}/delete")
    assert "Its copies on alpha." in asked
    wrong = await admin.send(f"/images/{one.id}/delete", typed="tiny")
    assert 'id="typed-wrong"' in wrong.text
    assert len(await house.admin.get("boot-resources/")) == 1
    gone = await admin.send(f"/images/{one.id}/delete", typed="custom/tiny")
    assert "The image custom/tiny was deleted." in gone.text
    assert await house.admin.get("boot-resources/") == []


async def test_a_host_that_is_not_there_is_told(admin: Visitor, house: Inn) -> None:
    one = add_image(house.house.services)
    refused = await admin.send(f"/images/{one.id}/push", host="nowhere")
    assert refused.status_code == 400
    assert "nowhere" in refused.text


async def test_an_alias(admin: Visitor, house: Inn) -> None:
    wrong = await admin.send("/images/alias", name="jammy", architecture="amd64", alias="")
    assert 'id="alias-wrong"' in wrong.text
    await admin.send("/images/alias", name="jammy", architecture="amd64", alias="jammy-vm")
    (one,) = await house.admin.get("boot-resources/")
    assert (one["type"], one["source"]) == ("Alias", "jammy-vm")
    assert "jammy-vm" in await admin.look(f"/images/{one['id']}")


async def test_what_is_wanted_of_a_source_is_fetched(admin: Visitor, house: Inn, tree: Serving) -> None:
    assert "There is no source yet" in await admin.look("/images/sources")
    await admin.send("/images/sources/new", url=tree.address)
    (source,) = await house.admin.get("boot-sources/")
    wrong = await admin.send(f"/images/sources/{source['id']}/want", os="ubuntu", release="a b", arches="*")
    assert 'id="release-wrong"' in wrong.text
    await admin.send(f"/images/sources/{source['id']}/want", os="ubuntu", release="noble", arches="amd64, arm64")
    (wanted,) = await house.admin.get(f"boot-sources/{source['id']}/selections/")
    assert wanted["arches"] == ["amd64", "arm64"]
    assert "Fetch now" in await admin.look("/images/sources")
    await admin.send("/images/fetch")

    async def there() -> bool:
        return [one["complete"] for one in await house.admin.get("boot-resources/")] == [True]

    await until(there, within=20)
    assert "ubuntu/noble" in await admin.look("/images")
    await admin.send(f"/images/sources/{source['id']}/selections/{wanted['id']}/forget")
    assert await house.admin.get(f"boot-sources/{source['id']}/selections/") == []
    await admin.send(f"/images/sources/{source['id']}/delete")
    assert await house.admin.get("boot-sources/") == []
    assert len(await house.admin.get("boot-resources/")) == 1


async def test_a_user_reads_and_has_no_buttons(house: Inn) -> None:
    one = add_image(house.house.services)
    await house.add_host("alpha")
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        for path in ("/images", f"/images/{one.id}"):
            assert "/images/upload" not in (shown := await ann.look(path))
            assert "/push" not in shown
            assert "/delete" not in shown
        for path in ("/images/upload", "/images/alias", "/images/sources", f"/images/{one.id}/delete"):
            await ann.look(path, status=403)
        assert (await ann.send(f"/images/{one.id}/push", host="alpha")).status_code == 403
