"""Forms that make something each time they are sent: one that is sent twice, as by a double click, makes it once."""

from __future__ import annotations

import re
import uuid

from starlette.datastructures import FormData

from innkeeper.api.house import House
from innkeeper.store import submissions

FIELD = "once"
_MARK = re.compile(r"[0-9a-f]{32}")


def mark() -> str:
    """Of a form that is shown: a new one each time."""
    return uuid.uuid4().hex


async def repeated(house: House, form: FormData) -> bool:
    """Whether that very form was sent before. One without a mark is taken as it comes."""
    sent = str(form.get(FIELD, ""))
    return bool(_MARK.fullmatch(sent)) and not await house.services.database.writing(submissions.first, sent)
