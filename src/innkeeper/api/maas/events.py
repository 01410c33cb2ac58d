"""Events as MAAS's clients ask for them: pages of what happened to machines and hosts, newest first."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import urlencode

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House
from innkeeper.api.maas import machine_parameters as parameters
from innkeeper.api.maas import shapes
from innkeeper.api.maas.lookups import lookups
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Forbidden, Invalid
from innkeeper.store import node_events
from innkeeper.store.machines import Filter
from innkeeper.store.node_events import Level, NodeEvent
from innkeeper.store.visibility import Viewer

_PAGE, _LARGEST_PAGE = 100, 1000
_NO_TAGS = "events have no tags; ask for the machines of a tag, and for events by their ids."
_OF_NODES = tuple(
    replace(param, refused=_NO_TAGS) if param.name in ("tags", "not_tags") else param for param in parameters.LIST
)


def _shape(one: NodeEvent) -> shapes.Json:
    return {
        "id": one.id,
        "level": one.level.name,
        "type": f"{one.kind} {one.what}".replace("audit audit", "audit").capitalize(),
        "description": one.text,
        "created": time.strftime("%a, %d %b. %Y %H:%M:%S", time.gmtime(one.at)),
        "node": one.node,
        "hostname": one.hostname,
        "username": one.username,
    }


async def query(call: Call) -> object:
    house: House = call.services
    values = call.values
    before, after = values.integer("before"), values.integer("after")
    if before is not None and after is not None:
        message = "send before or after, not both"
        raise Invalid(f"Invalid before: {message}.", fields={"before": [message]})
    level = Level[values.text("level") or "INFO"]
    if level == Level.AUDIT and not call.user.is_admin:
        raise Forbidden("Audit events are for administrators.")
    return await house.services.database.reading(_page, call, level=level, before=before, after=after)


def _page(sql: sa.Connection, call: Call, *, level: Level, before: int | None, after: int | None) -> shapes.Json:
    user, limit = call.user, call.values.integer("limit", _PAGE)
    found = node_events.page(
        sql,
        nodes=_nodes(sql, call),
        level=level,
        username=call.values.text("owner"),
        before=before,
        after=after,
        limit=limit,
        seen_by=None if user.is_admin else Viewer(user_id=user.user_id, username=user.username),
    )
    newest = found[0].id if found else after if after is not None else (before or 1) - 1
    oldest = found[-1].id if found else before if before is not None else (after or 0) + 1
    last = after is None and len(found) < limit
    return {
        "count": len(found),
        "events": [_shape(one) for one in found],
        "next_uri": _uri(call, after=newest),
        "prev_uri": None if last else _uri(call, before=oldest),
    }


def _nodes(sql: sa.Connection, call: Call) -> Filter | None:
    """Which machines, devices and hosts were asked for; None: no matter which."""
    if not any(_texts(call, param) for param in _OF_NODES):
        return None
    return replace(parameters.filter_of(call.values, lookups(sql), seen_by=None), devices=None)


def _uri(call: Call, **where: int) -> str:
    """The way to the next older or newer page, with all else that was asked."""
    sent = [(param.name, text) for param in (*_OF_NODES, _LEVEL, _OWNER) for text in _texts(call, param)]
    limit = call.values.integer("limit")
    sent += [("limit", str(limit))] if limit is not None else []
    return f"{shapes.API}/events/?{urlencode([('op', 'query'), *sent, *where.items()])}"


def _texts(call: Call, param: Param) -> tuple[str, ...]:
    return call.values.texts(param.name)


_LEVEL = Param("level", "text", "This level and above; AUDIT: only those. Default INFO.", choices=(*Level.__members__,))
_OWNER = Param("owner", "text", "Only what this user did.")
ROUTES = (
    Route(
        handler="Events",
        method="GET",
        path="events/",
        op="query",
        call=query,
        who=Who.USER,
        doc="Read what happened to machines and hosts, newest first.",
        params=(
            *_OF_NODES,
            _LEVEL,
            _OWNER,
            Param("limit", "integer", f"At most so many. Default {_PAGE}.", minimum=1, maximum=_LARGEST_PAGE),
            Param("before", "integer", "Older than the event of this id.", minimum=0),
            Param("after", "integer", "Newer than the event of this id.", minimum=0),
        ),
    ),
)
