"""Addresses that cannot be read, things that are gone: a page says so in words."""

from __future__ import annotations

import pytest

from tests.kit.house import Inn
from tests.web.visitor import ORIGIN, Visitor

LONG = "x" * 201


async def paths(house: Inn) -> dict[str, str]:
    """Addresses with something wrong in their query, and what is said of it."""
    host = await house.add_host("alpha")
    machine: str = (await house.admin.post(f"vm-hosts/{host}/", op="compose"))["system_id"]
    return {
        "/hosts?page=abc&q=alp": "“page” is no whole number",
        "/operations?page=abc": "“page” is no whole number",
        f"/operations?kind={LONG}": "“kind” is too long",
        "/events?before=abc": "“before” is no whole number",
        "/events?before=-1": "“before” is too small a number",
        f"/events?after={2**63}": "“after” is too large a number",
        f"/events?after=abc&host={LONG}": "“after” is no whole number",
        f"/hosts/{host}?page=abc": "“page” is no whole number",
        f"/hosts/{host}/networks?page=abc": "“page” is no whole number",
        f"/hosts/{host}/storage/default?page=abc": "“page” is no whole number",
        f"/hosts/{host}/events?before=abc": "“before” is no whole number",
        f"/machines/{machine}/events?before=abc": "“before” is no whole number",
        f"/networks?q={LONG}": "“q” is too long",
        f"/search?q={LONG}": "“q” is too long",
    }


async def test_a_query_that_cannot_be_read_is_told_in_words(admin: Visitor, house: Inn) -> None:
    for path, words in (await paths(house)).items():
        answer = await admin.http.get(path)
        assert answer.status_code == 400, path
        assert answer.headers["content-type"].startswith("text/html"), path
        assert words in answer.text, path
        assert "<h1" in answer.text, path


async def test_too_many_filters_are_refused(admin: Visitor) -> None:
    many = "&".join(f"host=h{number}" for number in range(51))
    assert "At most 50 filters at once" in await admin.look(f"/machines?{many}", status=400)
    assert "At most 50 filters at once" in await admin.look(f"/machines/bulk?action=lock&{many}", status=400)
    await admin.look("/machines?" + many.rpartition("&")[0])


async def test_an_address_that_only_forms_are_sent_to(admin: Visitor, house: Inn) -> None:
    host = await house.add_host("alpha")
    for path in (f"/hosts/{host}/refresh", "/sign-out", "/account/sessions/end-others"):
        answer = await admin.http.get(path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST"), path
        assert "it takes what a form sends" in answer.text, path
    assert (await admin.http.head("/hosts")).status_code == 200
    assert (await admin.http.put("/hosts", headers={"Origin": ORIGIN})).status_code == 405


async def test_it_leads_to_the_page_without_what_is_wrong(admin: Visitor, house: Inn) -> None:
    await house.add_host("alpha")
    assert 'href="/hosts?q=alp"' in await admin.look("/hosts?page=abc&q=alp", status=400)


@pytest.mark.parametrize("number", ["0", "-7", "99999999999999999999999"])
async def test_a_page_that_is_not_there_is_the_first_or_the_last(admin: Visitor, house: Inn, number: str) -> None:
    host = await house.add_host("alpha")
    for path in ("/hosts", "/machines", "/operations", f"/hosts/{host}", f"/hosts/{host}/networks"):
        await admin.look(f"{path}?page={number}")


async def test_an_id_that_can_be_none_is_not_found(admin: Visitor) -> None:
    for path in (f"/hosts/{10**30}", f"/vlans/{10**30}", "/subnets/abc", "/nothing/at/all", "/images/abc"):
        assert "Not found" in await admin.look(path, status=404)


async def test_a_form_of_what_is_gone_is_answered_by_a_page(admin: Visitor) -> None:
    gone = await admin.send("/zones/nothing/delete")
    assert gone.status_code == 404
    assert "There is no zone" in gone.text
    assert "<h1" in gone.text


async def test_another_sites_form_is_told_in_a_line(admin: Visitor) -> None:
    refused = await admin.send("/zones/new", origin="http://elsewhere.test", name="north")
    assert refused.status_code == 403
    assert refused.headers["content-type"].startswith("text/plain")


async def test_who_is_not_signed_in_is_asked_to_and_programs_get_json(house: Inn) -> None:
    async with Visitor(house) as nobody:
        assert (await nobody.http.get("/events?before=abc")).url.path == "/sign-in"
    answer = await house.admin.call("GET", "/api/v1/events", after="abc")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "after"]
