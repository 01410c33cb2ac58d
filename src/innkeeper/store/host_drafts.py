"""VM hosts that are about to be added: what a person said so far. Nothing is lost when they stop and go on later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.errors import NotFound
from innkeeper.hypervisors.base import Credentials, Target
from innkeeper.model.host import HostState
from innkeeper.store import secrets
from innkeeper.store.database import NOW, Write
from innkeeper.store.draft_tables import host_draft
from innkeeper.store.secrets import Cipher
from innkeeper.store.tables import host

MADE, TOKEN, BROUGHT, PASSWORD = "made", "token", "brought", "password"  # the ways to be trusted
KEPT_DAYS = 30  # after its last step that one is forgotten
_c = host_draft.c
_IS_HOST = sa.exists().where(host.c.id == _c.host_id)
_OVER = sa.and_(_c.host_id.is_not(None), _c.certificate == "")  # it only tells which VM host it became


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A VM host that is about to be added. `certificate`: ours (PEM), its key is a secret; `fingerprint`: of the
    server's certificate, once a person confirmed it; `trouble`: why a token or password did not help; `host_id`: the
    VM host that it became, which is gone if it could not be added; `actor`: who began. Once it was added nothing else
    than that is of use: its certificate and secrets are forgotten."""

    id: int
    kind: str
    name: str
    address: str
    zone: str
    pool: str
    tags: tuple[str, ...] = ()
    way: str = ""
    certificate: str = ""
    made_here: bool = False
    server_certificate: str = ""
    fingerprint: str = ""
    trusted: bool = False
    trouble: str = ""
    project: str = ""
    host_id: int | None = None
    actor: str = ""
    created: float = 0.0
    updated: float = 0.0

    @property
    def over(self) -> bool:
        """Whether it only tells which VM host it became."""
        return self.host_id is not None and not self.certificate


def _from_row(row: Any) -> Draft:
    values = dict(row._mapping)
    return Draft(tags=tuple(msgspec.json.decode(values.pop("tags_json"))), **values)


def listing(sql: sa.Connection) -> list[Draft]:
    """Those that are no VM host yet, oldest first."""
    query = sa.select(host_draft).where(~_IS_HOST, ~_OVER).order_by(_c.id)
    return [_from_row(row) for row in sql.execute(query)]


def find(sql: sa.Connection, id: int) -> Draft:
    """One of them, also one that was added, while the VM host is there; NotFound."""
    row = sql.execute(sa.select(host_draft).where(_c.id == id, ~_OVER | _IS_HOST)).first()
    if row is None:
        raise NotFound("There is nothing to go on with here: this VM host was added, or given up.")
    return _from_row(row)


def create(
    write: Write, *, kind: str, name: str, address: str, zone: str, pool: str, tags: tuple[str, ...], actor: str
) -> int:
    """Begin with one; its id."""
    nothing: dict[str, Any] = {
        "way": "",
        "certificate": "",
        "made_here": False,
        "server_certificate": "",
        "fingerprint": "",
        "trusted": False,
        "trouble": "",
        "project": "",
    }
    said = {"kind": kind, "name": name, "address": address, "zone": zone, "pool": pool, "tags_json": _json(tags)}
    statement = sa.insert(host_draft).values(created=NOW, updated=NOW, actor=actor, **said, **nothing)
    return int(write.sql.scalar(statement.returning(_c.id)) or 0)


def update(write: Write, id: int, *, tags: tuple[str, ...] | None = None, **values: Any) -> None:
    """Change columns of one."""
    if tags is not None:
        values["tags_json"] = _json(tags)
    write.sql.execute(sa.update(host_draft).where(_c.id == id).values(updated=NOW, **values))


def _json(tags: tuple[str, ...]) -> str:
    return msgspec.json.encode(tags).decode()


def delete(write: Write, id: int) -> None:
    """Give one up, with its secrets."""
    secrets.forget(write, path=_path(id))
    write.sql.execute(sa.delete(host_draft).where(_c.id == id))


def added(write: Write, id: int) -> None:
    """One is a VM host: who goes back to its pages is led there, and its secrets are the host's."""
    secrets.forget(write, path=_path(id))
    nothing: dict[str, Any] = {"certificate": "", "server_certificate": "", "made_here": False, "trusted": False}
    update(write, id, **nothing)


def becomes(write: Write, *, name: str, certificate: str, host_id: int) -> None:
    """Note the VM host that one becomes: that of its name, to which its certificate is shown."""
    same = (_c.name == name, _c.certificate == certificate, _c.certificate != "")
    write.sql.execute(sa.update(host_draft).where(*same).values(host_id=host_id, updated=NOW))


def prune(write: Write, *, older_than: float) -> list[Draft]:
    """Delete those that are VM hosts now, and those with which nobody went on for so long, seconds; the latter.

    Those that were seen to become VM hosts stay as long: their addresses lead there.
    """
    before = write.now() - older_than
    write.sql.execute(sa.delete(host_draft).where(_OVER, ~_IS_HOST | (_c.updated < before)))
    unseen = sa.select(_c.id).where(_IS_HOST.where(host.c.state != HostState.ADDING), ~_OVER)
    for id in write.sql.scalars(unseen).all():
        delete(write, id)
    left = [one for one in listing(write.sql) if one.updated < before]
    for one in left:
        delete(write, one.id)
    return left


def set_credentials(write: Write, cipher: Cipher, id: int, credentials: Credentials, *, made_here: bool) -> None:
    """The certificate and key that we show to the server."""
    secrets.put(write, cipher, path=_path(id, "key"), text=credentials.key)
    update(write, id, certificate=credentials.certificate, made_here=made_here, trusted=False)


def set_secret(write: Write, cipher: Cipher, id: int, text: str) -> None:
    """A token or password that is not used yet; "" forgets it."""
    if text:
        secrets.put(write, cipher, path=_path(id, "password"), text=text)
    else:
        secrets.forget(write, path=_path(id, "password"))


def secret(sql: sa.Connection, cipher: Cipher, id: int) -> str:
    """The token or password that is not used yet, "" when there is none."""
    return secrets.get(sql, cipher, path=_path(id, "password"))


def credentials(sql: sa.Connection, cipher: Cipher, one: Draft) -> Credentials:
    """What we show to the server."""
    return Credentials(certificate=one.certificate, key=secrets.get(sql, cipher, path=_path(one.id, "key")))


def target(sql: sa.Connection, cipher: Cipher, one: Draft) -> Target:
    """Where and how the server is spoken to, once its certificate was confirmed."""
    return Target(
        address=one.address,
        project="default",
        credentials=credentials(sql, cipher, one),
        server_certificate=one.server_certificate,
    )


def made_here(sql: sa.Connection, *, certificate: str) -> bool:
    """Whether a client certificate (PEM) was made by us for one of them: it is then not one that a person brought."""
    query = sa.select(_c.id).where(_c.certificate == certificate, _c.made_here)
    return sql.execute(query.limit(1)).first() is not None


def _path(id: int, name: str = "") -> str:
    return f"host-draft/{id}/{name}".rstrip("/")
