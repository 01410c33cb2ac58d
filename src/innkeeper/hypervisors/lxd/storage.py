"""Storage pools and volumes ↔ LXD's JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, unquote, urlsplit

from innkeeper.hypervisors.base import VolumeSpec
from innkeeper.hypervisors.lxd import shapes, units
from innkeeper.hypervisors.lxd.marks import marked, marks
from innkeeper.model.host import StoragePool, Volume

# Drivers whose pool other hosts can see too (LXD's and Incus's).
_SHARED = ("ceph", "cephfs", "cephobject", "powerflex", "pure", "alletra", "lvmcluster", "linstor", "truenas")


def pool(
    entry: shapes.Pool, resources: shapes.PoolResources | None, volumes: Iterable[shapes.Volume] | None
) -> StoragePool:
    """A pool in bytes. Resources that could not be read leave `total` and `written` unknown, not 0."""
    space = (resources.space if resources else None) or shapes.Space()
    return StoragePool(
        name=entry.name,
        driver=entry.driver,
        path=(entry.config or {}).get("source") or "unknown",
        total=space.total or None,
        written=space.used if space.total else None,
        volumes=tuple(volume(v) for v in volumes or () if not _snapshot(v)),
        shared=entry.driver in _SHARED,
    )


def volume(entry: shapes.Volume) -> Volume:
    """A volume in bytes. LXD tells what is written only volume by volume, so `written` stays unknown."""
    config = entry.config or {}
    return Volume(
        name=entry.name,
        kind=entry.type,
        project=entry.project,
        content=entry.content_type,
        size=units.size(config.get("size", "")),
        holders=tuple(sorted({holder for url in entry.used_by or [] if (holder := _holder(url))})),
        tags=marks(config),
    )


def volume_body(spec: VolumeSpec) -> dict[str, object]:
    """What to POST to make a block volume of that many bytes, with our marks."""
    return {
        "name": spec.name,
        "type": "custom",
        "content_type": "block",
        "config": {"size": str(spec.size), **marked(spec.tags)},
    }


def _holder(url: str) -> str:
    """ "project/name" of an instance's URL ("/1.0/instances/s1?project=p"), "" for other users (profiles)."""
    parts = urlsplit(url)
    segments = parts.path.split("/")
    if len(segments) < 4 or segments[2] not in ("instances", "virtual-machines", "containers"):
        return ""
    project = parse_qs(parts.query).get("project", ["default"])[0]
    return f"{project}/{unquote(segments[3])}"


def _snapshot(entry: shapes.Volume) -> bool:
    """A snapshot shares its volume's blocks; counting it as a volume of its own would count them twice."""
    return "/" in entry.name
