"""Where guests find us, and what is waited for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from innkeeper.errors import Invalid
from innkeeper.model.deployment import (
    Deployment,
    Sign,
    base_url,
    check_guest_address,
    in_words,
    late_in_words,
    signs,
)


@pytest.mark.parametrize(
    ("chosen", "our_end", "listens", "url"),
    [
        ("", "10.0.0.1", "0.0.0.0", "http://10.0.0.1:5240"),
        ("", "fd00::1", "::", "http://[fd00::1]:5240"),
        ("", "fd00::1", "0.0.0.0", ""),
        ("", "10.0.0.1", "::", ""),
        ("", "10.0.0.1", "10.7.0.1", "http://10.7.0.1:5240"),
        ("", "10.0.0.1", "inn.example", "http://inn.example:5240"),
        ("", "10.0.0.1", "127.0.0.1", ""),
        ("", "10.0.0.1", "localhost", ""),
        ("", "127.0.0.1", "0.0.0.0", ""),
        ("", "fe80::1%eth0", "::", ""),
        ("", "", "0.0.0.0", ""),
        ("192.0.2.1", "", "127.0.0.1", "http://192.0.2.1:5240"),
        ("192.0.2.1:80", "", "127.0.0.1", "http://192.0.2.1:80"),
        ("fd00::1", "", "127.0.0.1", "http://[fd00::1]:5240"),
        ("[fd00::1]:80", "", "127.0.0.1", "http://[fd00::1]:80"),
        ("https://inn.example/here/", "", "127.0.0.1", "https://inn.example/here"),
    ],
)
def test_where_guests_call(chosen: str, our_end: str, listens: str, url: str) -> None:
    assert base_url(chosen=chosen, our_end=our_end, listens=listens, port=5240) == url


@pytest.mark.parametrize(
    "text", ["", "10.0.0.1", "10.0.0.1:80", "inn.example", "fd00::1", "[fd00::1]:80", "http://inn.example:5240/x"]
)
def test_what_can_be_set_as_their_address(text: str) -> None:
    assert check_guest_address(f" {text} ") == text


@pytest.mark.parametrize(
    "text", ["ftp://inn", "inn example", "10.0.0.1/x", "http://", "inn:port", "a:b@c", "inn:123456"]
)
def test_what_cannot(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_guest_address(text)
    assert set(caught.value.fields) == {"guest_address"}


def test_what_is_waited_for() -> None:
    assert signs("http://10.0.0.1:5240") == (Sign.PHONE_HOME,)
    assert signs("") == (Sign.AGENT, Sign.LEASE)
    # their own phone_home takes the place of ours
    assert set(signs("http://10.0.0.1:5240", user_data="#cloud-config\nphone_home: {url: x}\n")) == set(Sign)
    assert "agent or a lease" in in_words(signs(""), "")
    assert "http://10.0.0.1:5240" in in_words((Sign.PHONE_HOME,), "http://10.0.0.1:5240")


def late(url: str, *, agent: bool = False, addresses: Sequence[str] = ()) -> str:
    one = Deployment(system_id="x", image_id=1, signs=signs(url), base_url=url, started=0.0, deadline=1.0)
    return late_in_words(one, agent=agent, addresses=addresses)


def test_why_a_guest_failed() -> None:
    """Seen, and silent: then it is the way to us that is looked at. Not where nobody saw it, nor waits for a call."""
    url = "http://10.0.0.1:5240"
    assert f"sees its lease at 10.0.0.5, fd00::5, but it did not call {url}: " in late(
        url, addresses=["10.0.0.5", "fd00::5"]
    )
    assert f"sees its agent, but it did not call {url}: " in late(url, agent=True)
    assert late(url).endswith("(waited for: phone home)")
    assert late("").endswith("(waited for: agent or lease)")
    assert "guest_address" not in late("", agent=True)
