"""Guests that were started and have not shown themselves: who is up is Deployed, who is late has failed.

Nothing waits for a guest: no operation, no thread, no request. A guest that calls is Deployed in that moment
(`phoned_home`). The rest is looked at once a second, each host by the process that watches it: whether the host sees
another sign that is taken, and whether the time is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import structlog

from innkeeper.errors import HostFailure, NotFound
from innkeeper.hypervisors.base import GuestFacts
from innkeeper.model.deployment import Sign, late_in_words
from innkeeper.model.lifecycle import Status
from innkeeper.operations import release
from innkeeper.operations.context import Services
from innkeeper.operations.deploy import CALLED, DEPLOY, arrived
from innkeeper.store import deployments, hosts, learnt, machines, unfinished
from innkeeper.store.database import Write
from innkeeper.store.deployments import Waiting

log = structlog.get_logger(__name__)

ASK = 15.0  # seconds that a host has to tell of a guest
LINES = 40  # of the console, kept of a deployment that failed


class Arrivals:
    """What one process looks after: the deployments on the hosts that it watches."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._looking: dict[int, asyncio.Task[None]] = {}  # by host: a slow one delays only its own

    async def look(self, host_ids: Collection[int]) -> None:
        """Begin a look at all guests that are waited for on these hosts. One query when there are none."""
        waiting = await self._services.database.reading(deployments.waiting) if host_ids else []
        for host_id in ({one.host_id for one in waiting} & set(host_ids)) - self._looking.keys():
            mine = [one for one in waiting if one.host_id == host_id]
            task = asyncio.create_task(self._look_at(mine), name=f"arrivals on host {host_id}")
            self._looking[host_id] = task
            task.add_done_callback(lambda _, host_id=host_id: self._looking.pop(host_id, None))  # type: ignore[misc]

    async def stop(self) -> None:
        tasks = list(self._looking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _look_at(self, waiting: list[Waiting]) -> None:
        for one in waiting:
            try:
                await self._judge(one)
            except Exception as error:
                log.warning("could not look at a guest", machine=one.system_id, error=str(error))

    async def _judge(self, one: Waiting) -> None:
        services = self._services
        services.consoles.watch(one.system_id)
        if one.called_off:
            await services.database.writing(called_off, one.system_id)
        elif one.signs != (Sign.PHONE_HOME,) and (sign := sign_of(facts := await self._seen(one), one.signs)):
            await services.database.writing(_seen_up, one.system_id, sign, facts)
        elif one.seconds < 0:
            last = services.consoles.last_lines(one.system_id, LINES)
            await services.database.writing(late, one.system_id, console=last, facts=await self._seen(one))

    async def _seen(self, one: Waiting) -> GuestFacts:
        try:
            async with asyncio.timeout(ASK):
                host = await self._services.connections.to(one.host_id)
                return await host.guest(name=one.instance)
        except (HostFailure, NotFound, TimeoutError):
            return GuestFacts()


def _seen_up(write: Write, system_id: str, sign: Sign, facts: GuestFacts) -> None:
    if _waited_for(write, system_id):
        arrived(write, system_id, how=f"its host sees its {sign}")
        learnt.of_guest(write, system_id, facts.addresses)


def sign_of(facts: GuestFacts, taken: Collection[Sign]) -> Sign | None:
    """The sign of life that a host sees, if it is one of those that are taken."""
    shown = [sign for sign, there in ((Sign.AGENT, facts.agent), (Sign.LEASE, bool(facts.addresses))) if there]
    return next((sign for sign in shown if sign in taken), None)


def phoned_home(write: Write, token: str, *, address: str) -> bool:
    """A guest calls: its machine is Deployed. False for a token that nobody has (or that was used).

    While the deployment is still at work the call is only noted: what may yet be undone is not Deployed.
    """
    holder = deployments.holder(write.sql, token)
    if not holder:
        return False
    _hold_host(write, holder)
    system_id = deployments.use_token(write, token)
    if not system_id:  # in the same moment it was used, or nobody is waited for any more
        return False
    if not any(one.kind == DEPLOY.kind for one in unfinished.of_machine(write.sql, system_id)):
        arrived(write, system_id, how=CALLED)
    if address:
        learnt.from_guest(write, system_id, address)
    return True


def late(write: Write, system_id: str, *, console: str, facts: GuestFacts) -> None:
    """The time is over. What the guest printed last is kept; the guest itself is left as it is, to be looked at."""
    if not _waited_for(write, system_id):
        return
    deployment = deployments.find(write.sql, system_id)
    assert deployment is not None  # of what is Deploying there is one
    deployments.void_token(write, system_id)
    deployments.update(write, system_id, console=console)
    message = late_in_words(deployment, agent=facts.agent, addresses=[ip for _, ip in facts.addresses])
    if last := console.strip().rpartition("\n")[2]:
        message += f"; its console's last line: {last[:200]}"
    machines.set_status(write, system_id, Status.FAILED_DEPLOYMENT, message=message)


def called_off(write: Write, system_id: str) -> None:
    """A cancel that came while the guest was being started, too late to be heard: it is done now."""
    if _waited_for(write, system_id):
        release.abort(write, machines.find(write.sql, system_id), actor="")


def _waited_for(write: Write, system_id: str) -> bool:
    """Whether it is Deploying, and nothing works on it: looked at again, in the transaction that decides."""
    if machines.gone(write.sql, system_id):
        return False
    _hold_host(write, system_id)
    if unfinished.of_machine(write.sql, system_id):
        return False
    return machines.find(write.sql, system_id).status == Status.DEPLOYING


def _hold_host(write: Write, system_id: str) -> None:
    """As whatever else changes a machine does it: first its host's row, then the machine's own."""
    host_id = machines.find(write.sql, system_id).host_id
    if host_id is not None:
        hosts.hold(write, host_id)
