"""Reach a VM host in another way: at a new address, with a new client certificate, a new pin, or a token at last.

The host keeps its id and everything on it. Whatever fails, it is reached as before.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from innkeeper.errors import Conflict, HostChanged
from innkeeper.hypervisors import introduction, registry
from innkeeper.hypervisors.base import Credentials, Target
from innkeeper.model.host import Host
from innkeeper.operations import add_host, refresh
from innkeeper.operations.context import Work
from innkeeper.operations.saga import Saga, Step
from innkeeper.store import hosts, operations, secrets, unfinished
from innkeeper.store.database import Write
from innkeeper.store.tables import host as host_table

KIND = "reconnect_host"


@dataclass(frozen=True, kw_only=True)
class Reconnect:
    """How a host is to be reached, and how it was. `certificate` "": the client certificate stays."""

    address: str
    old_address: str
    fingerprint: str  # what the server must show, if it is not what is pinned
    certificate: str
    old_certificate: str
    old_server_certificate: str
    old_fingerprint: str
    old_made_here: bool
    made_here: bool
    redeem: bool

    @property
    def meets(self) -> bool:
        """Whether the server has to be met anew."""
        return self.address != self.old_address or (bool(self.fingerprint) and self.fingerprint != self.old_fingerprint)


def submit(write: Write, host: Host, wanted: Reconnect, *, actor: str, request: str = "") -> str:
    """Order it. Returns the operation; Conflict while the host is being added, reached anew or removed."""
    hosts.lock_for_work(write, host.id)
    busy = [one for one in unfinished.of_host(write.sql, host.id) if one.kind in ("add_host", "enrol_host", KIND)]
    if busy:
        raise Conflict(
            f"How VM host {host.name} is reached cannot change now: {busy[0].kind} is {busy[0].state} there.",
            resolution=f"Wait for operation {busy[0].id}, or cancel it.",
        )
    return operations.submit(
        write,
        kind=RECONNECT_HOST.kind,
        first_step=RECONNECT_HOST.first,
        host_id=host.id,
        arguments=asdict(wanted),
        actor=actor,
        request=request,
    )


def _wanted(work: Work) -> Reconnect:
    return Reconnect(**work.arguments)


async def meet(work: Work) -> None:
    """A new address must lead to the same server, unless the new certificate was named."""
    wanted = _wanted(work)
    if not wanted.meets:
        return
    host = await work.read(hosts.find, work.host_id)
    timeout = work.services.settings.host_timeout
    shown = await introduction.server_certificate(kind=host.kind, address=wanted.address, timeout=timeout)
    fingerprint = introduction.fingerprint(shown)
    expected = wanted.fingerprint or wanted.old_fingerprint
    if expected and fingerprint != expected:
        raise HostChanged(
            f"The server at {wanted.address} is not the one that is VM host {host.name}.",
            details=f"It shows the certificate {fingerprint}, expected was {expected}.",
            resolution="If it is the right one, send its fingerprint as certificate_fingerprint to pin it.",
        )
    await work.write(_switch, host, wanted.address, shown, fingerprint)
    work.forget_host()


def _switch(write: Write, host: Host, address: str, certificate: str, fingerprint: str) -> None:
    if fingerprint:
        add_host.refuse_twin(write, host, fingerprint)
    hosts.update(
        write,
        host.id,
        address=address,
        server_certificate=certificate,
        fingerprint=fingerprint,
        revision=host_table.c.revision + 1,
    )


async def part(work: Work) -> None:
    wanted = _wanted(work)
    if wanted.meets:
        host = await work.read(hosts.find, work.host_id)
        await work.write(_switch, host, wanted.old_address, wanted.old_server_certificate, wanted.old_fingerprint)
        work.forget_host()


async def introduce(work: Work) -> None:
    """Have the new certificate trusted: by the server already, or by us, whom it trusts."""
    wanted = _wanted(work)
    if not wanted.certificate or await _trusts(work, wanted.certificate, "next-key"):
        return
    host = await work.read(hosts.find, work.host_id)
    name = f"{host.name}@{work.services.settings.name}"
    await (await work.host()).trust(certificate=wanted.certificate, name=name)


async def _trusts(work: Work, certificate: str, key: str) -> bool:
    """Whether the host trusts that certificate already."""
    kind, target = await work.read(hosts.target, work.services.cipher, work.host_id)
    secret = await work.read(secrets.get, work.services.cipher, path=f"host/{work.host_id}/{key}")
    fresh = Target(
        address=target.address,
        project=target.project,
        credentials=Credentials(certificate=certificate, key=secret),
        server_certificate=target.server_certificate,
    )
    connection = await registry.connect(kind, fresh)
    try:
        return (await connection.identify()).trusted
    finally:
        await connection.close()


async def uninvite(work: Work) -> None:
    """Take back the certificate that we had made and introduced."""
    wanted = _wanted(work)
    if wanted.certificate and wanted.made_here:
        await (await work.host()).distrust(certificate=wanted.certificate)


async def change_clothes(work: Work) -> None:
    wanted = _wanted(work)
    if wanted.certificate:
        await work.write(_wear, work, wanted.certificate, "next-key", "old-key", made_here=wanted.made_here)
        work.forget_host()


async def change_back(work: Work) -> None:
    wanted = _wanted(work)
    if wanted.certificate:
        await work.write(_wear, work, wanted.old_certificate, "old-key", "next-key", made_here=wanted.old_made_here)
        work.forget_host()


def _wear(write: Write, work: Work, certificate: str, take: str, put: str, *, made_here: bool) -> None:
    """Change to a certificate and its key, once: done already if it is the present one."""
    if hosts.pins(write.sql, work.host_id)[0] == certificate:
        return
    cipher, path = work.services.cipher, f"host/{work.host_id}"
    key, old = (secrets.get(write.sql, cipher, path=f"{path}/{name}") for name in (take, "key"))
    secrets.put(write, cipher, path=f"{path}/{put}", text=old)
    secrets.put(write, cipher, path=f"{path}/key", text=key)
    revision = host_table.c.revision + 1
    expires = introduction.expires(certificate)
    hosts.update(
        write,
        work.host_id,
        certificate=certificate,
        certificate_expires=expires,
        made_here=made_here,
        revision=revision,
    )


async def be_trusted(work: Work) -> None:
    """With a token or password at last, or because the server trusts us by now."""
    wanted = _wanted(work)
    host = await work.host()
    if not (await host.identify()).trusted and wanted.redeem:
        record = await work.read(hosts.find, work.host_id)
        secret = await work.read(secrets.get, work.services.cipher, path=f"host/{work.host_id}/password")
        await host.redeem(secret=secret, name=f"{record.name}@{work.services.settings.name}")
        await work.write(add_host.redeemed, work, secret)


async def discover(work: Work) -> None:
    host = await work.host()
    if not (await host.identify()).trusted:
        return  # it goes on waiting for trust
    tags = (("installation", work.services.uuid), ("operation", work.operation.id))
    await host.ensure_project(description=add_host.PROJECT_DESCRIPTION, tags=tags)
    await refresh.read_host(work.services, work.host_id, host=host)


async def delete_project(work: Work) -> None:
    """The project, if it was not there before."""
    host = await work.host()
    if (await host.identify()).trusted:
        await host.delete_project(operation=work.operation.id)


async def farewell(work: Work) -> None:
    """Take the old certificate that we had made out of the trust list; a refusal does not undo the change."""
    wanted = _wanted(work)
    if wanted.certificate and wanted.old_made_here:
        await (await work.host()).distrust(certificate=wanted.old_certificate)


def settled(write: Write, work: Work) -> None:
    for name in ("next-key", "old-key"):
        secrets.forget(write, path=f"host/{work.host_id}/{name}")


def unsettled(write: Write, work: Work, _error: object) -> None:
    settled(write, work)


RECONNECT_HOST = Saga(
    KIND,
    steps=(
        Step("meet the server", meet, part),
        Step("introduce the new certificate", introduce, uninvite),
        Step("change the certificate", change_clothes, change_back),
        Step("be trusted", be_trusted),  # what the server trusts by a token is our own certificate: nothing to undo
        Step("read the host", discover, delete_project),
        Step("withdraw the old certificate", farewell, persists=True),
    ),
    finish=settled,
    abandon=unsettled,
)
