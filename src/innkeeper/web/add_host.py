"""Add a VM host, the first step: where it is and what it is called. Also: give up what was begun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from innkeeper.api.auth import Actor
from innkeeper.api.house import House, audit
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import Invalid
from innkeeper.hypervisors import introduction
from innkeeper.model.names import check_hostname, check_tags, random_name
from innkeeper.operations import prepare_host
from innkeeper.settings import Settings
from innkeeper.store import host_drafts, hosts, pools, zones
from innkeeper.store.database import Write
from innkeeper.store.host_drafts import Draft
from innkeeper.web import forms
from innkeeper.web.add_host_steps import address, find, load, show
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.once import repeated
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/hosts/add")
Inn = Annotated[House, Depends(house)]
_KINDS = {"lxd": "LXD or Incus", "simulated": "Simulated"}


@dataclass(frozen=True, kw_only=True)
class Said:
    """What the form says, checked."""

    kind: str
    name: str
    address: str
    zone: str
    pool: str
    tags: tuple[str, ...]


@router.get("")
async def new(request: Request, inn: Inn, who: AdminPage) -> Response:
    """The form, empty."""
    return await _form(request, inn, who, draft=None, values={"zone": "default", "pool": "default"})


@router.post("")
async def begin(request: Request, inn: Inn, who: AdminPage) -> Response:
    """Keep what was said, and go on with the credentials."""
    form = await forms.read(request)
    if await repeated(inn, form):
        return done("/hosts", "That form was kept already: go on with it here.")

    def change(write: Write) -> Draft:
        said = _said(write.sql, inn.services.settings, form)
        id = host_drafts.create(write, actor=who.username, **vars(said))
        audit(write, request, who, f"began to add the VM host {said.name} at {said.address}")
        return host_drafts.find(write.sql, id)

    try:
        draft = await inn.services.database.writing(change)
    except Invalid as error:
        return await _form(request, inn, who, draft=None, values=dict(form), trouble=Trouble.of(error))
    return done(address(draft))


@router.get("/{id:int}")
async def resume(inn: Inn, who: AdminPage, id: HostId) -> Response:
    """The step that is next."""
    return done(address(await inn.services.database.reading(find, id)))


@router.get("/{id:int}/address")
async def edit(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """The form with what was said."""
    one = await inn.services.database.reading(find, id)
    values: dict[str, object] = {
        "type": one.kind,
        "power_address": one.address.removeprefix("https://"),
        "name": one.name,
        "zone": one.zone,
        "pool": one.pool,
        "tags": ", ".join(one.tags),
    }
    return await _form(request, inn, who, draft=one, values=values)


@router.post("/{id:int}/address")
async def change_address(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """Keep what was said anew. Another server has to be met and to trust us again."""
    form = await forms.read(request)
    before = await inn.services.database.reading(find, id)

    def change(write: Write) -> Draft:
        said = _said(write.sql, inn.services.settings, form)
        host_drafts.update(write, id, **vars(said))
        if (said.kind, said.address) != (before.kind, before.address):
            again: dict[str, Any] = {
                "fingerprint": "",
                "server_certificate": "",
                "trusted": False,
                "trouble": "",
                "project": "",
            }
            host_drafts.update(write, id, **again)
        return host_drafts.find(write.sql, id)

    try:
        after = await inn.services.database.writing(change)
    except Invalid as error:
        return await _form(request, inn, who, draft=before, values=dict(form), trouble=Trouble.of(error))
    if not after.fingerprint:
        await prepare_host.withdraw(inn.services, before)  # the other server needs it no more
    return done(address(after))


@router.get("/{id:int}/delete")
async def ask_delete(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """What giving up means."""

    def ask(sql: sa.Connection) -> tuple[Draft, int | None, bool]:
        one, host_id = load(sql, id)
        return one, host_id, prepare_host.withdraws(sql, one)

    one, host_id, withdraws = await inn.services.database.reading(ask)
    if host_id is not None:
        return done(f"/hosts/{host_id}")
    goes = ["What was said about it so far, with its key."]
    if withdraws:
        goes.append("The certificate that Innkeeper made for it, out of the server's trust list.")
    return render(
        request,
        "delete.html",
        title=f"Do not add {one.name}",
        actor=who,
        trouble=NONE,
        what="what was begun",
        goes=goes,
        stays=["The server, and everything on it."],
        back="/hosts",
        typed="",
    )


@router.post("/{id:int}/delete")
async def delete(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """Give up. A server that cannot be asked keeps our certificate: that is said."""
    one = await inn.services.database.reading(find, id)
    kept = await prepare_host.withdraw(inn.services, one)

    def change(write: Write) -> None:
        host_drafts.delete(write, id)
        audit(write, request, who, f"gave up adding the VM host {one.name} at {one.address}")

    await inn.services.database.writing(change)
    still = f" Our certificate is still in its trust list: {kept}" if kept else ""
    return done("/hosts", f"{one.name} is not added.{still}")


def _said(sql: sa.Connection, settings: Settings, form: FormData) -> Said:
    """What the form says; Invalid with all that is wrong, by the names that the API has for the fields."""
    text = {name: str(form.get(name, "")).strip() for name in ("type", "power_address", "name", "zone", "pool", "tags")}
    faults: dict[str, list[str]] = {}
    kinds = introduction.kinds(simulated_hosts=settings.simulated_hosts)
    kind = text["type"] or kinds[0]
    if kind not in kinds:
        faults["type"] = [f"{kind[:80]!r} is not one of: {', '.join(kinds)}"]
        kind = kinds[0]
    where = name = ""
    try:
        where = introduction.normalise(
            kind=kind, address=text["power_address"], simulated_hosts=settings.simulated_hosts
        )
    except Invalid as error:
        faults |= error.fields
    try:
        name = check_hostname(text["name"], field="name") if text["name"] else random_name()
    except Invalid as error:
        faults |= error.fields
    if name and hosts.named(sql, name):
        faults["name"] = [f"There is a VM host {name} already."]
    for field, known in (("zone", zones.listing(sql)), ("pool", pools.listing(sql))):
        if text[field] not in [one.name for one in known]:
            faults[field] = [f"There is no {field} {text[field][:80]!r}."]
    tags: tuple[str, ...] = ()
    try:
        tags = check_tags(piece for piece in text["tags"].split(",") if piece.strip())
    except Invalid as error:
        faults |= error.fields
    if faults:
        raise Invalid("Something is not right yet.", fields=faults)
    return Said(kind=kind, name=name, address=where, zone=text["zone"], pool=text["pool"], tags=tags)


async def _form(
    request: Request,
    inn: House,
    who: Actor,
    *,
    draft: Draft | None,
    values: dict[str, object],
    trouble: Trouble = NONE,
) -> Response:
    def ask(sql: sa.Connection) -> tuple[list[str], list[str], bool]:
        names = [one.name for one in zones.listing(sql)], [one.name for one in pools.listing(sql)]
        return *names, not hosts.listing(sql)

    zone_names, pool_names, first = await inn.services.database.reading(ask)
    kinds = introduction.kinds(simulated_hosts=inn.services.settings.simulated_hosts)
    return show(
        request,
        "add_host.html",
        who=who,
        step="address",
        draft=draft,
        title="Add VM host",
        trouble=trouble,
        values=values,
        kinds=[(one, _KINDS[one]) for one in kinds],
        zones=[(one, one) for one in zone_names],
        pools=[(one, one) for one in pool_names],
        first=first,
    )
