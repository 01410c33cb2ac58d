"""Compose: a form becomes a request, a claim and an operation; the answer comes when the VM exists on the host."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa

from innkeeper.api.house import House, audit, mark
from innkeeper.api.maas.lookups import domain_id, pool_id, shape, zone_id
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call
from innkeeper.api.maas.shapes import API, Json
from innkeeper.api.maas.values import Values
from innkeeper.errors import Conflict, Invalid, NotFound
from innkeeper.model import constraints, interface_constraints, network_names, user_data
from innkeeper.model.image import Image
from innkeeper.model.interface_constraints import InterfaceRequest
from innkeeper.model.names import check_hostname
from innkeeper.model.request import DEFAULT_CORES, DEFAULT_MEMORY, Request
from innkeeper.operations.compose import COMPOSE
from innkeeper.store import claims, configuration, deployments, hosts, images, machines, networks, tags
from innkeeper.store.claims import Claimed
from innkeeper.store.database import Database, Write

MOST_CORES, LEAST_MEMORY, MOST_MEMORY = 4096, 1024, 64 * 1024 * 1024

ANTI_AFFINITY = Param(
    "anti_affinity", "text", "A group of machines that are one a host: on a host that has one of it, none.", longest=100
)
COMPOSE_PARAMS = (
    Param("cores", "integer", "Virtual cores. Default 1.", minimum=1, maximum=MOST_CORES),
    Param("pinned_cores", "integer", "Threads of the host to pin to, instead of cores.", repeated=True, minimum=0),
    Param("memory", "integer", "Memory in MiB. Default 2048.", minimum=LEAST_MEMORY, maximum=MOST_MEMORY),
    Param("hugepages_backed", "boolean", "Back the memory by huge pages."),
    Param("architecture", "text", "Architecture; must be one of the host's.", example="amd64/generic"),
    Param("cpu_speed", "integer", "Least clock in MHz; checked against the host.", minimum=300),
    Param("hostname", "text", "The machine's name. Default: two random words."),
    Param("domain", "text", "The domain, by id or name."),
    Param("zone", "text", "The zone, by id or name. Default: the host's."),
    Param("pool", "text", "The resource pool, by id (0 is valid) or name. Default: the host's."),
    Param("storage", "text", "Disks: [label:]size[(tag,…)],… with sizes in GB.", example="root:20(fast),data:100"),
    Param(
        "interfaces",
        "text",
        "NICs: label:key=value[,key=value…][;label:…]. Keys: id, name, hostname, type, tag, link_speed, fabric, "
        "fabric_class, vlan, vid, subnet, subnet_cidr, space, each also with not_ before it, ip and mode=unconfigured.",
        example="eth0:subnet_cidr=10.0.0.0/24,ip=10.0.0.5;eth1:space=dmz",
    ),
    ANTI_AFFINITY,
    Param("tags", "csv", "Tags to put on it; each must be there.", repeated=True),
    Param("deploy", "boolean", "Deploy it for the caller as soon as it is there."),
    Param("distro_series", "text", "With deploy: the image. Default: the server's default image.", longest=200),
    Param("user_data", "file", "With deploy: data for cloud-init, as a deploy takes it."),
    Param("dry_run", "boolean", "Answer as if, with the machine as it would be, and change nothing."),
    Param("skip_commissioning", "boolean", "Accepted: composing reads back what was made, there is nothing to skip."),
)


class Rehearsed(Exception):
    """A dry run got to its end: what it would have answered. Nothing that it did is kept."""

    def __init__(self, answer: Json) -> None:
        super().__init__("a dry run")
        self.answer = answer


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be made, and what is done with it then. `image`: that it is deployed from; None: it is not, or its
    name was taken."""

    request: Request
    tags: tuple[str, ...] = ()
    image: Image | None = None


def request_of(sql: sa.Connection, values: Values) -> Request:
    """What a form asks for; Invalid naming every field that cannot be."""
    pinned = values.integers("pinned_cores")
    if len(set(pinned)) != len(pinned):
        raise _bad("pinned_cores", "a core is there twice")
    cores = values.integer("cores")
    if pinned and cores is not None and cores != len(pinned):
        raise _bad("cores", f"{cores} cores and {len(pinned)} pinned_cores do not agree; send one of them")
    hostname = values.text("hostname")
    storage = values.text("storage")
    wanted = Request(
        hostname=check_hostname(hostname) if hostname else "",
        cores=len(pinned) or cores or DEFAULT_CORES,
        pinned=tuple(sorted(pinned)),
        memory=values.integer("memory", DEFAULT_MEMORY),
        huge_pages=values.boolean("hugepages_backed", False),
        architecture=values.text("architecture") or None,
        cpu_speed=values.integer("cpu_speed"),
        interfaces=interfaces_of(sql, values.text("interfaces")),
        domain_id=domain_id(sql, values.text("domain")) if values.text("domain") else None,
        zone_id=zone_id(sql, values.text("zone")) if values.text("zone") else None,
        pool_id=pool_id(sql, values.text("pool")) if values.text("pool") else None,
        anti_affinity=values.text("anti_affinity").strip(),
    )
    return replace(wanted, disks=constraints.storage(storage)) if storage else wanted


def interfaces_of(sql: sa.Connection, text: str) -> tuple[InterfaceRequest, ...]:
    """The NICs that an `interfaces=` text asks for; Invalid naming the piece that cannot be read or is not known."""
    wanted = interface_constraints.interfaces(text) if text.strip() else ()
    return network_names.resolve(wanted, networks.known(sql)) if wanted else ()


def _bad(field: str, message: str) -> Invalid:
    return Invalid(f"Invalid {field}: {message}.", fields={field: [message]})


async def compose(call: Call) -> object:
    house: House = call.services
    database = house.services.database
    host_id, deployed = call.id, call.values.boolean("deploy", False)
    data = _user_data(call.values, deployed=deployed)

    def change(write: Write) -> Claimed:
        claimed = claims.compose(
            write,
            host_id=host_id,
            request=order.request,
            first_step=COMPOSE.first,
            uuid=house.services.uuid,
            actor_id=call.user.user_id,
            actor=call.user.username,
            request_mark=mark(call.request),
            image_id=order.image.id if order.image else None,
        )
        if not claimed.repeated:
            if deployed and order.image is None:
                raise Conflict("Its name was another machine's until just now.", resolution="Try again.")
            if data:
                deployments.keep_user_data(write, house.services.cipher, system_id=claimed.system_id, user_data=data)
            for name in order.tags:
                tags.put(write, name, on={claimed.system_id}, off=())
            text = f"composed the machine {claimed.hostname}"
            text += f", to be deployed from {order.image.name}" if order.image else ""
            audit(write, call.request, call.user, text, host_id=host_id, system_id=claimed.system_id)
        if call.values.boolean("dry_run", False):
            raise Rehearsed(shape(write.sql, machines.find(write.sql, claimed.system_id)))
        return claimed

    try:
        async with house.turn(host_id):
            order = await database.reading(_checked, house, host_id, call.values)
            claimed = await _claim(database, change)
    except Rehearsed as rehearsed:
        return rehearsed.answer
    await house.outcome(claimed.operation, call.request)
    return {"system_id": claimed.system_id, "resource_uri": f"{API}/machines/{claimed.system_id}/"}


def _checked(sql: sa.Connection, house: House, host_id: int, values: Values) -> Order:
    """The order, refused here already if the host cannot hold it: most refusals never reach the lock."""
    order = Order(request=request_of(sql, values), tags=_tags(sql, values))
    wanted, host = order.request, hosts.find(sql, host_id)
    if wanted.hostname and machines.taken(sql, wanted.hostname):
        return order
    where = claims.check(sql, host, wanted)
    if not values.boolean("deploy", False):
        return order
    default = configuration.default_image(sql, house.services.settings.default_image)
    return replace(
        order, image=images.resolve(sql, values.text("distro_series").strip(), where.architecture, default=default)
    )


def _tags(sql: sa.Connection, values: Values) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(values.texts("tags")))
    for one in wanted:
        try:
            tags.find(sql, one)
        except NotFound as unknown:
            raise Invalid(f"Invalid tags: {unknown}", fields={"tags": [unknown.brief]}) from None
    return wanted


def _user_data(values: Values, *, deployed: bool) -> str:
    """The data for cloud-init; Invalid for what has a meaning with `deploy` only."""
    data = values.file("user_data") or b""
    for field, sent in (("distro_series", values.text("distro_series")), ("user_data", data)):
        if sent and not deployed:
            raise _bad(field, "it is sent with deploy=true")
    return user_data.read(data)


async def _claim(database: Database, change: Callable[[Write], Claimed]) -> Claimed:
    """Claim; a name taken in the same moment by another host's compose is looked at again, and then refused by name."""
    try:
        return await database.writing(change)
    except sa.exc.IntegrityError:
        return await database.writing(change)
