"""What MAAS has and Innkeeper has not: lists that are honestly empty, and calls refused in words that name another way.

A client that only reads such a list goes on; one that wants to change it hears why it cannot.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.store import machines
from innkeeper.store.machines import Filter


@dataclass(frozen=True, kw_only=True)
class Absent:
    """A noun that has nothing here. `one`: (handler, path) of a single thing, which is never there.

    `ops`: its calls beside GET, POST (when `makes`), as "METHOD op"; a GET is another empty list. `one_ops`: ops of a
    single thing. `why`: why there are none, and what to do instead.
    """

    many: str
    path: str
    why: str
    one: tuple[str, str] | None = None
    ops: tuple[str, ...] = ()
    one_ops: tuple[str, ...] = ()
    makes: bool = True


_DISKS = "Disks of a VM are plain volumes: partitions and file systems come from its image, or from its user data."
_TESTS = "A VM is commissioned by reading back what its host made: what its guest should run goes in its user data."
_NAMES = "The network's own DNS answers names: a machine has there the name that it is called by."
_PLAIN = (
    Absent(
        many="Notifications",
        path="notifications/",
        one=("Notification", "notifications/{id}/"),
        one_ops=("dismiss",),
        why="What happens is told by the events: events/?op=query, and live at /api/v1/events/stream.",
    ),
    Absent(
        many="Discoveries",
        path="discovery/",
        one=("Discovery", "discovery/{discovery_id}/"),
        ops=(
            "GET by_unknown_mac",
            "GET by_unknown_ip",
            "GET by_unknown_ip_and_mac",
            "POST clear",
            "POST clear_by_mac_and_ip",
            "POST scan",
        ),
        makes=False,
        why="Nobody listens on the networks: networks and addresses are learnt from VM hosts. Refresh the host.",
    ),
    Absent(
        many="DNSResources",
        path="dnsresources/",
        one=("DNSResource", "dnsresources/{id}/"),
        why=_NAMES,
    ),
    Absent(
        many="DNSResourceRecords",
        path="dnsresourcerecords/",
        one=("DNSResourceRecord", "dnsresourcerecords/{id}/"),
        why=_NAMES,
    ),
    Absent(
        many="ReservedIps",
        path="reservedips/",
        one=("ReservedIp", "reservedips/{id}/"),
        why=(
            "The network's own DHCP gives leases. A machine gets a fixed address with ip= when it is composed;"
            " another is kept free for you by ipaddresses/?op=reserve."
        ),
    ),
    Absent(
        many="RackControllers",
        path="rackcontrollers/",
        one=("RackController", "rackcontrollers/{system_id}/"),
        ops=("GET power_parameters", "GET describe_power_types", "POST import_boot_images", "POST set_zone"),
        makes=False,
        why="There are no controllers: Innkeeper speaks to VM hosts itself (vm-hosts).",
    ),
    Absent(
        many="RegionControllers",
        path="regioncontrollers/",
        one=("RegionController", "regioncontrollers/{system_id}/"),
        ops=("GET power_parameters", "POST set_zone"),
        makes=False,
        why="There are no controllers: Innkeeper is one server, or several on one database.",
    ),
    Absent(many="Scripts", path="scripts/", one=("Script", "scripts/{name}/"), why=_TESTS),
    Absent(
        many="CommissioningScripts",
        path="commissioning-scripts/",
        one=("CommissioningScript", "commissioning-scripts/{name}/"),
        why=_TESTS,
    ),
    Absent(many="CommissioningResults", path="commissioning-results/", makes=False, why=_TESTS),
    Absent(many="NodesResults", path="node-results/", makes=False, why=_TESTS),
    Absent(many="InstallationResults", path="installation-results/", makes=False, why=_TESTS),
    Absent(
        many="PackageRepositories",
        path="package-repositories/",
        one=("PackageRepository", "package-repositories/{id}/"),
        why="Guests have the package sources of their image; others go in their user data (cloud-init's apt).",
    ),
    Absent(
        many="DhcpSnippets",
        path="dhcp-snippets/",
        one=("DhcpSnippet", "dhcp-snippets/{id}/"),
        one_ops=("revert",),
        why="DHCP is the networks' own: configure it there.",
    ),
    Absent(
        many="LicenseKeys",
        path="license-keys/",
        one=("LicenseKey", "license-key/{osystem}/{distro_series}/"),
        why="Images bring their own licence; a key goes in the user data.",
    ),
    Absent(
        many="SSLKeys",
        path="account/prefs/sslkeys/",
        one=("SSLKey", "account/prefs/sslkeys/{id}/"),
        why="Nobody logs in with a certificate: make an API key (account, create_authorisation_token).",
    ),
    Absent(
        many="VmClusters",
        path="vm-clusters/",
        one=("VmCluster", "vm-clusters/{id}/"),
        makes=False,
        why="Hosts are listed one by one (vm-hosts), members of a cluster too.",
    ),
)
_OF_NODES = (
    Absent(many="Raids", path="raids/", one=("Raid", "raid/{id}/"), why=_DISKS),
    Absent(
        many="VolumeGroups",
        path="volume-groups/",
        one=("VolumeGroup", "volume-group/{id}/"),
        one_ops=("create_logical_volume", "delete_logical_volume"),
        why=_DISKS,
    ),
    Absent(many="Bcaches", path="bcaches/", one=("Bcache", "bcache/{id}/"), why=_DISKS),
    Absent(
        many="BcacheCacheSets",
        path="bcache-cache-sets/",
        one=("BcacheCacheSet", "bcache-cache-set/{id}/"),
        why=_DISKS,
    ),
    Absent(
        many="VmfsDatastores",
        path="vmfs-datastores/",
        one=("VmfsDatastore", "vmfs-datastore/{id}/"),
        why="VMs are hosts of nothing here.",
    ),
    Absent(many="NodeResults", path="results/", one=("NodeResult", "results/{id}/"), makes=False, why=_TESTS),
    Absent(
        many="NodeDevices",
        path="devices/",
        one=("NodeDevice", "devices/{id:text}/"),
        makes=False,
        why="A VM has the devices that its host gave it: blockdevices and interfaces list them.",
    ),
)
ABSENT = (*_PLAIN, *_OF_NODES)


async def _nothing(call: Call) -> object:
    return []


async def _nothing_of_a_node(call: Call) -> object:
    house: House = call.services
    await house.services.database.reading(_seen, call)
    return []


def _seen(sql: sa.Connection, call: Call) -> None:
    """The machine or device of the path must be there for the caller."""
    seen_by = None if call.user.is_admin else call.user.user_id
    if not machines.listing(sql, Filter(system_ids=(call.path["system_id"],), seen_by=seen_by, devices=None)):
        raise no_match("Node")


async def _not_there(call: Call) -> object:
    raise no_match(call.route.model)


async def refuse(call: Call) -> object:
    """Never run: the dispatcher refuses the call before it reads what was sent."""
    raise AssertionError(call.route.refused)


def _routes(noun: Absent, *, under: str = "", listing: Callable[[Call], Awaitable[object]] = _nothing) -> list[Route]:
    calls = ["GET", *(["POST"] if noun.makes else []), *noun.ops]
    found = [_route(noun.many, f"{under}{noun.path}", call, why=noun.why, get=listing, model="") for call in calls]
    if noun.one is not None:
        handler, path = noun.one
        found += [
            _route(handler, f"{under}{path}", method, why=noun.why, get=_not_there, model=handler)
            for method in ("GET", "PUT", "DELETE", *(f"POST {op}" for op in noun.one_ops))
        ]
    return found


def _route(
    handler: str, path: str, call: str, *, why: str, get: Callable[[Call], Awaitable[object]], model: str
) -> Route:
    method, _, op = call.partition(" ")
    reads = method == "GET"
    return Route(
        handler=handler,
        method=method,
        path=path,
        op=op or None,
        call=get if reads else refuse,
        who=Who.USER,
        doc=f"There are no {handler}." if model == "" else f"There is no {handler}.",
        refused="" if reads else why,
        other=reads,
        model=model,
    )


ROUTES = tuple(
    route
    for noun in ABSENT
    for route in (
        _routes(noun, under="nodes/{system_id}/", listing=_nothing_of_a_node) if noun in _OF_NODES else _routes(noun)
    )
)
