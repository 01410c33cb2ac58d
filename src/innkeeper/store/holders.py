"""Who holds what of a host: every instance on it, with the machine that it is. What is counted is in `figures`."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from innkeeper.model.numa import Holding
from innkeeper.model.virtual_functions import Hung
from innkeeper.store.figures import OURS
from innkeeper.store.machines import ints
from innkeeper.store.tables import claim, claim_storage, interface, machine

c, m = claim.c, machine.c
_HOST: sa.BindParameter[int] = sa.bindparam("host_id")
_HELD = (
    sa.select(
        *(c.project, c.instance, c.origin, c.system_id, c.cores, c.pinned, c.memory, c.huge_pages, c.power_state),
        *(m.hostname, m.owner_id, sa.func.coalesce(sa.func.sum(claim_storage.c.size), 0).label("storage")),
    )
    .select_from(claim)
    .outerjoin(machine, m.system_id == c.system_id)
    .outerjoin(claim_storage, claim_storage.c.claim_id == c.id)
    .where(c.host_id == _HOST)
    .group_by(c.id, m.id)
    .order_by(c.project, c.instance)
)
_ON = sa.func.sum(sa.case((m.power_state == "on", 1), else_=0))
_HUNG = (
    sa.select(interface.c.attach, interface.c.parent, sa.func.count(), _ON)
    .join(machine, m.system_id == interface.c.system_id)
    .where(m.host_id == _HOST)
    .group_by(interface.c.attach, interface.c.parent)
)


@dataclass(frozen=True, kw_only=True)
class Holder:
    """An instance and what it holds: memory in MiB, storage in bytes. `origin`: composed, adopted, other (of another
    project), leftover (it is being removed). `system_id` None and `hostname` "": no machine of ours."""

    project: str
    instance: str
    origin: str
    system_id: str | None
    hostname: str
    owner_id: int | None
    cores: int
    pinned: tuple[int, ...]
    memory: int
    huge_pages: bool
    power_state: str
    storage: int

    @property
    def holding(self) -> Holding:
        """What it holds of cores and memory."""
        return Holding(
            cores=self.cores,
            pinned=self.pinned,
            memory=self.memory,
            huge_pages=self.huge_pages,
            ours=self.origin in OURS,
        )


def of_host(sql: sa.Connection, host_id: int) -> list[Holder]:
    """Everything on a host that holds something of it, by project and name. One query."""
    return [
        Holder(
            project=row.project,
            instance=row.instance,
            origin=row.origin,
            system_id=row.system_id,
            hostname=row.hostname or "",
            owner_id=row.owner_id,
            cores=row.cores,
            pinned=ints(row.pinned),
            memory=row.memory,
            huge_pages=row.huge_pages,
            power_state=row.power_state,
            storage=int(row.storage),
        )
        for row in sql.execute(_HELD, {"host_id": host_id})
    ]


def hung(sql: sa.Connection, host_id: int) -> Hung:
    """How many NICs of a host's machines hang on each of its interfaces, by how. One query."""
    rows = sql.execute(_HUNG, {"host_id": host_id})
    return {(attach, parent): (int(all), int(on)) for attach, parent, all, on in rows}
