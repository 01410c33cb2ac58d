"""VM hosts, as `vm-hosts/` and under their old name `pods/`: the same calls, the same ids, the same answers."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import host_parameters as parameters
from innkeeper.api.maas import shapes
from innkeeper.api.maas.compose import COMPOSE_PARAMS, compose
from innkeeper.api.maas.lookups import lookups, pool_id, zone_id
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Invalid
from innkeeper.hypervisors import introduction
from innkeeper.model.host import Host, HostState
from innkeeper.model.names import check_hostname, check_tag, check_tags, random_name
from innkeeper.operations import add_host, refresh, remove_host, update_host
from innkeeper.store import host_drafts, hosts, operations, storage_pools, unfinished
from innkeeper.store.database import Write
from innkeeper.store.figures import figures

Handler = Callable[[Call], Awaitable[object]]
IDLE = 1.0  # seconds that a removal waits for what is just ending on its host


def shape(sql: sa.Connection, many: list[Host]) -> list[shapes.Json]:
    """Hosts as JSON: a fixed number of queries, however many."""
    about = lookups(sql, [])
    counted = figures(sql, many)
    rows = defaultdict(list)
    for row in storage_pools.listing(sql, [one.id for one in many]):
        rows[row.host_id].append(row)
    return [shapes.host(one, counted[one.id], rows[one.id], about) for one in many]


def shape_one(sql: sa.Connection, host_id: int) -> shapes.Json:
    return shape(sql, [hosts.find(sql, host_id)])[0]


async def listing(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(lambda sql: shape(sql, hosts.listing(sql)))


async def read(call: Call) -> object:
    house: House = call.services
    return await house.services.database.reading(shape_one, call.id)


async def create(call: Call) -> object:
    """Add a host. Everything that can be wrong in the request is found before any host is called."""
    house: House = call.services
    values, services = call.values, house.services
    kind = values.text("type")
    simulated = services.settings.simulated_hosts
    if kind not in introduction.kinds(simulated_hosts=simulated):
        known = ", ".join(introduction.kinds(simulated_hosts=simulated))
        raise Invalid(f"Unknown type {kind!r}.", fields={"type": [f"{kind!r} is not one of: {known}"]})
    address = introduction.normalise(kind=kind, address=values.text("power_address"), simulated_hosts=simulated)
    project = introduction.check_project(values.text("project") or "default")
    name = check_hostname(values.text("name"), field="name") if values.text("name") else ""
    tags = check_tags(values.texts("tags"))
    brought = bool(values.text("certificate") or values.text("key"))
    if brought:
        credentials = introduction.bring_credentials(certificate=values.text("certificate"), key=values.text("key"))

    def change(write: Write) -> tuple[int, str]:
        chosen = name or _free_name(write)
        mine = credentials if brought else introduction.make_credentials(name=f"{chosen}@{services.settings.name}")
        made = add_host.submit(
            write,
            services.cipher,
            kind=kind,
            name=chosen,
            address=address,
            project=project,
            zone_id=zone_id(write.sql, values.text("zone") or "default"),
            pool_id=pool_id(write.sql, values.text("pool") or "default"),
            tags=tags,
            cpu_ratio=parameters.ratio(values, "cpu_over_commit_ratio"),
            memory_ratio=parameters.ratio(values, "memory_over_commit_ratio"),
            macvlan_mode=values.text("default_macvlan_mode") or None,
            credentials=mine,
            made_here=not brought or host_drafts.made_here(write.sql, certificate=mine.certificate),
            secret=values.text("password"),
            power_user=values.text("power_user"),
            default_pool=values.text("default_storage_pool"),
            expected_fingerprint=parameters.fingerprint(values.text("certificate_fingerprint")),
            actor=call.user.username,
            request=mark(call.request),
        )
        host_drafts.becomes(write, name=chosen, certificate=mine.certificate, host_id=made[0])
        audit(write, call.request, call.user, f"added the VM host {chosen} at {address}", host_id=made[0])
        return made

    host_id, operation = await services.database.writing(change)
    await house.outcome(operation, call.request)
    return await services.database.reading(shape_one, host_id)


def _free_name(write: Write) -> str:
    while True:
        name = random_name()
        if hosts.named(write.sql, name) is None:
            return name


async def update(call: Call) -> object:
    house: House = call.services
    host_id = call.id

    def change(write: Write) -> str:
        wanted = parameters.changes(write.sql, call.values)
        applied = update_host.apply(
            write, house.services, host_id, wanted, actor=call.user.username, request=mark(call.request)
        )
        if applied.changed:
            text = f"changed the VM host: {', '.join(applied.changed)}"
            audit(write, call.request, call.user, text, host_id=host_id)
        return applied.operation

    operation = await house.services.database.writing(change)
    if operation:
        await house.outcome(operation, call.request)
    return await house.services.database.reading(shape_one, host_id)


async def _until_idle(house: House, host_id: int) -> None:
    """Give what is just ending on a host its moment: a refresh or an enrolment is no reason to refuse a removal."""
    with suppress(TimeoutError):
        async with asyncio.timeout(IDLE):
            for one in await house.services.database.reading(unfinished.of_host, host_id):
                if one.state in operations.OPEN:
                    await house.engine.wait(one.id, timeout=IDLE)


async def delete(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> str:
        host = hosts.find(write.sql, call.id)
        decompose = call.values.boolean("decompose", False)
        audit(
            write, call.request, call.user, f"removed the VM host {host.name}, decompose={decompose}", host_id=host.id
        )
        return remove_host.submit(
            write,
            host.id,
            decompose=decompose,
            force=call.values.boolean("force", False),
            actor=call.user.username,
            request=mark(call.request),
        )

    if not call.values.boolean("force", False):
        await _until_idle(house, call.id)
    await house.end(await house.services.database.writing(change), call.request)
    await house.services.connections.drop(call.id)
    return None


async def refresh_host(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> str:
        host = hosts.find(write.sql, call.id)
        # one that waits for trust is not read before it has its project
        enrol = add_host.submit_enrol(write, host) if host.state == HostState.WAITING else ""
        return enrol or refresh.submit(write, host, actor=call.user.username, request=mark(call.request))

    await house.outcome(await house.services.database.writing(change), call.request)
    return await house.services.database.reading(shape_one, call.id)


async def read_parameters(call: Call) -> object:
    """The power parameters with their secrets, all as strings; each read is an audit event."""
    house: House = call.services

    def change(write: Write) -> dict[str, str]:
        host = hosts.find(write.sql, call.id)
        audit(write, call.request, call.user, f"read the credentials of the VM host {host.name}", host_id=host.id)
        return update_host.credentials(write, house.services, host)

    return await house.services.database.writing(change)


async def add_tag(call: Call) -> object:
    return await _tag(call, add=True)


async def remove_tag(call: Call) -> object:
    return await _tag(call, add=False)


async def _tag(call: Call, *, add: bool) -> object:
    house: House = call.services
    tag = check_tag(call.values.text("tag"))

    def change(write: Write) -> shapes.Json:
        host = hosts.lock(write, call.id)
        tags = [one for one in host.tags if one != tag] + ([tag] if add else [])
        if sorted(tags) != sorted(host.tags):
            hosts.set_tags(write, host.id, tags)
            audit(write, call.request, call.user, f"{'added' if add else 'removed'} the tag {tag}", host_id=host.id)
        return shape_one(write.sql, host.id)

    return await house.services.database.writing(change)


_TAG = (Param("tag", "text", "The tag.", required=True),)


def _routes(many: str, one: str, path: str) -> tuple[Route, ...]:
    each = f"{path}{{id}}/"

    def on(op: str | None, method: str, call: Handler, who: Who, doc: str, params: tuple[Param, ...] = ()) -> Route:
        return Route(
            handler=one, method=method, path=each, op=op, call=call, who=who, doc=doc, params=params, model="Pod"
        )

    return (
        Route(handler=many, method="GET", path=path, call=listing, who=Who.USER, doc="List the VM hosts."),
        Route(
            handler=many,
            method="POST",
            path=path,
            call=create,
            who=Who.ADMIN,
            doc="Add a VM host.\n\nWith a token, or a certificate that it trusts, it is discovered when this answers.",
            params=parameters.CREATE,
        ),
        on(None, "GET", read, Who.USER, "Read a VM host."),
        on(None, "PUT", update, Who.ADMIN, "Change a VM host: only what is sent.", parameters.UPDATE),
        on(None, "DELETE", delete, Who.ADMIN, "Remove a VM host; its VMs stay unless asked.", parameters.DELETE),
        on("refresh", "POST", refresh_host, Who.ADMIN, "Read everything of a VM host anew."),
        on("parameters", "GET", read_parameters, Who.ADMIN, "Read how a VM host is reached, with its secrets."),
        on("add_tag", "POST", add_tag, Who.ADMIN, "Add a tag.", _TAG),
        on("remove_tag", "POST", remove_tag, Who.ADMIN, "Remove a tag.", _TAG),
        on("compose", "POST", compose, Who.ADMIN, "Compose a machine on a VM host.", COMPOSE_PARAMS),
    )


ROUTES = (*_routes("VmHosts", "VmHost", "vm-hosts/"), *_routes("Pods", "Pod", "pods/"))
