"""The settings of a VM host: each group a form of its own, saved by the API's own call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.maas.host_parameters import MODES
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import InnkeeperError, Invalid, NotFound
from innkeeper.hypervisors import introduction
from innkeeper.model.host import Host
from innkeeper.operations import reconnect_host
from innkeeper.operations.update_host import Changes
from innkeeper.store import hosts, pools, storage_pools, unfinished, zones
from innkeeper.store.operations import OPEN
from innkeeper.store.storage_pools import PoolRow
from innkeeper.web import forms, preview
from innkeeper.web.calls import NONE, Trouble, changed, perform
from innkeeper.web.host_head import Head, head, show
from innkeeper.web.pages import done
from innkeeper.web.preview import OF_POOL, Change
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/hosts/{id:int}/settings")
Inn = Annotated[House, Depends(house)]
Form = Mapping[str, str]
PATIENCE = 20.0  # how long a person waits for a host to be reached anew, seconds; then they see how it goes on
_GENERAL = ("name", "zone", "pool", "tags", "default_storage_pool", "default_macvlan_mode", "guest_address")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the settings of a host are now, and what can be chosen: (value, words)."""

    zones: list[tuple[str, str]]
    pools: list[tuple[str, str]]
    storage: list[PoolRow]
    changes: list[Change]
    values: dict[str, object]

    @property
    def disks(self) -> list[tuple[str, str]]:
        """The storage pools that can be the default."""
        return [(row.name, row.name) for row in self.storage]


def settings(sql: sa.Connection, top: Head) -> Settings:
    """A host's settings: a fixed number of queries."""
    host = top.host
    storage = storage_pools.listing(sql, [host.id])
    values: dict[str, object] = {
        "name": host.name,
        "zone": top.zone,
        "pool": top.pool,
        "tags": ", ".join(host.tags),
        "default_storage_pool": host.default_storage_pool,
        "default_macvlan_mode": host.default_macvlan_mode or "",
        "guest_address": host.guest_address,
        "schedulable": "true" if host.schedulable else "false",
        "closed_reason": host.closed_reason,
        "power_address": host.address.removeprefix("https://"),
        "cpu_over_commit_ratio": _exact(host.cpu_over_commit_ratio),
        "memory_over_commit_ratio": _exact(host.memory_over_commit_ratio),
        **{OF_POOL + row.name: _exact(row.ratio) for row in storage},
    }
    return Settings(
        zones=[(one.name, one.name) for one in zones.listing(sql)],
        pools=[(one.name, one.name) for one in pools.listing(sql)],
        storage=storage,
        changes=preview.changes(sql, top, Changes()),
        values=values,
    )


def _exact(ratio: float) -> str:
    """A ratio as it is typed: what is sent back unchanged changes nothing."""
    return f"{ratio:.15g}"


@router.get("")
async def page(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    return await _page(request, inn, who, id)


@router.get("/{group}")
async def of_group(id: HostId, group: str) -> Response:
    """Where a form was sent to: who comes by this address sees the settings."""
    return RedirectResponse(f"/hosts/{id}/settings#{_known(group)}", status_code=303)


@router.post("/{group}")
async def save(request: Request, inn: Inn, who: AdminPage, id: HostId, group: str) -> Response:
    """One group is saved. What needs the host itself asks it: when that fails all is as it was."""
    fields_of = GROUPS[_known(group)]
    form = {name: str(value) for name, value in (await forms.read(request)).items()}
    database = inn.services.database
    host = (await database.reading(head, id)).host
    try:
        await perform(request, who, "PUT", f"vm-hosts/{id}/", sent=fields_of(form, host), patience=PATIENCE)
    except InnkeeperError as error:
        return await _page(request, inn, who, id, group=group, form=form, trouble=Trouble.of(error))
    running = await database.reading(reaching, id) if group == "connection" else ""
    if running:
        return done(f"/operations/{running}", f"{host.name} has not answered yet. This goes on by itself.")
    # A redirect keeps the place that the form was sent to, unless it names one: the words are on top.
    return done(f"/hosts/{id}/settings#main", "The settings were saved.")


def reaching(sql: sa.Connection, host_id: int) -> str:
    """The operation that is just changing how a host is reached, or ""."""
    found = unfinished.of_host(sql, host_id)
    return next((one.id for one in found if one.kind == reconnect_host.KIND and one.state in OPEN), "")


def _known(group: str) -> str:
    if group not in GROUPS:
        raise NotFound("There is no such page.")
    return group


def _general(form: Form, host: Host) -> list[tuple[str, str]]:
    """Name, place, what new machines get, and whether there are any."""
    _needs(form, name="A VM host has a name.")
    said, names = changed(form), (*_GENERAL, "schedulable", "closed_reason")
    fields = {name: said[name] for name in names if name in said}
    if fields.get("schedulable") == "true" and fields.get("closed_reason", "").strip() == host.closed_reason:
        fields.pop("closed_reason", None)  # the old reason goes by itself when the host is opened
    return list(fields.items())


def _connection(form: Form, _: Host) -> list[tuple[str, str]]:
    """Address, and a token or password."""
    _needs(form, power_address="A VM host has an address.")
    names = ("power_address", "password", "certificate_fingerprint")
    return [(name, form[name]) for name in names if form.get(name)]


def _ratios(form: Form, _: Host) -> list[tuple[str, str]]:
    """The ratios of cores and memory, or those of storage pools."""
    return preview.fields(changed(form))


GROUPS: dict[str, Callable[[Form, Host], list[tuple[str, str]]]] = {
    "general": _general,
    "connection": _connection,
    "overcommit": _ratios,
    "pools": _ratios,
}


def _needs(form: Form, **words: str) -> None:
    """Refuse a field that was emptied: the API takes an empty one for one that was not sent."""
    if empty := {name: [text] for name, text in words.items() if not form.get(name, "").strip()}:
        raise Invalid(f"Not accepted: {', '.join(empty)}.", fields=empty)


async def _page(
    request: Request,
    inn: House,
    who: Actor,
    id: int,
    *,
    group: str = "",
    form: Form = MappingProxyType({}),
    trouble: Trouble = NONE,
) -> Response:
    """All forms; one of them (`group`) as it was filled in, with what is wrong with it."""

    def ask(sql: sa.Connection) -> tuple[Head, Settings, str]:
        top = head(sql, id)
        return top, settings(sql, top), hosts.pins(sql, id)[0]

    top, found, certificate = await inn.services.database.reading(ask)
    return show(
        request,
        "host_settings.html",
        who=who,
        top=top,
        title="Settings",
        alive=False,
        status=trouble.status,
        has=found,
        values={**found.values, **form},
        modes=[("", "as the host has it"), *((mode, mode) for mode in MODES)],
        certificate=introduction.facts(certificate) if certificate else None,
        fine=NONE,
        troubles={each: trouble if each == group else NONE for each in GROUPS},
    )
