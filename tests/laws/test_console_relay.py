"""Two processes of one installation, one console: each shows it to its own viewers, whichever of them has it open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa

from innkeeper.hypervisors.simulated_world import World
from innkeeper.model.lifecycle import Status
from innkeeper.store import machines, users
from innkeeper.store.account_tables import user_account as user
from innkeeper.store.database import Write
from innkeeper.store.opening import open_store
from innkeeper.store.tables import host, machine, process
from tests.kit.client import oauth
from tests.kit.databases import fresh_postgres
from tests.kit.forked import Forked
from tests.kit.server import running
from tests.kit.until import until
from tests.kit.watcher import Watcher
from tests.laws.conftest import Site, make_site

pytestmark = pytest.mark.postgres
Watch = Callable[..., Awaitable[Watcher]]


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Site]:
    """Two servers, running."""
    with fresh_postgres() as url:
        made = make_site(tmp_path, url, servers=2)
        with running(*made.servers):
            yield made
        made.accounts.close()


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    """A function that opens the live console of a machine at a server; closed at the end."""
    opened: list[Watcher] = []
    async with aiohttp.ClientSession() as session:

        async def at(server: Forked, system_id: str, key: str) -> Watcher:
            url = f"{server.base}/api/v1/machines/{system_id}/console/live"
            opened.append(Watcher(await session.ws_connect(url, headers={"Authorization": oauth(key)})))
            return opened[-1]

        yield at
        for one in opened:
            with suppress(aiohttp.ClientError, OSError):
                await one.go()


class Pair:
    """A machine that runs, the server that watches its host, and the other one."""

    def __init__(self, site: Site, *, name: str, system_id: str, keeper: Forked, other: Forked) -> None:
        self.site, self.name, self.system_id, self.keeper, self.other = site, name, system_id, keeper, other

    def prints(self, text: str) -> None:
        def change(world: World) -> None:
            world.printed["default/web1"] = world.printed.get("default/web1", "") + text

        self.site.change(self.name, change)

    @property
    def connections(self) -> int:
        return self.site.see(self.name).consoles.get("default/web1", 0)

    async def let_go(self) -> None:
        async def closed() -> bool:
            return self.connections == 0

        await until(closed)

    def record(self, change: Callable[[Write], object]) -> object:
        """Change something in the database, or ask it."""
        database, _, _ = open_store(self.other.settings)
        try:
            return database.transact(change)
        finally:
            database.close()


async def pair(site: Site) -> Pair:
    """See `Pair`."""
    name = site.host()
    async with site.admin() as admin:
        id = int((await admin.post("vm-hosts/", type="simulated", power_address=name))["id"])
        system_id = await admin.compose(id, hostname="web1")
        await admin.post(f"machines/{system_id}/", op="power_on")
    made = Pair(site, name=name, system_id=system_id, keeper=site.servers[0], other=site.servers[1])
    query = sa.select(process.c.address).join(host, host.c.watcher == process.c.id).where(host.c.id == id)

    async def watched() -> object:
        return made.record(lambda write: write.sql.scalar(query))

    base = await until(watched)
    if made.keeper.base != base:
        made.keeper, made.other = made.other, made.keeper
    assert made.keeper.base == base
    return made


async def test_viewers_of_both_see_one_console_and_type_into_it(two: Site, watch: Watch) -> None:
    it = await pair(two)
    far = await watch(it.other, it.system_id, two.key)
    await far.hears("opened", "web1")  # nobody watches where it is open
    it.prints("hello\r\n")
    await far.sees("hello\r\n")
    near = await watch(it.keeper, it.system_id, two.key)
    await near.sees("hello\r\n")
    await far.socket.send_str("from afar\r")
    await near.socket.send_str("from near\r")
    for one in (far, near):
        await one.sees("from afar\r\n")
        await one.sees("from near\r\n")
    late = await watch(it.other, it.system_id, two.key)
    await late.sees("hello\r\n")
    assert it.connections == 1
    for server in two.servers:
        async with two.admin(server) as admin:
            log = await admin.get(f"/api/v1/machines/{it.system_id}/console")
            assert (log["open"], "from afar" in log["text"]) == (True, True)
    for one in (near, far, late):
        assert one.printed.count(b"from afar") == 1
        assert it.connections == 1
        await one.go()
    await it.let_go()


async def test_what_was_kept_where_it_is_open_is_shown_elsewhere(two: Site, watch: Watch) -> None:
    it = await pair(two)
    near = await watch(it.keeper, it.system_id, two.key)
    await near.hears("opened")
    it.prints("".join(f"line {number}\r\n" for number in range(100)))
    await near.sees("line 99\r\n")
    async with two.admin(it.other) as admin:  # where nobody has watched it
        log = await admin.get(f"/api/v1/machines/{it.system_id}/console")
    assert (log["open"], log["text"].startswith("line 0\n"), "line 99" in log["text"]) == (True, True, True)
    far = await watch(it.other, it.system_id, two.key)
    await far.sees("line 99\r\n")
    assert far.printed.startswith(b"line 0\r\n")
    await far.go()
    it.prints("meanwhile\r\n")
    await near.sees("meanwhile")
    again = await watch(it.other, it.system_id, two.key)
    await again.sees("meanwhile\r\n")
    assert again.printed.count(b"line 99\r\n") == 1, "of what was kept at both only the rest is told"


async def test_the_keeper_dies_and_the_viewer_goes_on(two: Site, watch: Watch) -> None:
    it = await pair(two)
    far = await watch(it.other, it.system_id, two.key)
    await far.hears("opened")
    it.prints("before\r\n")
    await far.sees("before\r\n")
    far.words.clear()
    it.keeper.kill()
    await far.hears("waiting", "It does not show it any more.")
    await far.hears("opened")
    it.prints("after\r\n")
    await far.sees("after\r\n")
    await far.socket.send_str("typed\r")
    await far.sees("typed\r\n")
    assert far.printed.count(b"before") == 1
    it.keeper.start()  # under another name: it finds the host watched, and its viewers see what is kept there
    near = await watch(it.keeper, it.system_id, two.key)
    await near.sees("before\r\nafter\r\ntyped\r\n")


async def test_a_keeper_that_stops_in_order_hands_over(two: Site, watch: Watch) -> None:
    it = await pair(two)
    far = await watch(it.other, it.system_id, two.key)
    await far.hears("opened")
    near = await watch(it.keeper, it.system_id, two.key)
    await near.hears("opened")
    far.words.clear()
    await asyncio.to_thread(it.keeper.stop)
    await near.hears("ended", "This server is stopping.")
    await far.hears("waiting", "This server is stopping.")
    await far.hears("opened")
    it.prints("after")
    await far.sees("after")
    assert it.connections == 1


async def test_the_machine_stops_and_starts(two: Site, watch: Watch) -> None:
    it = await pair(two)
    far = await watch(it.other, it.system_id, two.key)
    await far.hears("opened")
    async with two.admin(it.other) as admin:
        await admin.post(f"machines/{it.system_id}/", op="power_off", stop_mode="hard")
        await far.hears("waiting", "web1 ended")
        await far.hears("waiting", "web1 is off")
        await far.socket.send_str("x")
        await far.hears("dropped", "went nowhere")
        far.words.clear()
        await admin.post(f"machines/{it.system_id}/", op="power_on")
        await far.hears("opened")
        await admin.delete(f"machines/{it.system_id}/")
    await far.hears("ended", "gone")
    await far.ended()


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "before_it_is_noticed"])
async def test_nobody_sees_what_was_printed_under_another_owner(two: Site, watch: Watch, noticed: bool) -> None:
    """Whom the console says that it is open, sees all that it prints from then on."""
    it = await pair(two)

    def give(name: str) -> str:
        def change(write: Write) -> str:
            if not any(one.username == name for one in users.listing(write.sql)):
                users.create(write, username=name, password="secret")
            id = write.sql.scalar(sa.select(user.c.id).where(user.c.username == name))
            machines.update(write, it.system_id, owner_id=id)
            return name

        it.record(change)
        return it.other.key(name)

    ann = give("ann")
    hers, administrators = await watch(it.other, it.system_id, ann), await watch(it.other, it.system_id, two.key)
    await hers.hears("opened")
    it.prints("secret of ann\r\n")
    for one in (hers, administrators):
        await one.sees("secret of ann")
    bob = give("bob")
    if noticed:
        await hers.hears("ended", "another owner")
    his = await watch(it.other, it.system_id, bob)
    await hers.hears("ended", "another owner")
    await hers.ended()
    await his.hears("opened")
    it.prints("of bob\r\n")
    for one in (his, administrators):
        await one.sees("of bob")
    assert b"secret" not in his.printed
    assert b"of bob" not in hers.printed
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:  # the process that the viewer is connected to
        await watch(it.other, it.system_id, ann)
    assert refused.value.status == 404


async def test_the_keeper_stays_with_a_deployment_that_another_process_began(two: Site, watch: Watch) -> None:
    """Its first lines are kept where it is judged, though no look at waiting guests has begun there yet."""
    it = await pair(two)

    def becomes(status: Status) -> None:
        it.record(lambda write: write.sql.execute(sa.update(machine).values(status=int(status))))

    becomes(Status.DEPLOYING)
    far = await watch(it.other, it.system_id, two.key)
    await far.hears("opened")
    it.prints("booting")
    await far.sees("booting")
    await far.go()
    near = await watch(it.keeper, it.system_id, two.key)
    await near.sees("booting")
    await near.go()
    async with two.admin(it.keeper) as admin:
        assert (await admin.get(f"/api/v1/machines/{it.system_id}/console"))["open"] is True
    becomes(Status.DEPLOYED)
    await it.let_go()
