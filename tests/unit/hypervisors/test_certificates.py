"""Client certificates: made, and brought in every form that people have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from innkeeper.errors import HostUnreachable, Invalid
from innkeeper.hypervisors.lxd import certificates
from tests.doubles.keys import NOW, PKCS8, TRADITIONAL, pem, signed
from tests.doubles.lxd import LxdDouble

RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P384 = ec.generate_private_key(ec.SECP384R1())


def refusal(certificate: str, key: str) -> tuple[str, str]:
    """The field and the message of the refusal."""
    with pytest.raises(Invalid) as refused:
        certificates.bring(certificate=certificate, key=key, now=NOW)
    ((field, (message,)),) = refused.value.fields.items()
    return field, message


def test_made_certificate() -> None:
    made = certificates.make(name="host1@innkeeper", now=NOW)
    facts = certificates.inspect(made.certificate)
    leaf = x509.load_pem_x509_certificate(made.certificate.encode())
    key = serialization.load_pem_private_key(made.key.encode(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp384r1"
    assert leaf.version is x509.Version.v3
    assert facts.common_name == "host1@innkeeper"
    assert facts.days_left(NOW) == 3650
    assert facts.fingerprint == certificates.fingerprint(made.certificate) == leaf.fingerprint(hashes.SHA256()).hex()
    assert certificates.bring(certificate=made.certificate, key=made.key, now=NOW) == made


@pytest.mark.parametrize(("name", "cut"), [("x" * 70, "x" * 64), ("ü" * 40, "ü" * 32), ("", "innkeeper")])
def test_made_certificate_has_a_name_that_fits(name: str, cut: str) -> None:
    assert certificates.inspect(certificates.make(name=name).certificate).common_name == cut


def test_credentials_are_not_printed() -> None:
    made = certificates.make(name="x")
    assert "PRIVATE" not in repr(made) + str(made)


@pytest.mark.parametrize("form", [PKCS8, TRADITIONAL])
@pytest.mark.parametrize("key", [RSA, P384])
def test_T01_a_key_with_a_passphrase_is_refused(key: object, form: serialization.PrivateFormat) -> None:
    field, message = refusal(signed(key), pem(key, form, b"geheim"))
    assert field == "key"
    assert "passphrase" in message


@pytest.mark.parametrize(
    ("key", "form"),
    [
        (ec.generate_private_key(ec.SECP256R1()), PKCS8),
        (ec.generate_private_key(ec.SECP256R1()), TRADITIONAL),
        (P384, PKCS8),
        (P384, TRADITIONAL),
        (RSA, PKCS8),
        (RSA, TRADITIONAL),
    ],
)
def test_T02_keys_in_every_common_form(key: object, form: serialization.PrivateFormat) -> None:
    brought = certificates.bring(certificate=signed(key), key=pem(key, form), now=NOW)
    assert brought.key == pem(key)
    assert (
        brought.certificate == certificates.bring(certificate=brought.certificate, key=brought.key, now=NOW).certificate
    )


def test_T02_parameters_before_the_key_as_openssl_writes_them() -> None:
    parameters = "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIg==\n-----END EC PARAMETERS-----\n"
    brought = certificates.bring(certificate=signed(P384), key=parameters + pem(P384, TRADITIONAL), now=NOW)
    assert brought.key == pem(P384)


def test_T02_text_around_the_pem_and_carriage_returns() -> None:
    text = ("Certificate:\n    Data: …\n" + signed(P384) + "\n").replace("\n", "\r\n")
    brought = certificates.bring(certificate=text, key=pem(P384).replace("\n", "\r\n"), now=NOW)
    assert brought.certificate.startswith("-----BEGIN CERTIFICATE-----\n")


def test_T02_a_chain_keeps_its_order_with_the_leaf_first() -> None:
    leaf, above = signed(P384), signed(RSA, name="above")
    assert certificates.bring(certificate=leaf + above, key=pem(P384), now=NOW).certificate == leaf + above
    field, message = refusal(above + leaf, pem(P384))
    assert field == "certificate"
    assert "first" in message


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (ed25519.Ed25519PrivateKey.generate(), "kind of key"),
        (ec.generate_private_key(ec.SECP521R1()), "secp521r1"),
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "1024 bits"),
    ],
)
def test_T03_other_kinds_of_keys_are_refused(key: object, says: str) -> None:
    field, message = refusal(signed(P384), pem(key))
    assert field == "key"
    assert says in message


def test_T03_a_key_that_does_not_fit() -> None:
    assert refusal(signed(P384), pem(RSA)) == ("key", "The key does not belong to the certificate")


@pytest.mark.parametrize(
    ("certificate", "key", "field"),
    [
        ("", pem(P384), "certificate"),
        (signed(P384), " ", "key"),
        ("rubbish", pem(P384), "certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", pem(P384), "certificate"),
        (signed(P384), "rubbish", "key"),
        (signed(P384), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "key"),
        (signed(P384), signed(P384), "key"),
        (pem(P384), signed(P384), "certificate"),
    ],
)
def test_T03_garbage_is_refused_by_field(certificate: str, key: str, field: str) -> None:
    assert refusal(certificate, key)[0] == field


def test_T04_expired_and_not_yet_valid_tell_the_date() -> None:
    old = signed(P384, begin=NOW - timedelta(days=200), days=100)
    assert refusal(old, pem(P384)) == ("certificate", "The certificate expired on 2026-02-21")
    young = signed(P384, begin=NOW + timedelta(days=30))
    assert refusal(young, pem(P384)) == ("certificate", "The certificate is not valid before 2026-07-01")


def test_T05_days_left_of_a_certificate_that_ends_soon() -> None:
    facts = certificates.inspect(signed(P384, begin=NOW, days=20))
    assert facts.days_left(NOW) == 20
    assert facts.days_left(NOW + timedelta(days=20, seconds=1)) == -1


async def test_server_certificate_is_fetched_without_trust(double: LxdDouble) -> None:
    assert await certificates.fetch_server_certificate(double.address) == double.certificate
    assert double.requests == []


async def test_fetching_from_nothing(unused_tcp_port_factory: Callable[[], int]) -> None:
    port = unused_tcp_port_factory()
    with pytest.raises(HostUnreachable, match="Connection refused"):
        await certificates.fetch_server_certificate(f"https://127.0.0.1:{port}")


@pytest.mark.parametrize(
    ("words", "says"), [(b"HTTP/1.1 400 Bad Request\r\n\r\n", "TLS failed"), (b"", "No answer in time")]
)
async def test_fetching_from_a_server_without_tls_or_words(words: bytes, says: str) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        while await reader.read(1024):  # until the client has gone
            continue
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(HostUnreachable, match=says):
            await certificates.fetch_server_certificate(f"https://127.0.0.1:{port}", timeout=0.3)
        await asyncio.sleep(0.05)


async def test_fetching_from_a_name_that_does_not_exist() -> None:
    with pytest.raises(HostUnreachable, match="cannot be resolved"):
        await certificates.fetch_server_certificate("https://nowhere.invalid:8443")
