"""Resource pools, under MAAS's two spellings: `resourcepools/` for all, `resourcepool/{id or name}/` for one."""

from __future__ import annotations

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import shapes
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import NotFound
from innkeeper.model.names import check_label
from innkeeper.store import pools
from innkeeper.store.database import Write
from innkeeper.store.pools import Pool

_NAME = Param("name", "text", "The pool's name.", required=True)
_NEW_NAME = Param("name", "text", "The pool's new name.")
_DESCRIPTION = Param("description", "text", "What it is for.")


def _find(sql: object, text: str) -> Pool:
    """By name, else by id."""
    try:
        return pools.find(sql, name=text)  # type: ignore[arg-type]
    except NotFound:
        if text.isascii() and text.isdigit() and len(text) < 18:
            try:
                return pools.find(sql, id=int(text))  # type: ignore[arg-type]
            except NotFound:
                pass
        raise no_match("ResourcePool") from None


async def listing(call: Call) -> object:
    house: House = call.services
    return [shapes.pool(one) for one in await house.services.database.reading(pools.listing)]


async def create(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> Pool:
        name = check_label(call.values.text("name"))
        one = pools.create(write, name=name, description=call.values.text("description"))
        audit(write, call.request, call.user, f"made the resource pool {one.name}")
        return one

    return shapes.pool(await house.services.database.writing(change))


async def read(call: Call) -> object:
    house: House = call.services
    return shapes.pool(await house.services.database.reading(_find, call.path["pool"]))


async def update(call: Call) -> object:
    house: House = call.services
    values = call.values

    def change(write: Write) -> Pool:
        one = _find(write.sql, call.path["pool"])
        name = check_label(values.text("name")) if values.text("name") else None
        description = values.text("description") if "description" in values.sent else None
        changed = pools.update(write, id=one.id, name=name, description=description)
        if changed != one:
            audit(write, call.request, call.user, f"changed the resource pool {one.name}")
        return changed

    return shapes.pool(await house.services.database.writing(change))


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> None:
        one = _find(write.sql, call.path["pool"])
        pools.delete(write, id=one.id)
        audit(write, call.request, call.user, f"deleted the resource pool {one.name}")

    await house.services.database.writing(change)
    return None


_ALL, _ONE = "resourcepools/", "resourcepool/{pool}/"
ROUTES = (
    Route(handler="ResourcePools", method="GET", path=_ALL, call=listing, who=Who.USER, doc="List the resource pools."),
    Route(
        handler="ResourcePools",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.ADMIN,
        doc="Make a resource pool.",
        params=(_NAME, _DESCRIPTION),
    ),
    Route(handler="ResourcePool", method="GET", path=_ONE, call=read, who=Who.USER, doc="Read a resource pool."),
    Route(
        handler="ResourcePool",
        method="PUT",
        path=_ONE,
        call=update,
        who=Who.ADMIN,
        doc="Change a resource pool.",
        params=(_NEW_NAME, _DESCRIPTION),
    ),
    Route(
        handler="ResourcePool",
        method="DELETE",
        path=_ONE,
        call=delete,
        who=Who.ADMIN,
        doc="Delete a resource pool that nothing uses.",
    ),
)
