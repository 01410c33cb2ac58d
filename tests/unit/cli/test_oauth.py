"""Keys and the header that carries them, read back by a foreign OAuth library."""

from __future__ import annotations

import time
from urllib.parse import unquote

import pytest
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header

from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.oauth import ApiKey, authorization, parse_key


def test_the_header_holds_all_that_plaintext_needs() -> None:
    header = authorization(ApiKey(consumer="c", token="t", secret="s+/ é"))
    fields = {name: unquote(value) for name, value in parse_authorization_header(header)}
    assert header.startswith('OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT", oauth_consumer_key="c", ')
    assert 'oauth_signature="%26s%2B%2F%20%C3%A9"' in header
    assert abs(time.time() - int(fields.pop("oauth_timestamp"))) < 5
    assert len(fields.pop("oauth_nonce")) == 32
    assert fields == {
        "oauth_version": "1.0",
        "oauth_signature_method": "PLAINTEXT",
        "oauth_consumer_key": "c",
        "oauth_token": "t",
        "oauth_signature": "&s+/ é",
    }


def test_no_nonce_is_used_twice() -> None:
    key = parse_key("c:t:s")
    nonces = {dict(parse_authorization_header(authorization(key)))["oauth_nonce"] for _ in range(50)}
    assert len(nonces) == 50


def test_a_key_has_three_parts_and_hides_its_secret() -> None:
    key = parse_key(" consumer:token:secret\n")
    assert key == ApiKey(consumer="consumer", token="token", secret="secret")
    assert "secret" not in repr(key).replace("secret=", "")


@pytest.mark.parametrize("text", ["", "one", "one:two", "one:two:", "::", "one:two:three:four"])
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(CommandFailed, match=r"This is not an API key\.") as caught:
        parse_key(text)
    assert caught.value.details == "A key has three parts, divided by colons."
    assert "maas apikey --username NAME" in caught.value.resolution
