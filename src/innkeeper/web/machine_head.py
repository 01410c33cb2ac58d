"""What every page of a machine has at its top: what it is, how it is doing, what is being done, what can be done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from fastapi import Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import viewer
from innkeeper.errors import Conflict, NotFound
from innkeeper.model.host import Host
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine, Origin
from innkeeper.store import domains, event_pages, events, hosts, machines, operations, pools, unfinished, zones
from innkeeper.store.operations import Operation
from innkeeper.web import live, tones
from innkeeper.web.machine_actions import Action, offered
from innkeeper.web.machine_case import Case
from innkeeper.web.pages import render
from innkeeper.web.steps import Step, steps

LATEST = 5  # operations that are shown of those that are over
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Work:
    """An operation that is not over, with its steps; `mine`: whether who looks may cancel it."""

    operation: Operation
    steps: list[Step]
    mine: bool


@dataclass(frozen=True, kw_only=True)
class Tab:
    """A part of a machine's page, with its own address."""

    title: str
    path: str


@dataclass(frozen=True, kw_only=True)
class Head:
    """See the module. `host`: the one it is on; `carries`: the one it stands for. `cursor`: the events it knows."""

    one: Machine
    host: Host | None
    carries: Host | None
    domain: str
    zone: str
    pool: str
    work: tuple[Work, ...]
    latest: tuple[Operation, ...]
    case: Case
    actions: tuple[Action, ...]
    cursor: int

    @property
    def path(self) -> str:
        return f"/machines/{self.one.system_id}"

    @property
    def fqdn(self) -> str:
        return f"{self.one.hostname}.{self.domain}"

    @property
    def status(self) -> Status:
        return Status(self.one.status)

    @property
    def tone(self) -> str:
        return tones.of_status(self.status)

    @property
    def power_tone(self) -> str:
        return tones.of_power(self.one.power_state)

    @property
    def has_console(self) -> bool:
        """Whether who looks may see its console: the API's own rule."""
        who = self.case.who
        return self.host is not None and (who.is_admin or self.one.owner_id == who.user_id)

    @property
    def tabs(self) -> tuple[Tab, ...]:
        found = [Tab(title="Summary", path=self.path), Tab(title="Network", path=f"{self.path}/network")]
        if self.one.origin != Origin.HOST:
            found.append(Tab(title="Storage", path=f"{self.path}/storage"))
        found.append(Tab(title="Events", path=f"{self.path}/events"))
        if self.has_console:
            found.append(Tab(title="Console", path=f"{self.path}/console"))
        return tuple(found)

    def wanted(self, name: str) -> Action:
        """The action of that name; Conflict in the state's own words when it cannot be done."""
        for one in self.actions:
            if one.name == name:
                return one
        locked = " and locked" if self.one.locked else ""
        raise Conflict(
            f"{self.one.hostname} is {self.status.label}{locked}.",
            details=f"“{name.replace('-', ' ').capitalize()}” is not there for you as things stand.",
            resolution="Its page shows what can be done with it.",
        )


def head(sql: sa.Connection, who: Actor, system_id: str) -> Head:
    """The machine as who looks may see it; NotFound otherwise. A fixed number of queries."""
    cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
    one = machines.find(sql, system_id)
    if one.origin == Origin.DEVICE or not (who.is_admin or one.owner_id in (None, who.user_id)):
        raise NotFound("No Machine matches the given query.")
    there = hosts.some(sql, ids=() if one.host_id is None else (one.host_id,), system_ids=[system_id])
    host = next((each for each in there if each.id == one.host_id), None)
    open_ones = unfinished.of_machine(sql, system_id)
    told = event_pages.of_operations(sql, [each.id for each in open_ones])
    many = operations.listing(sql, system_id=system_id, limit=LATEST + len(open_ones), seen_by=viewer(who))
    case = Case(
        one=one,
        who=who,
        host=host,
        before=machines.status_before(sql, system_id),
        work=tuple(each.kind for each in open_ones),
    )
    return Head(
        one=one,
        host=host,
        carries=next((each for each in there if each.system_id == system_id), None),
        domain=domains.find(sql, id=one.domain_id).name,
        zone=zones.find(sql, id=one.zone_id).name,
        pool=pools.find(sql, id=one.pool_id).name,
        work=tuple(
            Work(
                operation=each,
                steps=steps(each, told[each.id]),
                mine=who.is_admin or each.actor == who.username,
            )
            for each in open_ones
        ),
        latest=tuple(each for each in many if each.state in operations.ENDED)[:LATEST],
        case=case,
        actions=offered(case),
        cursor=cursor,
    )


async def read(inn: House, who: Actor, system_id: str) -> Head:
    """The head alone. NotFound, with words for a machine that was deleted."""
    top, _ = await read_with(inn, who, system_id, lambda _sql, _top: None)
    return top


async def read_with(inn: House, who: Actor, system_id: str, more: Callable[[sa.Connection, Head], T]) -> tuple[Head, T]:
    """The head, and what `more` reads in the same view. NotFound as of `read`."""

    def ask(sql: sa.Connection) -> tuple[Head, T]:
        top = head(sql, who, system_id)
        return top, more(sql, top)

    try:
        return await inn.services.database.reading(ask)
    except NotFound as error:
        raise NotFound(
            "There is no such machine.",
            details="It was deleted, or it is another user's.",
            resolution="Events tell what happened to one that is gone.",
        ) from error


def show(request: Request, template: str, top: Head, *, title: str, listens: bool = True, **values: Any) -> Response:
    """A page of a machine. `listens`: it shows what happens; not one on which something is filled in."""
    if listens:
        values["live"] = live.address(cursor=top.cursor, system_id=top.one.system_id)
    return render(request, template, title=title, actor=top.case.who, top=top, **values)
