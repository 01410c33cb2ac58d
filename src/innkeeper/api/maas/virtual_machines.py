"""The VMs on hosts as MAAS lists them beside its machines: of those that Innkeeper manages, what they take."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House
from innkeeper.api.maas import shapes
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.model.machine import Machine
from innkeeper.store import machines
from innkeeper.store.machines import Filter


def _shape(one: Machine) -> shapes.Json:
    """Memory in MiB. `bmc_id`: the VM host."""
    return {
        "id": one.id,
        "identifier": one.instance,
        "project": one.project,
        "pinned_cores": list(one.pinned),
        "unpinned_cores": 0 if one.pinned else one.cores,
        "memory": one.memory,
        "hugepages_backed": one.huge_pages,
        "machine_id": one.id,
        "system_id": one.system_id,
        "bmc_id": one.host_id,
        "resource_uri": f"{shapes.API}/virtual-machines/{one.id}/",
    }


def _seen(sql: sa.Connection, call: Call) -> list[Machine]:
    """The VMs that the caller may see."""
    seen_by = None if call.user.is_admin else call.user.user_id
    return [one for one in machines.listing(sql, Filter(seen_by=seen_by)) if one.host_id is not None]


async def listing(call: Call) -> object:
    house: House = call.services
    return [_shape(one) for one in await house.services.database.reading(_seen, call)]


async def read(call: Call) -> object:
    house: House = call.services
    one = await house.services.database.reading(machines.numbered, call.id)
    theirs = one is not None and not call.user.is_admin and one.owner_id not in (None, call.user.user_id)
    if one is None or one.host_id is None or theirs:
        raise no_match("VirtualMachine")
    return _shape(one)


def _one(path: str, handler: str) -> Route:
    doc = "Read a VM."
    return Route(handler=handler, method="GET", path=path, call=read, who=Who.USER, doc=doc, model="VirtualMachine")


ROUTES = (
    Route(
        handler="VirtualMachines",
        method="GET",
        path="virtual-machines/",
        call=listing,
        who=Who.USER,
        doc="List the VMs on VM hosts that Innkeeper manages.",
    ),
    _one("virtual-machines/{id}/", "VirtualMachine"),
)
