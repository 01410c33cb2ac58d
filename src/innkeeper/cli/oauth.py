"""API keys, and the OAuth 1.0 PLAINTEXT header that carries them."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from urllib.parse import quote

from innkeeper.cli.failures import CommandFailed


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """The three parts of a key; its consumer secret is always empty."""

    consumer: str
    token: str
    secret: str = field(repr=False)


def parse_key(text: str) -> ApiKey:
    """The key written as `consumer:token:secret`. Raises CommandFailed for anything else."""
    parts = text.strip().split(":")
    if len(parts) != 3 or not all(parts):
        raise CommandFailed(
            "This is not an API key.",
            details="A key has three parts, divided by colons.",
            resolution="The server prints keys: maas apikey --username NAME",
        )
    return ApiKey(consumer=parts[0], token=parts[1], secret=parts[2])


def authorization(key: ApiKey) -> str:
    """Value of the Authorization header for one request (new timestamp and nonce each time)."""
    fields = {
        "oauth_version": "1.0",
        "oauth_signature_method": "PLAINTEXT",
        "oauth_consumer_key": key.consumer,
        "oauth_token": key.token,
        "oauth_signature": f"&{key.secret}",
        "oauth_timestamp": str(int(time.time())),
        "oauth_nonce": os.urandom(16).hex(),
    }
    return "OAuth " + ", ".join(f'{name}="{quote(value, safe="~")}"' for name, value in fields.items())
