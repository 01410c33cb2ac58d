"""What other overcommit ratios would do to a VM host before they are saved, counted as the server counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.maas import host_parameters, parameters
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import Invalid
from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.operations.update_host import Changes
from innkeeper.store import shares
from innkeeper.store.figures import figures
from innkeeper.store.shares import Share
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.host_head import Head, head, show
from innkeeper.web.pages import render
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}/settings/preview")
RATIOS = ("cpu_over_commit_ratio", "memory_over_commit_ratio")
OF_POOL = "ratio."  # before the name of a storage pool: the field of its ratio
POOLS = "storage_over_commit_ratios"  # what the API calls them, all in one


@dataclass(frozen=True, kw_only=True)
class Over:
    """A machine whose share would pass the limit: the newest are over first."""

    system_id: str
    hostname: str
    amount: int


@dataclass(frozen=True, kw_only=True)
class Change:
    """A resource now and at its new ratio. `pool`: the storage pool that it is, or ""."""

    title: str
    pool: str = ""
    before: Figure
    after: Figure
    over: tuple[Over, ...]

    @property
    def moves(self) -> bool:
        """Whether its ratio changes."""
        return self.before.ratio != self.after.ratio


def fields(sent: Mapping[str, object]) -> list[tuple[str, str]]:
    """The ratios of a form as a PUT of the API takes them. Invalid when one was left empty: it would stay as it is."""
    mine = {name: str(value).strip() for name, value in sent.items() if name in RATIOS or name.startswith(OF_POOL)}
    if empty := [name for name, text in mine.items() if not text]:
        raise Invalid("A ratio is missing.", fields={name: ["Type a number from 0 to 10."] for name in empty})
    pools = [f"{name.removeprefix(OF_POOL)}:{text}" for name, text in mine.items() if name.startswith(OF_POOL)]
    return [(name, mine[name]) for name in RATIOS if name in mine] + ([(POOLS, ",".join(pools))] if pools else [])


def changes(sql: sa.Connection, top: Head, wanted: Changes) -> list[Change]:
    """Each resource that has a ratio, now and as wanted; what is not known yet is left out."""
    counted = figures(sql, [top.host])[top.host.id]
    held = shares.of_host(sql, top.host.id)
    ratios = dict(wanted.storage_ratios)
    found = []
    if counted.cores:
        found.append(_change("CPU cores", counted.cores, wanted.cpu_ratio, held, [one.cores for one in held]))
    if counted.memory:
        found.append(_change("Memory", counted.memory, wanted.memory_ratio, held, [one.memory for one in held]))
    for name, figure in counted.storage:
        stored = [one.storage.get(name, 0) for one in held]
        found.append(_change(f"Storage pool {name}", figure, ratios.get(name), held, stored, pool=name))
    return found


def _change(
    title: str, before: Figure, ratio: float | None, held: list[Share], amounts: list[int], *, pool: str = ""
) -> Change:
    after = before if ratio is None else capacity.at_ratio(before, ratio)
    over = tuple(
        Over(system_id=held[at].system_id, hostname=held[at].hostname, amount=amounts[at])
        for at in reversed(capacity.beyond(after, amounts))
    )
    return Change(title=title, pool=pool, before=before, after=after, over=over)


@router.get("")
async def preview(
    request: Request, inn: Annotated[House, Depends(house)], who: AdminPage, id: HostId, part: str = ""
) -> Response:
    """Limits before and after, and who would be over. `part`: only that, for a page that shows it already."""
    given = {name: text for name, text in request.query_params.items() if name in RATIOS or name.startswith(OF_POOL)}
    pooled = any(name.startswith(OF_POOL) for name in given)

    def ask(sql: sa.Connection) -> tuple[Head, list[Change], Trouble]:
        top = head(sql, id)
        try:
            wanted = host_parameters.changes(sql, parameters.read(host_parameters.UPDATE, tuple(fields(given))))
        except Invalid as error:
            return top, [], Trouble.of(error)
        return top, [one for one in changes(sql, top, wanted) if bool(one.pool) == pooled], NONE

    top, found, trouble = await inn.services.database.reading(ask)
    if part:  # what is wrong is what it shows
        return render(request, "preview_part.html", title="Preview", actor=who, changes=found, trouble=trouble)
    return show(
        request,
        "preview.html",
        who=who,
        top=top,
        title="Preview",
        alive=False,
        status=trouble.status,
        changes=found,
        trouble=trouble,
        given=given,
        target=f"/hosts/{id}/settings/{'pools' if pooled else 'overcommit'}",
    )
