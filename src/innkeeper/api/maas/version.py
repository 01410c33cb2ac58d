"""Which version this is, and what it can do: the first thing clients ask."""

from __future__ import annotations

from innkeeper import __version__
from innkeeper.api.auth import Who
from innkeeper.api.maas.routes import Call, Route

# What clients look for in MAAS's list; Juju needs the list, libmaas the login.
CAPABILITIES = ("networks-management", "authenticate-api")


async def read(call: Call) -> object:
    return {"version": __version__, "subversion": "innkeeper", "capabilities": list(CAPABILITIES)}


ROUTES = (
    Route(
        handler="Version",
        method="GET",
        path="version/",
        call=read,
        who=Who.ANONYMOUS,
        doc="Read the version and the capabilities of this server.",
    ),
)
