"""python-libmaas uploads an image in pieces and reads it back."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.clients.test_libmaas import address, client, own_loop, server
from tests.kit.disks import unified

__all__ = ["address", "client", "own_loop", "server"]
pytestmark = [
    pytest.mark.filterwarnings("ignore:Deprecated, use .url:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:verify_ssl is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Bare functions are deprecated:DeprecationWarning"),
]


def test_an_image_is_uploaded(client: Any) -> None:
    told: list[float] = []
    content = unified(salt=b"x" * 5000)
    made = client.boot_resources.create(
        "custom/mine",
        "amd64/generic",
        io.BytesIO(content),
        title="Tiny",
        chunk_size=1000,
        progress_callback=told.append,
    )
    assert told[-1] == 1.0
    assert len(told) > 5
    assert made.sets[max(made.sets)].complete is True
    shown = {one.name: (one.type, one.architecture) for one in client.boot_resources.list()}
    assert shown["custom/mine"] == ("Uploaded", "amd64/generic")
    again = client.boot_resources.create("custom/mine", "amd64/generic", io.BytesIO(content))
    assert again.id == made.id
    again.delete()
    assert "custom/mine" not in [one.name for one in client.boot_resources.list()]


def test_sources_and_selections(client: Any) -> None:
    source = client.boot_sources.create("http://images.test/tree/")
    chosen = client._origin.BootSourceSelections.create(source, "ubuntu", "noble", arches=["amd64"])
    assert (chosen.os, chosen.release, chosen.arches) == ("ubuntu", "noble", ["amd64"])
    assert [one.url for one in client.boot_sources.list()] == ["http://images.test/tree/"]
    chosen.delete()
    source.delete()
