"""What can be said about machines, as tables; and the filters of the list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from innkeeper.api.maas.compose import MOST_CORES, MOST_MEMORY
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.shapes import Lookups
from innkeeper.api.maas.values import Values
from innkeeper.errors import Invalid
from innkeeper.model import lifecycle
from innkeeper.model.machine import Machine
from innkeeper.store.machines import Filter


def _many(name: str, doc: str) -> Param:
    return Param(name, "text", doc, repeated=True)


LIST = (
    _many("id", "System ids."),
    _many("hostname", "Host names."),
    _many("mac_address", "MAC addresses of their NICs."),
    _many("domain", "Domains, by name."),
    _many("zone", "Zones, by name."),
    _many("not_in_zone", "Not in these zones."),
    _many("pool", "Resource pools, by name."),
    _many("not_in_pool", "Not in these resource pools."),
    _many("pod", "VM hosts, by name."),
    _many("not_pod", "Not on these VM hosts."),
    _many("pod_type", "On VM hosts of these types."),
    _many("not_pod_type", "Not on VM hosts of these types."),
    _many("power_type", "Power types: the type of their VM host."),
    Param("tags", "csv", "Tags they all have.", repeated=True),
    Param("not_tags", "csv", "Tags none of them has.", repeated=True),
    _many("status", "Statuses, by name or number."),
    Param("agent_name", "text", "The agent they were allocated for."),
)
BY_HOST = ("pod", "not_pod", "pod_type", "not_pod_type", "power_type")  # they are looked up among the hosts
_POWER = "the power of a VM is its host's: give the host its address and credentials (PUT vm-hosts/{id}/)."
UPDATE = (
    Param("hostname", "text", "A new host name."),
    Param("domain", "text", "The domain, by name or id."),
    Param("zone", "text", "The zone, by name or id."),
    Param("pool", "text", "The resource pool, by name or id."),
    Param("description", "text", "What it is for."),
    Param("agent_name", "text", "The agent it belongs to.", longest=255),
    Param("architecture", "text", "It cannot be changed: must be the machine's own."),
    Param("power_type", "text", "It cannot be changed: must be the VM host's type."),
    Param("cpu_count", "integer", "Cores, of a machine that is off.", minimum=1, maximum=MOST_CORES),
    Param("memory", "integer", "Memory in MiB, of a machine that is off.", minimum=1, maximum=MOST_MEMORY),
    Param("power_parameters", "text", "", refused=_POWER),
    Param("power_parameters_*", "text", "", refused=_POWER),
    Param("swap_size", "text", "", refused="swap is the guest's own: give it in the user data of a deploy."),
    Param("min_hwe_kernel", "text", "", refused="a VM boots its image's own kernel: deploy another image."),
)
DELETE = (
    Param("force", "boolean", "Do not wait for a host that is away: the record goes, its VM when the host is back."),
)
COMMENT = (Param("comment", "text", "Why; kept with the event.", longest=1000),)
POWER_ON = (
    Param("user_data", "text", "", refused="user data is given when a machine is deployed."),
    *COMMENT,
)
POWER_OFF = (
    Param(
        "stop_mode",
        "text",
        "soft: shut down, by force after a minute; hard: by force at once. Default soft.",
        choices=("soft", "hard"),
    ),
    *COMMENT,
)


def why(values: Values) -> str:
    """The comment of a call, for its event."""
    comment = values.text("comment").strip()
    return f" ({comment})" if comment else ""


def filter_of(values: Values, about: Lookups, *, seen_by: int | None) -> Filter:
    """Which machines a list asks for. A name that nothing has matches nothing."""
    unknown: list[str] = []

    def ids(
        field: str, table: Mapping[int, Any], *, by: Callable[[Any], str] = lambda one: one.name
    ) -> tuple[int, ...]:
        wanted = set(values.texts(field))
        found = tuple(id for id, one in table.items() if by(one) in wanted)
        if wanted and not found and not field.startswith("not_"):
            unknown.append(field)
        return found

    def kind(one: Any) -> str:
        return str(one.kind)

    hosts = about.hosts
    on = [ids(field, hosts, by=by) for field, by in (("pod", _name), ("pod_type", kind), ("power_type", kind))]
    chosen = [set(one) for one, field in zip(on, ("pod", "pod_type", "power_type"), strict=True) if values.texts(field)]
    host_ids = tuple(sorted(set.intersection(*chosen))) if chosen else ()
    off = (*ids("not_pod", hosts), *ids("not_pod_type", hosts, by=kind))
    return Filter(
        system_ids=values.texts("id"),
        hostnames=values.texts("hostname"),
        macs=values.texts("mac_address"),
        domain_ids=ids("domain", about.domains),
        zone_ids=ids("zone", about.zones),
        not_zone_ids=ids("not_in_zone", about.zones),
        pool_ids=ids("pool", about.pools),
        not_pool_ids=ids("not_in_pool", about.pools),
        host_ids=host_ids,
        not_host_ids=off,
        nothing=bool(unknown) or (bool(chosen) and not host_ids),
        tags=values.texts("tags"),
        not_tags=values.texts("not_tags"),
        agent_name=values.text("agent_name") or None,
        statuses=_statuses(values.texts("status")),
        seen_by=seen_by,
    )


def _name(one: Any) -> str:
    return str(one.name)


def _statuses(texts: tuple[str, ...]) -> tuple[int, ...]:
    found = []
    for text in texts:
        status = lifecycle.named(text)
        if status is None:
            known = ", ".join(one.label for one in lifecycle.Status)
            message = f"{text!r} is not a status; known: {known}"
            raise Invalid(f"Invalid status: {message}.", fields={"status": [message]})
        found.append(int(status))
    return tuple(found)


def must_fit(values: Values, one: Machine, power_type: str) -> None:
    """What clients send back as they read it must be as it is; Invalid naming what is not."""
    for field, sent, own in (
        ("architecture", values.text("architecture") or None, one.architecture),
        ("power_type", values.text("power_type") or None, power_type),
    ):
        if sent is not None and sent != own and not (field == "architecture" and own.startswith(f"{sent}/")):
            message = f"it is {own} and cannot be changed to {sent}"
            raise Invalid(f"Invalid {field}: {message}.", fields={field: [message]})
