"""Networks as pages: what is found on hosts, made and changed by people, and how full it is."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from innkeeper.web.wires import wires
from tests.kit.house import Inn
from tests.web.visitor import Visitor

CIDR = "10.0.0.0/24"


def words(page: str) -> str:
    """The text of a page's own part."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition('id="page"')[2]).split())


async def the_subnet(house: Inn) -> dict[str, Any]:
    return next(one for one in await house.admin.get("subnets/") if one["cidr"] == CIDR)


async def test_an_empty_house_says_what_comes(admin: Visitor) -> None:
    assert "No network is known yet" in await admin.look("/networks")


@pytest.mark.parametrize("by", ["fabric", "space"])
async def test_the_overview_has_names_counts_and_links(admin: Visitor, house: Inn, by: str) -> None:
    host = await house.add_host()
    await house.admin.post(f"vm-hosts/{host}/", op="compose", interfaces=f"a:subnet_cidr={CIDR},ip=10.0.0.77")
    subnet = await the_subnet(house)
    fabric = subnet["vlan"]["fabric"]
    page = await admin.look(f"/networks?by={by}")
    for link in (
        f"/vlans/{subnet['vlan']['id']}",
        f"/subnets/{subnet['id']}",
        f"/fabrics/{subnet['vlan']['fabric_id']}",
    ):
        assert f'href="{link}"' in page
    assert fabric in words(page)
    assert "1 VM host on untagged" in words(page)
    assert "1 machine on untagged" in words(page)
    told = await house.admin.get(f"subnets/{subnet['id']}/", op="statistics")
    assert f"{told['num_unavailable']} used, {told['num_available']} free of {told['total_addresses']}" in words(page)


async def test_the_search_narrows_and_tells_none_from_no_match(admin: Visitor, house: Inn) -> None:
    await house.add_host()
    assert CIDR in await admin.look("/networks?q=10.0.0")
    nothing = await admin.look("/networks?q=192.168")
    assert "No network matches" in nothing
    assert f">{CIDR}<" not in nothing


async def test_the_overview_costs_the_same_for_many_networks(house: Inn) -> None:
    """All that it reads, here in the test's own thread: what the house does meanwhile is not counted."""
    await house.add_host()
    database, here = house.house.services.database, threading.get_ident()
    asked: list[str] = []

    def note(*told: Any) -> None:
        if threading.get_ident() == here:
            asked.append(told[2])

    def cost() -> list[str]:
        asked.clear()
        sa.event.listen(database.engine, "before_cursor_execute", note)
        found = database.ask(wires)
        sa.event.remove(database.engine, "before_cursor_execute", note)
        return [f"{len(found.known.subnets)} subnets", *asked]

    few = cost()
    for number in range(20):
        await house.admin.post("subnets/", cidr=f"10.9.{number}.0/24")
    many = cost()
    assert few[0] != many[0]
    assert few[1:] == many[1:]
    assert 5 < len(many) < 20


async def test_a_subnets_page_tells_what_the_api_tells(admin: Visitor, house: Inn) -> None:
    host = await house.add_host()
    made = await house.admin.post(f"vm-hosts/{host}/", op="compose", interfaces=f"a:subnet_cidr={CIDR},ip=10.0.0.77")
    machine = await house.admin.get(f"machines/{made['system_id']}/")
    subnet = await the_subnet(house)
    await house.admin.post("ipaddresses/", op="reserve", ip="10.0.0.50", hostname="printer")
    await house.admin.post("ipranges/", type="reserved", start_ip="10.0.0.100", end_ip="10.0.0.110", comment="routers")
    page = await admin.look(f"/subnets/{subnet['id']}")
    text = words(page)
    told = await house.admin.get(f"subnets/{subnet['id']}/", op="statistics", include_ranges="true")
    assert f"{told['num_unavailable']} used, {told['num_available']} free of {told['total_addresses']}" in text
    for piece in told["ranges"]:
        assert f"{piece['start']} {piece['end']} {piece['num_addresses']}" in text
    for each in await house.admin.get(f"subnets/{subnet['id']}/", op="ip_addresses"):
        assert f'<th scope="row">{each["ip"]}</th>' in page
    assert f'<a href="/machines/{made["system_id"]}">{machine["hostname"]}</a>' in page
    assert "reserved by admin for printer" in text
    assert "routers" in text
    assert f'href="/vlans/{subnet["vlan"]["id"]}"' in page


async def test_another_users_machine_has_no_name(house: Inn) -> None:
    host = await house.add_host()
    made = await house.admin.post(f"vm-hosts/{host}/", op="compose", interfaces=f"a:subnet_cidr={CIDR},ip=10.0.0.77")
    await house.admin.post("machines/", op="allocate", system_id=made["system_id"])
    await house.admin.post("ipaddresses/", op="reserve", ip="10.0.0.50", hostname="secret-printer")
    subnet = await the_subnet(house)
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        page = await ann.look(f"/subnets/{subnet['id']}")
        assert made["system_id"] not in page
        assert "another user's machine" in words(page).replace("&#39;", "'")
        assert "secret-printer" not in page
        vlan = await ann.look(f"/vlans/{subnet['vlan']['id']}")
        assert made["system_id"] not in vlan
        for path in ("/fabrics/new", f"/subnets/{subnet['id']}/edit", f"/vlans/{subnet['vlan']['id']}/delete"):
            await ann.look(path, status=403)


async def test_a_fabric_is_made_changed_and_deleted(admin: Visitor, house: Inn) -> None:
    made = await admin.send("/fabrics/new", name="backbone", description="", class_type="10g")
    assert "The fabric backbone was made." in made.text
    (one,) = await house.admin.get("fabrics/")
    changed = await admin.send(f"/fabrics/{one['id']}/edit", name="core", description="x", class_type="")
    assert changed.url.path == f"/fabrics/{one['id']}"
    (one,) = await house.admin.get("fabrics/")
    assert (one["name"], one["description"], one["class_type"]) == ("core", "x", None)
    assert "Its 1 VLAN." in await admin.look(f"/fabrics/{one['id']}/delete")
    await admin.send(f"/fabrics/{one['id']}/delete")
    assert await house.admin.get("fabrics/") == []


async def test_a_vlan_and_a_subnet_are_made_changed_and_deleted(admin: Visitor, house: Inn) -> None:
    fabric = await house.admin.post("fabrics/", name="backbone")
    space = await house.admin.post("spaces/", name="office")
    assert "backbone" in await admin.look(f"/vlans/new?fabric=id:{fabric['id']}")
    made = await admin.send(
        f"/vlans/new?fabric=id:{fabric['id']}",
        fabric=f"id:{fabric['id']}",
        vid="42",
        name="floor",
        mtu="9000",
        space=f"id:{space['id']}",
        dhcp_on="true",
    )
    assert made.url.path == f"/fabrics/{fabric['id']}", made.text
    vlan = (await house.admin.get(f"fabrics/{fabric['id']}/"))["vlans"][1]
    assert [vlan[name] for name in ("vid", "name", "mtu", "space", "dhcp_on")] == [42, "floor", 9000, "office", True]
    await admin.send(
        f"/vlans/{vlan['id']}/edit", fabric=f"id:{fabric['id']}", vid="42", name="floor", mtu="1500", space=""
    )
    vlan = await house.admin.get(f"vlans/{vlan['id']}/")
    assert [vlan[name] for name in ("mtu", "space", "dhcp_on")] == [1500, "undefined", False]

    made = await admin.send(
        f"/subnets/new?vlan={vlan['id']}",
        cidr="10.42.0.0/24",
        name="floor-42",
        vlan=str(vlan["id"]),
        gateway_ip="10.42.0.1",
        dns_servers="9.9.9.9, 1.1.1.1",
        managed="true",
    )
    assert made.url.path == f"/vlans/{vlan['id']}", made.text
    (subnet,) = await house.admin.get("subnets/")
    assert (subnet["vlan"]["id"], subnet["gateway_ip"]) == (vlan["id"], "10.42.0.1")
    assert subnet["dns_servers"] == ["9.9.9.9", "1.1.1.1"]
    asked = await admin.look(f"/vlans/{vlan['id']}/delete")
    assert "subnet 10.42.0.0/24" in asked
    assert (await admin.send(f"/vlans/{vlan['id']}/delete")).status_code == 409
    await admin.send(
        f"/subnets/{subnet['id']}/edit", cidr="10.42.0.0/24", name="", gateway_ip="", dns_servers="", vlan=""
    )
    (subnet,) = await house.admin.get("subnets/")
    assert (subnet["gateway_ip"], subnet["dns_servers"], subnet["managed"]) == (None, [], False)
    await admin.send(f"/subnets/{subnet['id']}/delete")
    gone = await admin.send(f"/vlans/{vlan['id']}/delete")
    assert gone.url.path == f"/fabrics/{fabric['id']}"
    assert len((await house.admin.get(f"fabrics/{fabric['id']}/"))["vlans"]) == 1


async def test_what_is_wrong_with_a_subnet_stands_beside_its_field(admin: Visitor) -> None:
    refused = await admin.send("/subnets/new", cidr="10.0.0.5/24", name="kept", managed="true")
    assert refused.status_code == 400
    assert 'id="cidr-wrong"' in refused.text
    assert 'value="kept"' in refused.text
    refused = await admin.send("/subnets/new", cidr="10.0.0.0/24", gateway_ip="192.168.0.1")
    assert 'id="gateway_ip-wrong"' in refused.text


async def test_a_space_is_made_and_its_page_tells_what_is_in_it(admin: Visitor, house: Inn) -> None:
    await house.add_host()
    await admin.send("/spaces/new", name="office")
    space = next(one for one in await house.admin.get("spaces/") if one["name"] == "office")
    assert "No VLAN is in this space yet" in await admin.look(f"/spaces/{space['id']}")
    vlan = (await the_subnet(house))["vlan"]
    await house.admin.put(f"vlans/{vlan['id']}/", space="office")
    assert CIDR in await admin.look(f"/spaces/{space['id']}")
    asked = await admin.look(f"/spaces/{space['id']}/delete")
    assert f"These are in the space office: The untagged VLAN of {vlan['fabric']}." in asked
    asked = await admin.look(f"/fabrics/{vlan['fabric_id']}/delete")
    assert f"Its VLAN untagged is in use by subnet {CIDR}, " in asked
    assert "p-button--negative" not in asked
    refused = await admin.send(f"/spaces/{space['id']}/delete")
    assert refused.status_code == 409
    assert "VLAN untagged of fabric " in refused.text
    assert "(id " not in refused.text
    await house.admin.put(f"vlans/{vlan['id']}/", space="")
    assert "The space office was deleted." in (await admin.send(f"/spaces/{space['id']}/delete")).text


async def test_a_static_route_is_made_changed_and_deleted(admin: Visitor, house: Inn) -> None:
    a, b = [await house.admin.post("subnets/", cidr=f"10.{number}.0.0/24") for number in (1, 2)]
    made = await admin.send(
        "/static-routes/new",
        source=f"id:{a['id']}",
        destination=f"id:{b['id']}",
        gateway_ip="10.1.0.9",
        metric="5",
    )
    assert made.url.path == "/static-routes", made.text
    assert "10.1.0.9" in made.text
    (route,) = await house.admin.get("static-routes/")
    wrong = await admin.send(
        f"/static-routes/{route['id']}/edit",
        source=f"id:{a['id']}",
        destination=f"id:{b['id']}",
        gateway_ip="10.2.0.9",
        metric="5",
    )
    assert 'id="gateway_ip-wrong"' in wrong.text
    assert "from 10.1.0.0/24 to 10.2.0.0/24" in await admin.look(f"/static-routes/{route['id']}/delete")
    await admin.send(f"/static-routes/{route['id']}/delete")
    assert await house.admin.get("static-routes/") == []


async def test_a_user_has_ranges_and_addresses_of_their_own(admin: Visitor, house: Inn) -> None:
    subnet = await house.admin.post("subnets/", cidr="10.1.0.0/24")
    await house.admin.post("ipranges/", type="dynamic", start_ip="10.1.0.100", end_ip="10.1.0.120")
    (dynamic,) = await house.admin.get("ipranges/")
    house.client(username="ann")
    async with Visitor(house) as ann:
        await ann.sign_in("ann")
        form = await ann.look(f"/ip-ranges/new?subnet={subnet['id']}")
        assert 'value="dynamic"' not in form
        made = await ann.send(
            f"/ip-ranges/new?subnet={subnet['id']}",
            type="reserved",
            start_ip="10.1.0.10",
            end_ip="10.1.0.19",
            subnet=f"id:{subnet['id']}",
            comment="printers",
        )
        assert made.url.path == f"/subnets/{subnet['id']}", made.text
        shown = await ann.look("/ip-ranges")
        assert "printers" in shown
        assert f'href="/ip-ranges/{dynamic["id"]}/edit"' not in shown
        await ann.look(f"/ip-ranges/{dynamic['id']}/edit", status=403)
        mine = next(one for one in await house.admin.get("ipranges/") if one["comment"] == "printers")
        assert mine["user"]["username"] == "ann"
        await ann.send(f"/ip-ranges/{mine['id']}/edit", type="reserved", start_ip="10.1.0.10", end_ip="10.1.0.12")
        await ann.send(f"/ip-ranges/{mine['id']}/delete")
        assert [one["id"] for one in await house.admin.get("ipranges/")] == [dynamic["id"]]

        kept = await ann.send(f"/addresses/new?subnet={subnet['id']}", subnet=f"id:{subnet['id']}", hostname="vip")
        assert kept.url.path == f"/subnets/{subnet['id']}", kept.text
        assert "reserved by ann for vip" in words(kept.text)
        (address,) = await house.admin.get("ipaddresses/", all="true")
        assert address["ip"] in await ann.look("/addresses")
        wrong = await ann.send("/addresses/new", ip="nonsense")
        assert 'id="ip-wrong"' in wrong.text
        await ann.look(f"/addresses/{address['ip']}/release")
        gone = await ann.send(f"/addresses/{address['ip']}/release")
        assert "was released" in gone.text
        assert await house.admin.get("ipaddresses/", all="true") == []


async def test_domains(admin: Visitor, house: Inn) -> None:
    await admin.send("/domains/new", name="lab.example")
    one = next(each for each in await house.admin.get("domains/") if each["name"] == "lab.example")
    shown = await admin.send(f"/domains/{one['id']}/default")
    assert shown.url.path == "/domains"
    assert (await house.admin.get(f"domains/{one['id']}/"))["is_default"] is True
    assert "Make another one the default first" in await admin.look(f"/domains/{one['id']}/delete")
    renamed = await admin.send(f"/domains/{one['id']}/edit", name="site.example")
    assert "The domain site.example was changed." in renamed.text


async def test_ids_that_are_none_are_not_found(admin: Visitor) -> None:
    for noun in ("fabrics", "vlans", "subnets", "spaces"):
        for key in ("7", "x", "9" * 40):
            await admin.look(f"/{noun}/{key}", status=404)
            await admin.look(f"/{noun}/{key}/edit", status=404)


async def test_many_addresses_are_shown_page_by_page(
    admin: Visitor, house: Inn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("subnets", "addresses", "ip_ranges"):
        monkeypatch.setattr(f"innkeeper.web.{module}.PAGE", 3)
    monkeypatch.setattr("innkeeper.web.subnets.MOST", 4)
    subnet = await house.admin.post("subnets/", cidr="10.77.0.0/24")
    for number in (40, 2, 4, 30, 6, 8, 10):
        await house.admin.post("ipaddresses/", op="reserve", ip=f"10.77.0.{number}")
    for number in range(4):
        first = 100 + 10 * number
        await house.admin.post("ipranges/", type="reserved", start_ip=f"10.77.0.{first}", end_ip=f"10.77.0.{first + 1}")
    for path, word in ((f"/subnets/{subnet['id']}", "addresses"), ("/addresses", "addresses")):
        seen = []
        for page in (1, 2, 3):
            text = await admin.look(f"{path}?page={page}")
            assert f"of 7 {word}" in words(text)
            heads = re.findall(r'<th scope="row">(10[.]77[.]0[.][0-9]+)</th>\s*<td>(?!10[.])', text)
            seen += [ip for ip in heads if int(ip.rpartition(".")[2]) < 100]
        assert seen == [f"10.77.0.{number}" for number in (2, 4, 6, 8, 10, 30, 40)], path
    assert "The first 4 of " in words(await admin.look(f"/subnets/{subnet['id']}"))
    assert "1–3 of 4 ranges" in words(await admin.look("/ip-ranges"))
    assert "4–4 of 4 ranges" in words(await admin.look("/ip-ranges?page=2"))
