"""Images and their files: records. The bytes are in the images directory, each file under its SHA-256."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from innkeeper.errors import Conflict, NotFound
from innkeeper.model.image import Image, ImageFile, Kind, choose
from innkeeper.store.database import Write
from innkeeper.store.deployment_tables import deployment, image, image_file

im, part = image.c, image_file.c


def listing(sql: sa.Connection, *, kinds: Iterable[Kind] | None = None) -> list[Image]:
    """Images by id, with their files. Two queries."""
    query = sa.select(image).order_by(im.id)
    if kinds is not None:
        query = query.where(im.kind.in_(list(kinds)))
    return _images(sql, query)


def find(sql: sa.Connection, id: int) -> Image:
    """One image; NotFound."""
    found = _images(sql, sa.select(image).where(im.id == id))
    if not found:
        raise NotFound(f"There is no image {id}.")
    return found[0]


def named(sql: sa.Connection, *, name: str, architecture: str) -> Image | None:
    """The image of that name and architecture, or None."""
    found = _images(sql, sa.select(image).where(im.name == name, im.architecture == architecture))
    return found[0] if found else None


def resolve(sql: sa.Connection, text: str, architecture: str, *, default: str = "") -> Image:
    """The image that a `distro_series` means (see `model.image.choose`). Raises Invalid, Conflict."""
    return choose(listing(sql), text, architecture, default=default)


def add(
    write: Write, *, name: str, architecture: str, kind: Kind, title: str = "", source: str = "", complete: bool = False
) -> Image:
    """Make the record of an image; Conflict when there is one of that name and architecture."""
    if named(write.sql, name=name, architecture=architecture):
        raise Conflict(f"There is an image {name} for {architecture} already.")
    now = write.now()
    values = {
        "name": name,
        "architecture": architecture,
        "title": title,
        "kind": kind,
        "source": source,
        "version": "",
        "complete": complete,
        "fingerprint": "",
        "created": now,
        "updated": now,
    }
    return find(write.sql, int(write.sql.execute(sa.insert(image).values(values).returning(im.id)).scalar_one()))


def update(write: Write, id: int, **values: Any) -> None:
    """Change columns of an image, updated now."""
    write.sql.execute(sa.update(image).where(im.id == id).values(updated=write.now(), **values))


def delete(write: Write, id: int) -> Image:
    """Forget an image and its files; Conflict while a machine is being deployed from it. Returns what it was."""
    gone = find(write.sql, id)
    if machines := deploying(write.sql, id):
        raise Conflict(
            f"The image {gone.name} is being deployed on {', '.join(machines)}.",
            resolution="Wait, or abort the deploy.",
        )
    write.sql.execute(sa.delete(image).where(im.id == id))
    return gone


def deploying(sql: sa.Connection, id: int) -> list[str]:
    """The machines (at most five) that are just being deployed from an image."""
    from innkeeper.model.lifecycle import Status
    from innkeeper.store.tables import machine

    query = sa.select(machine.c.hostname).join(deployment, deployment.c.system_id == machine.c.system_id)
    query = query.where(deployment.c.image_id == id, machine.c.status == Status.DEPLOYING)
    return list(sql.scalars(query.order_by(machine.c.id).limit(5)))


# --- files


def announce(write: Write, image_id: int, *, version: str, filetype: str, sha256: str, size: int) -> ImageFile:
    """A file that will arrive (or has: `received` of it). Another one of its set and type gives way."""
    same = sa.delete(image_file).where(part.image_id == image_id, part.version == version, part.filetype == filetype)
    write.sql.execute(same)
    values = {
        "image_id": image_id,
        "version": version,
        "filetype": filetype,
        "sha256": sha256,
        "size": size,
        "received": 0,
    }
    row = write.sql.execute(sa.insert(image_file).values(values).returning(image_file)).one()
    update(write, image_id)
    return ImageFile(**row._mapping)


def file(sql: sa.Connection, image_id: int, file_id: int) -> ImageFile:
    """One file of an image; NotFound."""
    row = sql.execute(sa.select(image_file).where(part.id == file_id, part.image_id == image_id)).first()
    if row is None:
        raise NotFound(f"There is no file {file_id} of image {image_id}.")
    return ImageFile(**row._mapping)


def received(write: Write, file_id: int, *, before: int, now: int) -> bool:
    """Note that more of a file has arrived; False when somebody else has sent a piece meanwhile."""
    mine = sa.update(image_file).where(part.id == file_id, part.received == before)
    return write.sql.execute(mine.values(received=now)).rowcount == 1


def note_progress(write: Write, file_id: int, have: int) -> None:
    """Note how much of a file is here, for those who watch it arrive."""
    write.sql.execute(sa.update(image_file).where(part.id == file_id).values(received=have))


def install(write: Write, id: int, *, version: str, files: Iterable[tuple[str, str, int]], fingerprint: str) -> None:
    """Make a set of files (filetype, sha256, size) the current one. Older sets go; one that still arrives stays."""
    newest = sa.select(sa.func.max(part.id)).where(part.image_id == id, part.version == version)
    last = write.sql.scalar(newest)
    old = part.image_id == id if last is None else sa.and_(part.image_id == id, part.id <= last)
    write.sql.execute(sa.delete(image_file).where(old))
    for filetype, sha256, size in files:
        fresh = announce(write, id, version=version, filetype=filetype, sha256=sha256, size=size)
        received(write, fresh.id, before=0, now=size)
    update(write, id, version=version, complete=True, fingerprint=fingerprint)


def drop_set(write: Write, id: int, *, version: str) -> None:
    """Forget the files of a set that came to nothing, and the image with them when it never had another."""
    write.sql.execute(sa.delete(image_file).where(part.image_id == id, part.version == version))
    left = sa.select(part.id).where(part.image_id == id)
    write.sql.execute(sa.delete(image).where(im.id == id, im.complete.is_(False), ~left.exists()))


def expire(write: Write, *, older_than: float) -> None:
    """Forget sets that began to arrive more than so many seconds ago and never came to be, with images of nothing."""
    stale = sa.select(im.id).where(im.updated < write.now() - older_than, im.kind != Kind.ALIAS)
    current = sa.select(im.version).where(im.id == part.image_id, im.complete).scalar_subquery()
    other = sa.or_(current.is_(None), part.version != current)
    write.sql.execute(sa.delete(image_file).where(part.image_id.in_(stale), other))
    write.sql.execute(sa.delete(image).where(im.id.in_(stale), im.complete.is_(False)))


def wanted(sql: sa.Connection) -> set[str]:
    """The SHA-256 of every file that some image has, or is to have."""
    return set(sql.scalars(sa.select(part.sha256).distinct()))


def _images(sql: sa.Connection, query: sa.Select[Any]) -> list[Image]:
    rows = sql.execute(query).all()
    files: dict[int, list[ImageFile]] = {row.id: [] for row in rows}
    listed = sa.select(image_file).order_by(part.id)
    if len(rows) == 1:
        listed = listed.where(part.image_id == rows[0].id)
    for row in sql.execute(listed) if rows else ():
        if row.image_id in files:
            files[row.image_id].append(ImageFile(**row._mapping))
    return [Image(**{**row._mapping, "kind": Kind(row.kind)}, files=tuple(files[row.id])) for row in rows]
