"""Being trusted: tokens and passwords, old and new servers, Incus."""

from __future__ import annotations

import base64
import json

import pytest

from innkeeper.errors import HostChanged, HostRefused, HostUntrusted
from innkeeper.hypervisors.lxd import certificates, trust
from innkeeper.hypervisors.lxd.driver import Lxd
from tests.doubles.lxd import Cut, LxdDouble, credentials
from tests.doubles.world import sample


@pytest.fixture(params=["LXD 5.0", "LXD 5.21", "Incus 6"])
def server(request: pytest.FixtureRequest, double: LxdDouble) -> str:
    """An untrusting server of each kind."""
    double.world.trusted = False
    if request.param == "LXD 5.21":
        double.world.server["api_extensions"].append("explicit_trust_token")
    if request.param == "Incus 6":
        double.world.server = sample("incus-server")
    return str(request.param)


async def test_T11_a_token_is_spent_once(driver: Lxd, double: LxdDouble, server: str) -> None:
    token = double.token()
    await driver.redeem(secret=token, name="host1@innkeeper")
    assert (await driver.identify()).trusted
    ((_, body),) = double.bodies
    assert body["name"] == "host1@innkeeper"
    assert ("trust_token" in body) == (server != "LXD 5.0")
    await driver.redeem(secret=token, name="host1@innkeeper")  # trusted already: nothing is sent
    assert len(double.bodies) == 1

    double.world.trusted = False
    with pytest.raises(HostRefused) as refused:
        await driver.redeem(secret=token, name="host1@innkeeper")
    assert "used already or has expired" in refused.value.details
    assert "No matching certificate add operation found" in refused.value.details
    assert "config trust add" in refused.value.resolution
    assert token not in str(refused.value)


async def test_T11_line_breaks_of_a_pasted_token_do_not_matter(driver: Lxd, double: LxdDouble) -> None:
    double.world.trusted = False
    token = double.token()
    await driver.redeem(secret=f" {token[:40]}\n{token[40:]}\n", name="x")
    assert (await driver.identify()).trusted


async def test_T11_a_token_of_another_server_is_not_sent(driver: Lxd, double: LxdDouble) -> None:
    double.world.trusted = False
    other = "ab" * 32
    with pytest.raises(HostChanged) as changed:
        await driver.redeem(secret=double.world.token(other), name="x")
    assert other in changed.value.details
    assert certificates.fingerprint(double.certificate) in changed.value.details
    assert double.requests == []


async def test_T11_a_lost_answer_is_found_out(driver: Lxd, double: LxdDouble) -> None:
    """The token was taken, and the answer got lost: asked again, the token is used and yet all is well."""
    double.world.trusted = False
    token = double.token()
    double.faults["POST /1.0/certificates"] = Cut(done=True)
    with pytest.raises(Exception, match="outcome is unknown"):
        await driver.redeem(secret=token, name="x")
    await driver.redeem(secret=token, name="x")
    assert (await driver.identify()).trusted


async def test_T12_passwords(driver: Lxd, double: LxdDouble, server: str) -> None:
    if server == "LXD 5.0":
        double.world.password = "secret"
        with pytest.raises(HostRefused) as refused:
            await driver.redeem(secret="wrong", name="x")
        assert "core.trust_password" in refused.value.resolution
        await driver.redeem(secret="secret", name="x")
        assert (await driver.identify()).trusted
        return
    with pytest.raises(HostRefused) as refused:
        await driver.redeem(secret="secret", name="x")
    assert "use a token" in refused.value.brief
    assert ("`incus config trust add`" if server == "Incus 6" else "`lxc config trust add`") in refused.value.resolution
    assert "secret" not in str(refused.value)
    assert len(double.bodies) == (0 if server == "Incus 6" else 1)  # LXD 5.21 still takes passwords, so it is asked


async def test_T12_a_password_that_lxd_5_21_takes(driver: Lxd, double: LxdDouble) -> None:
    double.world.trusted = False
    double.world.server["api_extensions"].append("explicit_trust_token")
    double.world.password = "secret"
    await driver.redeem(secret="secret", name="x")
    assert (await driver.identify()).trusted


async def test_forget(driver: Lxd, double: LxdDouble) -> None:
    await driver.forget()
    assert not double.world.trusted
    await driver.forget()
    fingerprint = certificates.fingerprint(credentials().certificate)
    assert double.requests.count(f"DELETE /1.0/certificates/{fingerprint}") == 2


async def test_another_certificate_is_trusted_and_distrusted(driver: Lxd, double: LxdDouble) -> None:
    """As the rotation of our own needs it."""
    double.world.own = certificates.fingerprint(credentials().certificate)
    fresh = certificates.make(name="fresh").certificate
    for _ in range(2):
        await driver.trust(certificate=fresh, name="host1@innkeeper")
        assert double.world.certificates == {certificates.fingerprint(fresh)}
    assert len(double.bodies) == 1
    for _ in range(2):
        await driver.distrust(certificate=fresh)
        assert double.world.certificates == set()
    assert double.world.trusted
    double.world.trusted = False
    with pytest.raises(HostUntrusted):
        await driver.distrust(certificate=fresh)
    with pytest.raises(HostUntrusted):
        await driver.trust(certificate=fresh, name="x")


def test_tokens_are_recognised() -> None:
    told = {"client_name": "c", "fingerprint": "AB12", "addresses": ["10.0.0.5:8443"], "secret": "s", "expires_at": "…"}
    token = trust.read_token(base64.b64encode(json.dumps(told).encode()).decode())
    assert token == trust.Token(fingerprint="ab12", addresses=("10.0.0.5:8443",), secret="s")
    assert "secret='s'" not in repr(token)
    for other in ("", "password", "pässword", base64.b64encode(b"[1]").decode(), base64.b64encode(b'{"a":1}').decode()):
        assert trust.read_token(other) is None
