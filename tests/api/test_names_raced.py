"""Two who want one name in the same moment, on PostgreSQL: the second waits for the first, and is refused by name."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from innkeeper.store.account_tables import user_account
from innkeeper.store.tables import host, resource_pool, zone
from tests.kit.databases import fresh_postgres
from tests.kit.house import inn
from tests.kit.until import until

USER = {"username": "n", "email": "", "password": "x", "is_admin": False, "created": 0.0}
CASES = [
    (zone, {"name": "n", "description": ""}, "zones/", {"name": "n"}, "There is a zone 'n' already."),
    (
        resource_pool,
        {"name": "n", "description": ""},
        "resourcepools/",
        {"name": "n"},
        "There is a resource pool 'n' already.",
    ),
    (
        user_account,
        USER,
        "users/",
        {"username": "n", "password": "x", "is_superuser": "0"},
        "There is a user 'n' already.",
    ),
]


@pytest.mark.postgres
@pytest.mark.parametrize(("table", "row", "noun", "fields", "says"), CASES, ids=[case[2] for case in CASES])
async def test_a_name_taken_in_the_same_moment(
    tmp_path: Path, table: sa.Table, row: dict[str, Any], noun: str, fields: dict[str, str], says: str
) -> None:
    with fresh_postgres() as url:
        async with inn(tmp_path, url) as house:
            await _refused(house, table, row, noun, fields, says)


@pytest.mark.postgres
@pytest.mark.parametrize("what", ["create", "rename"])
async def test_a_host_name_taken_in_the_same_moment(tmp_path: Path, what: str) -> None:
    with fresh_postgres() as url:
        async with inn(tmp_path, url) as house:
            id = await house.add_host()
            with house.house.services.database.read() as sql:
                row = dict(sql.execute(sa.select(host)).one()._mapping)
            del row["id"]
            taken = row | {"name": "n", "fingerprint": "", "system_id": None, "state": "removing"}
            if what == "create":
                fields = {"type": "simulated", "power_address": "beta", "name": "n"}
                await _refused(house, host, taken, "vm-hosts/", fields, "There is a VM host named 'n' already.")
            else:
                path = f"vm-hosts/{id}/"
                says = "There is a VM host named 'n' already."
                await _refused(house, host, taken, path, {"name": "n"}, says, method="PUT")


async def _refused(
    house: Any, table: sa.Table, row: dict[str, Any], noun: str, fields: dict[str, str], says: str, method: str = "POST"
) -> None:
    database = house.house.services.database

    async def blocked() -> bool:
        query = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(await database.reading(lambda sql: sql.scalar(query)))

    with database.engine.connect() as other:
        transaction = other.begin()
        other.execute(sa.insert(table).values(row))
        asking = asyncio.create_task(house.admin.call(method, noun, **fields))
        await until(blocked)
        transaction.commit()
        answer = await asking
    assert (answer.status_code, answer.text) == (409, says)
