"""Meeting a host for the first time: what was typed, brought into one form; the certificate it shows; ours for it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from innkeeper.errors import Invalid
from innkeeper.hypervisors import simulated
from innkeeper.hypervisors.base import Credentials
from innkeeper.hypervisors.lxd import address as lxd_address
from innkeeper.hypervisors.lxd import certificates, trust
from innkeeper.hypervisors.lxd.certificates import CertificateFacts

LXD, SIMULATED = "lxd", "simulated"


def kinds(*, simulated_hosts: Path | None) -> tuple[str, ...]:
    """The kinds of host that can be added here."""
    return (LXD, SIMULATED) if simulated_hosts else (LXD,)


def normalise(*, kind: str, address: str, simulated_hosts: Path | None) -> str:
    """The address in its one form; Invalid naming the piece that is wrong."""
    if kind != SIMULATED or simulated_hosts is None:
        return lxd_address.normalise(address)
    name = address.strip().removeprefix(simulated.PREFIX).removesuffix(".json").rsplit("/", 1)[-1]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}", name):
        message = f"{address!r} is not the name of a simulated host"
        raise Invalid(f"Invalid power_address: {message}.", fields={"power_address": [message]})
    return f"{simulated.PREFIX}{simulated_hosts / name}.json"


def check_project(name: str) -> str:
    """The name itself when a host would take it as a project's name; Invalid with the rule."""
    return lxd_address.check_project(name)


async def server_certificate(*, kind: str, address: str, timeout: float) -> str:
    """The certificate (PEM) that the server shows, to be pinned. Raises HostUnreachable."""
    if kind == SIMULATED:
        return simulated.certificate(Path(address.removeprefix(simulated.PREFIX)))
    return await certificates.fetch_server_certificate(address, timeout=timeout)


def fingerprint(certificate: str) -> str:
    """SHA-256 of a certificate, lower-case hex."""
    if certificate.startswith("simulated"):
        return hashlib.sha256(certificate.encode()).hexdigest()
    return certificates.fingerprint(certificate)


def named_by_token(text: str) -> str:
    """The fingerprint of the server that a trust token is of; "" for what is not a token."""
    token = trust.read_token(text)
    return token.fingerprint if token else ""


def make_credentials(*, name: str) -> Credentials:
    """A key and certificate of our own for one host."""
    return certificates.make(name=name)


def bring_credentials(*, certificate: str, key: str) -> Credentials:
    """Checked credentials that a person brought; Invalid naming the field."""
    return certificates.bring(certificate=certificate, key=key)


def expires(certificate: str) -> float:
    """When a client certificate (PEM) ends, epoch seconds."""
    return certificates.inspect(certificate).not_after.timestamp()


def facts(certificate: str) -> CertificateFacts:
    """What a client certificate (PEM) says."""
    return certificates.inspect(certificate)
