"""Add a VM host: pin its certificate, be trusted, have the project, read everything.

A host that does not trust us yet stays, "waiting for trust": `watch` asks again and lets ENROL do the rest.
If adding fails, nothing is left: no record, no project of ours, no certificate of ours in its trust list.
"""

from __future__ import annotations

import msgspec

from innkeeper.errors import Conflict, ErrorRecord, HostRefused, HostUntrusted, Invalid
from innkeeper.hypervisors import introduction
from innkeeper.hypervisors.base import Credentials
from innkeeper.model.host import Host, HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.operations import refresh
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import adoption, domains, events, hosts, machines, operations, secrets, storage_pools
from innkeeper.store.database import Write
from innkeeper.store.events import Event
from innkeeper.store.secrets import Cipher
from innkeeper.store.tables import host as host_table

PROJECT_DESCRIPTION = "Machines composed by Innkeeper"


def submit(
    write: Write,
    cipher: Cipher,
    *,
    kind: str,
    name: str,
    address: str,
    project: str,
    zone_id: int,
    pool_id: int,
    tags: tuple[str, ...],
    cpu_ratio: float,
    memory_ratio: float,
    macvlan_mode: str | None,
    credentials: Credentials,
    made_here: bool,
    secret: str,
    power_user: str,
    expected_fingerprint: str,
    default_pool: str = "",
    actor: str,
    request: str = "",
) -> tuple[int, str]:
    """Write the host, the record that stands for it, its secrets, and the order to add it: (host, operation)."""
    if machines.taken(write.sql, name) and hosts.named(write.sql, name):
        raise Conflict(f"There is a VM host named {name!r} already.")
    host_id = hosts.insert(
        write,
        kind=kind,
        name=name,
        address=address,
        project=project,
        state=HostState.ADDING,
        zone_id=zone_id,
        pool_id=pool_id,
        tags_json=msgspec.json.encode(tags).decode(),
        cpu_ratio=cpu_ratio,
        memory_ratio=memory_ratio,
        macvlan_mode=macvlan_mode,
        default_pool=default_pool,
        certificate=credentials.certificate,
        certificate_expires=introduction.expires(credentials.certificate),
        made_here=made_here,
        power_user=power_user,
    )
    secrets.put(write, cipher, path=f"host/{host_id}/key", text=credentials.key)
    if secret:
        secrets.put(write, cipher, path=f"host/{host_id}/password", text=secret)
    system_id = machines.fresh_id(write.sql)
    machines.insert(
        write,
        system_id=system_id,
        hostname=adoption.free_hostname(write.sql, name, system_id),
        domain_id=domains.default_id(write.sql),
        zone_id=zone_id,
        pool_id=pool_id,
        origin=Origin.HOST,
        status=int(Status.DEPLOYED),
        power_state=PowerState.ON,
        architecture="amd64/generic",
        cores=0,
        memory=0,
    )
    hosts.update(write, host_id, system_id=system_id)
    arguments = {"made_here": made_here, "fingerprint": expected_fingerprint, "default_pool": default_pool}
    operation = operations.submit(
        write,
        kind=ADD_HOST.kind,
        first_step=ADD_HOST.first,
        host_id=host_id,
        arguments=arguments,
        actor=actor,
        request=request,
    )
    return host_id, operation


async def pin(work: Work) -> None:
    """Take the server's certificate as the one to trust from now on; the same server and project twice is refused."""
    host = await work.read(hosts.find, work.host_id)
    if host.fingerprint:
        return
    timeout = work.services.settings.host_timeout
    shown = await introduction.server_certificate(kind=host.kind, address=host.address, timeout=timeout)
    fingerprint = introduction.fingerprint(shown)
    expected = work.arguments["fingerprint"]
    if expected and expected != fingerprint:
        raise HostRefused(
            f"The server at {host.address} is not the one that was named.",
            details=f"Its certificate's fingerprint is {fingerprint}, expected was {expected}.",
        )
    await work.write(_pin, host, shown, fingerprint)
    work.forget_host()


def _pin(write: Write, host: Host, certificate: str, fingerprint: str) -> None:
    refuse_twin(write, host, fingerprint)
    hosts.update(
        write,
        host.id,
        fingerprint=fingerprint,
        server_certificate=certificate,
        revision=host_table.c.revision + 1,
    )


def refuse_twin(write: Write, host: Host, fingerprint: str) -> None:
    """Conflict when another VM host is the same server and project, however its address is spelled."""
    twin = hosts.of_server(write.sql, fingerprint=fingerprint, project=host.project, except_id=host.id)
    if twin is not None:
        raise Conflict(
            f"This server's project {host.project} is VM host {twin.name} (id {twin.id}) already.",
            details=f"Both show the certificate {fingerprint}.",
        )


async def be_trusted(work: Work) -> None:
    """Have our certificate trusted, by the token or password that was given, or find that we have to wait."""
    host = await work.host()
    identity = await host.identify()
    if identity.missing:
        raise HostRefused(
            f"The server runs {identity.hypervisor} {identity.version}, which is too old.",
            details=f"It lacks the API extensions {', '.join(identity.missing)}.",
            resolution="LXD 4.16 or newer is needed.",
        )
    if identity.trusted:
        return
    secret = await work.read(secrets.get, work.services.cipher, path=f"host/{work.host_id}/password")
    record = await work.read(hosts.find, work.host_id)
    if not secret:
        await work.write(_wait_for_trust, record)
        return
    await host.redeem(secret=secret, name=f"{record.name}@{work.services.settings.name}")
    await work.write(redeemed, work, secret)


def _wait_for_trust(write: Write, host: Host) -> None:
    reason = _how_to_trust(host.name)
    refresh.tell_state(write, host, HostState.WAITING, reason)
    hosts.update(write, host.id, state=HostState.WAITING, reason=reason)


def redeemed(write: Write, work: Work, secret: str) -> None:
    """Keep a keyed hash of a secret that was used: sent again unchanged, it is not used again."""
    used = work.services.cipher.fingerprint(secret)
    secrets.put(write, work.services.cipher, path=f"host/{work.host_id}/used", text=used)


async def withdraw(work: Work) -> None:
    """Take the certificate that we made out of the trust list again. Without a secret it never came into it."""
    host = await work.read(hosts.find, work.host_id)
    secret = await work.read(secrets.get, work.services.cipher, path=f"host/{work.host_id}/password")
    if work.arguments["made_here"] and host.fingerprint and secret:
        await (await work.host()).forget()


async def have_project(work: Work) -> None:
    if await _waiting(work):
        return
    tags = (("installation", work.services.uuid), ("operation", work.operation.id))
    await (await work.host()).ensure_project(description=PROJECT_DESCRIPTION, tags=tags)


async def delete_project(work: Work) -> None:
    host = await work.read(hosts.find, work.host_id)
    if host.fingerprint and not await _waiting(work):
        await (await work.host()).delete_project(operation=work.operation.id)


async def discover(work: Work) -> None:
    if await _waiting(work):
        return
    await refresh.read_host(work.services, work.host_id, host=await work.host())
    wanted = work.arguments.get("default_pool")
    host = await work.read(hosts.find, work.host_id)
    if wanted and wanted != host.default_storage_pool:
        rows = await work.read(storage_pools.listing, [host.id])
        have = ", ".join(row.name for row in rows) or "none"
        message = f"{host.name} has no storage pool {wanted!r}; it has {have}"
        raise Invalid(f"Invalid default_storage_pool: {message}.", fields={"default_storage_pool": [message]})


async def _waiting(work: Work) -> bool:
    return (await work.read(hosts.find, work.host_id)).state == HostState.WAITING


def added(write: Write, work: Work) -> None:
    host = hosts.find(write.sql, work.host_id)
    text = f"VM host {host.name} was added ({host.state})"
    events.add(write, Event(kind="host", what="added", text=text, host_id=host.id, actor=work.operation.actor))


def forget(write: Write, work: Work, error: ErrorRecord) -> None:
    """Nothing is left of a host that could not be added but the operation and its error."""
    host = hosts.find(write.sql, work.host_id)
    text = f"VM host {host.name} could not be added: {error.brief} {error.details}"
    events.add(write, Event(kind="host", what="not added", text=text, host_id=host.id, actor=work.operation.actor))
    hosts.delete_with_machines(write, host)


ADD_HOST = Saga(
    "add_host",
    steps=(
        Step("pin the certificate", pin),
        Step("be trusted", be_trusted, withdraw),
        Step("have the project", have_project, delete_project),
        Step("read the host", discover),
    ),
    finish=added,
    abandon=forget,
)


async def must_be_trusted(work: Work) -> None:
    """What was told by the watcher, or only hoped by who asks for a refresh."""
    if not (await (await work.host()).identify()).trusted:
        name = (await work.read(hosts.find, work.host_id)).name
        raise HostUntrusted(f"VM host {name} does not trust us yet.", details=_how_to_trust(name))


def _how_to_trust(name: str) -> str:
    return f"add the certificate at /MAAS/vmhost-certificate/{name} to the server's trust list"


def submit_enrol(write: Write, host: Host) -> str:
    """A waiting host trusts us now: order the rest. Returns the operation, "" when it does not wait any more."""
    if hosts.lock(write, host.id).state != HostState.WAITING:
        return ""
    hosts.update(write, host.id, state=HostState.ADDING, reason="")
    return operations.submit(
        write, kind=ENROL.kind, first_step=ENROL.first, host_id=host.id, arguments={"made_here": False}, actor=""
    )


def wait_again(write: Write, work: Work, error: ErrorRecord) -> None:
    """What a waiting host has been through is not lost: it waits again, with the reason."""
    host = hosts.find(write.sql, work.host_id)
    reason = f"{error.brief} {error.details}".strip()
    refresh.tell_state(write, host, HostState.WAITING, reason)
    hosts.update(write, host.id, state=HostState.WAITING, reason=reason)


ENROL = Saga(
    "enrol_host",
    steps=(
        Step("be trusted", must_be_trusted),
        Step("have the project", have_project, delete_project),
        Step("read the host", discover),
    ),
    finish=added,
    abandon=wait_again,
)
