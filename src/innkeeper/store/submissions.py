"""Forms that were sent, by the mark that each shown form has: sent twice, it is done once."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from innkeeper.store.account_tables import submission
from innkeeper.store.database import NOW, Write, now

KEPT = 24 * 3600.0  # seconds that a form may lie open before it is sent again
_VALUES = {"mark": sa.bindparam("mark"), "at": NOW}
_INSERT = {  # by whether it is SQLite
    True: sqlite.insert(submission).values(_VALUES).on_conflict_do_nothing().returning(submission.c.mark),
    False: postgresql.insert(submission).values(_VALUES).on_conflict_do_nothing().returning(submission.c.mark),
}


def first(write: Write, mark: str) -> bool:
    """Note that a form is sent; whether it is for the first time."""
    write.sql.execute(sa.delete(submission).where(submission.c.at < now(write.sql) - KEPT))
    return write.sql.scalar(_INSERT[write.is_sqlite], {"mark": mark}) is not None
