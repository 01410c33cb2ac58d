"""Sign in and out. Attempts that fail too often wait, by name and by address."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.browser import BrowserSession
from innkeeper.api.house import House, audit
from innkeeper.api.v1.access import house
from innkeeper.store import first_run, sessions, users
from innkeeper.store.database import Write
from innkeeper.store.users import User
from innkeeper.web import forms
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import COOKIE, check_origin, local

router = APIRouter(include_in_schema=False)
Inn = Annotated[House, Depends(house)]


@router.get("/sign-in")
async def page(request: Request, inn: Inn, next: str = "/") -> Response:
    """The form; who is signed in already goes on."""
    if await BrowserSession(inn).identify(request, oauth={}):
        return done(local(next))
    if await inn.services.database.reading(first_run.offered):
        return done("/first-run")
    return render(request, "sign_in.html", title="Sign in", next=local(next), username="", trouble="")


@router.post("/sign-in")
async def sign_in(
    request: Request,
    inn: Inn,
    username: Annotated[str, Form(max_length=150, pattern=forms.LINE)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Response:
    """A session in exchange for name and password."""
    check_origin(request)
    database = inn.services.database
    address = request.client.host if request.client else ""
    who = sessions.attempts(username, address)
    trouble, status = "", 200
    if await database.reading(sessions.throttled, who):
        trouble = "Too many attempts failed. Try again in 15 minutes."
        status = 429
    elif (one := await database.reading(users.check_password, username=username, password=password)) is None:
        await database.writing(sessions.failed, who)
        trouble = "Wrong user name or password."
        status = 403
    if trouble:
        return render(
            request,
            "sign_in.html",
            title="Sign in",
            status=status,
            next=local(next),
            username=username,
            trouble=trouble,
        )
    assert one is not None
    return await begin_session(request, inn, one, done(local(next)))


async def begin_session(request: Request, inn: House, one: User, response: Response) -> Response:
    """Sign somebody in who has shown who they are, with that answer."""

    def start(write: Write) -> str:
        actor = Actor(user_id=one.id, username=one.username, is_admin=one.is_admin)
        audit(write, request, actor, "signed in")
        address, agent = request.client.host if request.client else "", request.headers.get("user-agent", "")
        return sessions.create(write, user_id=one.id, address=address, agent=agent)

    token = await inn.services.database.writing(start)
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, token, max_age=int(sessions.LASTS), httponly=True, samesite="lax", secure=secure, path="/"
    )
    return response


@router.post("/sign-out")
async def sign_out(request: Request, inn: Inn) -> Response:
    """The session is over."""
    check_origin(request)
    await inn.services.database.writing(sessions.delete, request.cookies.get(COOKIE, ""))
    response = done("/sign-in")
    response.delete_cookie(COOKIE)
    return response


@router.post("/theme")
async def theme(request: Request, theme: Annotated[str, Form()] = "", next: Annotated[str, Form()] = "/") -> Response:
    """Light, dark, or what the system has."""
    response = done(local(next))
    if theme in ("light", "dark"):
        response.set_cookie("theme", theme, max_age=365 * 86400, samesite="lax")
    else:
        response.delete_cookie("theme")
    return response
