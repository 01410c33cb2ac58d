"""What MAAS's own command line says: it learns the API from its description, then calls what it was told."""

from __future__ import annotations

import hashlib
from typing import Any

from tests.clients.contracts import juju, terraform
from tests.clients.contracts.shape import expect, expect_all
from tests.clients.stage import SERIES, Stage
from tests.clients.talk import Cli, talking, until
from tests.kit.disks import unified
from tests.kit.wire import API


async def login(on: Cli) -> dict[str, dict[str, Any]]:
    """The key is tried, then the API described; what the profile keeps of each handler, by its name."""
    wrong = await on._on.send("GET", "users/?op=whoami", authorization="OAuth oauth_token=x, oauth_signature=%26y")
    assert wrong.status == 401
    assert (await on.ask("GET", "users/", "whoami")).status == 200
    told = await on.ask("GET", "describe/")
    assert (told.status, told.headers["content-type"]) == (200, "application/json")
    assert told.headers["x-maas-api-hash"] == told.json["hash"]
    return {one["name"]: one["auth"] or one["anon"] for one in told.json["resources"]}


def path_of(handler: dict[str, Any], action: str, *arguments: object) -> tuple[str, str]:
    """The path and the op of a command; it takes key=value only where its text has :param after the first part."""
    found = next(one for one in handler["actions"] if one["name"] == action)
    assert ":param" in found["doc"].partition("\n\n")[2] or not arguments or found["method"] != "POST"
    assert handler["path"].startswith(API)
    names = dict(zip(handler["params"], arguments, strict=True))
    return handler["path"].format(**names), found["op"] or ""


async def image(on: Cli, known: dict[str, dict[str, Any]]) -> None:
    """`boot-resources create`: what the file is, as base64 parts; then the file, in pieces, where the answer says."""
    content = unified(salt=b"\x00\r\n--B--\xff" * 500)
    pieces = [content[at : at + 4096] for at in range(0, len(content), 4096)]
    assert len(pieces) > 2
    path, _ = path_of(known["BootResourcesHandler"], "create")
    told = {
        "name": "custom/cli",
        "title": "of the CLI, é",
        "architecture": "amd64/generic",
        "filetype": "tgz",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    answer = await on.tell("POST", path, **told)
    assert answer.status == 201, answer
    made = answer.json
    newest = made["sets"][max(made["sets"])]
    [file] = newest["files"].values()
    assert (newest["complete"], file["complete"], file["size"]) == (False, False, len(content))
    assert file["upload_uri"].startswith(f"{API}boot-resources/{made['id']}/upload/")
    for piece in pieces:
        sent = await on.raw("PUT", file["upload_uri"], piece)
        assert sent.status == 200, sent
    read, _ = path_of(known["BootResourceHandler"], "read", made["id"])
    whole = await on.get(read)
    assert (whole["title"], whole["sets"][max(whole["sets"])]["complete"]) == ("of the CLI, é", True)
    assert "custom/cli" in [one["name"] for one in expect_all(await on.get(path), juju.boot_resource)]
    over = await on.raw("PUT", file["upload_uri"], pieces[0])
    assert over.status in (404, 409), over  # its place is gone, or goes as soon as all is looked at
    assert over.headers["content-type"] == "text/plain; charset=utf-8"
    again = await on.tell("POST", path, **told)  # it is here: nothing is sent
    assert again.json["sets"][max(again.json["sets"])]["complete"] is True
    await on.delete(read)


async def session(stage: Stage) -> dict[str, Any]:
    """A morning at the command line: a host, a machine, a tag, a deployment, and all of it away again."""
    async with talking(stage.server, Cli) as on:
        known = await login(on)
        await image(on, known)
        made = await on.post(path_of(known["VmHostsHandler"], "create")[0], **stage.host, tags="cli,é")
        assert made["tags"] == ["cli", "é"]
        host, _ = path_of(known["VmHostHandler"], "read", made["id"])
        await on.post(host, "refresh")
        assert (await on.post(host, "add_tag", tag="more"))["tags"] == ["cli", "é", "more"]
        composed = await on.post(
            host, "compose", hostname="cli1", cores=1, memory=1024, storage=f"root:1({stage.pool})"
        )
        machine, _ = path_of(known["MachineHandler"], "read", composed["system_id"])
        await on.post(path_of(known["TagsHandler"], "create")[0], name="cli", comment="")
        tag, op = path_of(known["TagHandler"], "update_nodes", "cli")
        assert (await on.post(tag, op, add=[composed["system_id"]]))["added"] == 1
        assert [one["hostname"] for one in await on.get("machines/", tags="cli")] == ["cli1"]
        await on.post(machine, "lock")
        locked = await on.ask("DELETE", machine)
        assert (locked.status, b"locked" in locked.body) == (403, True)
        await on.post(machine, "unlock")
        await on.post("machines/", "allocate", system_id=composed["system_id"], agent_name="cli")
        await on.post(machine, "deploy", distro_series=SERIES, user_data="I2Nsb3VkLWNvbmZpZwp7fQo=\n")

        async def poll() -> Any:
            return expect(await on.get(machine), terraform.machine)

        deployed: dict[str, Any] = await until(poll, "Deployed", seen={"Deploying"})
        assert (await on.get(machine, "query_power_state")) == {"state": "on"}
        events = await on.get("events/", "query", hostname="cli1", limit=5)
        assert events["count"] == 5
        await on.post(machine, "release")
        await until(poll, "Ready", seen={"Releasing"})
        for op in ("rescue_mode", "test", "clone"):
            refused = await on.tell("POST", machine if op != "clone" else "machines/", op)
            assert refused.status in (400, 409), refused
            assert refused.headers["content-type"] == "text/plain; charset=utf-8"
        await on.delete(tag)
        await on.delete(host, decompose="true")
        assert (await on.ask("GET", machine)).status == 404
    return deployed
