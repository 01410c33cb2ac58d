"""The life of machines: released, aborted, broken and fixed; and what has no meaning for VMs."""

from __future__ import annotations

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import machine_parameters as parameters
from innkeeper.api.maas import shapes
from innkeeper.api.maas.machine_access import held
from innkeeper.api.maas.machines import Handler, shape_one
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.refused import refuse
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Conflict, Forbidden, Invalid
from innkeeper.model.lifecycle import BUSY, RELEASABLE, Status
from innkeeper.model.machine import Machine, Origin
from innkeeper.operations import decompose, deploy, release
from innkeeper.store import allocation, hosts, machines, operations, unfinished
from innkeeper.store.database import Write
from innkeeper.store.machines import Filter

_WIPED = "Accepted: what a machine was deployed on is always wiped."
RELEASE = (
    Param("erase", "boolean", _WIPED),
    Param("secure_erase", "boolean", _WIPED),
    Param("quick_erase", "boolean", _WIPED),
    Param("force", "boolean", "Accepted: no machine here is in the way of its release."),
    *parameters.COMMENT,
)
RELEASE_MANY = (
    Param("machines", "text", "The machines, by system id.", required=True, repeated=True),
    *RELEASE,
)
_NO_SCRIPTS = "No scripts are run: what the guest should run goes in the user data of a deploy."


async def release_one(call: Call) -> object:
    """Answers at once: Releasing until Ready, or until a machine that was made for its owner is gone."""
    house: House = call.services

    def change(write: Write) -> shapes.Json:
        one = held(call, write)
        _release(write, call, one)
        return shape_one(write.sql, one.system_id)

    return await house.services.database.writing(change)


async def release_many(call: Call) -> object:
    """All or none. The ids of those that were released; one that is Ready, or on its way there, is not among them."""
    house: House = call.services
    return await house.services.database.writing(_release_many, call)


def _release_many(write: Write, call: Call) -> list[str]:
    wanted = tuple(dict.fromkeys(call.values.texts("machines")))
    seen_by = None if call.user.is_admin else call.user.user_id
    there = {one.system_id: one for one in machines.listing(write.sql, Filter(system_ids=wanted, seen_by=seen_by))}
    if unknown := [id for id in wanted if id not in there]:
        raise Invalid(f"Unknown machine(s): {', '.join(unknown)}.")
    for host_id in sorted({one.host_id for one in there.values() if one.host_id is not None}):
        hosts.hold(write, host_id)  # in the same order for everybody
    found = {id: machines.find(write.sql, id) for id in wanted}
    foreign = [one for one in found.values() if not _may(call, one)]
    if foreign:
        names = ", ".join(one.hostname for one in foreign)
        raise Forbidden(f"Not yours to release, or locked: {names}.")
    if wrong := [why for one in found.values() if (why := _unreleasable(one))]:
        raise Conflict(" ".join(wrong))
    return [id for id, one in found.items() if _release(write, call, one)]


def _may(call: Call, one: Machine) -> bool:
    try:
        call.permit(owner_id=one.owner_id, composer_id=one.composer_id)
    except Forbidden:
        return False
    return not one.locked


def _unreleasable(one: Machine) -> str:
    """Why a machine cannot be released, in words; "" when it can, or is on its way."""
    status = Status(one.status)
    if one.origin != Origin.COMPOSED:
        what = "stands for a VM host" if one.origin == Origin.HOST else "was there before Innkeeper"
        return f"{one.hostname} {what}: it is not released."
    if status in RELEASABLE or status in (Status.READY, Status.RELEASING):
        return ""
    return f"{one.hostname} is {status.label}; it cannot be released now."


def _release(write: Write, call: Call, one: Machine) -> bool:
    """Release a machine; False when there is nothing to do."""
    if why := _unreleasable(one):
        raise Conflict(why)
    if one.status in (Status.READY, Status.RELEASING):
        return False
    actor, system_id = call.user.username, one.system_id
    text = f"released {one.hostname}{parameters.why(call.values)}"
    audit(write, call.request, call.user, text, host_id=one.host_id, system_id=system_id)
    if one.dynamic:
        deploy.cancel(write, one, actor=actor)
        machines.set_status(write, system_id, Status.RELEASING, actor=actor)
        decompose.submit(write, one, forced=False, actor=actor, request=mark(call.request))
    elif release.clean(write.sql, one):
        machines.set_status(write, system_id, Status.RELEASING, actor=actor)
        allocation.vacate(write, system_id)
        machines.set_status(write, system_id, Status.READY, actor=actor)
    else:
        release.submit(write, one, actor=actor, request=mark(call.request))
    return True


async def abort(call: Call) -> object:
    """A deployment is called off (Allocated again), or a composing or commissioning that is under way."""
    house: House = call.services

    def change(write: Write) -> shapes.Json:
        one = held(call, write)
        status, actor = Status(one.status), call.user.username
        if status == Status.DEPLOYING:
            release.abort(write, one, actor=actor, request=mark(call.request))
        elif status == Status.COMMISSIONING:
            for work in unfinished.of_machine(write.sql, one.system_id):
                if work.kind in ("compose", "commission") and work.state in operations.OPEN:
                    operations.cancel(write, id=work.id, actor=actor)
        else:
            raise Conflict(f"{one.hostname} is {status.label}; there is nothing to abort.")
        text = f"aborted what {one.hostname} was doing: {status.label}{parameters.why(call.values)}"
        audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return shape_one(write.sql, one.system_id)

    return await house.services.database.writing(change)


async def mark_broken(call: Call) -> object:
    """Nobody gets it any more. One that is only allocated is nobody's then, and as it is until it is mended: what its
    owner left on it goes before it is Ready. One that is deployed stays its owner's."""
    house: House = call.services

    def change(write: Write) -> shapes.Json:
        one = held(call, write)
        if one.origin == Origin.HOST:
            raise Conflict(
                f"{one.hostname} stands for a VM host: it is not marked broken.",
                resolution="Close the host to new machines: schedulable=false closed_reason=… (PUT vm-hosts/{id}/).",
            )
        status, actor = Status(one.status), call.user.username
        if status in BUSY:
            raise Conflict(f"{one.hostname} is {status.label}; abort that, or wait for its end.")
        if status == Status.ALLOCATED:
            allocation.vacate(write, one.system_id)
        message = call.values.text("comment").strip()
        machines.set_status(write, one.system_id, Status.BROKEN, message=message, actor=actor)
        text = f"marked {one.hostname} broken{parameters.why(call.values)}"
        audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return shape_one(write.sql, one.system_id)

    return await house.services.database.writing(change)


async def mark_fixed(call: Call) -> object:
    """Deployed again if it was, else Ready; Releasing before that, where something must be wiped."""
    house: House = call.services

    def change(write: Write) -> shapes.Json:
        one = held(call, write)
        if one.status != Status.BROKEN:
            raise Conflict(f"{one.hostname} is {Status(one.status).label}, not Broken.")
        was_deployed = machines.status_before(write.sql, one.system_id) == Status.DEPLOYED
        was_deployed = was_deployed or one.origin != Origin.COMPOSED  # what was there before is never wiped
        if not was_deployed and one.owner_id is not None:
            raise Conflict(f"{one.hostname} is {one.owner}'s, and not deployed.", resolution="Release it.")
        actor = call.user.username
        if was_deployed or release.clean(write.sql, one):
            machines.set_status(write, one.system_id, Status.DEPLOYED if was_deployed else Status.READY, actor=actor)
        else:
            release.submit(write, one, actor=actor, request=mark(call.request))
        text = f"marked {one.hostname} fixed{parameters.why(call.values)}"
        audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return shape_one(write.sql, one.system_id)

    return await house.services.database.writing(change)


_ONE = "machines/{system_id}/"
_RESCUE = "A VM that does not boot is reached by its console (innkeeper console); its disks can be attached elsewhere."
_IMAGE = "What is on its disks comes from its image: deploy another, or release the machine."
_REFUSED = (
    ("POST", "rescue_mode", "No rescue system is booted.", _RESCUE),
    ("POST", "exit_rescue_mode", "No rescue system is booted.", _RESCUE),
    ("POST", "test", "No tests are run.", _NO_SCRIPTS),
    ("POST", "override_failed_testing", "No tests are run.", _NO_SCRIPTS),
    ("GET", "get_curtin_config", "Nothing is installed by curtin.", _IMAGE),
    ("GET", "details", "No hardware is listed from inside.", "What the host says is in the machine's own JSON."),
    ("GET", "get_token", "Guests have no API key of their own.", "What they need goes in the user data of a deploy."),
    ("POST", "restore_networking_configuration", "There is no other configuration.", "Use link_subnet, disconnect."),
    ("POST", "restore_storage_configuration", "There is no other configuration.", _IMAGE),
    ("POST", "restore_default_configuration", "There is no other configuration.", _IMAGE),
    ("POST", "set_storage_layout", "Disks have no layout of ours.", _IMAGE),
    ("POST", "mount_special", "No file system is mounted by us.", "Use the user data of a deploy."),
    ("POST", "unmount_special", "No file system is mounted by us.", "Use the user data of a deploy."),
    ("POST", "clear_default_gateways", "A gateway is not cleared.", "Choose another: set_default_gateway of a NIC."),
)


def _on(op: str, call: Handler, who: Who, doc: str, params: tuple[Param, ...]) -> Route:
    return Route(
        handler="Machine",
        method="POST",
        path=_ONE,
        op=op,
        call=call,
        who=who,
        doc=doc,
        params=params,
        model="Machine",
    )


ROUTES = (
    Route(
        handler="Machines",
        method="POST",
        path="machines/",
        op="release",
        call=release_many,
        who=Who.OWNER,
        doc="Release machines: all of them, or none.\n\nMachines that were composed for an allocate are deleted.",
        params=RELEASE_MANY,
    ),
    _on("release", release_one, Who.OWNER, "Release a machine.\n\nOne composed for an allocate is deleted.", RELEASE),
    _on("abort", abort, Who.OWNER, "Call off what a machine is doing.", parameters.COMMENT),
    _on("mark_broken", mark_broken, Who.OWNER, "Mark a machine broken.", parameters.COMMENT),
    _on("mark_fixed", mark_fixed, Who.OWNER, "Mark a broken machine fixed.", parameters.COMMENT),
    Route(
        handler="Machines",
        method="POST",
        path="machines/",
        call=refuse,
        who=Who.USER,
        doc="No machine is enlisted.",
        refused="Machines are composed on VM hosts (vm-hosts/{id}/?op=compose, machines/?op=allocate), or found there.",
    ),
    *(
        Route(
            handler="Machine",
            method=method,
            path=_ONE,
            op=op,
            call=refuse,
            who=Who.USER,
            doc=doc,
            refused=why,
            model="Machine",
        )
        for method, op, doc, why in _REFUSED
    ),
)
