"""Whether a caller was told is noted when the answer was sent: what dies before that has told nobody."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from innkeeper.store import operations
from tests.kit.client import oauth
from tests.kit.house import Inn


async def test_an_answer_that_was_not_sent_told_nobody(house: Inn) -> None:
    """The server dies (here: cannot write to the client) when all is done and nothing was sent."""
    host = await house.add_host()
    body = b"op=compose&hostname=web1"
    headers = {
        "host": "inn",
        "authorization": oauth(house.admin.key),
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(body)),
    }
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": f"/MAAS/api/2.0/vm-hosts/{host}/",
        "raw_path": f"/MAAS/api/2.0/vm-hosts/{host}/".encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("inn", 80),
        "state": {},
    }
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        if messages:
            return messages.pop()
        raise AssertionError("nobody hangs up")

    async def send(message: MutableMapping[str, Any]) -> None:
        raise SystemError("the process is gone")

    with pytest.raises(SystemError):
        await house.app(scope, receive, send)
    (made,) = await house.admin.get("machines/", hostname="web1")
    database = house.house.services.database
    (first,) = database.ask(operations.listing, system_id=made["system_id"])
    assert not first.answered
    again = await house.admin.post(f"vm-hosts/{host}/", op="compose", hostname="web1")
    assert again["system_id"] == made["system_id"]
    assert database.ask(operations.find, first.id).answered
    taken = await house.admin.call("POST", f"vm-hosts/{host}/", op="compose", hostname="web1")
    assert taken.status_code == 400
