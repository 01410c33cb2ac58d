"""Add a VM host, the fifth step: the project that Innkeeper works in, one that is there or a new one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from innkeeper.api.house import House
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import HostFailure, HostUntrusted, Invalid
from innkeeper.hypervisors import introduction
from innkeeper.model.host import Host
from innkeeper.operations import prepare_host
from innkeeper.operations.prepare_host import Survey
from innkeeper.store import host_drafts, hosts
from innkeeper.store.database import Write
from innkeeper.store.host_drafts import Draft
from innkeeper.web import forms
from innkeeper.web.add_host_steps import address, find, open_to, show
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.pages import done
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/hosts/add/{id:int}/project")
Inn = Annotated[House, Depends(house)]
SUGGESTED = "innkeeper"


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A project of the server. `taken`: the VM host that it is already."""

    name: str
    description: str
    vms: int
    taken: Host | None


@router.get("")
async def page(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """The projects that are there, with how many VMs are in each."""
    one = await inn.services.database.reading(find, id)
    return await _page(request, inn, who, one, how="", new=SUGGESTED)


@router.post("")
async def choose(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """Keep the choice, and go on to the review."""
    form = await forms.read(request)
    one = await inn.services.database.reading(find, id)
    how, new = str(form.get("how", "")), str(form.get("project", "")).strip()
    try:
        name = introduction.check_project(new) if how == "new" else how.removeprefix("have ")
        if how != "new" and not how.startswith("have "):
            raise Invalid("Choose a project.", fields={"how": ["Choose one that is there, or a new one."]})
        found = await prepare_host.survey(inn.services, one)
        if how == "new" and name in [each.name for each in found.projects]:
            raise Invalid(
                f"There is a project {name} already.", fields={"project": ["Choose it below, or take another name."]}
            )
    except HostUntrusted:
        return await _untrusted(inn, one)
    except (Invalid, HostFailure) as error:
        return await _page(request, inn, who, one, how=how, new=new, trouble=Trouble.of(error))

    def change(write: Write) -> Draft:
        host_drafts.update(write, id, project=name, host_id=None)
        return host_drafts.find(write.sql, id)

    return done(address(await inn.services.database.writing(change)))


async def _untrusted(inn: House, one: Draft) -> Response:
    """It trusted us, and does not any more: a step back."""

    def change(write: Write) -> None:
        host_drafts.update(write, one.id, trusted=False)

    await inn.services.database.writing(change)
    return done(address(one, "trust"))


async def _page(
    request: Request, inn: House, who: AdminPage, one: Draft, *, how: str, new: str, trouble: Trouble = NONE
) -> Response:
    if not open_to(one, "project"):
        return done(address(one))
    found = Survey(projects=(), instances=())
    try:
        found = await prepare_host.survey(inn.services, one)
    except HostUntrusted:
        return await _untrusted(inn, one)
    except HostFailure as error:
        trouble = trouble if trouble.brief else Trouble.of(error)
    choices = await inn.services.database.reading(_choices, one, found)
    names = [each.name for each in choices]
    if not how:
        how = f"have {one.project}" if one.project in names else "new"
        new = one.project if one.project and one.project not in names else new
    if how == "new" and new == SUGGESTED in names:
        new = ""
    return show(
        request,
        "add_host_project.html",
        who=who,
        step="project",
        draft=one,
        title=f"Project · add {one.name}",
        trouble=trouble,
        choices=choices,
        how=how,
        values={"project": new},
    )


def _choices(sql: sa.Connection, one: Draft, found: Survey) -> list[Choice]:
    taken = {host.project: host for host in hosts.listing(sql) if host.fingerprint == one.fingerprint}
    return [
        Choice(
            name=each.name,
            description=each.description,
            vms=len(found.of(each.name)),
            taken=taken.get(each.name),
        )
        for each in sorted(found.projects, key=lambda each: each.name)
    ]
