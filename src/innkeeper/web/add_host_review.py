"""Add a VM host, the last step: everything at a glance, what happens to each VM that is there, and the order itself."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import HostFailure, InnkeeperError
from innkeeper.model.host import Host, HostState
from innkeeper.operations import prepare_host
from innkeeper.operations.prepare_host import Survey
from innkeeper.store import events, host_drafts, hosts, operations, unfinished
from innkeeper.store.host_drafts import Draft
from innkeeper.web import live
from innkeeper.web.add_host_steps import address, load, open_to, show
from innkeeper.web.calls import NONE, Trouble, perform
from innkeeper.web.pages import done
from innkeeper.web.sessions import AdminPage, onward

router = APIRouter(include_in_schema=False, prefix="/hosts/add/{id:int}/review")
Inn = Annotated[House, Depends(house)]
PATIENCE = 15.0  # seconds; what takes longer is followed on the page


@router.get("")
async def page(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """What will be done; while it is done, how far it is; afterwards the VM host instead."""
    return await _page(request, inn, who, id)


@router.post("")
async def add(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """Add it: one call, as anybody makes it. Sent again it does nothing more."""
    database = inn.services.database
    one, host_id = await database.reading(load, id)
    if host_id is not None:
        return await _same(request, inn, who, id, host_id)
    if not open_to(one, "review") or not one.project:
        return await _page(request, inn, who, id)
    shown = await database.reading(host_drafts.credentials, inn.services.cipher, one)
    sent = [
        ("type", one.kind),
        ("power_address", one.address),
        ("name", one.name),
        ("project", one.project),
        ("zone", one.zone),
        ("pool", one.pool),
        ("tags", ",".join(one.tags)),
        ("certificate", shown.certificate),
        ("key", shown.key),
        ("certificate_fingerprint", one.fingerprint),
    ]
    try:
        await perform(request, who, "POST", "vm-hosts/", sent=sent, patience=PATIENCE)
    except InnkeeperError as error:
        _, host_id = await database.reading(load, id)
        if host_id is not None:  # it was sent twice, and this is the second
            return await _same(request, inn, who, id, host_id)
        return await _page(request, inn, who, id, trouble=Trouble.of(error))
    return await _page(request, inn, who, id)


async def _same(request: Request, inn: House, who: AdminPage, id: int, host_id: int) -> Response:
    """The answer to one that is being added already: what becomes of it, as far as one waits for that."""
    for one in await inn.services.database.reading(unfinished.of_host, host_id):
        if one.state in operations.OPEN:
            await inn.engine.wait(one.id, timeout=PATIENCE)
    return await _page(request, inn, who, id)


async def _page(request: Request, inn: House, who: AdminPage, id: int, *, trouble: Trouble = NONE) -> Response:
    database = inn.services.database

    def ask(sql: sa.Connection) -> tuple[int, Draft, Host | None, str]:
        cursor = events.last(sql)
        one, host_id = load(sql, id)
        gone = one.host_id if host_id is None else None  # what it was to become is not there: that failed
        return cursor, one, hosts.find(sql, host_id) if host_id else None, _why(sql, gone) if gone else ""

    cursor, one, host, failed = await database.reading(ask)
    if host is not None and host.state != HostState.ADDING:
        await database.writing(host_drafts.added, id)
        return _there(request, f"/hosts/{host.id}", f"{host.name} was added.")
    if not open_to(one, "review") or not one.project:
        return onward(request, address(one))
    found: Survey | None = None
    if host is None:
        try:
            found = await prepare_host.survey(inn.services, one)
        except HostFailure as error:
            trouble = trouble if trouble.brief else Trouble.of(error)
    if failed and not trouble.brief:
        trouble = Trouble(brief="It could not be added.", details=failed)
    return show(
        request,
        "add_host_review.html",
        who=who,
        step="review",
        draft=one,
        title=f"Review · add {one.name}",
        trouble=trouble,
        adding=host,
        known=found is not None,
        new=found is not None and one.project not in [each.name for each in found.projects],
        vms=found.of(one.project) if found else (),
        others=len(found.instances) - len(found.of(one.project)) if found else 0,
        **({"live": live.address(cursor=cursor, host_id=host.id)} if host else {}),
    )


def _there(request: Request, target: str, words: str) -> Response:
    """On to the VM host, saying so; also from a page that was open."""
    response = done(target, words)
    if "hx-request" in request.headers:
        response.status_code = 200
        response.headers["HX-Redirect"] = response.headers["location"]
        del response.headers["location"]
    return response


def _why(sql: sa.Connection, host_id: int) -> str:
    """What was told when it could not be added."""
    told = events.after(sql, cursor=0, host_id=host_id, kind="host")
    return next((one.text for one in reversed(told) if one.what == "not added"), "")
