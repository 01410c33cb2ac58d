"""Add an image: a file that is sent with the form, or the alias of one that hosts have already."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from innkeeper.api.auth import Actor
from innkeeper.api.maas import answers
from innkeeper.errors import InnkeeperError, Invalid
from innkeeper.model.image import Part
from innkeeper.web import forms
from innkeeper.web.calls import NONE, Trouble, perform, sent
from innkeeper.web.images import PATIENCE
from innkeeper.web.pages import done, render
from innkeeper.web.sessions import AdminPage

router = APIRouter(include_in_schema=False, prefix="/images")
PIECE = 4 * 2**20  # bytes that are taken at once
_FIELDS = ("name", "architecture", "title")


@router.get("/upload")
async def ask_upload(request: Request, who: AdminPage) -> Response:
    return _form(request, who, "image_upload.html", "Upload an image", {"architecture": "amd64"})


@router.post("/upload")
async def upload(request: Request, who: AdminPage) -> Response:
    """Take a file as the API does: announced with its SHA-256, sent in pieces, looked at."""
    async with forms.opened(request, "content", "metadata") as form:
        return await _upload(request, who, form)


async def _upload(request: Request, who: Actor, form: FormData) -> Response:
    try:
        disk, metadata = _file(form, "content"), _file(form, "metadata")
        if disk is None:
            raise Invalid("Choose the file of the image.", fields={"content": ["no file was chosen"]})
        if metadata is not None:
            await _take(request, who, form, metadata, str(Part.METADATA))
        made = await _take(request, who, form, disk, str(Part.DISK) if metadata is not None else "")
    except InnkeeperError as error:
        return _form(request, who, "image_upload.html", "Upload an image", dict(form), Trouble.of(error))
    return done(f"/images/{made['id']}", f"The file of {made['name']} is here.")


@router.get("/alias")
async def ask_alias(request: Request, who: AdminPage) -> Response:
    return _form(request, who, "image_alias.html", "Use an image that hosts have", {"architecture": "amd64"})


@router.post("/alias")
async def alias(request: Request, who: AdminPage) -> Response:
    form = await forms.read(request)
    try:
        if not form.get("alias"):
            raise Invalid("Say under which alias hosts have it.", fields={"alias": ["it is empty"]})
        await perform(request, who, "POST", "boot-resources/", sent=sent(form, *_FIELDS, "alias"))
    except InnkeeperError as error:
        title = "Use an image that hosts have"
        return _form(request, who, "image_alias.html", title, dict(form), Trouble.of(error))
    return done("/images", f"The image {form['name']} was added.")


def _file(form: FormData, name: str) -> UploadFile | None:
    """A file of a form; None when none was chosen."""
    one = form.get(name)
    return one if isinstance(one, UploadFile) and one.filename else None


async def _take(request: Request, who: Actor, form: FormData, file: UploadFile, filetype: str) -> dict[str, Any]:
    """Give the API one file; the image that it is of."""
    sha256, size = await asyncio.to_thread(_measured, file.file)
    if not size:
        raise Invalid("The file is empty.", fields={"content": ["it is empty"]})
    fields = [*sent(form, *_FIELDS), ("sha256", sha256), ("size", str(size))]
    if filetype:
        fields.append(("filetype", filetype))
    made = await perform(request, who, "POST", "boot-resources/", sent=fields, patience=PATIENCE)
    image: dict[str, Any] = msgspec.json.decode(answers.of(made).raw)
    files = [each for one in image["sets"].values() for each in one["files"].values()]
    wanted = next((each["upload_uri"] for each in files if each["sha256"] == sha256 and "upload_uri" in each), "")
    if wanted:  # else the file is here already
        path = urlsplit(wanted).path.partition("/api/2.0/")[2]
        while piece := await asyncio.to_thread(file.file.read, PIECE):
            await perform(request, who, "PUT", path, sent=[("piece", piece)], patience=PATIENCE)
    return image


def _measured(file: BinaryIO) -> tuple[str, int]:
    """SHA-256 and size of a file, which is at its beginning afterwards."""
    found, size = hashlib.sha256(), 0
    file.seek(0)
    while piece := file.read(PIECE):
        found.update(piece)
        size += len(piece)
    file.seek(0)
    return found.hexdigest(), size


def _form(
    request: Request, who: Actor, template: str, title: str, values: dict[str, Any], trouble: Trouble = NONE
) -> Response:
    return render(request, template, title=title, actor=who, status=trouble.status, values=values, trouble=trouble)
