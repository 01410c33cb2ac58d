"""Machines are commissioned: read back from their host. Scripts and tests have no meaning for VMs."""

from __future__ import annotations

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import shapes
from innkeeper.api.maas.machine_access import held
from innkeeper.api.maas.machines import shape_one
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Conflict
from innkeeper.model.lifecycle import COMMISSIONABLE, Status
from innkeeper.model.machine import Machine, Origin
from innkeeper.operations import commission
from innkeeper.store.database import Write

_NO_BOOT = "A VM is commissioned by reading back what its host made: nothing is booted, and nothing is skipped."
_NO_SCRIPTS = "No scripts are run: what the guest should run goes in the user data of a deploy."
COMMISSION = (
    Param("enable_ssh", "boolean", _NO_BOOT, must_equal=("false",)),
    *(
        Param(name, "boolean", f"Accepted. {_NO_BOOT}")
        for name in ("skip_bmc_config", "skip_networking", "skip_storage")
    ),
    Param("commissioning_scripts", "text", _NO_SCRIPTS, must_equal=("none",)),
    Param("testing_scripts", "text", _NO_SCRIPTS, must_equal=("none",)),
)
_FIRST = {
    Status.MISSING: "It is read again when its instance is back on its host; else delete it, and compose it again.",
    **dict.fromkeys((Status.COMMISSIONING, Status.DEPLOYING), "Abort that, or wait for its end."),
    Status.RELEASING: "Wait: it is Ready then.",
}


async def commission_one(call: Call) -> object:
    """Answers at once: Commissioning until Ready or Failed commissioning."""
    house: House = call.services

    def change(write: Write) -> shapes.Json:
        one = held(call, write)
        _check(one)
        commission.submit(write, one, actor=call.user.username, request=mark(call.request))
        text = f"commissioned {one.hostname}"
        audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return shape_one(write.sql, one.system_id)

    return await house.services.database.writing(change)


def _check(one: Machine) -> None:
    """Conflict unless it can be commissioned: what somebody has is released first, as in MAAS."""
    if one.origin != Origin.COMPOSED or one.host_id is None:
        what = "stands for a VM host" if one.origin == Origin.HOST else "was there before Innkeeper"
        raise Conflict(f"{one.hostname} {what}: it is read back by a refresh of the VM host.")
    status = Status(one.status)
    taken = status == Status.BROKEN and one.owner_id is not None
    if status not in COMMISSIONABLE or taken:
        state = f"Broken, and {one.owner}'s" if taken else status.label
        first = _FIRST.get(status, "Release it: it is wiped, and Ready then.")
        raise Conflict(f"{one.hostname} is {state}; it cannot be commissioned now.", resolution=first)


ROUTES = (
    Route(
        handler="Machine",
        method="POST",
        path="machines/{system_id}/",
        op="commission",
        call=commission_one,
        who=Who.OWNER,
        doc="Read back what the host has, and be Ready.\n\nOne that ran is wiped.",
        params=COMMISSION,
        model="Machine",
    ),
)
