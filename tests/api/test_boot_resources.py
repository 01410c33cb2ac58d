"""Boot resources: uploaded as MAAS's CLI does it, listed as Juju reads them, deleted on the hosts too."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx2
import pytest

from innkeeper.hypervisors.simulated_world import World
from innkeeper.model.image import Part
from innkeeper.operations import push_image
from innkeeper.store import hosts, images
from tests.kit.client import Client, good, oauth
from tests.kit.disks import METADATA, archive, qcow2, raw, unified
from tests.kit.house import Inn
from tests.kit.until import until

TINY = {"name": "custom/tiny", "architecture": "amd64/generic", "title": "Tiny"}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def announce(client: Client, content: bytes, **fields: Any) -> Any:
    """The POST of a client that sends the content in pieces."""
    return good(
        await client.call("POST", "boot-resources/", **(TINY | {"sha256": sha(content), "size": len(content)} | fields))
    )


async def put(client: Client, uri: str, piece: bytes) -> httpx2.Response:
    """One piece, as the CLI sends it."""
    assert client.key is not None
    headers = {"Authorization": oauth(client.key), "Content-Type": "application/octet-stream"}
    return await client.http.put(uri, content=piece, headers=headers)


async def send(client: Client, made: Any, content: bytes, *, piece: int = 700) -> httpx2.Response:
    """All pieces of the newest set's file; the last answer."""
    newest = sorted(made["sets"], reverse=True)[0]
    (file,) = (one for one in made["sets"][newest]["files"].values() if not one["complete"])
    for start in range(0, len(content), piece):
        answer = await put(client, file["upload_uri"], content[start : start + piece])
        if not answer.is_success:
            return answer
    return answer


async def test_an_upload_in_pieces(house: Inn) -> None:
    content = unified()
    made = await announce(house.admin, content, filetype="tgz")
    assert (made["name"], made["type"], made["architecture"]) == ("custom/tiny", "Uploaded", "amd64/generic")
    (version,) = made["sets"]
    assert made["sets"][version]["complete"] is False
    assert made["sets"][version]["files"]["tgz"] | {"upload_uri": ""} == {
        "filename": "tgz",
        "filetype": "tgz",
        "sha256": sha(content),
        "size": len(content),
        "complete": False,
        "progress": 0.0,
        "upload_uri": "",
    }
    answer = await send(house.admin, made, content)
    assert (answer.status_code, answer.text) == (200, "OK")
    read = await house.admin.get(f"boot-resources/{made['id']}/")
    assert read["complete"] is True  # when the last piece is answered it can be deployed
    assert read["fingerprint"] == sha(content)
    assert read["sets"][version]["complete"] is True
    assert (house.house.services.settings.images_directory / sha(content)).read_bytes() == content


async def test_the_list_is_what_juju_reads(house: Inn) -> None:
    assert (await multipart(house.admin, unified())).status_code == 201
    (one,) = await house.admin.get("boot-resources/")
    assert one["architecture"].split("/")[0] == "amd64"
    assert {"resource_uri", "id", "name", "type", "architecture", "subarches", "kflavor"} <= set(one)


@pytest.mark.parametrize(
    ("kind", "count"), [("", 2), ("all", 2), ("uploaded", 1), ("alias", 1), ("synced", 0), ("generated", 0)]
)
async def test_the_list_by_kind(house: Inn, kind: str, count: int) -> None:
    await announce(house.admin, unified())
    await house.admin.post("boot-resources/", name="theirs", architecture="amd64", alias="jammy")
    assert len(await house.admin.get("boot-resources/", type=kind)) == count


async def multipart(client: Client, content: bytes, **fields: str) -> httpx2.Response:
    assert client.key is not None
    return await client.http.post(
        "/MAAS/api/2.0/boot-resources/",
        data=TINY | fields,
        files={"content": ("tiny.tar", content)},
        headers={"Authorization": oauth(client.key)},
    )


@pytest.mark.parametrize(
    ("content", "types"),
    [
        (unified(), {Part.UNIFIED}),
        (qcow2(salt=b"bare"), {Part.METADATA, Part.DISK}),
        (raw(), {Part.METADATA, Part.DISK}),
    ],
)
async def test_an_upload_at_once(house: Inn, content: bytes, types: set[str]) -> None:
    answer = await multipart(house.admin, content, base_image="ubuntu/noble", size=str(len(content)))
    assert answer.status_code == 201, answer.text
    (files,) = answer.json()["sets"].values()
    assert answer.json()["complete"] is True
    assert set(files["files"]) == types


async def test_metadata_wait_for_their_disk(house: Inn) -> None:
    told, disk = archive({"metadata.yaml": METADATA}, mode="w:xz"), qcow2(salt=b"split")
    first = (await multipart(house.admin, told, filetype="lxd-metadata")).json()
    assert first["complete"] is False
    second = (await multipart(house.admin, disk, filetype="lxd-disk")).json()
    assert (second["complete"], second["id"]) == (True, first["id"])
    assert second["fingerprint"] == sha(told + disk)


async def test_what_is_here_already_need_not_be_sent(house: Inn) -> None:
    content = unified()
    await send(house.admin, await announce(house.admin, content), content)
    again = await announce(house.admin, content, name="second")
    assert again["complete"] is True
    (only,) = again["sets"].values()
    assert "upload_uri" not in next(iter(only["files"].values()))


async def test_a_new_version_leaves_the_old_one_until_it_is_whole(house: Inn) -> None:
    old, new = unified(), unified(salt=b"new")
    first = await announce(house.admin, old)
    await send(house.admin, first, old)
    second = await announce(house.admin, new)
    assert (second["id"], second["complete"], second["fingerprint"]) == (first["id"], True, sha(old))
    assert len(second["sets"]) == 2
    await send(house.admin, second, new)
    (one,) = await house.admin.get("boot-resources/")
    assert (one["id"], one["fingerprint"]) == (first["id"], sha(new))


async def test_a_piece_too_many_and_one_that_is_none(house: Inn) -> None:
    content = unified()
    made = await announce(house.admin, content)
    (version,) = made["sets"].values()
    uri = version["files"]["tgz"]["upload_uri"]
    for piece, words in ((b"", "empty"), (content + b"x", "more than was announced")):
        answer = await put(house.admin, uri, piece)
        assert (answer.status_code, words in answer.text) == (400, True), answer.text
    assert (await put(house.admin, uri, content)).status_code == 200
    assert (await put(house.admin, uri, b"x")).status_code in (404, 409)  # its set has other files now
    absent = await put(house.admin, uri.replace("/upload/", "/upload/99"), b"x")
    assert (absent.status_code, absent.text) == (404, "No BootResourceFile matches the given query.")


async def test_content_that_is_not_what_was_announced_is_forgotten(house: Inn) -> None:
    content = unified()
    made = await announce(house.admin, content)
    answer = await send(house.admin, made, content[:-1] + b"!")
    assert answer.status_code == 400
    assert "not what was announced" in answer.text
    assert await house.admin.get("boot-resources/") == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (archive({"etc/passwd": b"root"}), "no metadata.yaml"),
        (qcow2(backing=200), "backing file"),
        (b"hsqs" + bytes(600), "squashfs"),
    ],
)
async def test_what_makes_no_machine_is_refused_when_it_has_arrived(house: Inn, content: bytes, words: str) -> None:
    answer = await multipart(house.admin, content)
    assert answer.status_code == 400, answer.text
    assert words in answer.text
    assert await house.admin.get("boot-resources/") == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "a/b/c"}, "name"),
        ({"name": ""}, "name"),
        ({"architecture": "AMD 64"}, "architecture"),
        ({"sha256": "short"}, "sha256"),
        ({"size": "0"}, "size"),
        ({"filetype": "floppy"}, "filetype"),
        ({"filetype": "ddtgz"}, "filetype"),
        ({"kernel": "x"}, "kernel"),
        ({"alias": "x"}, "sha256"),
    ],
)
async def test_what_cannot_be_is_named(house: Inn, fields: dict[str, str], field: str) -> None:
    answer = await house.admin.call(
        "POST", "boot-resources/", **(TINY | {"sha256": sha(b"x"), "size": 1, "filetype": "tgz"} | fields)
    )
    assert answer.status_code == 400, answer.text
    assert field in answer.json()


@pytest.mark.parametrize("filetype", ["ddtgz", "ddtbz", "ddtxz", "ddtar"])
async def test_a_disk_in_a_tar_is_refused_before_it_is_sent(house: Inn, filetype: str) -> None:
    answer = await house.admin.call("POST", "boot-resources/", **TINY, filetype=filetype, sha256=sha(b"x"), size=1)
    words = f"{filetype} is a disk in a tar archive; unpack it, and upload the disk (ddgz, ddxz, ddraw, qcow2)"
    assert (answer.status_code, answer.json()) == (400, {"filetype": [words]})
    assert await house.admin.get("boot-resources/") == []


async def test_an_alias_has_no_files(house: Inn) -> None:
    made = await house.admin.post("boot-resources/", name="ubuntu/jammy", architecture="amd64", alias="jammy-vm")
    assert (made["type"], made["source"], made["complete"], made["sets"]) == ("Alias", "jammy-vm", True, {})
    again = await house.admin.call("POST", "boot-resources/", name="ubuntu/jammy", architecture="amd64", alias="x")
    assert again.status_code == 409
    upload = await house.admin.call(
        "POST", "boot-resources/", name="ubuntu/jammy", architecture="amd64", sha256=sha(b"x"), size=1
    )
    assert (upload.status_code, "is alias" in upload.text) == (409, True)


async def test_deleted_here_it_goes_on_the_hosts_and_what_others_put_there_stays(house: Inn) -> None:
    host_id = await house.add_host("alpha")
    await multipart(house.admin, unified())
    database = house.house.services.database
    (image,) = database.ask(images.listing)
    host = database.ask(hosts.find, host_id)
    await house.house.engine.wait(database.transact(push_image.submit, host, image, actor="admin"), timeout=10)
    assert set(house.see("alpha").images) == {image.fingerprint}

    def others(state: World) -> None:
        theirs = state.images[image.fingerprint]
        state.images["f" * 64] = type(theirs)(fingerprint="f" * 64)

    house.change("alpha", others)
    await house.admin.delete(f"boot-resources/{image.id}/")
    gone = await house.admin.call("GET", f"boot-resources/{image.id}/")
    assert (gone.status_code, gone.text) == (404, "No BootResource matches the given query.")

    async def only_theirs() -> bool:
        return set(house.see("alpha").images) == {"f" * 64}

    await until(only_theirs, what="the image is gone on the host")
    texts = [event["description"] for event in (await house.admin.get("events/", op="query", level="AUDIT"))["events"]]
    assert any("deleted the image custom/tiny" in text for text in texts), texts


async def test_users_read_and_administrators_write(house: Inn) -> None:
    await multipart(house.admin, unified())
    ann = house.client(username="ann")
    assert len(await ann.get("boot-resources/")) == 1
    assert (await multipart(ann, unified(), name="mine")).status_code == 403
    made = await announce(house.admin, unified(salt=b"x"), name="other")
    (version,) = made["sets"].values()
    assert (await put(ann, version["files"]["tgz"]["upload_uri"], b"x")).status_code == 403
    nobody = await house.admin.http.put(version["files"]["tgz"]["upload_uri"], content=b"x")
    assert nobody.status_code == 401


async def test_an_image_stays_while_a_machine_is_deployed_from_it(house: Inn) -> None:
    host_id = await house.add_host("alpha")
    assert (await multipart(house.admin, unified())).status_code == 201
    system_id = await house.admin.compose(host_id, hostname="web")
    await house.admin.post("machines/", op="allocate", system_id=system_id)
    deployed = await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
    assert (deployed["status_name"], deployed["osystem"], deployed["distro_series"]) == ("Deploying", "custom", "tiny")
    (image,) = await house.admin.get("boot-resources/")
    refused = await house.admin.call("DELETE", f"boot-resources/{image['id']}/")
    assert (refused.status_code, "is being deployed on web" in refused.text) == (409, True)
    await house.admin.call("POST", f"machines/{system_id}/", op="abort")

    async def over() -> bool:
        return (await house.admin.get(f"machines/{system_id}/"))["status_name"] != "Deploying"

    await until(over)
    await house.admin.delete(f"boot-resources/{image['id']}/")
