"""Client certificates: made by us or brought; and what a server shows before it is pinned."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NoReturn
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from innkeeper.errors import Invalid
from innkeeper.hypervisors.base import Credentials
from innkeeper.hypervisors.lxd import failures, tls

YEARS = 10
_CURVES = ("secp256r1", "secp384r1")
_LEAST_RSA_BITS = 2048
_KEY_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class CertificateFacts:
    """What a certificate says. `fingerprint`: SHA-256, lower-case hex without colons."""

    common_name: str
    fingerprint: str
    not_before: datetime
    not_after: datetime

    def days_left(self, now: datetime) -> int:
        """Whole days until it expires; negative once it has."""
        return (self.not_after - now) // timedelta(days=1)


def make(*, name: str, now: datetime | None = None) -> Credentials:
    """A new P-384 key with a self-signed client certificate for `name` (cut to 64 bytes), valid for 10 years.

    P-384 is what LXD itself makes; it takes 1 ms where RSA-4096 takes a second.
    """
    now = now or datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP384R1())
    common_name = (name or "innkeeper").encode()[:64].decode("utf-8", "ignore")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # a host's clock may be behind ours
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA384())
    )
    return Credentials(certificate=_pem(certificate), key=_key_pem(key))


def bring(*, certificate: str, key: str, now: datetime | None = None) -> Credentials:
    """Brought PEM texts, checked and brought into one form: the chain with its leaf first, the key as PKCS#8.

    Invalid names the field (`certificate` or `key`): one without the other, garbage, a passphrase, a kind LXD does
    not take, a key that does not fit, expired or not yet valid (with the date).
    """
    if not certificate.strip() or not key.strip():
        missing = "certificate" if not certificate.strip() else "key"
        given = "key" if missing == "certificate" else "certificate"
        _refuse(missing, f"A {given} was given without its {missing}")
    chain = _chain(certificate)
    private = _key(key)
    leaf = chain[0]
    if leaf.public_key() != private.public_key():
        if any(link.public_key() == private.public_key() for link in chain[1:]):
            _refuse("certificate", "The certificate that belongs to the key must come first in the chain")
        _refuse("key", "The key does not belong to the certificate")
    now = now or datetime.now(UTC)
    if leaf.not_valid_after_utc <= now:
        _refuse("certificate", f"The certificate expired on {leaf.not_valid_after_utc:%Y-%m-%d}")
    if leaf.not_valid_before_utc > now:
        _refuse("certificate", f"The certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%d}")
    credentials = Credentials(certificate="".join(_pem(link) for link in chain), key=_key_pem(private))
    try:
        tls.present(tls.blind(), credentials)  # the last word is OpenSSL's, which will have to use it
    except ssl.SSLError as error:
        _refuse("certificate", f"OpenSSL does not accept the certificate ({error.reason or error})")
    return credentials


def inspect(certificate: str) -> CertificateFacts:
    """The facts of the first certificate in a PEM text. Invalid(certificate) when there is none."""
    leaf = _chain(certificate)[0]
    names = leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return CertificateFacts(
        common_name=str(names[0].value) if names else "",
        fingerprint=leaf.fingerprint(hashes.SHA256()).hex(),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
    )


def fingerprint(certificate: str) -> str:
    """SHA-256 of the first certificate in a PEM text, as LXD writes it: 64 hex digits."""
    return _chain(certificate)[0].fingerprint(hashes.SHA256()).hex()


def der(certificate: str) -> str:
    """The first certificate in a PEM text as LXD takes it in a request: base64 of its DER form."""
    return base64.b64encode(_chain(certificate)[0].public_bytes(serialization.Encoding.DER)).decode()


async def fetch_server_certificate(address: str, *, timeout: float = 10.0) -> str:
    """The certificate (PEM) that the server at a normalised address shows, unverified, within `timeout` seconds.

    For the pin at first contact, to be shown to a person by its fingerprint. Raises HostUnreachable.
    """
    parts = urlsplit(address)
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=tls.blind())
    except (OSError, TimeoutError) as error:
        raise failures.unreachable(address, error) from None
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        # Not waited for: a host that does not say goodbye would hold us.
        writer.transport.abort()
    return ssl.DER_cert_to_PEM_cert(shown)


def _chain(text: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        _refuse("certificate", "This is not a certificate in PEM form")


def _key(text: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    # `openssl ecparam -genkey` puts a block of parameters before the key.
    block = _KEY_BLOCK.search(text)
    if not block:
        _refuse("key", "This is not a private key in PEM form")
    try:
        key = serialization.load_pem_private_key(block[0].encode(), None)
    except TypeError:
        _refuse("key", "The key has a passphrase, which is not possible here: give it without one")
    except (ValueError, UnsupportedAlgorithm):
        _refuse("key", "This is not a private key that can be read")
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < _LEAST_RSA_BITS:
            _refuse("key", f"The RSA key has {key.key_size} bits; at least {_LEAST_RSA_BITS} are needed")
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey):
        if key.curve.name not in _CURVES:
            _refuse("key", f"The curve {key.curve.name} is not supported: use P-384 or P-256")
        return key
    _refuse("key", "This kind of key is not supported: use RSA, or EC with P-384 or P-256")


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _refuse(field: str, message: str) -> NoReturn:
    raise Invalid(f"{message}.", fields={field: [message]})
