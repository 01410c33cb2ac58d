"""Add a VM host, the second step: what we show to it, and how it comes to trust that."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from innkeeper.api.auth import Actor
from innkeeper.api.house import House, audit
from innkeeper.api.v1.access import HostId, house
from innkeeper.errors import Invalid
from innkeeper.hypervisors import introduction
from innkeeper.hypervisors.base import Credentials
from innkeeper.operations import prepare_host
from innkeeper.store import host_drafts
from innkeeper.store.database import Write
from innkeeper.store.host_drafts import BROUGHT, MADE, PASSWORD, TOKEN, Draft
from innkeeper.web import forms
from innkeeper.web.add_host_steps import address, find, show
from innkeeper.web.calls import NONE, Trouble
from innkeeper.web.pages import done
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/hosts/add/{id:int}/credentials")
Inn = Annotated[House, Depends(house)]
_MOST = 256 * 1024  # bytes of a file with a certificate or a key
_SAID = {
    MADE: "a certificate made here",
    TOKEN: "a trust token",
    BROUGHT: "a certificate of their own",
    PASSWORD: "a trust password",
}


@router.get("")
async def page(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """The form. What is secret is never shown again."""
    one = await inn.services.database.reading(find, id)
    return _form(request, who, one, way=one.way or MADE)


@router.post("")
async def choose(request: Request, inn: Inn, who: AdminPage, id: HostId) -> Response:
    """Keep the credentials, and go on to the server; one that was confirmed already is shown the token at once."""
    one = await inn.services.database.reading(find, id)
    async with forms.opened(request, "certificate_file", "key_file") as form:
        way = str(form.get("way", ""))
        try:
            brought, secret = await _given(form, one, way)
        except Invalid as error:
            return _form(request, who, one, way=way, form=form, trouble=Trouble.of(error))
    if one.made_here and brought:
        await prepare_host.withdraw(inn.services, one)  # it is not shown any more
    cipher, settings = inn.services.cipher, inn.services.settings

    def change(write: Write) -> Draft:
        if brought:
            host_drafts.set_credentials(write, cipher, id, brought, made_here=False)
        elif not one.made_here:
            made = introduction.make_credentials(name=f"{one.name}@{settings.name}")
            host_drafts.set_credentials(write, cipher, id, made, made_here=True)
        host_drafts.set_secret(write, cipher, id, secret)
        host_drafts.update(write, id, way=way, trouble="")
        audit(write, request, who, f"chose {_SAID[way]} for the VM host {one.name} that is about to be added")
        return host_drafts.find(write.sql, id)

    after = await inn.services.database.writing(change)
    if secret and after.fingerprint:
        await prepare_host.be_trusted(inn.services, after)
        after = await inn.services.database.reading(find, id)
    return done(address(after))


async def _given(form: FormData, one: Draft, way: str) -> tuple[Credentials | None, str]:
    """The certificate and key that were brought, and the token or password that was typed. Invalid by field."""
    if way not in _SAID:
        raise Invalid("Choose one of the ways.", fields={"way": ["Choose one of them."]})
    if way == BROUGHT:
        certificate, key = await _pasted(form, "certificate"), await _pasted(form, "key")
        if not certificate.strip() and not key.strip():
            raise Invalid("A certificate and its key are needed.", fields={"certificate": ["It is empty."]})
        return introduction.bring_credentials(certificate=certificate, key=key), ""
    if way == MADE:
        return None, ""
    text = str(form.get(way, "")).strip() if way == TOKEN else str(form.get(way, ""))
    if not text:
        raise Invalid(f"The {way} is missing.", fields={way: ["It is empty."]})
    if way == TOKEN and one.kind == introduction.LXD and not introduction.named_by_token(text):
        raise Invalid(
            "This is not a trust token.", fields={way: ["A token is one long word, as the server prints it."]}
        )
    return None, text


async def _pasted(form: FormData, name: str) -> str:
    """What was pasted, or the content of the file that was chosen in its place."""
    file = form.get(f"{name}_file")
    if isinstance(file, UploadFile) and file.filename:
        content = await file.read(_MOST + 1)
        if len(content) > _MOST:
            raise Invalid("The file is too large.", fields={name: ["A certificate or key is smaller than that."]})
        return content.decode("utf-8", "replace")
    return str(form.get(name, ""))


def _form(
    request: Request, who: Actor, one: Draft, *, way: str, form: FormData | None = None, trouble: Trouble = NONE
) -> Response:
    pasted = form.get("certificate", "") if form else ""
    kept = {"certificate": str(pasted)}  # never the key, nor what is secret
    return show(
        request,
        "add_host_credentials.html",
        who=who,
        step="credentials",
        draft=one,
        title=f"Credentials · add {one.name}",
        trouble=trouble,
        way=way,
        values=kept,
    )
