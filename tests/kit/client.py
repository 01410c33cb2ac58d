"""A client of the API that signs as MAAS's clients do."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx2

Fields = dict[str, Any]


def oauth(key: str) -> str:
    """The Authorization header for an API key (consumer:token:secret)."""
    consumer, token, secret = key.split(":")
    signature = quote(f"&{secret}", safe="")
    return (
        f'OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="{consumer}", '
        f'oauth_token="{token}", oauth_signature="{signature}", oauth_nonce="1", oauth_timestamp="1"'
    )


class Client:
    """Calls of the REST API 2.0 (paths relative to it) and of the native API (paths that begin with /)."""

    def __init__(self, http: httpx2.AsyncClient, key: str | None) -> None:
        self.http, self.key = http, key

    async def call(
        self, method: str, path: str, *, op: str | None = None, headers: dict[str, str] | None = None, **fields: Any
    ) -> httpx2.Response:
        """One request: fields go in the query of GET and DELETE, as a form otherwise; lists repeat the key."""
        url = path if path.startswith("/") else f"/MAAS/api/2.0/{path}"
        sent = [(name, _text(one)) for name, value in fields.items() for one in _many(value)]
        query = [("op", op)] if op is not None else []
        signed = {"Authorization": oauth(self.key)} if self.key else {}
        if method in ("GET", "DELETE"):
            return await self.http.request(method, url, params=(query + sent) or None, headers=signed | (headers or {}))
        body = str(httpx2.QueryParams(sent))
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.http.request(
            method, url, params=query or None, content=body, headers=signed | form | (headers or {})
        )

    async def get(self, path: str, **fields: Any) -> Any:
        """The JSON of a GET that must succeed."""
        return good(await self.call("GET", path, **fields))

    async def post(self, path: str, **fields: Any) -> Any:
        """The JSON of a POST that must succeed."""
        return good(await self.call("POST", path, **fields))

    async def put(self, path: str, **fields: Any) -> Any:
        """The JSON of a PUT that must succeed."""
        return good(await self.call("PUT", path, **fields))

    async def delete(self, path: str, **fields: Any) -> None:
        """A DELETE that must succeed."""
        answer = await self.call("DELETE", path, **fields)
        assert answer.status_code == 204, answer.text

    async def compose(self, host_id: int, **fields: Any) -> str:
        """Compose a machine that must come out well; its system_id."""
        made = await self.post(f"vm-hosts/{host_id}/", op="compose", **fields)
        return str(made["system_id"])


def good(answer: httpx2.Response) -> Any:
    """The JSON of an answer that must be 2xx; None for an empty one."""
    assert answer.is_success, f"{answer.status_code}: {answer.text}"
    return answer.json() if answer.content else None


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _text(value: Any) -> str:
    return str(value)
