"""Allocate: a Ready machine that meets the wish, the cheapest; none is there: one is composed on the best host.

No request waits on another host's work: what is chosen is claimed under one host's lock, and only the machine's own
compose is waited for. A lost race asks again; what no host can give ends it; a host that fails is left out, and said
so in its verdict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import shapes
from innkeeper.api.maas.compose import Rehearsed
from innkeeper.api.maas.lookups import shape
from innkeeper.api.maas.machine_parameters import why
from innkeeper.api.maas.nothing_fits import refusal
from innkeeper.api.maas.routes import Call, Route
from innkeeper.api.maas.wishes import ALLOCATE, wish_of
from innkeeper.errors import Conflict, HostFailure, NotFound
from innkeeper.model.allocation import Wish
from innkeeper.model.lifecycle import Status
from innkeeper.operations.compose import COMPOSE
from innkeeper.store import allocation, claims, links, machines, placements
from innkeeper.store.allocation import Looked
from innkeeper.store.claims import Allotment, Claimed, Lost
from innkeeper.store.database import Write
from innkeeper.store.fleet import Choice

ROUNDS = 50  # hosts that may be lost to others, or fail, on the way to one machine

Labels = Mapping[str, dict[str, list[int]]]  # of storage and interfaces: what was meant by each label


async def allocate(call: Call) -> object:
    house: House = call.services
    wish = await house.services.database.reading(wish_of, call.values)
    try:
        taken, looked = await _take(call, wish)
        return taken or await _compose(call, wish, looked)
    except Rehearsed as rehearsed:
        return rehearsed.answer


async def _take(call: Call, wish: Wish) -> tuple[shapes.Json | None, Looked]:
    """One of the machines that are Ready, or None. Who was quicker on all of them makes us look again."""
    house: House = call.services
    database = house.services.database
    while True:
        looked = await database.reading(allocation.look, wish)
        if not looked.fitting:
            return None, looked
        for system_id in looked.fitting:
            if answer := await database.writing(_taken, call, wish, system_id):
                return answer, looked
        again = await database.reading(allocation.look, wish)
        if again.fitting == looked.fitting:  # they are there, and not to be had: worked on, or held off by a group
            return None, again


def _taken(write: Write, call: Call, wish: Wish, system_id: str) -> shapes.Json | None:
    taken = allocation.take(
        write,
        system_id=system_id,
        wish=wish,
        owner_id=call.user.user_id,
        agent_name=call.values.text("agent_name"),
        actor=call.user.username,
    )
    if taken is None:
        return None
    one = taken.machine
    text = f"allocated {one.hostname} to {call.user.username}{why(call.values)}"
    audit(write, call.request, call.user, text, host_id=one.host_id, system_id=system_id)
    meant = {"storage": _grouped(taken.meant.storage), "interfaces": _grouped(taken.meant.interfaces)}
    return _answer(write, call, system_id, meant)


async def _compose(call: Call, wish: Wish, looked: Looked) -> shapes.Json:
    """One made for the caller, on the best host; Conflict saying for every host why not."""
    house: House = call.services
    failed: dict[int, str] = {}
    deadline = asyncio.get_running_loop().time() + house.services.settings.compose_wait
    for _ in range(ROUNDS):
        choice, host_id, packed = await house.services.database.reading(_decide, call, wish, looked, failed)
        allotment = Allotment(
            wish=wish, agent_name=call.values.text("agent_name"), verdicts=packed, around=choice.around
        )
        try:
            async with house.turn(host_id):
                claimed = await house.services.database.writing(_claim, call, host_id, allotment)
        except (Lost, NotFound):  # somebody was quicker, or the host has changed or gone since: the fleet tells
            continue
        except Conflict as taken:  # of all hosts: an address that somebody has
            raise refusal(call.values, wish, looked, choice.decision, taken=taken) from None
        finally:
            house.fleet.claimed(choice)
        try:
            await house.outcome(claimed.operation, call.request)
        except HostFailure as error:
            failed[host_id] = f"it failed just now: {error}"
            if asyncio.get_running_loop().time() > deadline:
                raise
            continue
        return await house.services.database.reading(_made, claimed.system_id, wish)
    raise Conflict("Too many others are taking machines at once.", resolution="Try again in a moment.")


def _decide(
    sql: sa.Connection, call: Call, wish: Wish, looked: Looked, failed: Mapping[int, str]
) -> tuple[Choice, int, str]:
    """The decision over the whole fleet as it stands now, the best host, and the verdicts as they are kept.

    Conflict when no host fits or none is made for such a wish; Invalid when none ever could be.
    """
    if not wish.composable:
        raise refusal(call.values, wish, looked)
    house: House = call.services
    choice = house.fleet.choose(sql, wish, without=failed)
    if choice.decision.best is None:
        if never := claims.senseless(wish.request, choice.around.known):
            raise never
        raise refusal(call.values, wish, looked, choice.decision, taken=_taken_address(sql, wish))
    return choice, choice.decision.best.host_id, placements.pack(choice.decision)


def _taken_address(sql: sa.Connection, wish: Wish) -> Conflict | None:
    """Why no host could give a NIC the address that is asked for; Invalid when nobody can ever have it."""
    try:
        links.check(sql, wish.interfaces)
    except Conflict as taken:
        return taken
    except NotFound:  # its subnet is gone since: the hosts' own reasons tell
        return None
    return None


def _claim(write: Write, call: Call, host_id: int, allotment: Allotment) -> Claimed:
    house, wish = call.services, allotment.wish
    claimed = claims.compose(
        write,
        host_id=host_id,
        request=wish.request,
        first_step=COMPOSE.first,
        uuid=house.services.uuid,
        actor_id=call.user.user_id,
        actor=call.user.username,
        request_mark=mark(call.request),
        allotment=allotment,
    )
    one = machines.find(write.sql, claimed.system_id)
    text = f"composed {one.hostname} for {call.user.username} by allocate{why(call.values)}"
    audit(write, call.request, call.user, text, host_id=host_id, system_id=claimed.system_id)
    if call.values.boolean("dry_run", False):
        for status in (Status.READY, Status.ALLOCATED):
            machines.set_status(write, claimed.system_id, status)
        raise Rehearsed(_made(write.sql, claimed.system_id, wish))
    return claimed


def _made(sql: sa.Connection, system_id: str, wish: Wish) -> shapes.Json:
    """A machine that was composed: its disks and NICs are those that were asked for, in their order."""
    one = machines.find(sql, system_id)
    disks = [(asked.label, disk.id) for asked, disk in zip(wish.disks, one.disks, strict=False) if asked.label]
    nics = [(asked.label, nic.id) for asked, nic in zip(wish.interfaces, one.interfaces, strict=False)]
    return _shape(sql, system_id, {"storage": _grouped(disks), "interfaces": _grouped(nics)})


def _grouped(pairs: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    """{label: [ids]}: Ansible sends one label several times."""
    found: dict[str, list[int]] = {}
    for label, id in pairs:
        found.setdefault(label, []).append(id)
    return found


def _answer(write: Write, call: Call, system_id: str, meant: Labels) -> shapes.Json:
    answer = _shape(write.sql, system_id, meant)
    if call.values.boolean("dry_run", False):
        raise Rehearsed(answer)
    return answer


def _shape(sql: sa.Connection, system_id: str, meant: Labels) -> shapes.Json:
    return shape(sql, machines.find(sql, system_id)) | {"constraints_by_type": dict(meant)}


ROUTES = (
    Route(
        handler="Machines",
        method="POST",
        path="machines/",
        op="allocate",
        call=allocate,
        who=Who.USER,
        doc="Allocate a machine: the cheapest Ready one that fits, else one composed on the best host.\n\n"
        "One that was composed for it is deleted when it is released.",
        params=ALLOCATE,
    ),
)
