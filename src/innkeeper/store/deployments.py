"""Deployments: one row a machine, from the order until its release. User data and tokens are secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.model.deployment import Deployment, Sign
from innkeeper.model.lifecycle import Status
from innkeeper.store import secrets
from innkeeper.store.database import NOW, Write
from innkeeper.store.deployment_tables import deployment
from innkeeper.store.operations import State
from innkeeper.store.secrets import Cipher
from innkeeper.store.tables import machine, operation
from innkeeper.store.unfinished import UNFINISHED

d, m, op = deployment.c, machine.c, operation.c


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A machine whose guest was started and has not shown itself. `seconds`: how long it has; below 0 it is late.

    `called_off`: its deployment was cancelled, but had started the guest before it heard of it.
    """

    system_id: str
    hostname: str
    host_id: int
    instance: str
    signs: tuple[Sign, ...]
    seconds: float
    called_off: bool = False


def begin(
    write: Write, cipher: Cipher, *, system_id: str, image_id: int, user_data: str, token: str, limit: float
) -> None:
    """Note a deployment, in place of one that failed. `limit`: seconds it may take; they count anew from its start."""
    write.sql.execute(sa.delete(deployment).where(d.system_id == system_id))
    forget_secrets(write, system_id)
    now = write.now()
    values = {
        "system_id": system_id,
        "image_id": image_id,
        "token_hash": _hash(token),
        "signs_json": "[]",
        "base_url": "",
        "started": now,
        "deadline": now + limit,
        "console": "",
    }
    write.sql.execute(sa.insert(deployment).values(values))
    secrets.put(write, cipher, path=f"{_path(system_id)}/token", text=token)
    if user_data:
        secrets.put(write, cipher, path=f"{_path(system_id)}/user-data", text=user_data)


def find(sql: sa.Connection, system_id: str) -> Deployment | None:
    """A machine's deployment, or None."""
    row = sql.execute(sa.select(deployment).where(d.system_id == system_id)).first()
    return _from_row(row) if row else None


def keep_user_data(write: Write, cipher: Cipher, *, system_id: str, user_data: str) -> None:
    """Keep the data of a deployment that is ordered when its machine is there."""
    secrets.put(write, cipher, path=f"{_path(system_id)}/user-data", text=user_data)


def secrets_of(sql: sa.Connection, cipher: Cipher, system_id: str) -> tuple[str, str]:
    """(token, user data) of a deployment; "" for what there is none of."""
    path = _path(system_id)
    token = secrets.get(sql, cipher, path=f"{path}/token")
    return token, secrets.get(sql, cipher, path=f"{path}/user-data")


def update(write: Write, system_id: str, **values: Any) -> None:
    """Change columns of a deployment."""
    write.sql.execute(sa.update(deployment).where(d.system_id == system_id).values(values))


def set_signs(write: Write, system_id: str, signs: Sequence[Sign], base_url: str) -> bool:
    """Note what is taken as "it is up", and where the guest calls ("" nowhere); whether that is news."""
    text = msgspec.json.encode(signs).decode()
    news = sa.or_(d.signs_json != text, d.base_url != base_url)
    changed = sa.update(deployment).where(d.system_id == system_id, news)
    return write.sql.execute(changed.values(signs_json=text, base_url=base_url)).rowcount == 1


def holder(sql: sa.Connection, token: str) -> str:
    """The machine that has this token, or "". Asked first: anybody may call, and only a guest writes."""
    query = sa.select(d.system_id).where(d.token_hash == _hash(token), d.token_hash != "")
    return sql.scalar(query) or ""


def use_token(write: Write, token: str) -> str:
    """The machine that a phone-home token was given to, which cannot be used again; "" for one nobody has."""
    used = sa.update(deployment).where(d.token_hash == _hash(token), d.token_hash != "")
    row = write.sql.execute(used.values(token_hash="", phoned=NOW).returning(d.system_id)).first()
    if row is None:
        return ""
    secrets.forget(write, path=f"{_path(row.system_id)}/token")
    return str(row.system_id)


def void_token(write: Write, system_id: str) -> None:
    """Nobody is waited for any more: a call that comes late is not taken."""
    update(write, system_id, token_hash="")
    secrets.forget(write, path=f"{_path(system_id)}/token")


def forget(write: Write, system_id: str) -> None:
    """The deployment is over: its row and its secrets go."""
    write.sql.execute(sa.delete(deployment).where(d.system_id == system_id))
    forget_secrets(write, system_id)


def forget_secrets(write: Write, system_id: str) -> None:
    secrets.forget(write, path=_path(system_id))


def waiting(sql: sa.Connection) -> list[Waiting]:
    """Machines that are Deploying and on which nothing works any more. One query."""
    at_work = sa.select(op.id).where(op.system_id == m.system_id, op.state.in_(UNFINISHED))
    of_it = (op.system_id == m.system_id, op.kind == "deploy", op.created >= d.started)
    called_off = sa.exists().where(*of_it, op.cancelled, op.state == State.DONE)
    left = (d.deadline - NOW).label("seconds")
    query = (
        sa.select(m.system_id, m.hostname, m.host_id, m.instance, d.signs_json, left, called_off.label("called_off"))
        .join(deployment, d.system_id == m.system_id)
        .where(m.status == Status.DEPLOYING, m.host_id.is_not(None), ~at_work.exists())
        .order_by(m.id)
    )
    return [
        Waiting(
            system_id=row.system_id,
            hostname=row.hostname,
            host_id=row.host_id,
            instance=row.instance,
            signs=_signs(row.signs_json),
            seconds=row.seconds,
            called_off=bool(row.called_off),
        )
        for row in sql.execute(query)
    ]


def _from_row(row: Any) -> Deployment:
    return Deployment(
        system_id=row.system_id,
        image_id=row.image_id,
        signs=_signs(row.signs_json),
        base_url=row.base_url,
        started=row.started,
        deadline=row.deadline,
        phoned=row.phoned,
        console=row.console,
    )


def _signs(text: str) -> tuple[Sign, ...]:
    return tuple(Sign(one) for one in msgspec.json.decode(text))


def _path(system_id: str) -> str:
    return f"machine/{system_id}/deployment"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
