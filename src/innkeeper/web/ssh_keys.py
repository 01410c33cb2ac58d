"""One's SSH keys: machines that one deploys let one in by them. Added, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from innkeeper.api.auth import Actor
from innkeeper.errors import InnkeeperError
from innkeeper.model import ssh_key
from innkeeper.store import ssh_keys
from innkeeper.store.ssh_keys import SshKey
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.nouns import Inn, number
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/account/ssh-keys")
PLACE = "/account/ssh-keys"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A key in its parts, as `ssh-keygen -l` tells of it."""

    id: int
    kind: str
    comment: str
    fingerprint: str

    @classmethod
    def of(cls, one: SshKey) -> Row:
        kind, _, comment = [*one.key.split(" ", 2), ""][:3]
        return cls(id=one.id, kind=kind, comment=comment, fingerprint=ssh_key.fingerprint(one.key))


@router.get("")
async def listing(request: Request, inn: Inn, who: SignedIn) -> Response:
    keys = await inn.services.database.reading(ssh_keys.of_user, who.user_id)
    return render(request, "ssh_keys.html", title="SSH keys", actor=who, rows=[Row.of(one) for one in keys])


@router.get("/new")
async def new(request: Request, who: SignedIn) -> Response:
    return _form(request, who, {})


@router.post("/new")
async def add(request: Request, who: SignedIn) -> Response:
    form = await forms.read(request)
    try:
        await perform(request, who, "POST", "account/prefs/sshkeys/", sent=sent(form, "key"))
    except InnkeeperError as error:
        # A private key that was pasted by mistake is not shown again.
        kept = {} if "PRIVATE KEY" in str(form.get("key", "")) else dict(form)
        return _form(request, who, kept, Trouble.of(error))
    return done(PLACE, "The SSH key was added.")


@router.get("/{key}/delete")
async def ask_delete(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
    one = await inn.services.database.reading(ssh_keys.find, who.user_id, number(key))
    return _delete(request, who, Row.of(one))


@router.post("/{key}/delete")
async def delete(request: Request, inn: Inn, who: SignedIn, key: str) -> Response:
    one = await inn.services.database.reading(ssh_keys.find, who.user_id, number(key))
    try:
        await perform(request, who, "DELETE", f"account/prefs/sshkeys/{one.id}/")
    except InnkeeperError as error:
        return _delete(request, who, Row.of(one), Trouble.of(error))
    return done(PLACE, "The SSH key was deleted.")


def _form(request: Request, who: Actor, values: Mapping[str, object], trouble: Trouble = NONE) -> Response:
    return render(
        request,
        "ssh_key_form.html",
        title="Add an SSH key",
        actor=who,
        status=trouble.status,
        values=values,
        trouble=trouble,
    )


def _delete(request: Request, who: Actor, row: Row, trouble: Trouble = NONE) -> Response:
    what = f"the SSH key {row.comment or row.fingerprint}"
    return render(
        request,
        "delete.html",
        title=f"Delete {what}",
        actor=who,
        status=trouble.status,
        trouble=trouble,
        what=what,
        goes=["The key: machines that you deploy from now on do not let you in by it."],
        stays=["Machines that are deployed: they keep it."],
        back=PLACE,
        typed="",
    )
