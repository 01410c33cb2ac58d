"""What came of something that was done with many machines: a result for each, while it is done and afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.model.host import Host
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine
from innkeeper.store import batches, events, hosts, machines
from innkeeper.store.batches import Batch, Item, State
from innkeeper.store.machines import Filter
from innkeeper.web import live, tones
from innkeeper.web.pages import render
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/bulk")
_SAID = {
    State.WAITING: ("waits for its turn", "off"),
    State.RUNNING: ("under way", "busy"),
    State.GOING: ("under way", "busy"),
    State.DONE: ("done", "good"),
    State.FAILED: ("failed", "bad"),
    State.LEFT: ("not done", "warn"),
    State.LOST: ("not known", "warn"),
}
_AGAIN = (State.FAILED, State.LEFT, State.LOST)
_WHY = {
    State.LEFT: "The server stopped before its turn came.",
    State.LOST: "The server stopped in the middle: its page tells how it is.",
}


@dataclass(frozen=True, kw_only=True)
class Result:
    """A machine's result. `machine` None: it is gone, or another user's by now."""

    item: Item
    machine: Machine | None
    host: Host | None

    @property
    def said(self) -> str:
        return _SAID[self.item.state][0]

    @property
    def tone(self) -> str:
        return _SAID[self.item.state][1]

    @property
    def why(self) -> str:
        return self.item.text or _WHY.get(self.item.state, "")

    @property
    def status(self) -> str:
        return Status(self.machine.status).label if self.machine else ""

    @property
    def status_tone(self) -> str:
        return tones.of_status(Status(self.machine.status)) if self.machine else "off"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the page shows. `tally`: how many results of each kind, in words, with their tones."""

    cursor: int
    batch: Batch
    results: tuple[Result, ...]

    @property
    def tally(self) -> list[tuple[str, str, int]]:
        counts: dict[tuple[str, str], int] = {}
        for state, count in batches.tally(self.batch.items).items():
            counts[_SAID[state]] = counts.get(_SAID[state], 0) + count
        return [(words, tone, count) for (words, tone), count in counts.items()]

    @property
    def again(self) -> str:
        """Where it is tried again with what is there and was not done; "": there is nothing."""
        left = [one.item.system_id for one in self.results if one.item.state in _AGAIN and one.machine]
        query = [("action", self.batch.action), *(("machine", id) for id in left)]
        return f"/machines/bulk?{urlencode(query)}" if left and self.batch.over else ""


@router.get("/{id}")
async def results(request: Request, inn: Annotated[House, Depends(house)], who: SignedIn, id: str) -> Response:
    found = await inn.services.database.reading(_read, id, who)
    return render(
        request,
        "bulk_results.html",
        title=found.batch.title,
        actor=who,
        found=found,
        batch=found.batch,
        live=live.address(cursor=found.cursor),
    )


def _read(sql: sa.Connection, id: str, who: Actor) -> Shown:
    cursor = events.last(sql)  # first: what happens while the rest is read is heard of again
    seen_by = None if who.is_admin else who.user_id
    batch = batches.find(sql, id, seen_by=seen_by)
    ids = tuple(item.system_id for item in batch.items)
    there = {one.system_id: one for one in machines.listing(sql, Filter(system_ids=ids, seen_by=seen_by))}
    known = hosts.some(sql, ids={item.host_id or 0 for item in batch.items}, system_ids=())
    by_id: Mapping[int | None, Host] = {one.id: one for one in known}
    return Shown(
        cursor=cursor,
        batch=batch,
        results=tuple(
            Result(item=item, machine=there.get(item.system_id), host=by_id.get(item.host_id)) for item in batch.items
        ),
    )
