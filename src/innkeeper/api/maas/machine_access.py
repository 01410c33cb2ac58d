"""The machine of a call's path, and whether its caller may see it and act on it."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.api.maas.routes import Call, no_match
from innkeeper.errors import Forbidden
from innkeeper.model.machine import Machine, Origin
from innkeeper.store import hosts, machines
from innkeeper.store.database import Write


def found(call: Call, sql: sa.Connection) -> Machine:
    """The machine of the path, if the caller may see it: others' machines are not there for a user."""
    one = machines.find(sql, call.path["system_id"])
    if one.origin == Origin.DEVICE or (not call.user.is_admin and one.owner_id not in (None, call.user.user_id)):
        raise no_match("Machine")
    return one


def mine(call: Call, sql: sa.Connection) -> Machine:
    """The machine of the path, if the caller may act on it."""
    one = found(call, sql)
    call.permit(owner_id=one.owner_id, composer_id=one.composer_id)
    return one


def unlocked(one: Machine) -> Machine:
    """The machine; Forbidden while it is locked."""
    if one.locked:
        raise Forbidden(f"{one.hostname} is locked.", resolution="Unlock it first.")
    return one


def held(call: Call, write: Write) -> Machine:
    """The machine of the path, unlocked and the caller's; its host's row is held, so that it stands still."""
    one = mine(call, write.sql)
    if one.host_id is not None:
        hosts.hold(write, one.host_id)
    return unlocked(mine(call, write.sql))
