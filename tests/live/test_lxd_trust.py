"""Identity, inventory, trust and projects, on a real LXD."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from innkeeper.errors import HostRefused, HostUntrusted
from innkeeper.hypervisors.lxd import certificates
from innkeeper.hypervisors.lxd.driver import Lxd, connect
from innkeeper.model.machine import InstanceSpec
from tests.doubles.keys import NOW, pem, signed
from tests.live.conftest import Connected, Lab
from tests.live.vms import machine, opened, soon

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("clean")]
GB = 10**9


async def test_identity_and_inventory(lab: Lab, driver: Lxd) -> None:
    assert await certificates.fetch_server_certificate(lab.address) == lab.server_certificate
    identity = await driver.identify()
    assert (identity.trusted, identity.hypervisor, identity.missing) == (True, "lxd", ())
    told = await driver.describe()
    assert told.faults == ()
    assert (told.version, told.architectures) == (identity.version, ("amd64/generic",))
    assert told.cores
    assert told.memory
    pool = next(pool for pool in told.pools if pool.name == lab.pool)
    assert pool.total
    assert pool.written
    bridge = next(one for one in told.interfaces if one.name == lab.network)
    assert (bridge.kind, bridge.managed, bridge.dhcp, bridge.up) == ("bridge", True, True, True)
    assert bridge.subnets
    assert "default" in told.profiles
    assert "default" in {project.name for project in told.projects}


async def test_T11_token(lab: Lab) -> None:
    fresh = certificates.make(name="innkeeper-live")
    driver = await connect(lab.target(credentials=fresh))
    stranger = await connect(lab.target(credentials=certificates.make(name="stranger")))
    try:
        identity = await driver.identify()
        assert (identity.trusted, identity.missing) == (False, ())
        with pytest.raises(HostUntrusted):
            await driver.describe()
        with pytest.raises(HostUntrusted):
            await driver.delete(name="x", machine="y")
        token = await lab.run("token")
        for _ in range(2):
            await driver.redeem(secret=token, name="innkeeper-live")
            assert (await driver.identify()).trusted
        with pytest.raises(HostRefused, match="used already or has expired"):
            await stranger.redeem(secret=token, name="stranger")
    finally:
        for _ in range(2):
            await driver.forget()
        assert not (await driver.identify()).trusted
        await driver.close()
        await stranger.close()


async def test_T12_password(lab: Lab) -> None:
    driver = await connect(lab.target(credentials=certificates.make(name="innkeeper-live")))
    try:
        with pytest.raises(HostRefused, match="trust password"):
            await driver.redeem(secret="wrong", name="innkeeper-live")
        await lab.lxc("config", "set", "core.trust_password", "right")
        for _ in range(2):
            await driver.redeem(secret="right", name="innkeeper-live")
        assert (await driver.identify()).trusted
    finally:
        await lab.lxc("config", "unset", "core.trust_password")
        await driver.forget()
        await driver.close()


async def test_T02_every_kind_of_key_is_taken(lab: Lab) -> None:
    for key in (
        ec.generate_private_key(ec.SECP256R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ):
        text = signed(key, begin=NOW.replace(year=2020), days=7300)
        brought = certificates.bring(certificate=text, key=pem(key))
        driver = await connect(lab.target(credentials=brought))
        try:
            await driver.redeem(secret=await lab.run("token"), name="brought")
            assert (await driver.identify()).trusted
        finally:
            await driver.forget()
            await driver.close()


async def test_another_certificate_is_trusted_and_distrusted(lab: Lab, driver: Lxd) -> None:
    fresh = certificates.make(name="fresh")
    other = await connect(lab.target(credentials=fresh))
    try:
        for _ in range(2):
            await driver.trust(certificate=fresh.certificate, name="fresh")
        assert (await other.identify()).trusted
        for _ in range(2):
            await driver.distrust(certificate=fresh.certificate)
        assert not (await other.identify()).trusted
    finally:
        await other.close()


async def test_T13_restricted_certificate(lab: Lab, connected: Connected, spec: InstanceSpec) -> None:
    project = f"p-{uuid.uuid4().hex[:8]}"
    admin = await connected(project)
    await admin.ensure_project(description="", tags=spec.tags)
    add = await lab.lxc("config", "trust", "add", "--name", "narrow", "--restricted", "--projects", project)
    credentials = certificates.make(name="narrow")
    narrow = await connect(lab.target(project, credentials=credentials))
    ours = replace(spec, project=project)
    try:
        await narrow.redeem(secret=add.splitlines()[-1], name="narrow")
        told = await narrow.describe()
        assert "other projects" in dict(told.faults)
        assert told.cores
        assert [one.name for one in told.projects] == [project]
        assert [pool.path for pool in told.pools if pool.name == lab.pool] == ["unknown"]
        stream = await opened(narrow)
        await narrow.create(ours)
        assert (await soon(stream)).instance == ours.name
        await stream.aclose()
        assert [one.key for one in await narrow.instances()] == [(project, ours.name)]
        with pytest.raises(HostRefused, match="not authorized"):
            await narrow.trust(certificate=certificates.make(name="x").certificate, name="x")
    finally:
        await admin.delete(name=ours.name, machine=machine(ours))
        await admin.delete_project(operation=dict(spec.tags)["operation"])
        await admin.distrust(certificate=credentials.certificate)
        await narrow.close()


async def test_T14_project(connected: Connected, spec: InstanceSpec) -> None:
    name = f"p-{uuid.uuid4().hex[:8]}"
    driver = await connected(name)
    operation = dict(spec.tags)["operation"]
    for _ in range(2):
        await driver.ensure_project(description="Machines", tags=spec.tags)
    described = await driver.describe()
    assert ("Machines", name) in {(project.description, project.name) for project in described.projects}
    ours = replace(spec, project=name)
    await driver.create(ours)
    for mark in ("another", "", operation):
        await driver.delete_project(operation=mark)  # not its maker, and then not empty
        assert name in {project.name for project in (await driver.describe()).projects}
    await driver.delete(name=ours.name, machine=machine(ours))
    for _ in range(2):
        await driver.delete_project(operation=operation)
        assert name not in {project.name for project in (await driver.describe()).projects}
