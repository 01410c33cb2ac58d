"""Images as MAAS's clients know them: boot resources with sets of files; boot sources with selections."""

from __future__ import annotations

from datetime import UTC, datetime

from innkeeper.api.maas.shapes import API, Json
from innkeeper.model.image import GENERIC, Image, ImageFile, Kind
from innkeeper.store.boot_sources import BootSource, Selection

_TYPES = {Kind.UPLOADED: "Uploaded", Kind.SYNCED: "Synced", Kind.ALIAS: "Alias"}


def boot_resource(one: Image) -> Json:
    """An image as lists have it. Beyond MAAS's fields: title, source, complete, fingerprint."""
    return {
        "id": one.id,
        "type": _TYPES[one.kind],
        "name": one.name,
        "title": one.title,
        "architecture": one.architecture,
        "subarches": one.architecture.partition("/")[2] or GENERIC,
        "kflavor": GENERIC,
        "complete": one.complete,
        "source": one.source,
        "fingerprint": one.fingerprint,
        "last_updated": _moment(one.updated),
        "resource_uri": f"{API}/boot-resources/{one.id}/",
    }


def boot_resource_whole(one: Image) -> Json:
    """An image with its sets of files."""
    versions = list(dict.fromkeys(file.version for file in one.files))
    return boot_resource(one) | {"sets": {version: _set(one, version) for version in versions}}


def _set(one: Image, version: str) -> Json:
    files = [file for file in one.files if file.version == version]
    return {
        "version": version,
        "label": "uploaded" if one.kind == Kind.UPLOADED else "release",
        "size": sum(file.size for file in files),
        "complete": one.complete and version == one.version,
        "files": {file.filetype: _file(file) for file in files},
    }


def _file(one: ImageFile) -> Json:
    shape: Json = {
        "filename": one.filetype,
        "filetype": one.filetype,
        "sha256": one.sha256,
        "size": one.size,
        "complete": one.complete,
    }
    if not one.complete:
        shape["progress"] = one.received / one.size
        shape["upload_uri"] = f"{API}/boot-resources/{one.image_id}/upload/{one.id}/"
    return shape


def boot_source(one: BootSource) -> Json:
    return {
        "id": one.id,
        "url": one.url,
        "keyring_filename": "",
        "keyring_data": "",
        "created": _moment(one.created),
        "updated": _moment(one.updated),
        "resource_uri": f"{API}/boot-sources/{one.id}/",
    }


def boot_selection(one: Selection) -> Json:
    return {
        "id": one.id,
        "boot_source_id": one.source_id,
        "os": one.os,
        "release": one.release,
        "arches": list(one.arches),
        "subarches": ["*"],
        "labels": ["*"],
        "resource_uri": f"{API}/boot-sources/{one.source_id}/selections/{one.id}/",
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
