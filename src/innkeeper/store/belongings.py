"""What users own: machines and devices, addresses they reserved, ranges they made, files."""

from __future__ import annotations

import sqlalchemy as sa

from innkeeper.errors import Conflict
from innkeeper.store.account_tables import stored_file as file
from innkeeper.store.database import Write
from innkeeper.store.deployment_tables import deployment
from innkeeper.store.network_tables import address, ip_range
from innkeeper.store.tables import machine

_SHOWN = 5
_OWNED = (
    ("machine", machine.c.owner_id, machine.c.hostname),
    ("address", address.c.user_id, address.c.ip),
    ("range", ip_range.c.user_id, ip_range.c.start),
    ("file", file.c.owner_id, file.c.filename),
)


def owned(sql: sa.Connection, user_id: int) -> str:
    """What a user owns, in words, the first few of each kind; "" nothing."""
    told = []
    for what, owner, name in _OWNED:
        names = sql.scalars(sa.select(name).where(owner == user_id).order_by(name).limit(_SHOWN + 1)).all()
        more = ["more"] if len(names) > _SHOWN else []
        if names:
            told.append(f"{what} {', '.join([*names[:_SHOWN], *more])}")
    return "; ".join(told)


def give(write: Write, *, before: int, after: int) -> None:
    """Make all that the one user owns the other one's; Conflict when both have a file of one name."""
    theirs = sa.select(file.c.filename).where(file.c.owner_id == after)
    query = sa.select(file.c.filename).where(file.c.owner_id == before, file.c.filename.in_(theirs)).limit(_SHOWN)
    if both := write.sql.scalars(query).all():
        raise Conflict(f"Both users have a file {', '.join(both)}.", resolution="Delete it for one of them first.")
    # What a machine printed under the one user is not for the other.
    machines = sa.select(machine.c.system_id).where(machine.c.owner_id == before)
    write.sql.execute(sa.update(deployment).where(deployment.c.system_id.in_(machines)).values(console=""))
    for _, owner, _ in _OWNED:
        write.sql.execute(sa.update(owner.table).where(owner == before).values({owner.name: after}))
