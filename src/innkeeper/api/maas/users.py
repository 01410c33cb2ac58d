"""Users: who there is, and who is asking."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import shapes
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.refused import refuse
from innkeeper.api.maas.routes import Call, Route, no_match
from innkeeper.errors import Conflict, Invalid, NotFound
from innkeeper.store import users
from innkeeper.store.database import Write
from innkeeper.store.users import User


def _house(call: Call) -> House:
    house: House = call.services
    return house


def _find(sql: sa.Connection, username: str) -> User:
    try:
        return users.find(sql, username=username)
    except NotFound:
        raise no_match("User") from None


async def listing(call: Call) -> object:
    return [shapes.user(one) for one in await _house(call).services.database.reading(users.listing)]


async def whoami(call: Call) -> object:
    one = await _house(call).services.database.reading(users.find, id=call.user.user_id)
    return shapes.user(one)


async def read(call: Call) -> object:
    return shapes.user(await _house(call).services.database.reading(_find, call.path["username"]))


async def create(call: Call) -> object:
    values = call.values

    def change(write: Write) -> User:
        one = users.create(
            write,
            username=values.text("username"),
            password=values.text("password"),
            email=values.text("email"),
            is_admin=values.boolean("is_superuser", False),
        )
        audit(write, call.request, call.user, f"made the user {one.username}")
        return one

    return shapes.user(await _house(call).services.database.writing(change))


async def delete(call: Call) -> object:
    name, heir = call.path["username"], call.values.text("transfer_resources_to")

    def change(write: Write) -> None:
        one = _find(write.sql, name)
        if one.id == call.user.user_id:
            raise Conflict("You cannot delete yourself.", resolution="Another administrator can.")
        if heir and (heir == name or all(each.username != heir for each in users.listing(write.sql))):
            message = f"there is no other user {heir!r}"
            raise Invalid(f"Invalid transfer_resources_to: {message}.", fields={"transfer_resources_to": [message]})
        users.delete(write, username=name, heir=heir)
        audit(
            write, call.request, call.user, f"deleted the user {name}{f'; {heir} got what they owned' if heir else ''}"
        )

    await _house(call).services.database.writing(change)
    return None


ROUTES = (
    Route(handler="Users", method="GET", path="users/", call=listing, who=Who.USER, doc="List the users."),
    Route(
        handler="Users",
        method="GET",
        path="users/",
        op="whoami",
        call=whoami,
        who=Who.USER,
        doc="Read the user whose key is used.",
    ),
    Route(
        handler="Users",
        method="POST",
        path="users/",
        call=create,
        who=Who.ADMIN,
        doc="Make a user.",
        params=(
            Param("username", "text", "The user's name.", required=True, longest=150),
            Param("email", "text", "Their address.", longest=254),
            Param("password", "text", "Their password.", required=True),
            Param("is_superuser", "boolean", "Whether they are an administrator.", required=True),
        ),
    ),
    Route(handler="User", method="GET", path="users/{username}/", call=read, who=Who.USER, doc="Read a user."),
    Route(
        handler="User",
        method="PUT",
        path="users/{username}/",
        call=refuse,
        who=Who.USER,
        doc="No user is changed.",
        refused="Make another one (POST users/), and delete this one with transfer_resources_to=NEW.",
    ),
    Route(
        handler="User",
        method="DELETE",
        path="users/{username}/",
        call=delete,
        who=Who.ADMIN,
        doc="Delete a user and their keys. One who owns something is deleted only if you say who gets it.",
        params=(Param("transfer_resources_to", "text", "The user who gets what they own."),),
    ),
)
