"""Adding a VM host as pages: each step at its address, over real TLS, and what is kept when a person goes away."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import sqlalchemy as sa

from innkeeper.hypervisors.lxd import certificates
from innkeeper.operations import retention
from innkeeper.store import host_drafts, secrets
from innkeeper.store.database import Write
from innkeeper.store.draft_tables import host_draft
from tests.doubles.lxd import LxdDouble
from tests.kit.house import Inn, inn
from tests.web.visitor import ORIGIN, Visitor


@pytest.fixture
async def swift(tmp_path: Path) -> AsyncIterator[Inn]:
    async with inn(tmp_path, trust_every=0.1, poll_every=0.2, host_timeout=3.0) as one:
        yield one


@pytest.fixture
async def admin(swift: Inn) -> AsyncIterator[Visitor]:
    async with Visitor(swift) as one:
        await one.sign_in("admin")
        yield one


@pytest.fixture
async def lxd() -> AsyncIterator[LxdDouble]:
    """A server that speaks LXD's API over TLS, and does not trust us yet."""
    async with LxdDouble() as double:
        double.world.trusted = False
        yield double


async def begun(admin: Visitor, lxd: LxdDouble, **fields: str) -> str:
    """The address of what is begun: "/hosts/add/1"."""
    said = {"power_address": lxd.address, "name": "alpha", "zone": "default", "pool": "default"} | fields
    there = await admin.send("/hosts/add", **said)
    assert there.url.path.endswith("/credentials"), there.text
    return there.url.path.removesuffix("/credentials")


async def confirmed(admin: Visitor, lxd: LxdDouble, at: str) -> httpx2.Response:
    """The page after the server's fingerprint was confirmed."""
    fingerprint = certificates.fingerprint(lxd.certificate)
    assert fingerprint in await admin.look(f"{at}/server")
    return await admin.send(f"{at}/server", fingerprint=fingerprint)


async def to_review(admin: Visitor, lxd: LxdDouble) -> str:
    """What is begun, with all steps done but the last: a server that trusts us, and a new project."""
    lxd.world.trusted = True
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="made")
    await confirmed(admin, lxd, at)
    await admin.http.get(f"{at}/trust")
    await admin.send(f"{at}/project", how="new", project="fresh")
    return at


async def test_by_a_certificate_made_here(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    lxd.world.add_project("guests")
    lxd.world.add_instance("old-one", project="guests")
    lxd.world.add_instance("elsewhere")
    at = await begun(admin, lxd, tags="ssd, rack-7")
    assert (await admin.send(f"{at}/credentials", way="made")).url.path == f"{at}/server"
    assert lxd.requests == []  # nothing was asked but its certificate
    waiting = await confirmed(admin, lxd, at)
    assert waiting.url.path == f"{at}/trust"
    assert "Waiting until the server trusts" in waiting.text
    assert lxd.bodies == []
    lxd.world.trusted = True
    there = await admin.http.get(f"{at}/trust")
    assert there.url.path == f"{at}/project"
    assert "guests" in there.text
    review = await admin.send(f"{at}/project", how="have guests", project="")
    assert review.url.path == f"{at}/review"
    assert "old-one" in review.text
    assert "Nothing: shown and locked" in review.text
    assert "1 VM of other projects" in review.text
    assert "elsewhere" not in review.text
    assert await swift.admin.get("vm-hosts/") == []
    added = await admin.send(f"{at}/review")
    (host,) = await swift.admin.get("vm-hosts/")
    assert added.url.path == f"/hosts/{host['id']}"
    assert "alpha was added." in added.text
    assert (host["state"], host["project"], host["tags"]) == ("ready", "guests", ["ssd", "rack-7"])
    assert host["certificate_fingerprint"] == certificates.fingerprint(lxd.certificate)
    (machine,) = await swift.admin.get("machines/", hostname="old-one")
    assert (machine["status_name"], machine["locked"]) == ("Deployed", True)
    assert [one for one in lxd.bodies if "instances" in one[0]] == []  # nothing was done to what runs there
    assert swift.house.services.database.ask(host_drafts.listing) == []
    for step in ("", "/address", "/credentials", "/server", "/trust", "/project", "/review", "/delete"):
        back = await admin.http.get(at + step)
        assert (back.url.path, back.status_code) == (f"/hosts/{host['id']}", 200), step
    for step in ("/review", "/delete", "/project"):
        assert (await admin.send(at + step)).url.path == f"/hosts/{host['id']}", step
    await remembered(swift, at, admin)
    await swift.admin.delete(f"vm-hosts/{host['id']}/")
    assert lxd.world.trusted is False  # the certificate was made here: it left the trust list with the host
    assert await admin.look(at, status=404)
    assert "Not added yet" not in await admin.look("/hosts")


async def remembered(swift: Inn, at: str, admin: Visitor) -> None:
    """What is kept of one that was added: no secret, and for a time where it is."""
    services = swift.house.services
    assert services.database.ask(secrets.get, services.cipher, path="host-draft/1/key") == ""
    services.database.transact(lambda write: aged(write, 1, days=host_drafts.KEPT_DAYS - 1))
    await retention.prune(services)
    assert (await admin.http.get(at)).url.path.startswith("/hosts/")
    kept = services.database.ask(host_drafts.find, 1)
    assert (kept.certificate, kept.server_certificate) == ("", "")


async def test_one_that_was_added_is_forgotten_in_time(swift: Inn, admin: Visitor) -> None:
    services = swift.house.services
    host_id = await swift.add_host("alpha")

    def fill(write: Write) -> int:
        id = host_drafts.create(
            write, kind="lxd", name="alpha", address="x", zone="default", pool="default", tags=(), actor="admin"
        )
        host_drafts.update(write, id, host_id=host_id)
        return id

    id = services.database.transact(fill)
    assert (await admin.http.get(f"/hosts/add/{id}/project")).url.path == f"/hosts/{host_id}"
    services.database.transact(lambda write: aged(write, id, days=host_drafts.KEPT_DAYS + 1))
    await retention.prune(services)
    assert await admin.look(f"/hosts/add/{id}/project", status=404)


async def test_the_second_of_two_clicks_leads_to_the_same_host(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    at = await to_review(admin, lxd)
    both = await asyncio.gather(admin.send(f"{at}/review"), admin.send(f"{at}/review"))
    assert [(one.url.path, one.status_code) for one in both] == [("/hosts/1", 200)] * 2
    assert len(await swift.admin.get("vm-hosts/")) == 1


async def test_by_a_token(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    token = lxd.token()
    at = await begun(admin, lxd)
    server = await admin.send(f"{at}/credentials", way="token", token=token)
    assert "The trust token names the same fingerprint" in server.text
    assert lxd.bodies == []
    there = await confirmed(admin, lxd, at)
    assert there.url.path == f"{at}/project"
    assert lxd.world.trusted
    assert token not in server.text + there.text + await admin.look(f"{at}/credentials")
    added = await review_new(admin, at, "fresh")
    assert added.url.path == "/hosts/1", added.text
    assert "fresh" in lxd.world.projects
    assert (await swift.admin.get("vm-hosts/1/"))["project"] == "fresh"


async def review_new(admin: Visitor, at: str, project: str) -> httpx2.Response:
    """Take a new project and add the host."""
    review = await admin.send(f"{at}/project", how="new", project=project)
    assert f'{project} <span class="muted">(new, made now)' in review.text
    return await admin.send(f"{at}/review")


async def test_a_token_of_another_server_is_not_sent(admin: Visitor, lxd: LxdDouble) -> None:
    at = await begun(admin, lxd)
    server = await admin.send(f"{at}/credentials", way="token", token=lxd.world.token("ab" * 32))
    assert "names another server" in server.text
    refused = await admin.send(f"{at}/server", fingerprint=certificates.fingerprint(lxd.certificate))
    assert refused.status_code == 409
    assert lxd.requests == []


async def test_a_token_that_was_used_is_told_and_another_one_helps(admin: Visitor, lxd: LxdDouble) -> None:
    at = await begun(admin, lxd)
    used = lxd.token()
    lxd.world.tokens.clear()
    await admin.send(f"{at}/credentials", way="token", token=used)
    there = await confirmed(admin, lxd, at)
    assert there.url.path == f"{at}/trust"
    assert "was used already or has expired" in there.text
    assert (await admin.send(f"{at}/credentials", way="token", token=lxd.token())).url.path == f"{at}/project"


async def test_by_an_old_password(admin: Visitor, lxd: LxdDouble) -> None:
    lxd.world.password = "correct-horse"
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="password", password="correct-horse")
    assert lxd.bodies == []
    there = await confirmed(admin, lxd, at)
    assert there.url.path == f"{at}/project"
    assert "correct-horse" not in there.text + await admin.look(f"{at}/credentials")


async def test_by_a_brought_certificate_pasted_or_as_files(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    mine = certificates.make(name="mine")
    at = await begun(admin, lxd)
    wrong = await admin.send(f"{at}/credentials", way="brought", certificate=mine.certificate, key=another_key())
    assert wrong.status_code == 400
    assert 'id="key-wrong"' in wrong.text
    assert "PRIVATE KEY" not in wrong.text
    assert "BEGIN CERTIFICATE" in wrong.text  # what is not secret stays in the form
    files = {"certificate_file": ("mine.crt", mine.certificate), "key_file": ("mine.key", mine.key)}
    there = await admin.http.post(f"{at}/credentials", data={"way": "brought"}, files=files, headers={"Origin": ORIGIN})
    assert there.url.path == f"{at}/server", there.text
    lxd.world.trusted = True
    assert (await confirmed(admin, lxd, at)).url.path == f"{at}/project"
    await review_new(admin, at, "fresh")
    pem = (await swift.nobody.call("GET", "/MAAS/vmhost-certificate/alpha")).text
    assert certificates.fingerprint(pem) == certificates.fingerprint(mine.certificate)
    await swift.admin.delete("vm-hosts/1/")
    assert lxd.world.trusted is True  # it is not ours to take back


def another_key() -> str:
    """A key of another certificate."""
    return certificates.make(name="other").key


async def test_all_that_is_wrong_stands_beside_its_field(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    await swift.add_host("taken")
    refused = await admin.send(
        "/hosts/add", power_address="ftp://x", name="taken", zone="nowhere", pool="default", tags="kept"
    )
    assert refused.status_code == 400
    for name in ("power_address", "name", "zone"):
        assert f'id="{name}-wrong"' in refused.text
    assert 'value="kept"' in refused.text
    refused = await admin.send("/hosts/add", power_address="x", tags=f"ssd,{'x' * 257}")
    assert 'id="tags-wrong"' in refused.text
    assert swift.house.services.database.ask(host_drafts.listing) == []


async def test_what_was_begun_is_on_the_list_and_goes_on_where_it_was(
    admin: Visitor, swift: Inn, lxd: LxdDouble
) -> None:
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="made")
    listed = await admin.look("/hosts")
    assert f'href="{at}/server"' in listed
    assert (await admin.http.get(at)).url.path == f"{at}/server"
    assert (await admin.http.get(f"{at}/review")).url.path == f"{at}/server"  # no step is left out
    assert (await admin.send(f"{at}/review")).url.path == f"{at}/server"
    assert 'value="alpha"' in await admin.look(f"{at}/address")
    gone = await admin.send(f"{at}/delete")
    assert "alpha is not added." in gone.text
    assert await admin.look(at, status=404)
    raw = (swift.hosts.parent / "innkeeper.sqlite").read_bytes()
    assert b"PRIVATE KEY" not in raw


async def test_giving_up_takes_our_certificate_back(admin: Visitor, lxd: LxdDouble) -> None:
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="token", token=lxd.token())
    await confirmed(admin, lxd, at)
    assert lxd.world.trusted
    assert "out of the server" in await admin.look(f"{at}/delete")
    await admin.send(f"{at}/delete")
    assert not lxd.world.trusted


async def test_a_server_that_changed_meanwhile_is_not_pinned(admin: Visitor, lxd: LxdDouble) -> None:
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="made")
    before = certificates.fingerprint(lxd.certificate)
    await lxd.change_certificate()
    refused = await admin.send(f"{at}/server", fingerprint=before)
    assert refused.status_code == 409
    assert "shows another certificate now" in refused.text
    assert certificates.fingerprint(lxd.certificate) in refused.text


async def test_a_server_that_does_not_answer_can_be_tried_again(admin: Visitor, lxd: LxdDouble) -> None:
    at = await begun(admin, lxd, power_address="127.0.0.1:1")
    there = await admin.send(f"{at}/credentials", way="made")
    assert there.url.path == f"{at}/server"
    assert "Try again" in there.text
    await admin.send(f"{at}/address", power_address=lxd.address, name="alpha", zone="default", pool="default")
    assert (await confirmed(admin, lxd, at)).url.path == f"{at}/trust"


async def test_the_command_works_when_it_is_pasted(admin: Visitor, lxd: LxdDouble, tmp_path: Path) -> None:
    """It ends by itself, and hands over the very certificate that can be downloaded."""
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="made")
    page = (await confirmed(admin, lxd, at)).text
    found = re.search(r'<code id="trust-command">(.*?)</code>', page, re.DOTALL)
    assert found
    command = found[1].replace("&lt;", "<").replace("&#39;", "'")
    assert command.startswith("lxc config trust add --name innkeeper - <<")
    assert pasted(command + "echo after\n", tmp_path) == ("after\n", "")
    file = await admin.http.get(f"{at}/trust/certificate")
    assert file.headers["content-disposition"] == 'attachment; filename="alpha.crt"'
    assert (tmp_path / "lxc.got").read_text() == file.text
    assert "PRIVATE" not in file.text


def pasted(text: str, directory: Path) -> tuple[str, str]:
    """What a shell prints that is given this, where `lxc` keeps what it is handed in `lxc.got`."""
    tool = directory / "lxc"
    tool.write_text('#!/bin/sh\n[ "$*" = "config trust add --name innkeeper -" ] && cat >"$0.got"\n')
    tool.chmod(0o755)
    env = {"PATH": f"{directory}:/usr/bin:/bin"}
    done = subprocess.run(["bash"], input=text, env=env, text=True, capture_output=True, check=True, timeout=20)
    return done.stdout, done.stderr


async def test_an_open_page_hears_that_the_server_trusts_us(admin: Visitor, lxd: LxdDouble) -> None:
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="made")
    page = (await confirmed(admin, lxd, at)).text
    assert f'data-live="{at}/trust/live?shown=waiting"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    lxd.world.trusted = True
    again = await admin.http.get(f"{at}/trust", headers={"HX-Request": "true"})
    assert again.headers["HX-Redirect"] == f"{at}/project"


async def test_a_project_that_is_a_host_already_cannot_be_taken_twice(
    admin: Visitor, swift: Inn, lxd: LxdDouble
) -> None:
    lxd.world.trusted = True
    await swift.admin.post("vm-hosts/", type="lxd", power_address=lxd.address, name="first")
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="made")
    assert "VM host <a" in await admin.look(f"{at}/server")
    await confirmed(admin, lxd, at)
    assert 'It is VM host <a href="/hosts/1">first</a> already.' in await admin.look(f"{at}/project")
    twice = await admin.send(f"{at}/project", how="new", project="default")
    assert twice.status_code == 400
    assert 'id="project-wrong"' in twice.text
    await admin.send(f"{at}/project", how="have default", project="")
    refused = await admin.send(f"{at}/review")
    assert refused.status_code == 409
    assert "is VM host first" in refused.text
    assert "alpha was added." in (await review_new(admin, at, "second")).text  # nothing was lost
    assert [one["project"] for one in await swift.admin.get("vm-hosts/")] == ["default", "second"]


async def test_sent_twice_it_is_added_once(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    at = await to_review(admin, lxd)
    draft = swift.house.services.database.ask(host_drafts.find, 1)
    shown = swift.house.services.database.ask(host_drafts.credentials, swift.house.services.cipher, draft)
    await swift.admin.post(  # as a server that dies before it has answered leaves it
        "vm-hosts/", type="lxd", power_address=lxd.address, name="alpha", project="fresh",
        certificate=shown.certificate, key=shown.key,
    )  # fmt: skip
    assert (await admin.send(f"{at}/review")).url.path == "/hosts/1"
    assert len(await swift.admin.get("vm-hosts/")) == 1


async def test_one_that_is_a_host_is_not_given_up(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    """It was added, and nobody has looked at the page since: its certificate is the host's."""
    services = swift.house.services
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="token", token=lxd.token())
    await confirmed(admin, lxd, at)
    draft = services.database.ask(host_drafts.find, 1)
    shown = services.database.ask(host_drafts.credentials, services.cipher, draft)
    await swift.admin.post(
        "vm-hosts/", type="lxd", power_address=lxd.address, name="alpha", certificate=shown.certificate, key=shown.key
    )
    assert "Not added yet" not in await admin.look("/hosts")
    assert (await admin.http.get(f"{at}/delete")).url.path == "/hosts/1"
    await admin.send(f"{at}/delete")
    assert lxd.world.trusted


async def test_what_nobody_went_on_with_is_forgotten_in_time(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    services = swift.house.services
    for name in ("old", "new"):
        at = await begun(admin, lxd, name=name)
        await admin.send(f"{at}/credentials", way="made")
    services.database.transact(lambda write: aged(write, 1, days=host_drafts.KEPT_DAYS - 1))
    await retention.prune(services)
    listed = await admin.look("/hosts")
    assert [one.name for one in services.database.ask(host_drafts.listing)] == ["old", "new"]
    assert f"kept for {host_drafts.KEPT_DAYS} days" in listed
    services.database.transact(lambda write: aged(write, 1, days=host_drafts.KEPT_DAYS + 1))
    await retention.prune(services)
    assert [one.name for one in services.database.ask(host_drafts.listing)] == ["new"]
    assert services.database.ask(secrets.get, services.cipher, path="host-draft/1/key") == ""
    assert services.database.ask(secrets.get, services.cipher, path="host-draft/2/key") != ""
    told = await swift.admin.get("/api/v1/events")
    assert [one["what"] for one in told if "forgotten" in one["text"]] == ["draft forgotten"]


async def test_one_that_is_a_host_is_tidied_away(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    services = swift.house.services
    at = await begun(admin, lxd)
    await admin.send(f"{at}/credentials", way="token", token=lxd.token())
    await confirmed(admin, lxd, at)
    draft = services.database.ask(host_drafts.find, 1)
    shown = services.database.ask(host_drafts.credentials, services.cipher, draft)
    await swift.admin.post(
        "vm-hosts/", type="lxd", power_address=lxd.address, name="alpha", certificate=shown.certificate, key=shown.key
    )
    await retention.prune(services)
    assert await admin.look(at, status=404)
    assert lxd.world.trusted
    assert (await swift.admin.get("vm-hosts/1/"))["state"] == "ready"


def aged(write: Write, id: int, *, days: int) -> None:
    """As if nobody had gone on with one for so long."""
    write.sql.execute(sa.update(host_draft).where(host_draft.c.id == id).values(updated=write.now() - days * 86400))


async def test_users_do_not_add_hosts(swift: Inn, admin: Visitor, lxd: LxdDouble) -> None:
    at = await begun(admin, lxd)
    swift.client(username="ann")
    async with Visitor(swift) as ann:
        await ann.sign_in("ann")
        for path in ("/hosts/add", f"{at}/credentials", f"{at}/trust/certificate", f"{at}/trust/live"):
            await ann.look(path, status=403)
        assert (await ann.send("/hosts/add", power_address="x", name="y")).status_code == 403
        listed = await ann.look("/hosts")
        assert "/hosts/add" not in listed


async def test_simulated_hosts_only_where_they_are_set_up(admin: Visitor, swift: Inn, tmp_path: Path) -> None:
    there = await admin.send(
        "/hosts/add", type="simulated", power_address="alpha", name="alpha", zone="default", pool="default"
    )
    at = there.url.path.removesuffix("/credentials")
    await admin.send(f"{at}/credentials", way="made")
    page = await admin.look(f"{at}/server")
    fingerprint = re.search(r'id="shown">([0-9a-f]{64})<', page)
    assert fingerprint
    await admin.send(f"{at}/server", fingerprint=fingerprint[1])
    await admin.http.get(f"{at}/trust")
    assert (await review_new(admin, at, "fresh")).url.path == "/hosts/1"


async def test_without_the_setting_there_is_one_kind(tmp_path: Path) -> None:
    async with inn(tmp_path, simulated_hosts=None) as house, Visitor(house) as admin:
        await admin.sign_in("admin")
        assert "Simulated" not in await admin.look("/hosts/add")
        refused = await admin.send(
            "/hosts/add", type="simulated", power_address="a", name="a", zone="default", pool="default"
        )
        assert refused.status_code == 400


async def test_a_host_of_the_api_that_waits_for_trust(admin: Visitor, swift: Inn, lxd: LxdDouble) -> None:
    await swift.admin.post("vm-hosts/", type="lxd", power_address=lxd.address, name="waits")
    assert 'href="/hosts/1/trust"' in await admin.look("/hosts")
    page = await admin.look("/hosts/1/trust")
    pem = (await swift.nobody.call("GET", "/MAAS/vmhost-certificate/waits")).text
    assert pem.strip() in page
    assert certificates.fingerprint(lxd.certificate) in page
    missing = await admin.send("/hosts/1/trust/token", password="")
    assert missing.status_code == 400
    there = await admin.send("/hosts/1/trust/token", password=lxd.token())
    assert there.url.path == "/hosts/1"
    assert (await swift.admin.get("vm-hosts/1/"))["state"] == "ready"
    assert (await admin.http.get("/hosts/1/trust")).url.path == "/hosts/1"
