"""`maas?op=get_config`, `set_config`: the settings of MAAS that mean something here; all others say why not."""

from __future__ import annotations

import re

import msgspec

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas.answers import JSON, Answer
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Invalid
from innkeeper.model.image import must_be_known
from innkeeper.store import configuration, images
from innkeeper.store.database import Write

_NAME = "maas_name"
NAMES = (_NAME, *configuration.NAMES)
# MAAS's settings that Innkeeper has not, by what they begin with: why, and what to do instead.
_ABSENT = (
    (
        ("upstream_dns", "dns", "default_dns", "maas_internal_domain", "ntp", "dhcp"),
        "DNS, time and DHCP are the networks' own: set them on the VM hosts' networks and on subnets",
    ),
    (
        ("http_proxy", "enable_http_proxy", "use_peer_proxy", "use_rack_proxy", "maas_proxy", "prefer_v4_proxy"),
        "there is no proxy for guests: give one in their user data",
    ),
    (
        ("network_discovery", "active_discovery", "auto_vlan", "subnet_ip_exhaustion"),
        "networks are learnt from VM hosts: refresh the host",
    ),
    (
        ("kernel_opts", "default_min_hwe", "enable_kernel_crash", "enable_third_party", "windows_kms", "vcenter"),
        "a VM boots its image's own kernel: give such options in its user data",
    ),
    (
        ("commissioning", "default_storage_layout", "enlist", "node_timeout", "max_node", "hardware_sync", "curtin"),
        "a VM is commissioned by reading back what its host made, and deployed from an image, both without scripts",
    ),
    (("enable_disk_eras", "disk_erase"), "a release makes the root disk anew and deletes no other VM's data"),
    (("boot_images",), "images are kept in step by boot-sources and boot-resources import"),
    (
        ("remote_syslog", "maas_syslog", "maas_auto", "prometheus", "promtail", "loki", "tls", "session", "jwt"),
        "it belongs to the server's own start: see its settings (INNKEEPER_…), metrics are at /metrics",
    ),
    (
        ("release_notifications", "enable_analytics", "completed_intro", "theme", "uuid", "rpc", "external_auth"),
        "Innkeeper has no such thing: leave it out",
    ),
)
_DEPLOY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}|")


def _unknown(name: str) -> Invalid:
    for beginnings, why in _ABSENT:
        if name.startswith(beginnings):
            message = f"{name[:80]} is not set here: {why}"
            break
    else:
        message = f"there is no setting {name[:80]!r}; known: {', '.join(NAMES)}"
    return Invalid(f"Invalid name: {message}.", fields={"name": [message]})


async def get_config(call: Call) -> object:
    house: House = call.services
    name = call.values.text("name")
    if name == _NAME:
        value = house.services.settings.name
    elif name in configuration.NAMES:
        fallback = house.services.settings.default_image
        value = await house.services.database.reading(configuration.shown, name, fallback)
    else:
        raise _unknown(name)
    return Answer(body=msgspec.json.encode(value), content_type=JSON)


async def set_config(call: Call) -> object:
    house: House = call.services
    name, value = call.values.text("name"), call.values.text("value").strip()
    if name == _NAME:
        message = "the server's name is set before it starts: INNKEEPER_NAME"
        raise Invalid(f"Invalid name: {message}.", fields={"name": [message]})
    if name not in configuration.NAMES:
        raise _unknown(name)
    if not _DEPLOY.fullmatch(value):
        message = "letters, digits, points, hyphens and underscores (ASCII), 100 at most; empty for none"
        raise Invalid(f"Invalid value: {message}.", fields={"value": [message]})

    def change(write: Write) -> None:
        if name == configuration.SERIES and value:
            must_be_known(images.listing(write.sql), value, field="value")
        if configuration.read(write.sql, name) != value:
            configuration.put(write, name, value)
            audit(write, call.request, call.user, f"set {name} to {value!r}")

    await house.services.database.writing(change)
    return Answer(body="OK")


_WHICH = Param("name", "text", f"The setting: {', '.join(NAMES)}.", required=True)
ROUTES = (
    Route(
        handler="Maas",
        method="GET",
        path="maas/",
        op="get_config",
        call=get_config,
        who=Who.USER,
        doc="Read a setting.",
        params=(_WHICH,),
    ),
    Route(
        handler="Maas",
        method="POST",
        path="maas/",
        op="set_config",
        call=set_config,
        who=Who.ADMIN,
        doc="Change a setting.",
        params=(_WHICH, Param("value", "text", "Its value; empty for none.")),
    ),
)
