"""Getting to know a server before it is added as a VM host: which one it is, that it trusts us, what is on it.

Nothing changes there but that our certificate comes into its trust list by a token or password, and out of it again.
No operations of the ledger: a person waits for each of these, can ask for it again, and nothing else depends on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.errors import HostFailure, HostRefused, HostUnreachable
from innkeeper.hypervisors import introduction, registry
from innkeeper.hypervisors.base import Hypervisor, Identity
from innkeeper.model.host import Project
from innkeeper.model.machine import InstanceFacts
from innkeeper.operations.context import Services
from innkeeper.store import host_drafts, hosts
from innkeeper.store.database import Write
from innkeeper.store.host_drafts import Draft

PATIENCE = 10.0  # seconds that a person who looks at a page is kept waiting for a server


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What is on a server: its projects, and the VMs of all of them."""

    projects: tuple[Project, ...]
    instances: tuple[InstanceFacts, ...]

    def of(self, project: str) -> tuple[InstanceFacts, ...]:
        """The VMs of one project, by name."""
        return tuple(sorted((one for one in self.instances if one.project == project), key=lambda one: one.name))


async def meet(services: Services, one: Draft) -> tuple[str, str]:
    """The certificate (PEM) that the server shows now, and its fingerprint. Nothing is sent. HostUnreachable."""
    timeout = min(services.settings.host_timeout, PATIENCE)
    shown = await introduction.server_certificate(kind=one.kind, address=one.address, timeout=timeout)
    return shown, introduction.fingerprint(shown)


async def look(services: Services, one: Draft) -> Identity:
    """Who answers, and whether it trusts us. HostRefused when it is too old; HostUnreachable, HostChanged."""
    async with _connection(services, one) as host:
        found = await host.identify()
    if found.missing:
        raise HostRefused(
            f"The server {found.hypervisor} {found.version}".rstrip() + " is too old.",
            details=f"It lacks the API extensions {', '.join(found.missing)}.",
            resolution="LXD 4.16 or newer is needed, or any Incus.",
        )
    return found


async def be_trusted(services: Services, one: Draft) -> str:
    """Use the token or password that was given, once. Why it did not help is kept, and the answer; "" it did."""
    database, cipher = services.database, services.cipher
    text = await database.reading(host_drafts.secret, cipher, one.id)
    trouble = ""
    if text:
        try:
            async with _connection(services, one) as host:
                await host.redeem(secret=text, name=f"{one.name}@{services.settings.name}")
        except HostFailure as error:
            trouble = str(error)

    def keep(write: Write) -> None:
        host_drafts.update(write, one.id, trusted=bool(text) and not trouble, trouble=trouble)
        host_drafts.set_secret(write, cipher, one.id, "")  # used, or of no use

    await database.writing(keep)
    return trouble


async def survey(services: Services, one: Draft) -> Survey:
    """What is on the server; only what our certificate may see. HostUntrusted and its like."""
    async with _connection(services, one) as host:
        return Survey(projects=await host.projects(), instances=await host.instances())


def withdraws(sql: sa.Connection, one: Draft) -> bool:
    """Whether our certificate is taken out of the server's trust list when one is given up."""
    ours = one.made_here and one.trusted and one.fingerprint
    return bool(ours) and not hosts.is_shown(sql, certificate=one.certificate)


async def withdraw(services: Services, one: Draft) -> str:
    """Take a certificate that we made out of the trust list again, unless a VM host is shown it. What went wrong,
    "" for nothing."""
    if not await services.database.reading(withdraws, one):
        return ""
    try:
        async with _connection(services, one) as host:
            await host.forget()
    except HostFailure as error:
        return str(error)
    return ""


@asynccontextmanager
async def _connection(services: Services, one: Draft) -> AsyncIterator[Hypervisor]:
    """A connection for as long as a person waits. HostUnreachable when that is over."""
    target = await services.database.reading(host_drafts.target, services.cipher, one)
    host = await registry.connect(one.kind, target)
    try:
        async with asyncio.timeout(PATIENCE):
            yield host
    except TimeoutError:
        raise HostUnreachable(f"{one.address} does not answer.", details=f"Not within {PATIENCE:g} seconds.") from None
    finally:
        await host.close()
