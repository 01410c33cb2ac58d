"""Batches: one thing done with many machines, and what came of it for each.

The process that has a batch is its owner. What it left when it died is not done, and is told so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from innkeeper.errors import NotFound
from innkeeper.store import events, ledger, operations, unfinished
from innkeeper.store.batch_tables import batch, batch_item
from innkeeper.store.database import NOW, Write
from innkeeper.store.events import Event
from innkeeper.store.operations import Operation
from innkeeper.store.tables import operation

b, i = batch.c, batch_item.c


class State(StrEnum):
    """How far a machine of a batch is. GOING: it was ordered, and an operation goes on by itself."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    GOING = "going"
    FAILED = "failed"
    LEFT = "left"  # never stored: what a process that is gone did not begin
    LOST = "lost"  # never stored: what it had begun


LEFT_OVER = (State.WAITING, State.RUNNING)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One machine of a batch. `text`: why it failed; `operation`: what goes on; `at`: when that was."""

    position: int
    system_id: str
    hostname: str
    host_id: int | None
    state: State = State.WAITING
    text: str = ""
    operation: str = ""
    at: float | None = None


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A batch. `alive`: the process that does it is there, or it is over."""

    id: str
    action: str
    title: str
    user_id: int
    created: float
    ended: float | None
    alive: bool
    items: tuple[Item, ...]

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.ended is not None or not self.alive


def create(write: Write, *, id: str, action: str, title: str, user_id: int, owner: str, items: Sequence[Item]) -> bool:
    """Write a batch that is to be done; False when there is one of that id already: the same form, sent again."""
    if write.sql.scalar(sa.select(b.id).where(b.id == id)) is not None:
        return False
    values = {"id": id, "action": action, "title": title[:300], "user_id": user_id, "owner": owner, "ended": None}
    write.sql.execute(sa.insert(batch).values(created=NOW, **values))
    rows = [
        {
            "batch_id": id,
            "position": one.position,
            "system_id": one.system_id,
            "hostname": one.hostname,
            "host_id": one.host_id,
            "state": State.WAITING,
            "text": "",
            "operation": "",
            "at": None,
        }
        for one in items
    ]
    write.sql.execute(sa.insert(batch_item), rows)
    return True


def find(sql: sa.Connection, id: str, *, seen_by: int | None) -> Batch:
    """One batch, as things stand with it; NotFound, also when it is another user's."""
    query = sa.select(batch).where(b.id == id)
    row = sql.execute(query if seen_by is None else query.where(b.user_id == seen_by)).first()
    if row is None:
        raise NotFound("There is no such bulk action.", details="It was another user's, or it is long past.")
    alive = row.ended is not None or row.owner in ledger.alive(sql)
    rows = sql.execute(sa.select(batch_item).where(i.batch_id == id).order_by(i.position)).all()
    going = [one.operation for one in rows if one.operation]
    found = map(operations.from_row, sql.execute(sa.select(operation).where(operation.c.id.in_(going))))
    work = {one.id: one for one in found}
    return Batch(
        id=row.id,
        action=row.action,
        title=row.title,
        user_id=row.user_id,
        created=row.created,
        ended=row.ended,
        alive=alive,
        items=tuple(_item(one, work.get(one.operation), alive=alive) for one in rows),
    )


def _item(row: Any, work: Operation | None, *, alive: bool) -> Item:
    state, text = State(row.state), row.text
    if state == State.GOING and (work is None or work.state in operations.ENDED):
        failed = work is not None and work.state != operations.State.DONE
        state = State.FAILED if failed else State.DONE
        text = work.error.brief if work is not None and work.error else work.trouble if work is not None else ""
    if not alive and state in LEFT_OVER:
        state = State.LEFT if state == State.WAITING else State.LOST
    return Item(
        position=row.position,
        system_id=row.system_id,
        hostname=row.hostname,
        host_id=row.host_id,
        state=state,
        text=text,
        operation=row.operation,
        at=row.at,
    )


def begin(write: Write, id: str, item: Item, *, owner: str) -> None:
    """A machine's turn has come. `owner`: the name of the process by now."""
    write.sql.execute(sa.update(batch).where(b.id == id).values(owner=owner))
    _set(write, id, item, state=State.RUNNING)


def end(write: Write, id: str, item: Item, *, error: str, operation: str, title: str, actor: str) -> None:
    """What came of a machine, with an event; the last one ends the batch. `operation`: one that goes on, if it is known
    already; what else works on the machine by now was ordered by this."""
    if not error and not operation:
        operation = next((one.id for one in reversed(unfinished.of_machine(write.sql, item.system_id))), "")
    state = State.FAILED if error else State.GOING if operation else State.DONE
    _set(write, id, item, state=state, text=error, operation=operation)
    open_ones = sa.select(sa.func.count()).where(i.batch_id == id, i.state.in_(LEFT_OVER))
    if not write.sql.scalar(open_ones):
        write.sql.execute(sa.update(batch).where(b.id == id).values(ended=NOW))
    words = error or ("ordered" if operation else "done")
    events.add(
        write,
        Event(
            kind="machine",
            what="bulk",
            text=f"{title}, one of many: {words}",
            host_id=item.host_id,
            system_id=item.system_id,
            actor=actor,
        ),
    )


def prune(write: Write, *, older_than: float) -> int:
    """Delete batches that are older than that, in seconds; how many went."""
    return write.sql.execute(sa.delete(batch).where(b.created < write.now() - older_than)).rowcount


def tally(items: Collection[Item]) -> dict[State, int]:
    """How many machines are how far, without states that none is in."""
    found = {state: sum(1 for one in items if one.state == state) for state in State}
    return {state: count for state, count in found.items() if count}


def _set(write: Write, id: str, item: Item, **values: Any) -> None:
    one = sa.update(batch_item).where(i.batch_id == id, i.position == item.position)
    write.sql.execute(one.values(at=NOW, **values))
