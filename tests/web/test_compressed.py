"""What is sent compressed, and what is not."""

from __future__ import annotations

import gzip
import re

from innkeeper.web.static import directory
from tests.kit.house import Inn
from tests.web.visitor import Visitor


async def test_pages_are_compressed_for_those_who_know_how(admin: Visitor) -> None:
    packed = await admin.http.get("/zones", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["vary"]
    plain = await admin.http.get("/zones", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert re.sub(r"\s", "", packed.text) == re.sub(r"\s", "", plain.text)


async def test_the_api_and_streams_are_not(admin: Visitor, house: Inn) -> None:
    await house.add_host()
    for path in ("/MAAS/api/2.0/vm-hosts/", "/api/v1/hosts", "/metrics"):
        answer = await house.admin.http.get(path, headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in answer.headers, path


async def test_built_files_are_sent_as_they_were_compressed(admin: Visitor) -> None:
    text = await admin.look("/zones")
    for path in re.findall(r'(?:href|src)="(/static/[^"]+\.[0-9a-f]{12}\.[^"]+)"', text):
        packed = await admin.http.get(path, headers={"Accept-Encoding": "gzip"})
        plain = await admin.http.get(path, headers={"Accept-Encoding": "identity"})
        assert packed.content == plain.content
        assert packed.headers["content-type"] == plain.headers["content-type"]
        assert "immutable" in packed.headers["cache-control"]
        assert (packed.headers.get("content-encoding") == "gzip") is not path.endswith(".woff2"), path
        assert "content-encoding" not in plain.headers


def test_a_compressed_file_is_the_file() -> None:
    many = [*directory().glob("*.gz")]
    assert len(many) > 3
    for one in many:
        assert gzip.decompress(one.read_bytes()) == one.with_suffix("").read_bytes()
