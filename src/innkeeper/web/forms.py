"""Forms as they are sent: text that every database keeps, and files only in the fields that are for files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request

from innkeeper.errors import Invalid

MOST_FIELDS = 1000
MOST_BYTES = 2**20  # of one field
LINE = r"^[^\x00-\x1f\x7f]*$"  # a field of one line, as a pattern


async def read(
    request: Request, *files: str, max_fields: int = MOST_FIELDS, max_part_size: int = MOST_BYTES
) -> FormData:
    """What was sent; Invalid by field. `files`: the fields that may hold one."""
    form = await request.form(max_fields=max_fields, max_part_size=max_part_size)
    try:
        _check(form, files)
    except Invalid:
        await form.close()
        raise
    return form


@asynccontextmanager
async def opened(request: Request, *files: str) -> AsyncIterator[FormData]:
    """The same, and its files are closed afterwards."""
    form = await read(request, *files)
    try:
        yield form
    finally:
        await form.close()


def _check(form: FormData, files: tuple[str, ...]) -> None:
    faults: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if name not in files:
                faults[name[:80]] = ["it is a file, and text is asked for"]
        elif "\0" in value or "\0" in name:  # PostgreSQL keeps none
            faults[name[:80].replace("\0", "")] = ["it holds a NUL character"]
    if faults:
        words = "; ".join(f"“{name}”: {texts[0]}" for name, texts in list(faults.items())[:5])
        raise Invalid(f"This form cannot be read: {words}.", resolution="Nothing was done with it.", fields=faults)
