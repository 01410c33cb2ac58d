"""One's API keys: made (and shown once), named, deleted."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.errors import InnkeeperError, NotFound
from innkeeper.store import user_pages
from innkeeper.store.user_pages import KeyRow
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.nouns import Inn
from innkeeper.web.once import repeated
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/account/keys")
PLACE = "/account/keys"


@router.get("")
async def listing(request: Request, inn: Inn, who: SignedIn) -> Response:
    keys = await inn.services.database.reading(user_pages.keys, who.user_id)
    return render(request, "api_keys.html", title="API keys", actor=who, keys=keys)


@router.get("/new")
async def new(request: Request, who: SignedIn) -> Response:
    return _form(request, who, values={}, new=True)


@router.post("/new")
async def make(request: Request, inn: Inn, who: SignedIn) -> Response:
    """The answer is the page that shows the key: the only one that does, and no cookie or address holds it."""
    form = await forms.read(request)
    if await repeated(inn, form):
        words = "That form made its key already, and it is shown once. If you missed it, delete it and make another."
        return done(PLACE, words)
    try:
        made = await perform(request, who, "POST", "account/", op="create_authorisation_token", sent=sent(form, "name"))
    except InnkeeperError as error:
        return _form(request, who, values=dict(form), new=True, trouble=Trouble.of(error))
    assert isinstance(made, dict)
    key = ":".join((made["consumer_key"], made["token_key"], made["token_secret"]))
    return render(request, "api_key_made.html", title="Your new API key", actor=who, key=key, name=made["name"])


@router.get("/{token}/edit")
async def edit(request: Request, inn: Inn, who: SignedIn, token: str) -> Response:
    one = await _find(inn, who, token)
    return _form(request, who, values={"name": one.name}, new=False)


@router.post("/{token}/edit")
async def rename(request: Request, who: SignedIn, token: str) -> Response:
    form = await forms.read(request)
    fields = [("token", token), *sent(form, "name")]
    try:
        await perform(request, who, "POST", "account/", op="update_token_name", sent=fields)
    except InnkeeperError as error:
        return _form(request, who, values=dict(form), new=False, trouble=Trouble.of(error))
    return done(PLACE, "The API key was named.")


@router.get("/{token}/delete")
async def ask_delete(request: Request, inn: Inn, who: SignedIn, token: str) -> Response:
    return _delete(request, who, await _find(inn, who, token))


@router.post("/{token}/delete")
async def delete(request: Request, inn: Inn, who: SignedIn, token: str) -> Response:
    one = await _find(inn, who, token)
    try:
        fields = [("token_key", token)]
        await perform(request, who, "POST", "account/", op="delete_authorisation_token", sent=fields)
    except InnkeeperError as error:
        return _delete(request, who, one, Trouble.of(error))
    return done(PLACE, "The API key was deleted.")


async def _find(inn: Inn, who: Actor, token: str) -> KeyRow:
    """One of one's own keys; NotFound."""
    for one in await inn.services.database.reading(user_pages.keys, who.user_id):
        if one.token == token:
            return one
    raise NotFound("You have no such API key.")


def _form(
    request: Request, who: Actor, *, values: Mapping[str, object], new: bool, trouble: Trouble = NONE
) -> Response:
    return render(
        request,
        "api_key_form.html",
        title="New API key" if new else "Name the API key",
        actor=who,
        status=trouble.status,
        values=values,
        new=new,
        trouble=trouble,
    )


def _delete(request: Request, who: Actor, one: KeyRow, trouble: Trouble = NONE) -> Response:
    what = f"the API key {one.name}" if one.name else "the API key without a name"
    return render(
        request,
        "delete.html",
        title=f"Delete {what}",
        actor=who,
        status=trouble.status,
        trouble=trouble,
        what=what,
        goes=["The key: programs that use it are refused from now on."],
        stays=["What was done with it, and your other keys."],
        back=PLACE,
        typed="",
    )
