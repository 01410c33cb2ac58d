"""The disks of a machine, and what MAAS does to disks that a VM's own image does here."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import shapes
from innkeeper.api.maas.lookups import shape
from innkeeper.api.maas.machine_access import found, mine, unlocked
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.refused import refuse
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.model.machine import Disk, Machine
from innkeeper.model.names import check_tag
from innkeeper.operations import resize
from innkeeper.store import disks
from innkeeper.store.database import Write

MANY, ONE = "nodes/{system_id}/blockdevices/", "nodes/{system_id}/blockdevices/{id}/"
_PARTITIONS, _PARTITION = f"{ONE}partitions/", f"{ONE}partition/{{partition:int}}/"
_PLAIN = "Disks of a VM are plain volumes: partitions and file systems come from its image, or from its user data."
_POOLS = "Disks are made with the machine: compose one with storage=…; a disk that is there can grow."


def _disk(one: Machine, id: int) -> Disk:
    for disk in one.disks:
        if disk.id == id:
            return disk
    raise no_match("BlockDevice")


def _shapes(sql: sa.Connection, call: Call) -> list[shapes.Json]:
    """The disks as the machine's own JSON shows them."""
    shown: list[shapes.Json] = shape(sql, found(call, sql))["blockdevice_set"]
    return shown


def _shape(sql: sa.Connection, call: Call) -> shapes.Json:
    for one in _shapes(sql, call):
        if one["id"] == call.id:
            return one
    raise no_match("BlockDevice")


async def listing(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(_shapes, call)


async def read(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(_shape, call)


async def update(call: Call) -> object:
    """A larger size, of a machine that is off: claimed, then made by its host."""
    house: House = call.services
    size = call.values.integer("size", 0)

    def change(write: Write) -> str:
        one = unlocked(mine(call, write.sql))
        disk = _disk(one, call.id)
        if size in (0, disk.size):
            return ""
        text = f"grows {disk.device} of {one.hostname}: {disk.size} → {size} bytes"
        audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        actor, request = call.user.username, mark(call.request)
        return resize.submit_disk(write, one, disk, size=size, actor=actor, request=request)

    if operation := await house.services.database.writing(change):
        await house.end(operation, call.request)
    return await house.services.database.reading(_shape, call)


async def partitions(call: Call) -> object:
    house: House = call.services
    await house.services.database.reading(_shape, call)
    return []


async def no_partition(call: Call) -> object:
    raise no_match("Partition")


async def add_tag(call: Call) -> object:
    return await _tag(call, put=True)


async def remove_tag(call: Call) -> object:
    return await _tag(call, put=False)


async def _tag(call: Call, *, put: bool) -> object:
    house: House = call.services
    tag = check_tag(call.values.text("tag"))

    def change(write: Write) -> shapes.Json:
        one = unlocked(mine(call, write.sql))
        disk = _disk(one, call.id)
        tags = (*(each for each in disk.tags if each != tag), *((tag,) if put else ()))
        if set(tags) != set(disk.tags):
            disks.tag(write, disk.id, tags)
            text = f"{'put' if put else 'took'} the tag {tag} {'on' if put else 'off'} {disk.device} of {one.hostname}"
            audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return _shape(write.sql, call)

    return await house.services.database.writing(change)


def _refused(method: str, path: str, handler: str, doc: str, why: str, op: str | None = None) -> Route:
    return Route(
        handler=handler, method=method, path=path, op=op, call=refuse, who=Who.USER, doc=doc, refused=why, model=handler
    )


_TAG = Param("tag", "text", "The tag.", required=True, longest=100)
_NOT_MADE = "No disk is added."
ROUTES = (
    Route(
        handler="BlockDevices",
        method="GET",
        path=MANY,
        call=listing,
        who=Who.USER,
        doc="List the disks of a machine.",
        model="Machine",
    ),
    _refused("POST", MANY, "BlockDevices", _NOT_MADE, _POOLS),
    Route(
        handler="BlockDevice",
        method="GET",
        path=ONE,
        call=read,
        who=Who.USER,
        doc="Read a disk of a machine.",
        model="BlockDevice",
    ),
    Route(
        handler="BlockDevice",
        method="PUT",
        path=ONE,
        call=update,
        who=Who.OWNER,
        doc="Grow a disk of a machine that is off.",
        params=(Param("size", "integer", "The size in bytes, not less than it has.", minimum=1),),
        model="BlockDevice",
    ),
    *(
        Route(
            handler="BlockDevice",
            method="POST",
            path=ONE,
            op=op,
            call=call,
            who=Who.OWNER,
            doc=doc,
            params=(_TAG,),
            model="BlockDevice",
        )
        for op, call, doc in (
            ("add_tag", add_tag, "Put a tag on a disk."),
            ("remove_tag", remove_tag, "Take a tag off a disk."),
        )
    ),
    *(
        _refused("POST", ONE, "BlockDevice", f"No disk is changed by {op}.", _PLAIN, op)
        for op in ("format", "unformat", "mount", "unmount", "set_boot_disk")
    ),
    _refused("DELETE", ONE, "BlockDevice", "No disk is taken away.", "A VM's disks go with it: delete the machine."),
    Route(
        handler="Partitions",
        method="GET",
        path=_PARTITIONS,
        call=partitions,
        who=Who.USER,
        doc="Empty: partitions are the guest's own.",
        model="BlockDevice",
    ),
    _refused("POST", _PARTITIONS, "Partitions", "No partition is made.", _PLAIN),
    Route(
        handler="Partition",
        method="GET",
        path=_PARTITION,
        call=no_partition,
        who=Who.USER,
        doc="There is no partition.",
        model="Partition",
    ),
    _refused("DELETE", _PARTITION, "Partition", "There is no partition.", _PLAIN),
    *(
        _refused("POST", _PARTITION, "Partition", "There is no partition.", _PLAIN, op)
        for op in ("format", "unformat", "mount", "unmount", "add_tag", "remove_tag")
    ),
)
