"""The account of who asks: their own API keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import shapes
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Invalid, NotFound
from innkeeper.store import users
from innkeeper.store.database import Write
from innkeeper.store.users import ApiKey

_PARTS = 3  # of a whole key: consumer, token, secret


async def create_token(call: Call) -> object:
    house: House = call.services
    name = call.values.text("name")

    def change(write: Write) -> ApiKey:
        key = users.add_key(write, house.services.cipher, username=call.user.username, name=name)
        audit(write, call.request, call.user, f"made an API key{_named(name)}")
        return key

    key = await house.services.database.writing(change)
    return {"consumer_key": key.consumer, "name": key.name, "token_key": key.token, "token_secret": key.secret}


async def list_tokens(call: Call) -> object:
    house: House = call.services

    def change(write: Write) -> list[shapes.Json]:
        audit(write, call.request, call.user, "read their API keys")
        found = users.keys(write.sql, house.services.cipher, username=call.user.username)
        return [{"name": one.name, "token": one.text} for one in found]

    return await house.services.database.writing(change)


async def update_token(call: Call) -> object:
    house: House = call.services
    token, name = _token(call.values.text("token")), call.values.text("name")

    def change(write: Write) -> None:
        try:
            users.rename_key(write, username=call.user.username, token=token, name=name)
        except NotFound:
            raise _unknown("token") from None
        audit(write, call.request, call.user, f"named an API key{_named(name)}")

    await house.services.database.writing(change)
    return None


async def delete_token(call: Call) -> object:
    """A key may take itself away."""
    house: House = call.services
    token = _token(call.values.text("token_key"))

    def change(write: Write) -> None:
        try:
            users.delete_key(write, username=call.user.username, token=token)
        except NotFound:
            raise _unknown("token_key") from None
        audit(write, call.request, call.user, "deleted an API key")

    await house.services.database.writing(change)
    return None


def _token(text: str) -> str:
    """The middle of a whole key, or the text itself."""
    parts = text.split(":")
    return parts[1] if len(parts) == _PARTS else text


def _named(name: str) -> str:
    return f" {name!r}" if name else ""


def _unknown(field: str) -> Invalid:
    message = "you have no such API key"
    return Invalid(f"Invalid {field}: {message}.", fields={field: [message]})


_NAME = Param("name", "text", "What the key is for.", longest=200)


def _on(method: str, op: str, call: Callable[[Call], Awaitable[object]], doc: str, *params: Param) -> Route:
    return Route(
        handler="Account",
        method=method,
        path="account/",
        op=op,
        call=call,
        who=Who.USER,
        doc=doc,
        params=params,
    )


ROUTES = (
    _on("POST", "create_authorisation_token", create_token, "Make an API key of yours.", _NAME),
    _on("GET", "list_authorisation_tokens", list_tokens, "List your API keys."),
    _on(
        "POST",
        "update_token_name",
        update_token,
        "Name an API key of yours.",
        Param("token", "text", "The key, or its middle part.", required=True),
        Param("name", "text", "What the key is for.", required=True, longest=200),
    ),
    _on(
        "POST",
        "delete_authorisation_token",
        delete_token,
        "Delete an API key of yours.",
        Param("token_key", "text", "The middle part of the key.", required=True),
    ),
)
