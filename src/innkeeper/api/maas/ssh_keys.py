"""The caller's SSH keys: machines that they deploy let them in by these."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import answers, shapes
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.model import ssh_key
from innkeeper.store import ssh_keys
from innkeeper.store.database import Write
from innkeeper.store.ssh_keys import SshKey

_ALL, _ONE = "account/prefs/sshkeys/", "account/prefs/sshkeys/{id}/"
_IMPORT = (
    "Send the public key itself: POST account/prefs/sshkeys/ with key=, for "
    "example from https://github.com/USER.keys or https://launchpad.net/~USER/+sshkeys."
)


def shape(one: SshKey) -> shapes.Json:
    return {
        "id": one.id,
        "key": one.key,
        "keysource": one.source or None,
        "resource_uri": f"{shapes.API}/account/prefs/sshkeys/{one.id}/",
    }


async def listing(call: Call) -> object:
    house: House = call.services
    user_id = call.user.user_id
    return [shape(one) for one in await house.services.database.reading(ssh_keys.of_user, user_id)]


async def create(call: Call) -> object:
    house: House = call.services
    key = ssh_key.check(call.values.text("key"))

    def change(write: Write) -> SshKey:
        one = ssh_keys.add(write, call.user.user_id, key)
        audit(write, call.request, call.user, f"added the SSH key {one.id}")
        return one

    return replace(answers.of(shape(await house.services.database.writing(change))), status=201)


async def read(call: Call) -> object:
    house: House = call.services

    def ask(sql: sa.Connection) -> shapes.Json:
        return shape(ssh_keys.find(sql, call.user.user_id, call.id))

    return await house.services.database.reading(ask)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = ssh_keys.delete(write, call.user.user_id, call.id)
        audit(write, call.request, call.user, f"deleted the SSH key {one.id}")

    await house.services.database.writing(change)
    return None


ROUTES = (
    Route(handler="SSHKeys", method="GET", path=_ALL, call=listing, who=Who.USER, doc="List your SSH keys."),
    Route(
        handler="SSHKeys",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.USER,
        doc="Add an SSH key: machines that you deploy from now on let you in by it.",
        params=(Param("key", "text", "The public key, as it stands in its file.", required=True, longest=20_000),),
    ),
    Route(
        handler="SSHKeys",
        method="POST",
        path=_ALL,
        op="import",
        call=create,
        who=Who.USER,
        doc="Not done: fetch SSH keys from elsewhere.",
        refused=_IMPORT,
    ),
    Route(handler="SSHKey", method="GET", path=_ONE, call=read, who=Who.USER, doc="Read an SSH key.", model="SSHKey"),
    Route(
        handler="SSHKey",
        method="DELETE",
        path=_ONE,
        call=delete,
        who=Who.USER,
        doc="Forget an SSH key. Machines that are deployed keep it.",
        model="SSHKey",
    ),
)
