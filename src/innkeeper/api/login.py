"""Log in as python-libmaas does: a name and a password for an API key of one's own."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House, audit
from innkeeper.api.maas import answers, bodies, parameters
from innkeeper.api.maas.parameters import Param
from innkeeper.errors import InnkeeperError
from innkeeper.store import users
from innkeeper.store.database import Write
from innkeeper.store.users import ApiKey, User

_PARAMS = (
    Param("username", "text", "The user's name.", required=True),
    Param("password", "text", "Their password.", required=True),
    Param("consumer", "text", "What the key is for: its name.", longest=200),
)


async def authenticate(house: House, request: Request) -> Response:
    """A new API key in its three parts; 403 when name and password do not fit."""
    try:
        values = parameters.read(_PARAMS, await bodies.read(request, limit=bodies.ANONYMOUS_LIMIT))
    except InnkeeperError as error:
        refused = answers.refusal(error)
        return Response(refused.raw, status_code=refused.status, media_type=refused.content_type)
    database = house.services.database
    username, password = values.text("username"), values.text("password")
    one = await database.reading(users.check_password, username=username, password=password)
    if one is None:
        return PlainTextResponse("Wrong user name or password.", status_code=403)
    key = await database.writing(_add_key, house, request, one, values.text("consumer"))
    return JSONResponse({"consumer_key": key.consumer, "token_key": key.token, "token_secret": key.secret})


def _add_key(write: Write, house: House, request: Request, one: User, name: str) -> ApiKey:
    key = users.add_key(write, house.services.cipher, username=one.username, name=name)
    actor = Actor(user_id=one.id, username=one.username, is_admin=one.is_admin)
    audit(write, request, actor, f"logged in and got an API key for {name!r}")
    return key
