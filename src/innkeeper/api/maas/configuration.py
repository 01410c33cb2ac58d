"""`maas?op=get_config`: the few settings of MAAS that clients ask for."""

from __future__ import annotations

import msgspec

from innkeeper.api.auth import Who
from innkeeper.api.house import House
from innkeeper.api.maas.answers import JSON, Answer
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Invalid

NAMES = ("maas_name", "default_osystem", "default_distro_series")


async def get_config(call: Call) -> object:
    house: House = call.services
    name = call.values.text("name")
    known = {"maas_name": house.services.settings.name, "default_osystem": "", "default_distro_series": ""}
    if name not in known:
        message = f"there is no setting {name!r}; known: {', '.join(NAMES)}"
        raise Invalid(f"Invalid name: {message}.", fields={"name": [message]})
    return Answer(body=msgspec.json.encode(known[name]), content_type=JSON)


ROUTES = (
    Route(
        handler="Maas",
        method="GET",
        path="maas/",
        op="get_config",
        call=get_config,
        who=Who.USER,
        doc="Read a setting.",
        params=(Param("name", "text", f"The setting: {', '.join(NAMES)}.", required=True),),
    ),
)
