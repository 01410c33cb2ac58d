"""The HTTPS client: the pin, our key, proxies."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization

from innkeeper.errors import (
    HostChanged,
    HostUnreachable,
)
from innkeeper.hypervisors.base import Credentials
from innkeeper.hypervisors.lxd import certificates, shapes, tls
from innkeeper.hypervisors.lxd.client import Client, Connection, Timeouts, unobserved
from innkeeper.hypervisors.lxd.driver import Lxd, connect
from tests.doubles.lxd import LxdDouble, credentials, server_certificate

QUICK = Timeouts(connect=5.0, answer=1.0, change=1.0)
STATE = "/1.0/instances/vm/state"


@pytest.fixture
async def client(double: LxdDouble) -> AsyncIterator[Client]:
    one = Client(Connection(double.target(), timeouts=QUICK, observe=unobserved))
    yield one
    await one.close()


async def test_right_pin(client: Client) -> None:
    assert (await client.get("/1.0", shapes.Server)).auth == "trusted"


async def test_wrong_pin_is_refused_with_both_fingerprints(double: LxdDouble) -> None:
    other = server_certificate().certificate
    driver = await connect(replace(double.target(), server_certificate=other), timeouts=QUICK)
    with pytest.raises(HostChanged) as changed:
        await driver.identify()
    assert certificates.fingerprint(other) in changed.value.details
    assert certificates.fingerprint(double.certificate) in changed.value.details
    assert double.requests == []  # nothing was said to the stranger
    await driver.close()


async def test_changed_certificate_is_refused_until_it_is_pinned_again(driver: Lxd, double: LxdDouble) -> None:
    await driver.identify()
    await double.change_certificate()
    for call in (driver.identify(), driver.describe(), driver.delete(name="vm", machine="m"), driver.forget()):
        with pytest.raises(HostChanged):
            await call
    again = await connect(double.target(), timeouts=QUICK)
    assert (await again.identify()).trusted
    await again.close()


async def test_a_pinned_certificate_stays_good_after_its_date() -> None:
    async with LxdDouble(days=-1) as double:
        driver = await connect(double.target(), timeouts=QUICK)
        assert (await driver.identify()).trusted
        await driver.close()


async def test_the_client_certificate_is_shown_and_its_key_touches_no_disk() -> None:
    """The server takes this certificate only; the key goes through a file of memory that is gone at once."""
    before = set(os.listdir("/proc/self/fd"))
    async with LxdDouble(require=credentials().certificate) as double:
        driver = await connect(double.target(), timeouts=QUICK)
        assert (await driver.identify()).trusted
        links = [os.readlink(f"/proc/self/fd/{fd}") for fd in set(os.listdir("/proc/self/fd")) - before if _is_open(fd)]
        assert not any("memfd" in link or "innkeeper-client" in link for link in links)
        await driver.close()
        stranger = certificates.make(name="stranger")
        driver = await connect(replace(double.target(), credentials=stranger), timeouts=QUICK)
        with pytest.raises(HostUnreachable):
            await driver.identify()
        await driver.close()


def _is_open(fd: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{fd}")


def test_an_unusable_key_does_not_ask_on_the_terminal() -> None:
    key = serialization.load_pem_private_key(credentials().key.encode(), None)
    lock = serialization.BestAvailableEncryption(b"x")
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()
    locked = Credentials(certificate=credentials().certificate, key=pem)
    with pytest.raises(ValueError, match="passphrase"):
        tls.present(tls.blind(), locked)


def test_secrets_are_not_printed(double: LxdDouble) -> None:
    assert "PRIVATE" not in repr(double.target())


async def test_T09_proxy_variables_are_ignored(double: LxdDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    driver = await connect(double.target(), timeouts=QUICK)
    assert (await driver.identify()).trusted
    await driver.close()
