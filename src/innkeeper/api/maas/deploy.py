"""Deploy a machine: an image on its root disk, its owner's data for cloud-init, and the machine is Deploying."""

from __future__ import annotations

from innkeeper.api.auth import Who, permit
from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas import shapes
from innkeeper.api.maas.machine_access import found, unlocked
from innkeeper.api.maas.machines import shape_one
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.api.maas.values import Values
from innkeeper.errors import Conflict, HostChanged, HostUnreachable, HostUntrusted, Invalid
from innkeeper.model import user_data
from innkeeper.model.host import Host, HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Machine, Origin
from innkeeper.operations import deploy as operation
from innkeeper.store import configuration, hosts, images, machines
from innkeeper.store.database import Write

_AWAY = {
    HostState.UNREACHABLE: HostUnreachable,
    HostState.UNTRUSTED: HostUntrusted,
    HostState.CHANGED: HostChanged,
}
_BRIDGED = "its guest sees the NICs that it has; bridges in it are made by its own user data."
_JOIN = "VM hosts are added by POST vm-hosts/, with the address of a server that runs LXD."

DEPLOY_PARAMS = (
    Param(
        "distro_series",
        "text",
        "The image: its name, its series or its title. Default: the server's default image.",
        example="ubuntu/noble",
        longest=200,
    ),
    Param("osystem", "text", "The operating system of the image; must be the image's own.", longest=100),
    Param("user_data", "file", "Data for cloud-init: text, base64 of it, or gzip of it."),
    Param("agent_name", "text", "The agent it is deployed for.", longest=255),
    Param("comment", "text", "Why; kept with the event.", longest=1000),
    Param("hwe_kernel", "text", "An image brings its own kernel.", must_equal=()),
    Param("bridge_all", "boolean", f"Not done: {_BRIDGED}", must_equal=("false",)),
    Param("bridge_type", "text", _BRIDGED, must_equal=()),
    Param("bridge_stp", "boolean", f"Not done: {_BRIDGED}", must_equal=("false",)),
    Param("bridge_fd", "integer", _BRIDGED, must_equal=()),
    Param("install_kvm", "boolean", _JOIN, must_equal=("false",)),
    Param("register_vmhost", "boolean", _JOIN, must_equal=("false",)),
    Param("install_rackd", "boolean", "There are no rack controllers.", must_equal=("false",)),
    Param("vcenter_registration", "boolean", "There is no vCenter to register with.", must_equal=("false",)),
    Param("enable_hw_sync", "boolean", "A VM's hardware is read from its host all the time.", must_equal=("false",)),
    Param(
        "ephemeral_deploy",
        "boolean",
        "A deployed system is on the root disk; releasing the machine wipes it.",
        must_equal=("false",),
    ),
    Param("enable_kernel_crash_dump", "boolean", "Crash dumps are set up by user data.", must_equal=("false",)),
)


async def deploy(call: Call) -> object:
    """Deploy an Allocated machine of the caller's, or a Ready one, which is allocated to the caller first."""
    house: House = call.services
    services, values = house.services, call.values
    data = user_data.read(values.file("user_data") or b"")

    def change(write: Write) -> shapes.Json:
        one = _deployable(call, write)
        host = hosts.find(write.sql, one.host_id or 0)
        _reachable(host)
        default = configuration.default_image(write.sql, services.settings.default_image)
        image = images.resolve(write.sql, _wanted(values), one.architecture, default=default)
        if (osystem := values.text("osystem")) and osystem != image.osystem:
            message = f"the image {image.name} is not one of {osystem}"
            raise Invalid(f"Invalid osystem: {message}.", fields={"osystem": [message]})
        if one.status == Status.READY:
            machines.update(write, one.system_id, owner_id=call.user.user_id)
            machines.set_status(write, one.system_id, Status.ALLOCATED, actor=call.user.username)
        if values.text("agent_name"):
            machines.update(write, one.system_id, agent_name=values.text("agent_name"))
        operation.submit(
            write,
            services.cipher,
            services.settings,
            one,
            image=image,
            user_data=data,
            actor=call.user.username,
            request=mark(call.request),
        )
        comment = values.text("comment").strip()
        text = f"deployed {image.name} on {one.hostname}" + (f" ({comment})" if comment else "")
        audit(write, call.request, call.user, text, host_id=one.host_id, system_id=one.system_id)
        return shape_one(write.sql, one.system_id)

    return await services.database.writing(change)


def _deployable(call: Call, write: Write) -> Machine:
    """The machine, locked against others who want the same; Conflict in the state's own words."""
    one = found(call, write.sql)
    if one.origin != Origin.COMPOSED or one.host_id is None:
        kind = "stands for a VM host" if one.origin == Origin.HOST else "was not composed here"
        raise Conflict(f"{one.hostname} {kind}: nothing is deployed on it.")
    hosts.lock_for_work(write, one.host_id)
    one = unlocked(found(call, write.sql))
    if one.status == Status.READY and one.owner_id is None:
        return one  # whoever may allocate it may deploy it
    permit(call.actor, Who.OWNER, owner_id=one.owner_id)
    if one.status not in (Status.READY, Status.ALLOCATED):
        state = Status(one.status).label
        release = one.status in (Status.DEPLOYED, Status.FAILED_DEPLOYMENT)
        raise Conflict(
            f"{one.hostname} is {state}; a machine is deployed when it is Ready or Allocated.",
            resolution="Release it first." if release else "",
        )
    return one


def _reachable(host: Host) -> None:
    """A host that is known to be away is said so now, not found out by the deployment."""
    if host.state in _AWAY:
        why = f" ({host.reason})" if host.reason else ""
        raise _AWAY[host.state](f"VM host {host.name} cannot deploy now: it is {host.state}{why}.")


def _wanted(values: Values) -> str:
    """The image as it was sent: the series alone, with its system, or the system and the series apart."""
    series, osystem = values.text("distro_series").strip(), values.text("osystem").strip()
    if series and osystem and "/" not in series:
        return f"{osystem}/{series}"
    return series


ROUTES = (
    Route(
        handler="Machine",
        method="POST",
        path="machines/{system_id}/",
        op="deploy",
        call=deploy,
        who=Who.USER,
        params=DEPLOY_PARAMS,
        model="Machine",
        doc="Deploy a machine.\n\nIt is Deploying from the answer on, until its guest has shown itself.",
    ),
)
