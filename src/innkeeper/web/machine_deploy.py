"""Deploy a machine: an image on its disk, what its guest should do, and who is let in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from innkeeper.api.auth import Actor
from innkeeper.api.house import House
from innkeeper.api.v1.access import house
from innkeeper.errors import InnkeeperError
from innkeeper.model import user_data
from innkeeper.model.image import Image, family
from innkeeper.settings import Settings
from innkeeper.store import configuration, images, ssh_keys
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.machine_act import PATIENCE
from innkeeper.web.machine_head import Head, read, read_with, show
from innkeeper.web.pages import done
from innkeeper.web.sessions import SignedIn

router = APIRouter(include_in_schema=False, prefix="/machines/{system_id}/deploy")
Inn = Annotated[House, Depends(house)]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What can be deployed. `default`: the name of the image that is taken when none is named, "" for none; `keys`:
    how many SSH keys its owner has, who is `owner`."""

    images: tuple[Image, ...]
    default: str
    keys: int
    owner: str


def _choice(sql: sa.Connection, top: Head, who: Actor, settings: Settings) -> Choice:
    here = family(top.one.architecture)
    found = [one for one in images.listing(sql) if one.complete and family(one.architecture) == here]
    default = configuration.default_image(sql, settings.default_image)
    named = next((one.name for one in found if default and default in (one.name, one.series, one.title)), "")
    owner_id = who.user_id if top.one.owner_id is None else top.one.owner_id
    return Choice(
        images=tuple(sorted(found, key=lambda one: one.name)),
        default=named,
        keys=len(ssh_keys.of_user(sql, owner_id)),
        owner=top.one.owner or who.username,
    )


@router.get("")
async def ask(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    return await _form(request, inn, who, system_id, values={})


@router.post("")
async def deploy(request: Request, inn: Inn, who: SignedIn, system_id: str) -> Response:
    form = await forms.read(request, "user_data_file", max_part_size=user_data.MOST)
    top = await read(inn, who, system_id)
    try:
        fields = [*sent(form, "distro_series", "comment"), *await _user_data(form)]
        path = f"machines/{system_id}/"
        await perform(request, who, "POST", path, op="deploy", sent=fields, patience=PATIENCE)
    except InnkeeperError as error:
        values = {name: value for name, value in form.items() if isinstance(value, str)}
        return await _form(request, inn, who, system_id, values=values, trouble=Trouble.of(error))
    return done(top.path, f"{top.one.hostname} is being deployed.")


async def _user_data(form: FormData) -> list[tuple[str, str | bytes]]:
    """User data as it was typed, or of the file that was chosen in its place."""
    chosen = form.get("user_data_file")
    if isinstance(chosen, UploadFile) and chosen.filename:
        return [("user_data", await chosen.read())]
    return [*sent(form, "user_data")]


async def _form(
    request: Request,
    inn: House,
    who: Actor,
    system_id: str,
    *,
    values: Mapping[str, str],
    trouble: Trouble = NONE,
) -> Response:
    settings = inn.services.settings
    top, choice = await read_with(inn, who, system_id, lambda sql, top: _choice(sql, top, who, settings))
    if not trouble.brief:
        top.wanted("deploy")
    return show(
        request,
        "machine_deploy.html",
        top,
        title=f"Deploy {top.one.hostname}",
        listens=False,
        status=trouble.status,
        choice=choice,
        values={"distro_series": choice.default} | dict(values),
        trouble=trouble,
    )
