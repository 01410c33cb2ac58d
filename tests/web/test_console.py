"""The console page without JavaScript, and the native API by a browser's session."""

from __future__ import annotations

import aiohttp
import pytest

from tests.api.facts import give
from tests.api.serial import is_open, prints, running
from tests.kit.house import Inn
from tests.kit.until import until
from tests.web.visitor import Visitor


async def printed(house: Inn, system_id: str, hostname: str, text: str) -> None:
    """Something is on the console, and kept, because somebody watched."""
    async with house.house.services.consoles.view(system_id, owner_id=None, stays=True):
        await is_open(house, hostname)
        prints(house, hostname, text)

        async def kept() -> bool:
            return text.encode().strip() in house.house.services.consoles.log(system_id, owner_id=None)

        await until(kept)


async def test_what_is_kept_is_text_and_a_file(admin: Visitor, house: Inn) -> None:
    id = await running(house, hostname="web1")
    assert "Nothing was kept yet" in await admin.look(f"/machines/{id}/console")
    await printed(house, id, "web1", "booting <b>now</b>\r\n")
    text = await admin.look(f"/machines/{id}/console")
    assert "booting &lt;b&gt;now&lt;/b&gt;" in text
    answer = await admin.http.get(f"/machines/{id}/console.txt")
    assert answer.text == "booting <b>now</b>\n"
    assert answer.headers["content-disposition"] == 'attachment; filename="web1-console.txt"'


async def test_it_is_the_owners(admin: Visitor, house: Inn) -> None:
    id = await running(house, hostname="web1")
    ann = house.client(username="ann")
    async with Visitor(house) as visitor:
        await visitor.sign_in("ann")
        assert f"/machines/{id}/console" not in await visitor.look(f"/machines/{id}")
        await visitor.look(f"/machines/{id}/console", status=403)
        give(house, id, ann)
        assert f"/machines/{id}/console" in await visitor.look(f"/machines/{id}")
        await visitor.look(f"/machines/{id}/console")


async def test_the_native_api_knows_the_session(admin: Visitor, house: Inn) -> None:
    id = await running(house, hostname="web1")
    answer = await admin.http.get(f"/api/v1/machines/{id}/console")
    assert answer.json()["hostname"] == "web1"
    order = (await house.admin.get("/api/v1/operations"))[0]["id"]
    path = f"/api/v1/operations/{order}/cancel"
    foreign = await admin.http.post(path, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403
    own = await admin.http.post(path, headers={"Origin": "http://inn.test"})
    assert own.status_code == 409
    await admin.send("/sign-out")
    assert (await admin.http.get(f"/api/v1/machines/{id}/console")).status_code == 401


async def test_another_sites_page_opens_no_console(admin: Visitor, house: Inn, address: str) -> None:
    id = await running(house, hostname="web1")
    cookies = {"innkeeper_session": admin.http.cookies["innkeeper_session"]}
    url = f"{address}/api/v1/machines/{id}/console/live"
    async with aiohttp.ClientSession(cookies=cookies, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(url, headers={"Origin": "http://evil.example"})
        assert refused.value.status == 403
        async with session.ws_connect(url, headers={"Origin": address}) as socket:
            assert "console of web1" in (await socket.receive(timeout=10)).data
