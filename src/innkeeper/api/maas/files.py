"""Files that users keep here; everybody sees their own. Juju's older versions keep their state so."""

from __future__ import annotations

import base64
from urllib.parse import quote

from innkeeper.api.auth import Who
from innkeeper.api.house import House, audit
from innkeeper.api.maas import shapes
from innkeeper.api.maas.answers import Answer
from innkeeper.api.maas.parameters import Param
from innkeeper.api.maas.routes import Call, Route
from innkeeper.errors import Invalid, NotFound
from innkeeper.store import files
from innkeeper.store.database import Write
from innkeeper.store.files import File

_BYTES = "application/octet-stream"
# Old clients take a 404 for a proxy's, unless it has this header.
_NOT_FOUND = Answer(status=404, body="Not Found", headers={"Workaround": "bug1123986"})


def _shape(one: File) -> shapes.Json:
    return {
        "filename": one.filename,
        "anon_resource_uri": f"{shapes.API}/files/?op=get_by_key&key={one.key}",
        "resource_uri": f"{shapes.API}/files/{quote(one.filename)}/",
    }


async def listing(call: Call) -> object:
    house: House = call.services
    prefix = call.values.text("prefix")
    found = await house.services.database.reading(files.listing, owner_id=call.user.user_id, prefix=prefix)
    return [_shape(one) for one in found]


async def _mine(call: Call, filename: str) -> tuple[File, bytes]:
    house: House = call.services
    return await house.services.database.reading(
        files.find, house.services.cipher, owner_id=call.user.user_id, filename=filename
    )


async def read(call: Call) -> object:
    try:
        one, content = await _mine(call, call.path["filename"])
    except NotFound:
        return _NOT_FOUND
    return _shape(one) | {"content": base64.b64encode(content).decode()}


async def get(call: Call) -> object:
    try:
        _, content = await _mine(call, call.values.text("filename"))
    except NotFound:
        return _NOT_FOUND
    return Answer(body=content, content_type=_BYTES)


async def get_by_key(call: Call) -> object:
    """For anybody who knows the key."""
    house: House = call.services
    try:
        _, content = await house.services.database.reading(
            files.by_key, house.services.cipher, key=call.values.text("key")
        )
    except NotFound:
        return _NOT_FOUND
    return Answer(body=content, content_type=_BYTES)


async def create(call: Call) -> object:
    house: House = call.services
    filename, content = call.values.text("filename"), call.values.file("file")
    if content is None:
        raise Invalid("There is no file in the request.", fields={"file": ["it is required; it may be empty"]})

    def change(write: Write) -> None:
        files.put(write, house.services.cipher, owner_id=call.user.user_id, filename=filename, content=content)
        audit(write, call.request, call.user, f"kept the file {filename} ({len(content)} bytes)")

    await house.services.database.writing(change)
    return Answer(status=201)


async def delete(call: Call) -> object:
    house: House = call.services
    filename = call.path["filename"]

    def change(write: Write) -> None:
        files.delete(write, owner_id=call.user.user_id, filename=filename)
        audit(write, call.request, call.user, f"deleted the file {filename}")

    try:
        await house.services.database.writing(change)
    except NotFound:
        return _NOT_FOUND
    return None


_NAME = Param("filename", "text", "Its name.", required=True)
_ALL, _ONE = "files/", "files/{filename:path}/"
ROUTES = (
    Route(
        handler="Files",
        method="GET",
        path=_ALL,
        call=listing,
        who=Who.USER,
        doc="List your files.",
        params=(Param("prefix", "text", "Only those whose names begin so."),),
    ),
    Route(
        handler="Files",
        method="GET",
        path=_ALL,
        op="get",
        call=get,
        who=Who.USER,
        doc="Read the content of a file of yours.",
        params=(_NAME,),
    ),
    Route(
        handler="Files",
        method="GET",
        path=_ALL,
        op="get_by_key",
        call=get_by_key,
        who=Who.ANONYMOUS,
        doc="Read the content of a file by its key, without an account.",
        params=(Param("key", "text", "Its key.", required=True),),
    ),
    Route(
        handler="Files",
        method="POST",
        path=_ALL,
        call=create,
        who=Who.USER,
        doc="Keep a file, in place of one of that name.",
        params=(_NAME, Param("file", "file", "Its content; required, may be empty.")),
    ),
    Route(handler="File", method="GET", path=_ONE, call=read, who=Who.USER, doc="Read a file of yours, in base64."),
    Route(handler="File", method="DELETE", path=_ONE, call=delete, who=Who.USER, doc="Delete a file of yours."),
)
