#!/usr/bin/env python3
"""A tree of images (simplestreams) as Ubuntu and LXD publish them, made of the tiny guest, and its server on loopback.

    lab/streams.py build DIRECTORY [TINY.tar]    the tree: lab/1 for amd64, and a release without a disk
    lab/streams.py serve DIRECTORY [PORT]        serve it until Ctrl-C; prints the address

The server understands ranges, so that what was cut off can go on.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import io
import json
import lzma
import re
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_TAKEN = 0.5  # seconds before a cut, in which the client takes what was sent: a cut line would lose it
_RANGE = re.compile(r"bytes=(\d+)-")


@dataclass(frozen=True)
class Product:
    """An image of a tree: its newest version, by the type of each file."""

    os: str
    release: str
    title: str
    files: dict[str, bytes]
    arch: str = "amd64"
    version: str = "20260101"
    variant: str = "default"

    @property
    def name(self) -> str:
        return f"{self.os}:{self.release}:{self.arch}:{self.variant}"


def build(directory: Path, *products: Product) -> None:
    """Write a tree of these products; what was there is written over."""
    documents = {product.name: _product(directory, product) for product in products}
    streams = directory / "streams" / "v1"
    streams.mkdir(parents=True, exist_ok=True)
    told = {"datatype": "image-downloads", "path": "streams/v1/images.json", "products": sorted(documents)}
    index = {"format": "index:1.0", "index": {"images": told}}
    images = {"format": "products:1.0", "content_id": "images", "products": documents}
    (streams / "index.json").write_text(json.dumps(index))
    (streams / "images.json").write_text(json.dumps(images))


def _product(directory: Path, product: Product) -> dict[str, object]:
    place = directory / "images" / product.os / product.release / product.arch / product.variant / product.version
    place.mkdir(parents=True, exist_ok=True)
    items = {}
    for ftype, content in product.files.items():
        (place / ftype).write_bytes(content)
        items[ftype] = {
            "ftype": ftype,
            "path": str((place / ftype).relative_to(directory)),
            "sha256": hashlib.sha256(content).hexdigest(),
            "size": len(content),
        }
    return {
        "arch": product.arch,
        "os": product.os,
        "release": product.release,
        "release_title": product.title,
        "variant": product.variant,
        "versions": {product.version: {"items": items}},
    }


def tiny(archive: Path) -> Product:
    """The tiny guest as a product: its image taken apart into metadata and disk."""
    with tarfile.open(archive) as tar:
        told, disk = (tar.extractfile(name) for name in ("metadata.yaml", "rootfs.img"))
        assert told is not None
        assert disk is not None
        metadata, content = told.read(), disk.read()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo("metadata.yaml")
        entry.size = len(metadata)
        tar.addfile(entry, io.BytesIO(metadata))
    packed = lzma.compress(buffer.getvalue())
    return Product("lab", "1", "Tiny", {"lxd.tar.xz": packed, "disk-kvm.img": content})


@dataclass
class Serving:
    """A server of a tree. `cut`: bytes after which the next answers end as if the line were cut, one each."""

    directory: Path
    cut: list[int] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    address: str = ""


@contextmanager
def serving(directory: Path, *, port: int = 0) -> Iterator[Serving]:
    """Serve a directory on 127.0.0.1."""
    told = Serving(directory)
    handler = functools.partial(_Handler, told)
    with http.server.ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        told.address = f"http://127.0.0.1:{server.server_address[1]}/"
        thread = threading.Thread(target=server.serve_forever, name="streams", daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, serving: Serving, *args: object) -> None:
        self._serving = serving
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self._serving.requests.append(f"{self.path} {wanted}".strip())
        root = self._serving.directory.resolve()
        file = (root / self.path.lstrip("/")).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            self.send_error(404)
            return
        content, start = file.read_bytes(), _RANGE.match(wanted)
        begin = int(start[1]) if start else 0
        if begin > len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        large = self._serving.cut and not self.path.endswith(".json")
        end = begin + self._serving.cut.pop(0) if large else len(content)
        self.wfile.write(content[begin:end])  # less than was promised: the client sees a cut
        if large:
            time.sleep(_TAKEN)

    def log_message(self, format: str, *args: object) -> None:
        """Not on the terminal."""


def main(words: list[str]) -> None:
    match words:
        case ["build", directory, *rest]:
            archive = Path(rest[0]) if rest else Path("/var/tmp/innkeeper-lab/tiny.tar")
            build(Path(directory), tiny(archive), Product("lab", "rootfs-only", "No disk", {"squashfs": b"hsqs"}))
        case ["serve", directory, *rest]:
            with serving(Path(directory), port=int(rest[0]) if rest else 0) as told:
                print(told.address, flush=True)
                threading.Event().wait()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(sys.argv[1:])
