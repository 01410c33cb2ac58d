"""Where guests call when they are up. The address holds a token that their machine was given for this one call.

Outside the API: a guest has no key. What it sends beside the token is not used.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from innkeeper.api.house import House
from innkeeper.operations import arrivals
from innkeeper.operations.deploy import PHONE_HOME
from innkeeper.store import deployments

LIMIT = 64 * 1024  # bytes of a body that are read
LONGEST = 100  # characters of a token

router = APIRouter(include_in_schema=False)


@router.post(PHONE_HOME + "{token}")
@router.get(PHONE_HOME + "{token}")
async def phone_home(token: str, request: Request) -> Response:
    """200, once; 404 for a token that nobody has, was used, or whose machine is not waited for any more."""
    house: House = request.app.state.house
    read = 0
    async for chunk in request.stream():
        read += len(chunk)
        if read > LIMIT:
            return PlainTextResponse(f"At most {LIMIT} bytes are taken.\n", status_code=413)
    address = request.client.host if request.client else ""
    database = house.services.database
    holder = await database.reading(deployments.holder, token) if len(token) <= LONGEST else ""
    if not holder or not await database.writing(arrivals.phoned_home, token, address=address):
        return PlainTextResponse("This address was used already, or was never given.\n", status_code=404)
    return PlainTextResponse("ok\n")
