"""How much may be sent: a stranger little, and nothing is kept of what is too much."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.house import Inn, inn
from tests.web.visitor import ORIGIN, Visitor


@pytest.mark.parametrize("path", ["/sign-in", "/theme", "/first-run"])
async def test_a_stranger_sends_no_more_than_a_form(house: Inn, path: str) -> None:
    async with Visitor(house) as nobody:
        files = {"file": b"x" * (1 << 20)}
        answer = await nobody.http.post(path, data={"username": "admin"}, files=files, headers={"Origin": ORIGIN})
    assert answer.status_code == 413, answer.text
    assert "larger" in answer.text


async def test_nor_in_pieces_without_a_length(house: Inn) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1
            yield b"username=" + b"x" * 10_000 + b"&"

    async with Visitor(house) as nobody:
        headers = {"Origin": ORIGIN, "Content-Type": "application/x-www-form-urlencoded"}
        answer = await nobody.http.post("/sign-in", content=pieces(), headers=headers)
    assert answer.status_code == 413
    assert sent < 20, "the rest is not even read"


async def test_who_is_signed_in_sends_user_data_and_not_everything(admin: Visitor) -> None:
    headers = {"Origin": ORIGIN}
    fits = await admin.http.post("/zones/new", data={"name": "z", "description": "x" * 500_000}, headers=headers)
    assert fits.status_code in (200, 400)
    large = await admin.http.post("/zones/new", data={"name": "z", "description": "x" * (17 << 20)}, headers=headers)
    assert large.status_code == 413
    assert "larger" in large.text


async def test_a_stranger_who_sends_what_is_no_text_is_told_which_field(house: Inn) -> None:
    async with Visitor(house) as nobody:
        named = await nobody.send("/sign-in", username="a\0b", password="x")
        file = await nobody.http.post("/sign-in", files={"password": b"x"}, headers={"Origin": ORIGIN})
    assert (named.status_code, file.status_code) == (400, 400)
    assert "This form cannot be read: “username” holds a control character" in named.text
    assert "“password” is a file, and text is asked for" in file.text


WITH_NUL = (
    "/machines/%00",
    "/zones/%00",
    "/operations/%00",
    "/images/%00",
    "/tags/%00",
    "/users/%00/edit",
    "/account/keys/%00/edit",
    "/machines/bulk/%00",
    "/machines/bulk?action=on&machine=%00",
    *(f"/{place}?q=%00&pool=%00&zone=%00&sort=%00" for place in ("hosts", "machines", "events", "search", "images")),
    "/compose/review?hostname=%00&cores=1",
    "/addresses?subnet=%00",
    "/sign-in?next=%00",
)


async def test_no_address_makes_the_database_stumble(tmp_path: Path, database_url: str) -> None:
    async with inn(tmp_path, database_url) as house, Visitor(house) as admin:
        await admin.sign_in("admin")
        got = {path: (await admin.http.get(path)).status_code for path in WITH_NUL}
        ended = await admin.send("/account/sessions/%00/end")
        for path in ("machines/%00/", "zones/%00/", "users/a%00/", "tags/%00/", "/api/v1/machines/%00"):
            got[path] = (await house.admin.call("GET", path)).status_code
    assert {path: status for path, status in got.items() if status not in (200, 400, 404)} == {}
    assert ended.status_code in (200, 404)
