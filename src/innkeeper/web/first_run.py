"""The first run: make the administrator, with the code that the server's terminal shows, and add the first VM host."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import House, audit
from innkeeper.api.v1.access import house
from innkeeper.errors import Forbidden, InnkeeperError, Invalid
from innkeeper.store import first_run, sessions
from innkeeper.store.database import Write
from innkeeper.store.users import User
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import check_origin
from innkeeper.web.sign_in import begin_session

router = APIRouter(include_in_schema=False, prefix="/first-run")
Inn = Annotated[House, Depends(house)]


@router.get("")
async def page(request: Request, inn: Inn) -> Response:
    """The form, while there is no user; afterwards one signs in."""
    if not await inn.services.database.reading(first_run.offered):
        return done("/sign-in")
    return _form(request, values={})


@router.post("")
async def make(
    request: Request,
    inn: Inn,
    code: Annotated[str, Form(max_length=200)] = "",
    username: Annotated[str, Form(max_length=1000)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    again: Annotated[str, Form(max_length=1000)] = "",
    email: Annotated[str, Form(max_length=254)] = "",
) -> Response:
    """Make the administrator, who is signed in then and goes on to the first VM host."""
    check_origin(request)
    database = inn.services.database
    if not await database.reading(first_run.offered):
        return done("/sign-in")
    values = {"code": code, "username": username, "email": email}
    guesser = {f"first run {request.client.host if request.client else ''}": sessions.MOST}
    if await database.reading(sessions.throttled, guesser):
        brief = "Too many wrong codes. Try again in 15 minutes."
        return _form(request, values=values, trouble=Trouble(brief=brief, status=429))

    def change(write: Write) -> User:
        one = first_run.make_administrator(
            write, inn.services.cipher, code=code, username=username, password=password, email=email
        )
        actor = Actor(user_id=one.id, username=one.username, is_admin=True)
        audit(write, request, actor, "became the first administrator, with the code of the first start")
        return one

    try:
        if password != again:
            raise Invalid("The passwords differ.", fields={"again": ["It is not the same as the first."]})
        one = await database.writing(change)
    except Forbidden as error:
        await database.writing(sessions.failed, guesser)
        trouble = Trouble(brief=error.brief, fields={"code": ["It is another one."]}, status=error.status)
        return _form(request, values=values, trouble=trouble)
    except InnkeeperError as error:
        return _form(request, values=values, trouble=Trouble.of(error))
    words = f"The administrator {one.username} was made. Now the first VM host."
    return await begin_session(request, inn, one, done("/hosts/add", words))


def _form(request: Request, *, values: dict[str, str], trouble: Trouble = NONE) -> Response:
    return render(request, "first_run.html", title="First run", status=trouble.status, values=values, trouble=trouble)
