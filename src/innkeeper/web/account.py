"""One's own account: who one is, the password, the browsers that are signed in."""

from __future__ import annotations

import sqlalchemy as sa
from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.api.house import audit
from innkeeper.errors import Conflict, InnkeeperError, Invalid
from innkeeper.store import sessions, users
from innkeeper.store.database import Write
from innkeeper.web import api_keys, forms, ssh_keys
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.nouns import Inn
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import COOKIE, SignedIn

router = APIRouter(include_in_schema=False)
router.include_router(api_keys.router)
router.include_router(ssh_keys.router)


@router.get("/account")
async def page(request: Request, inn: Inn, who: SignedIn) -> Response:
    token = request.cookies.get(COOKIE, "")

    def ask(sql: sa.Connection) -> tuple[users.User, list[sessions.Session]]:
        return users.find(sql, id=who.user_id), sessions.of_user(sql, user_id=who.user_id, token=token)

    one, open_ones = await inn.services.database.reading(ask)
    return render(request, "account.html", title="Your account", actor=who, one=one, sessions=open_ones)


@router.get("/account/password")
async def ask_password(request: Request, who: SignedIn) -> Response:
    return _password(request, who)


@router.post("/account/password")
async def change_password(request: Request, inn: Inn, who: SignedIn) -> Response:
    """Another password; all other browsers are signed out."""
    form = await forms.read(request)
    old, new, again = (str(form.get(name, "")) for name in ("old", "password", "again"))
    database = inn.services.database
    throttle = {f"password of {who.username}": sessions.MOST}
    try:
        if await database.reading(sessions.throttled, throttle):
            raise Conflict("Too many attempts failed.", resolution="Try again in 15 minutes.")
        if not new:
            raise Invalid("A user needs a password.", fields={"password": ["it is empty"]})
        if new != again:
            raise Invalid("The new password is not twice the same.", fields={"again": ["it differs"]})
        if await database.reading(users.check_password, username=who.username, password=old) is None:
            await database.writing(sessions.failed, throttle)
            raise Invalid("The password that you have now is another one.", fields={"old": ["it is wrong"]})
    except InnkeeperError as error:
        return _password(request, who, Trouble.of(error))

    def change(write: Write) -> None:
        users.set_password(write, id=who.user_id, password=new)
        sessions.delete_of(write, user_id=who.user_id, but=request.cookies.get(COOKIE, ""))
        audit(write, request, who, "changed their password")

    await database.writing(change)
    return done("/account", "Your password was changed. All other browsers were signed out.")


@router.post("/account/sessions/{digest}/end")
async def end(request: Request, inn: Inn, who: SignedIn, digest: str) -> Response:
    """Sign one browser out."""

    def change(write: Write) -> None:
        sessions.end(write, user_id=who.user_id, digest=digest)
        audit(write, request, who, "signed a browser out")

    await inn.services.database.writing(change)
    return done("/account", "That browser was signed out.")


@router.post("/account/sessions/end-others")
async def end_others(request: Request, inn: Inn, who: SignedIn) -> Response:
    """Sign all browsers out but this one."""

    def change(write: Write) -> None:
        sessions.delete_of(write, user_id=who.user_id, but=request.cookies.get(COOKIE, ""))
        audit(write, request, who, "signed all other browsers out")

    await inn.services.database.writing(change)
    return done("/account", "All other browsers were signed out.")


def _password(request: Request, who: Actor, trouble: Trouble = NONE) -> Response:
    return render(
        request, "password.html", title="Change your password", actor=who, status=trouble.status, trouble=trouble
    )
