"""SSH keys as people paste them."""

from __future__ import annotations

import base64

import pytest

from innkeeper.errors import Invalid
from innkeeper.model.ssh_key import KINDS, check


def key(kind: str, *, inside: str = "") -> str:
    name = (inside or kind).encode()
    return f"{kind} {base64.b64encode(len(name).to_bytes(4) + name + bytes(40)).decode()}"


@pytest.mark.parametrize("kind", KINDS)
def test_keys_of_every_kind(kind: str) -> None:
    assert check(f"\n  {key(kind)}   ann@her laptop \n") == f"{key(kind)} ann@her laptop"
    assert check(key(kind)) == key(kind)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is empty"),
        (f"{key('ssh-rsa')}\n{key('ssh-rsa')}", "one line"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nsecret", "this is a private key"),
        ("ssh-dss AAAA", "must begin with"),
        ("ssh-ed25519", "damaged"),
        ("ssh-ed25519 !!!", "damaged"),
        (key("ssh-ed25519", inside="ssh-rsa"), "damaged"),
        (f"{key('ssh-rsa')} a\tb\x07", "cannot be printed"),
    ],
)
def test_what_is_no_public_key(text: str, told: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(text)
    assert told in caught.value.fields["key"][0]
    assert "secret" not in str(caught.value)
