"""SSH keys of the caller, and who gets them on a machine."""

from __future__ import annotations

import json
from pathlib import Path

from tests.api.facts import events
from tests.kit.deployments import ready, until_started
from tests.kit.house import Inn, inn

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
PATH = "account/prefs/sshkeys/"


async def test_keys_are_their_owners(house: Inn) -> None:
    ann, bob = house.client(username="ann"), house.client(username="bob")
    made = await ann.call("POST", PATH, key=f" {KEY} ann@laptop\n")
    assert made.status_code == 201
    one = made.json()
    assert one == {
        "id": one["id"],
        "key": f"{KEY} ann@laptop",
        "keysource": None,
        "resource_uri": f"/MAAS/api/2.0/account/prefs/sshkeys/{one['id']}/",
    }
    assert await ann.get(PATH) == [one]
    assert await ann.get(f"{PATH}{one['id']}/") == one
    assert await bob.get(PATH) == []
    for method in ("GET", "DELETE"):
        assert (await bob.call(method, f"{PATH}{one['id']}/")).status_code == 404
    twice = await ann.call("POST", PATH, key=f"{KEY} another comment")
    assert (twice.status_code, "there already" in twice.text) == (409, True)
    assert (await bob.call("POST", PATH, key=KEY)).status_code == 201
    await ann.delete(f"{PATH}{one['id']}/")
    assert await ann.get(PATH) == []
    assert (await ann.call("DELETE", f"{PATH}{one['id']}/")).status_code == 404
    told = [each["text"] for each in await events(house.admin, kind="audit") if each["actor"] == "ann"]
    assert told == [f"added the SSH key {one['id']}", f"deleted the SSH key {one['id']}"]


async def test_what_is_no_key_and_keys_from_elsewhere_are_refused_in_words(house: Inn) -> None:
    for key, told in (("", "required"), ("ssh-rsa", "damaged"), ("-----BEGIN RSA PRIVATE KEY-----", "private key")):
        answer = await house.admin.call("POST", PATH, key=key)
        assert (answer.status_code, told in answer.json()["key"][0]) == (400, True), answer.text
    answer = await house.admin.call("POST", PATH, op="import", keysource="gh:ann")
    assert (answer.status_code, "POST account/prefs/sshkeys/ with key=" in answer.text) == (400, True)
    assert await house.admin.get(PATH) == []


async def test_the_seed_has_the_owners_keys_and_not_the_deployers(tmp_path: Path) -> None:
    """An administrator deploys for a user: it is the user who logs in, nobody else."""
    async with inn(tmp_path, host="0.0.0.0") as house:
        system_id = await ready(house)
        ann, bob = house.client(username="ann"), house.client(username="bob")
        theirs = {name: f"{KEY[:-3]}{name[:3]} {name}@laptop" for name in ("ann", "bob", "admin")}
        for name, client in (("ann", ann), ("bob", bob), ("admin", house.admin)):
            await client.post(PATH, key=theirs[name])
        await ann.post("machines/", op="allocate", system_id=system_id)
        made = await house.admin.post(f"machines/{system_id}/", op="deploy", distro_series="tiny")
        assert made["owner"] == "ann"
        await until_started(house, system_id)
        seed = house.see("alpha").seeds["default/web"]
        told = dict(line.split(": ", 1) for line in seed.meta_data.splitlines())
        assert json.loads(told["public-keys"]) == [theirs["ann"]]
        for name in ("bob", "admin"):
            assert theirs[name].split()[1] not in f"{seed}"
