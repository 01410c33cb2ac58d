"""A second server on another machine joins by the database's address and the key file; anything else stops it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.kit.databases import fresh_postgres
from tests.kit.forked import Forked
from tests.kit.server import Server, free_port, running
from tests.laws.conftest import QUICK, Site, make_site

pytestmark = pytest.mark.postgres


@pytest.fixture
def empty() -> Iterator[str]:
    """A PostgreSQL database with nothing in it."""
    with fresh_postgres() as url:
        yield url


@pytest.fixture
def site(tmp_path: Path, empty: str) -> Iterator[Site]:
    made = make_site(tmp_path, empty)
    with running(*made.servers):
        yield made
    made.accounts.close()


def machine(site: Site, **settings: object) -> Server:
    """A server on another machine: its own data directory, the real command."""
    data = site.directory / f"elsewhere{len(list(site.directory.iterdir()))}"
    data.mkdir()
    return Server(data, url=site.url, hosts=site.directory / "hosts", **(QUICK | settings))


def refusal(server: Server) -> str:
    """What it says when it does not start."""
    command = [sys.executable, "-m", "innkeeper.cli.entry", "up"]
    done = subprocess.run(command, env=server._env, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr + done.stdout
    return done.stderr


async def test_it_reaches_every_host_without_a_new_trust_step(site: Site) -> None:
    hosts = {}
    async with site.admin() as admin:
        for name in (site.host(trusting=False), site.host(trusting=False)):
            made = await admin.post("vm-hosts/", type="simulated", power_address=name, password="token")
            hosts[name] = int(made["id"])
    trusted = {name: site.see(name).trusted for name in hosts}
    other = machine(site, key_file=shutil.copy(site.server.settings.encryption_key_file, site.directory / "copied.key"))
    site.server.kill()  # only the other one is left to do anything
    with running(other):
        async with site.admin(other) as admin:
            for name, id in hosts.items():
                await admin.post(f"vm-hosts/{id}/", op="refresh")
                await admin.compose(id, storage="root:8,data:5")
                assert site.see(name).trusted == trusted[name]
    assert site.accounts.wrong() == []
    assert [site.see(name).calls["redeem"] for name in hosts] == [1, 1]


def test_a_wrong_key_stops_it_at_start(site: Site) -> None:
    other = machine(site)
    key = other.settings.encryption_key_file
    key.write_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")
    said = refusal(other)
    assert "encryption key does not fit the database" in said
    assert "key_file" in said


def test_no_key_stops_it_too_and_none_is_made_up(site: Site) -> None:
    other = machine(site)
    said = refusal(other)
    assert "There is no encryption key" in said
    assert "Copy the key file from the first server" in said
    assert list(other.data.iterdir()) == []


def test_what_is_no_key_is_said(site: Site) -> None:
    other = machine(site)
    other.settings.encryption_key_file.write_text("not a key")
    assert "does not hold an encryption key" in refusal(other)


def test_three_first_starts_at_once_make_one_installation(tmp_path: Path, empty: str) -> None:
    """On an empty database, with one key file that nobody has made yet: one administrator, one key, one schema."""
    (tmp_path / "hosts").mkdir()
    servers = []
    for number in range(3):
        data = tmp_path / f"server{number}"
        data.mkdir()
        key_file = tmp_path / "shared" / "encryption.key"
        servers.append(Forked(data, url=empty, key_file=key_file, hosts=tmp_path / "hosts", **QUICK))
    try:
        for one in servers:
            one._spawn()
        for one in servers:
            one._until_ready(30)
    finally:
        for one in servers:
            one.kill()
    said = Counter(line.split(":")[0].strip() for one in servers for line in one.log.read_text().splitlines())
    assert said["API key"] == 1
    assert said["Innkeeper is up"] == 3
    assert list((tmp_path / "shared").iterdir()) == [tmp_path / "shared" / "encryption.key"]
    assert (tmp_path / "shared" / "encryption.key").stat().st_mode & 0o777 == 0o600


def test_two_first_starts_with_keys_of_their_own_leave_one_key(tmp_path: Path, empty: str) -> None:
    """The one that comes second has no key to this database, and does not invent one."""
    servers = []
    for number in range(2):
        data = tmp_path / f"server{number}"
        data.mkdir()
        servers.append(Forked(data, url=empty, **QUICK))
    try:
        for one in servers:
            one._spawn()
        ready = []
        for one in servers:
            try:
                one._until_ready(30)
                ready.append(one)
            except AssertionError:
                assert "There is no encryption key" in one.log.read_text()
    finally:
        for one in servers:
            one.kill()
    assert len(ready) == 1
    keys = [one.settings.encryption_key_file for one in servers]
    assert [one.exists() for one in keys] == [one in ready for one in servers]


def test_a_database_that_is_not_there_is_said(tmp_path: Path, empty: str) -> None:
    nowhere = sa.make_url(empty).set(port=free_port()).render_as_string(hide_password=False)
    said = refusal(Server(tmp_path, url=nowhere))
    assert "The database cannot be used." in said
    assert "refused" in said
    assert str(sa.make_url(empty).password) not in said
