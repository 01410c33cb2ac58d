"""A person with a browser of their own, as far as a page needs none: cookies, forms, redirects followed."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import httpx2

from tests.kit.house import Inn

ORIGIN = "http://inn.test"


class Visitor:
    """Pages are got and forms are sent as a browser sends them; answers are httpx2's."""

    def __init__(self, house: Inn) -> None:
        transport = httpx2.ASGITransport(app=house.app)
        self.http = httpx2.AsyncClient(transport=transport, base_url=ORIGIN, timeout=30, follow_redirects=True)

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.http.aclose()

    async def sign_in(self, username: str, password: str = "secret") -> None:
        """Sign in, which must work."""
        answer = await self.send("/sign-in", username=username, password=password)
        assert answer.status_code == 200, answer.text
        assert answer.url.path != "/sign-in", answer.text

    async def look(self, path: str, status: int = 200) -> str:
        """The text of a page."""
        answer = await self.http.get(path)
        assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
        return answer.text

    async def send(self, path: str, *, origin: str = ORIGIN, **fields: Any) -> httpx2.Response:
        """Send a form; the page that it leads to."""
        return await self.http.post(path, data=fields, headers={"Origin": origin})
