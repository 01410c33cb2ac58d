"""Users, for administrators: the list, one to make, to change, to delete with an heir."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import audit
from innkeeper.errors import Conflict, InnkeeperError, Invalid, NotFound
from innkeeper.store import belongings, events, sessions, user_pages, users
from innkeeper.store.database import Write
from innkeeper.store.user_pages import UserRow
from innkeeper.store.users import User
from innkeeper.web import forms, live
from innkeeper.web.calls import NONE, Trouble, check_typed, perform, sent
from innkeeper.web.nouns import Inn
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/users")


@router.get("")
async def listing(request: Request, inn: Inn, who: AdminPage) -> Response:
    """All users, live."""

    def ask(sql: sa.Connection) -> tuple[int, list[UserRow]]:
        return events.last(sql), user_pages.listing(sql)

    cursor, rows = await inn.services.database.reading(ask)
    return render(request, "users.html", title="Users", actor=who, rows=rows, live=live.address(cursor=cursor))


@router.get("/new")
async def new(request: Request, who: AdminPage) -> Response:
    return _form(request, who, name="", values={})


@router.post("/new")
async def create(request: Request, who: AdminPage) -> Response:
    form = await forms.read(request)
    fields = [*sent(form, "username", "email", "password"), ("is_superuser", _ticked(form))]
    try:
        await perform(request, who, "POST", "users/", sent=fields)
    except InnkeeperError as error:
        return _form(request, who, name="", values=_kept(form), trouble=Trouble.of(error))
    return done("/users", f"The user {form['username']} was made.")


@router.get("/{name}/edit")
async def edit(request: Request, inn: Inn, who: AdminPage, name: str) -> Response:
    one = await inn.services.database.reading(lambda sql: _find(sql, name))
    return _form(request, who, name=name, values={"email": one.email, "is_superuser": one.is_admin})


@router.post("/{name}/edit")
async def update(request: Request, inn: Inn, who: AdminPage, name: str) -> Response:
    """What the API has no call for: the right of an administrator, a new password for who forgot theirs."""
    try:
        form = await forms.read(request)
    except Invalid as error:
        return _form(request, who, name=name, values={}, trouble=Trouble.of(error))
    email, is_admin, password = str(form.get("email", "")), _ticked(form) == "true", str(form.get("password", ""))

    def change(write: Write) -> None:
        one = _find(write.sql, name)
        if one.id == who.user_id and not is_admin:
            raise Conflict("You cannot take your own right away.", resolution="Another administrator can.")
        changed = users.update(write, id=one.id, email=email, is_admin=is_admin)
        if changed.is_admin != one.is_admin:
            right = (
                "gave {} the right of an administrator" if is_admin else "took the right of an administrator from {}"
            )
            audit(write, request, who, right.format(name))
        elif changed != one:
            audit(write, request, who, f"changed the user {name}")
        if password and one.id != who.user_id:
            users.set_password(write, id=one.id, password=password)
            sessions.delete_of(write, user_id=one.id)
            audit(write, request, who, f"gave {name} a new password")

    try:
        await inn.services.database.writing(change)
    except InnkeeperError as error:
        return _form(request, who, name=name, values=_kept(form), trouble=Trouble.of(error))
    return done("/users", f"The user {name} was changed.")


@router.get("/{name}/delete")
async def ask_delete(request: Request, inn: Inn, who: AdminPage, name: str) -> Response:
    return await _delete(request, inn, who, name)


@router.post("/{name}/delete")
async def delete(request: Request, inn: Inn, who: AdminPage, name: str) -> Response:
    form = await forms.read(request)
    try:
        check_typed(form, name)
        await perform(
            request, who, "DELETE", f"users/{quote(name, safe='')}/", sent=sent(form, "transfer_resources_to")
        )
    except InnkeeperError as error:
        return await _delete(request, inn, who, name, values=dict(form), trouble=Trouble.of(error))
    return done("/users", f"The user {name} was deleted.")


async def _delete(
    request: Request,
    inn: Inn,
    who: Actor,
    name: str,
    *,
    values: Mapping[str, object] = MappingProxyType({}),
    trouble: Trouble = NONE,
) -> Response:
    def ask(sql: sa.Connection) -> tuple[User, str, list[User]]:
        one = _find(sql, name)
        return one, belongings.owned(sql, one.id), users.listing(sql)

    one, owned, everybody = await inn.services.database.reading(ask)
    return render(
        request,
        "user_delete.html",
        title=f"Delete the user {name}",
        actor=who,
        status=trouble.status,
        trouble=trouble,
        one=one,
        values=values,
        owned=owned,
        heirs=[("", "choose"), *((each.username, each.username) for each in everybody if each.id != one.id)],
    )


def _find(sql: sa.Connection, name: str) -> User:
    """One user; NotFound, also for a name that no database takes."""
    if "\0" in name:
        raise NotFound("There is no such user.")
    return users.find(sql, username=name)


def _ticked(form: Mapping[str, Any]) -> str:
    return "true" if form.get("is_superuser") else "false"


def _kept(form: Mapping[str, Any]) -> dict[str, object]:
    """What was typed, but no password."""
    return {name: value for name, value in form.items() if name != "password"}


def _form(
    request: Request, who: Actor, *, name: str, values: Mapping[str, object], trouble: Trouble = NONE
) -> Response:
    return render(
        request,
        "user_form.html",
        title=f"User {name}" if name else "New user",
        actor=who,
        status=trouble.status,
        name=name,
        values=values,
        trouble=trouble,
    )
