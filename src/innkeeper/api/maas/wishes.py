"""The constraints of an allocate: what can be sent, and the wish that it becomes."""

from __future__ import annotations

import math
from dataclasses import replace

import sqlalchemy as sa

from innkeeper.api.maas.compose import ANTI_AFFINITY, MOST_CORES, MOST_MEMORY, interfaces_of
from innkeeper.api.maas.lookups import domain_id, pool_id, zone_id
from innkeeper.api.maas.machine_parameters import COMMENT
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.values import Values
from innkeeper.errors import Invalid
from innkeeper.model import constraints, interface_constraints, network_names
from innkeeper.model.allocation import Wish
from innkeeper.model.interface_constraints import Condition
from innkeeper.store import hosts, networks


def _many(name: str, doc: str) -> Param:
    return Param(name, "text", doc, repeated=True)


_NETWORKS = {  # the parameter, and the key of the interfaces= language that it means
    "subnets": "subnet",
    "fabrics": "fabric",
    "fabric_classes": "fabric_class",
    "vlans": "vlan",
}
_ROUTERS = "which routers a machine is connected to is not known here; use subnets, fabrics or interfaces."
CONSTRAINTS = (
    Param("name", "text", "Its host name, with or without domain."),
    Param("system_id", "text", "Its system id."),
    _many("arch", "Architectures: any of them."),
    Param("cpu_count", "number", "Cores, at least.", minimum=0, maximum=MOST_CORES),
    Param("mem", "number", "Memory in MiB, at least.", minimum=0, maximum=MOST_MEMORY),
    Param("tags", "csv", "Tags that it has, all of them. Nothing is composed for them.", repeated=True),
    Param("not_tags", "csv", "Tags of which it, and a host to compose on, has none.", repeated=True),
    Param("zone", "text", "Its zone, by name or id."),
    _many("not_in_zone", "Not in these zones."),
    Param("not_in_zones", "text", repeated=True, alias_of="not_in_zone"),  # python-libmaas
    Param("pool", "text", "Its resource pool, by name or id."),
    _many("not_in_pool", "Not in these resource pools."),
    _many("pod", "VM hosts, by name: on any of them."),
    _many("not_pod", "Not on these VM hosts."),
    _many("pod_type", "On a VM host of one of these types."),
    _many("not_pod_type", "Not on VM hosts of these types."),
    Param(
        "storage", "text", "Disks: [label:]size[(tag,…)],… in GB; a root disk of 0 is any.", example="root:0,data:10"
    ),
    Param("interfaces", "text", "NICs, in the language of compose.", example="0:space=1;1:subnet=10.0.0.0/24"),
    _many("subnets", "Subnets that it is on, all of them; also space:NAME, vlan:…, as in interfaces."),
    _many("not_subnets", "Subnets that it is not on."),
    _many("fabrics", "Fabrics that it is on, all of them."),
    _many("not_fabrics", "Fabrics that it is not on."),
    _many("fabric_classes", "Classes of fabrics that it is on, all of them."),
    _many("not_fabric_classes", "Classes of fabrics that it is not on."),
    _many("vlans", "VLANs that it is on, all of them."),
    _many("not_vlans", "VLANs that it is not on."),
    ANTI_AFFINITY,
    Param("connected_to", "text", "", repeated=True, refused=_ROUTERS),
    Param("not_connected_to", "text", "", repeated=True, refused=_ROUTERS),
    Param("devices", "text", "", refused="PCI and USB devices of hosts are not given to machines here."),
)
_BRIDGES = "Bridges in the guest are made by its own network configuration, not by Innkeeper."
ALLOCATE = (
    *CONSTRAINTS,
    Param("agent_name", "text", "The agent it is for.", longest=255),
    Param("dry_run", "boolean", "Answer as if, and change nothing."),
    Param("verbose", "boolean", "Accepted: constraints_by_type is always in the answer."),
    Param("bridge_all", "boolean", _BRIDGES, must_equal=("false",)),
    Param("bridge_type", "text", "Decides nothing without bridge_all.", choices=("standard", "ovs")),
    Param("bridge_stp", "boolean", "Decides nothing without bridge_all."),
    Param("bridge_fd", "integer", "Decides nothing without bridge_all.", minimum=0),
    *COMMENT,
)


def wish_of(sql: sa.Connection, values: Values) -> Wish:
    """What a form asks for; Invalid naming what cannot be, or is not known."""
    name, _, domain = values.text("name").strip().lower().partition(".")
    found = {field: _conditions(sql, values, field) for known in _NETWORKS for field in (known, f"not_{known}")}
    storage = values.text("storage").strip()
    pods = {field: values.texts(field) for field in ("pod", "not_pod")}
    _must_exist(sql, pods)
    wish = Wish(
        name=name,
        domain_id=domain_id(sql, domain, field="name") if domain else None,
        system_id=values.text("system_id").strip(),
        architectures=values.texts("arch"),
        cores=_whole(values, "cpu_count"),
        memory=_whole(values, "mem"),
        tags=values.texts("tags"),
        not_tags=values.texts("not_tags"),
        zone_ids=(zone_id(sql, values.text("zone")),) if values.text("zone") else (),
        not_zone_ids=tuple(zone_id(sql, one, field="not_in_zone") for one in values.texts("not_in_zone")),
        pool_ids=(pool_id(sql, values.text("pool")),) if values.text("pool") else (),
        not_pool_ids=tuple(pool_id(sql, one, field="not_in_pool") for one in values.texts("not_in_pool")),
        pods=pods["pod"],
        not_pods=pods["not_pod"],
        pod_types=values.texts("pod_type"),
        not_pod_types=values.texts("not_pod_type"),
        interfaces=interfaces_of(sql, values.text("interfaces")),
        there=tuple(one for known in _NETWORKS for one in found[known]),
        not_there=tuple(one for known in _NETWORKS for one in found[f"not_{known}"]),
        anti_affinity=values.text("anti_affinity").strip(),
    )
    return replace(wish, disks=constraints.storage(storage, any_root=True)) if storage else wish


def _whole(values: Values, field: str) -> int:
    """A number that was asked for as the whole one that will do; 0 when it is absent."""
    number = values.number(field)
    return math.ceil(number) if number is not None else 0


def _conditions(sql: sa.Connection, values: Values, field: str) -> list[Condition]:
    """The values of a network parameter as conditions on NICs, looked up."""
    wanted = values.texts(field)
    if not wanted:
        return []
    negated = field.startswith("not_")
    key = ("not_" if negated else "") + _NETWORKS[field.removeprefix("not_")]
    known = networks.known(sql)
    found: list[Condition] = []
    for one in wanted:
        if "," in one or ";" in one:
            raise _bad(field, f"cannot read {one[:60]!r}; send the parameter several times")
        try:
            (nic,) = network_names.resolve(interface_constraints.interfaces(f"nic:{key}={one}"), known)
        except Invalid as error:
            words = error.fields.get("interfaces", [error.brief])
            raise _bad(field, words[0].removeprefix("nic: ")) from None
        found += nic.conditions
    return found


def _must_exist(sql: sa.Connection, pods: dict[str, tuple[str, ...]]) -> None:
    if not any(pods.values()):
        return
    names = {one.name for one in hosts.listing(sql)}
    for field, wanted in pods.items():
        for one in wanted:
            if one not in names:
                raise _bad(field, f"there is no VM host {one[:60]!r}")


def _bad(field: str, message: str) -> Invalid:
    return Invalid(f"Invalid {field}: {message}.", fields={field: [message]})
