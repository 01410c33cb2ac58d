"""What people type as the address of a server."""

from __future__ import annotations

import pytest

from innkeeper.cli.address import Address, parse_address
from innkeeper.cli.failures import CommandFailed


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("http://host:5240/MAAS", "http://host:5240/MAAS"),
        ("http://host:5240/MAAS/", "http://host:5240/MAAS"),
        ("host:5240/MAAS", "http://host:5240/MAAS"),
        ("host:5240/MAAS/api/2.0", "http://host:5240/MAAS"),
        ("http://host:5240/MAAS/api/2.0/", "http://host:5240/MAAS"),
        ("host", "http://host/MAAS"),
        ("localhost:5240", "http://localhost:5240/MAAS"),
        ("https://maas.example/MAAS//", "https://maas.example/MAAS"),
        ("https://example.com/deep/MAAS/api/2.0/", "https://example.com/deep/MAAS"),
        ("HTTP://Host:80/MAAS", "http://host:80/MAAS"),
        ("[2001:db8::1]:5240/MAAS", "http://[2001:db8::1]:5240/MAAS"),
        ("192.0.2.7:5240", "http://192.0.2.7:5240/MAAS"),
    ],
)
def test_every_way_to_write_it(typed: str, meant: str) -> None:
    assert str(parse_address(typed)) == meant
    assert parse_address(meant) == parse_address(typed)


def test_its_parts() -> None:
    assert parse_address("[2001:db8::1]:5240") == Address(scheme="http", host="2001:db8::1", port=5240, path="/MAAS")
    assert parse_address("https://host").port is None


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "names no host"),
        ("http://", "names no host"),
        ("ho st/MAAS", "names no host"),
        ("ftp://host/MAAS", "The scheme is ftp"),
        ("http://host:port/MAAS", "ort"),
        ("http://host:99999/MAAS", "ort"),
        ("http://[2001:db8::1/MAAS", "IPv6"),
        ("http://user:secret@host/MAAS", "neither user, query nor fragment"),
        ("http://host/MAAS?x=1", "neither user, query nor fragment"),
        ("http://host/MAAS#x", "neither user, query nor fragment"),
    ],
)
def test_what_is_no_address(typed: str, why: str) -> None:
    with pytest.raises(CommandFailed, match=r"is not the address of a server\.") as caught:
        parse_address(typed)
    assert why in caught.value.details
    assert caught.value.resolution == "Give it like http://localhost:5240/MAAS"
