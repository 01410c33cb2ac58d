"""All there is, to be compared: the simulated hosts' own files, and every table that an operation may touch."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import sqlalchemy as sa

from innkeeper.store import deployment_tables, network_tables, secrets, tables
from tests.laws.stage import Stage

# What moves with every look, and is no promise.
_RESTLESS = frozenset(
    [
        "updated",
        "created",
        "revision",
        "refreshed_at",
        "listed_at",
        "settled_at",
        "state_since",
        "live",
        "watcher",
        "status_before",
        "started",
        "deadline",
    ]
)
_TABLES = (
    tables.host,
    tables.storage_pool,
    tables.machine,
    tables.disk,
    tables.interface,
    tables.claim,
    tables.claim_storage,
    network_tables.link,
    network_tables.address,
    deployment_tables.deployment,
)
_COUNTED = frozenset({"disk", "interface", "claim"})  # rows that may be written anew: their numbers say nothing

World = dict[str, Any]


def everything(stage: Stage) -> World:
    """A picture of the hosts and the tables, as plain data."""
    return {"hosts": _hosts(stage), "tables": stage.services.database.ask(_tables), "secrets": _secrets(stage)}


def _hosts(stage: Stage) -> World:
    """What is on the hosts. An image is kept for the next deploy: only one that nobody knows of is a leak."""
    found = {}
    accounted = set(stage.services.database.ask(_accounted))
    for file in sorted(stage.directory.glob("*.json")):
        state = msgspec.to_builtins(stage.see(file.stem))
        kept = ("instances", "making", "volumes", "seeds", "added", "projects", "trusted")
        found[file.stem] = {name: state[name] for name in kept}
        found[file.stem]["leaked images"] = sorted(state["images"].keys() - accounted)
    return found


def _accounted(sql: sa.Connection) -> list[str]:
    return list(sql.scalars(sa.select(deployment_tables.host_image.c.fingerprint)))


def _tables(sql: sa.Connection) -> World:
    found: World = {}
    claims = {row.id: f"{row.project}/{row.instance}" for row in sql.execute(sa.select(tables.claim))}
    for table in _TABLES:
        rows = []
        for row in sql.execute(sa.select(table)):
            values = {name: value for name, value in row._mapping.items() if name not in _RESTLESS}
            if table.name in _COUNTED:
                del values["id"]
            if "claim_id" in values:
                values["claim_id"] = claims[values["claim_id"]]
            rows.append(values)
        found[table.name] = sorted(rows, key=lambda values: json.dumps(values, default=str))
    return found


def _secrets(stage: Stage) -> World:
    def read(sql: sa.Connection) -> World:
        paths = sql.scalars(sa.select(tables.secret.c.path)).all()
        return {path: secrets.get(sql, stage.services.cipher, path=path) for path in sorted(paths)}

    return stage.services.database.ask(read)


def without(seen: World, *columns: tuple[str, str]) -> World:
    """The same without (table, column)s that this law does not speak of; column "*": without the table."""
    found = dict(seen["tables"])
    for table, column in columns:
        if column == "*":
            del found[table]
            continue
        found[table] = [{name: value for name, value in row.items() if name != column} for row in found[table]]
    return seen | {"tables": found}


def likeness(stage: Stage, seen: World) -> list[str]:
    """A world in lines without what chance chose (ids, MACs, directories): two runs of one story look the same."""
    names = {row["system_id"]: row["hostname"] for row in seen["tables"]["machine"]}
    for state in seen["hosts"].values():  # those whose record is gone are known by their instances
        for instance in state["instances"].values():
            names[dict(instance["tags"]).get("machine", "no machine")] = instance["name"]

    def plain(value: object) -> str:
        text = json.dumps(value, sort_keys=True, default=str)
        text = text.replace(str(stage.directory), "DIRECTORY").replace(stage.services.uuid, "INSTALLATION")
        for system_id, name in names.items():
            text = text.replace(system_id, f"ID-OF-{name}")
        text = re.sub(r"00:16:3e(:[0-9a-f]{2}){3}", "MAC", text)
        text = re.sub(r"\b[0-9a-f]{64}\b", "HASH", text)
        text = re.sub(r"\b[0-9a-f]{32}\b", "OPERATION", text)
        text = re.sub(r"(?<![\w\\-])[\w-]{43}(?![\w-])", "TOKEN", text)
        text = re.sub(r'((?:id|host_id)\\?": ?|host/)\d+', r"\g<1>0", text)
        return json.dumps(json.loads(text), sort_keys=True)  # keys that held chance are in order only now

    lines = [f"{name}: {plain(row)}" for name, rows in seen["tables"].items() for row in rows]
    lines += [f"{name}: {plain(state)}" for name, state in seen["hosts"].items()]
    return sorted([*lines, *(plain(secret) for secret in seen["secrets"].items())])
