"""What is on top of every page of a VM host: how it is doing, what can be done with it, its tabs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from fastapi.responses import Response
from starlette.requests import Request

from innkeeper.api.auth import Actor
from innkeeper.api.maas.shapes import days_left
from innkeeper.errors import NotFound
from innkeeper.model.host import Host, HostState
from innkeeper.store import counts, events, hosts, pools, unfinished, zones
from innkeeper.store.candidates import USABLE
from innkeeper.store.operations import Operation
from innkeeper.web import host_rows, live, tones
from innkeeper.web.pages import render

_BUSY = (HostState.ADDING, HostState.REMOVING)


@dataclass(frozen=True, kw_only=True)
class Tab:
    """A tab of a VM host; `path` under the host's own. `admin`: for administrators only."""

    path: str
    title: str
    admin: bool = False


TABS = (
    Tab(path="", title="Project and VMs"),
    Tab(path="/resources", title="Resources"),
    Tab(path="/storage", title="Storage"),
    Tab(path="/networks", title="Networks"),
    Tab(path="/settings", title="Settings", admin=True),
    Tab(path="/events", title="Events"),
)


@dataclass(frozen=True, kw_only=True)
class Head:
    """A host as its head shows it. `cursor`: the last event before it was read; `running`: operations on it."""

    host: Host
    tone: str
    zone: str
    pool: str
    vms: int
    days_left: int | None
    running: tuple[Operation, ...]
    cursor: int

    @property
    def days_tone(self) -> str:
        """How the days left of its certificate look."""
        return tones.of_days(self.days_left)

    @property
    def kind(self) -> str:
        """What is spoken to, in words."""
        return host_rows.kind(self.host)

    @property
    def wants_trust(self) -> bool:
        """Whether somebody has to have the server trust us."""
        return host_rows.wants_trust(self.host)

    @property
    def takes_machines(self) -> bool:
        """Whether a machine can be composed on it now."""
        return self.host.schedulable and self.host.state in USABLE

    @property
    def can_be_changed(self) -> bool:
        """Whether it can be read anew, closed and opened: not while it is being added or removed."""
        return self.host.state not in _BUSY

    @property
    def going(self) -> bool:
        """Whether it is being removed."""
        return self.host.state == HostState.REMOVING


def head(sql: sa.Connection, id: int) -> Head:
    """Read it before the rest of a page: what happens meanwhile is heard of again. NotFound."""
    cursor = events.last(sql)
    try:
        one = hosts.find(sql, id)
    except NotFound:
        raise NotFound("There is no such VM host.", resolution="It may have been removed.") from None
    return Head(
        host=one,
        tone=tones.of_host(one.state),
        zone=next((zone.name for zone in zones.listing(sql) if zone.id == one.zone_id), ""),
        pool=next((pool.name for pool in pools.listing(sql) if pool.id == one.pool_id), ""),
        vms=counts.on_host(sql, id),
        days_left=days_left(one.certificate_expires),
        running=tuple(unfinished.of_host(sql, id)),
        cursor=cursor,
    )


def show(
    request: Request,
    template: str,
    *,
    who: Actor,
    top: Head,
    title: str,
    alive: bool = True,
    status: int = 200,
    **values: Any,
) -> Response:
    """A page of a host, below its head. `alive`: it follows the host's events; not while a form is filled in."""
    path = request.scope["path"]
    base = f"/hosts/{top.host.id}"
    tabs = [
        (one.title, base + one.path, _current(path, base, one.path)) for one in TABS if who.is_admin or not one.admin
    ]
    if alive:
        values["live"] = live.address(cursor=top.cursor, host_id=top.host.id)
    query = request.scope["query_string"].decode("latin-1")
    return render(
        request,
        template,
        title=f"{title} · {top.host.name}",
        actor=who,
        status=status,
        top=top,
        base=base,
        tabs=tabs,
        here=path + (f"?{query}" if query else ""),
        **values,
    )


def _current(path: str, base: str, tab: str) -> bool:
    """Whether a path is a tab's, or below it; all is below the first."""
    return path == base + tab or (bool(tab) and path.startswith(f"{base}{tab}/"))
