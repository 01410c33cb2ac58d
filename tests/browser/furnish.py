"""What the demo fleet has not got of itself, so that there is one of everything that has a page."""

from __future__ import annotations

import httpx2

from innkeeper.hypervisors.simulated_world import world
from innkeeper.store import operations, users
from innkeeper.store.database import Write
from innkeeper.store.opening import open_store
from innkeeper.store.operations import State
from innkeeper.store.tables import operation
from tests.kit.client import Client
from tests.kit.disks import unified
from tests.kit.server import Server

USER, MINE = "ann", "inn-9"  # no administrator; their machine
_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ann@laptop"


async def furnish(site: Server) -> list[str]:
    """Networks, an image and a source of others, keys, tags, a user with a machine, hosts that are being added,
    work on many, and one that goes on. Pages that no link leads to, or not from where one begins."""
    key = _user(site)
    async with httpx2.AsyncClient(base_url=site.base, timeout=60, trust_env=False, follow_redirects=True) as http:
        admin, user = Client(http, site.key()), Client(http, key)
        vlan = await _networks(admin)
        await admin.post("tags/", name="gpu", comment="Has a graphics card.")
        await admin.post("domains/", name="inn.example")
        mine = await user.post("machines/", op="allocate", name=MINE)
        await admin.post("tags/gpu/", op="update_nodes", add=mine["system_id"])
        for one in (admin, user):
            await one.post("account/prefs/sshkeys/", key=_KEY)
        (other,) = await admin.get("machines/", hostname="inn-10")
        _stopped(site, str(other["system_id"]))
        results = await _by_hand(site, http, str(mine["system_id"]))
        return [vlan, results, await _under_way(site, admin)]


def _user(site: Server) -> str:
    """The key of a new user who is no administrator."""
    database, cipher, _ = open_store(site.settings)
    try:
        database.transact(users.create, username=USER, password="secret", is_admin=False)
        return database.transact(users.add_key, cipher, username=USER).text
    finally:
        database.close()


def _stopped(site: Server, system_id: str) -> None:
    """An operation that was stopped, as after too many crashes."""

    def stop(write: Write) -> None:
        order = operations.submit(
            write,
            kind="power_on",
            first_step="nowhere",
            host_id=1,
            system_id=system_id,
            arguments={"name": "x", "force": False},
            actor="admin",
        )
        write.sql.execute(operation.update().where(operation.c.id == order).values(state=State.STOPPED, step="start"))

    database, _, _ = open_store(site.settings)
    try:
        database.transact(stop)
    finally:
        database.close()


async def _under_way(site: Server, admin: Client) -> str:
    """A machine that is composed for an hour."""
    (oak,) = [one for one in await admin.get("vm-hosts/") if one["name"] == "oak"]
    with world(site.settings.data / "fleet" / "oak.json") as state:
        state.create_seconds = 3600.0
    await admin.call("POST", f"vm-hosts/{oak['id']}/", op="compose", hostname="slow")
    (one,) = await admin.get("/api/v1/operations", open_only=True)
    return f"/operations/{one['id']}"


async def _networks(admin: Client) -> str:
    """One of everything; a VLAN that can be deleted."""
    first, second = [await admin.post("subnets/", cidr=f"10.77.{number}.0/24") for number in (1, 2)]
    await admin.post("static-routes/", source=first["id"], destination=second["id"], gateway_ip="10.77.1.1")
    await admin.post("ipranges/", type="reserved", start_ip="10.77.1.100", end_ip="10.77.1.110", comment="routers")
    await admin.post("ipaddresses/", op="reserve", ip="10.77.1.9", hostname="printer")
    await admin.post("spaces/", name="office")
    fabric = await admin.post("fabrics/", name="backbone")
    vlan = await admin.post(f"fabrics/{fabric['id']}/vlans/", vid=42)
    return f"/vlans/{vlan['id']}"


async def _by_hand(site: Server, http: httpx2.AsyncClient, system_id: str) -> str:
    """What is made on pages: an image, a source of images, two hosts in the midst of being added, work on many. The
    results of that."""

    async def send(path: str, files: dict[str, tuple[str, bytes]] | None = None, **fields: str) -> str:
        answer = await http.post(path, data=fields, files=files, headers={"Origin": site.base})
        assert answer.is_success, f"{path}: {answer.status_code}: {answer.text}"
        return answer.url.path

    await send("/sign-in", username="admin", password="secret")
    await send("/images/upload", {"content": ("tiny.tar", unified())}, name="tiny", architecture="amd64")
    await send("/images/sources/new", url="https://images.invalid/releases/")
    for name, trusting in (("newton", False), ("ohm", True)):
        with world(site.settings.data / "fleet" / f"{name}.json") as state:
            state.trusting = trusting
        at = await send("/hosts/add", type="simulated", power_address=name, name=name, zone="default", pool="default")
        draft = at.removesuffix("/credentials")
        await send(f"{draft}/credentials", way="made")
        page = (await http.get(f"{draft}/server")).text
        shown = page.partition('name="fingerprint" value="')[2].partition('"')[0]
        await send(f"{draft}/server", fingerprint=shown)
        if trusting:
            await http.get(f"{draft}/trust")
            assert await send(f"{draft}/project", how="new", project="inn") == f"{draft}/review"
    await send("/machines/bulk?action=lock", machine=system_id)
    return await send("/machines/bulk?action=unlock", machine=system_id)
