"""Who asks, for the native API: the same keys as everywhere."""

from __future__ import annotations

from fastapi import Request

from innkeeper.api.auth import Actor, ApiKey, identify
from innkeeper.api.house import House, StoredKeys
from innkeeper.errors import Unauthorized


def house(request: Request) -> House:
    """The house of this process."""
    inn: House = request.app.state.house
    return inn


async def actor(request: Request) -> Actor:
    """The actor of a request; Unauthorized when nobody is known."""
    found = await identify([ApiKey(StoredKeys(house(request).services))], request, oauth={})
    if found is None:
        raise Unauthorized("Authorization Error: this call needs an API key.")
    return found
