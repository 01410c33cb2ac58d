"""Both APIs called by their own descriptions with all that could be sent: no 5xx, no answer that is not described.

The examples are the same in every run. What may be sent to hosts is sent to simulated ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks

from innkeeper.api.app import ROUTES
from innkeeper.operations.table import SAGAS
from innkeeper.store import operations
from innkeeper.store.database import Write
from innkeeper.store.opening import open_store
from innkeeper.store.operations import State
from innkeeper.store.tables import operation
from tests.kit import openapi
from tests.kit.client import oauth
from tests.kit.server import Server, running

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]
EXAMPLES, OF_REFUSED = 8, 2  # of each call; with all of them a run stays below a minute
ORDER = ("get", "put", "post", "delete")  # what there is goes last


@pytest.fixture
def inn(tmp_path: Path) -> Iterator[tuple[Server, requests.Session]]:
    """A server of the test's own, and a connection of its administrator."""
    (tmp_path / "hosts").mkdir()
    server = Server(tmp_path, hosts=tmp_path / "hosts", compose_wait=2.0)
    key = server.key()
    with running(server), speaking(key) as session:
        yield server, session


@contextmanager
def speaking(key: str) -> Iterator[requests.Session]:
    """A connection of whoever has the key."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = oauth(key)
        yield session


def furnish(server: Server, session: requests.Session) -> dict[str, list[str]]:
    """A host, a machine, a device, a tag, a file: the names that calls can be about."""

    def post(path: str, **fields: Any) -> Any:
        answer = session.post(f"{server.base}/MAAS/api/2.0/{path}", data=fields)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    host = post("vm-hosts/", type="simulated", power_address="alpha", name="alpha")
    machine = post(f"vm-hosts/{host['id']}/?op=compose", hostname="web1")
    device = post("devices/", mac_addresses="00:16:3e:00:00:01", hostname="box1")
    post("tags/", name="lab")
    post("users/", username="ann", password="secret", is_superuser="false")
    session.post(f"{server.base}/MAAS/api/2.0/files/", data={"filename": "state", "file": "x"})
    ids = [machine["system_id"], device["system_id"], host["host"]["system_id"]]
    return {
        **dict.fromkeys(("system_id", "machines", "nodes", "add", "remove", "parent"), ids),
        "id": ["1", "2", "0"],
        "name": ["lab", "default", "new"],
        "pool": ["0", "default"],
        "zone": ["default"],
        "domain": ["maas"],
        "username": ["ann"],
        "filename": ["state"],
        "power_address": ["beta", "gamma"],
        "hostname": ["web1", "web2", "web3"],
        "architecture": ["amd64/generic", "amd64"],
        "storage": ["root:8", "8,20", "root:8(fast)"],
        "interfaces": ["eth0:space=undefined", "eth0:vid=0"],
        **{key: ["1", "10.0.0.0/24"] for key in ("subnet", "vlan", "fabric", "fabric_id", "source", "destination")},
        **{key: ["10.0.0.77", "2001:db8::7", "::"] for key in ("ip", "ip_address", "gateway_ip", "start_ip", "end_ip")},
        "cidr": ["10.9.0.0/24", "2001:db8::/64", "10.0.0.0/30", "0.0.0.0/0"],
        "mac_address": ["00:16:3e:00:00:01"],
        "mac_addresses": ["00:16:3e:00:00:02", "00:16:3e:00:00:03"],
    }


def wrong(description: dict[str, Any], server: Server, session: requests.Session, *, without: str = "") -> list[str]:
    """The calls that got an answer they should not get."""
    calls = [result.ok() for result in schemathesis.openapi.from_dict(description).get_all_operations()]
    found = []
    for call in sorted(calls, key=lambda one: ORDER.index(one.method)):
        if without and call.path.endswith(without):
            continue

        @settings(
            max_examples=OF_REFUSED if call.definition.raw.get("x-refused") else EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=call.as_strategy(GenerationMode.POSITIVE) | call.as_strategy(GenerationMode.NEGATIVE))
        def once(case: schemathesis.Case) -> None:
            answer = case.call(base_url=server.base, session=session, timeout=30)
            case.validate_response(answer, checks=CHECKS)

        try:
            once()
        except (Exception, BaseExceptionGroup) as error:
            found.append(f"{call.label}: {error}")
    return found


def test_the_rest_api(inn: tuple[Server, requests.Session]) -> None:
    server, session = inn
    known = furnish(server, session)
    # A host of another kind would be looked for on the network.
    description = openapi.document(ROUTES, known=known)
    for path in ("vm-hosts", "pods"):
        forms = description["paths"][f"/MAAS/api/2.0/{path}/"]["post"]["requestBody"]["content"].values()
        for form in forms:
            form["schema"]["properties"]["type"] = {"enum": ["simulated"]}
    found = wrong(description, server, session)
    assert found == [], f"{len(found)} calls:\n" + "\n\n".join(found)
    assert "Traceback" not in server.log.read_text()


def operations_in(server: Server, host_id: int) -> list[str]:
    """Operations that nobody works on: one whose turn comes in an hour, and one that was stopped. Their ids."""

    def put(write: Write) -> list[str]:
        sync, refresh = SAGAS["sync_images"], SAGAS["refresh"]
        waits = operations.submit(write, kind=sync.kind, first_step=sync.first, host_id=None, actor="admin")
        stopped = operations.submit(write, kind=refresh.kind, first_step=refresh.first, host_id=host_id, actor="admin")
        for id, changed in ((waits, {"retry_at": write.now() + 3600}), (stopped, {"state": State.STOPPED})):
            write.sql.execute(sa.update(operation).where(operation.c.id == id).values(changed))
        return [waits, stopped]

    database, _, _ = open_store(server.settings)
    try:
        return database.transact(put)
    finally:
        database.close()


def about_what_there_is(
    description: dict[str, Any], known: dict[str, list[Any]], server: Server, session: requests.Session
) -> tuple[dict[str, set[int]], list[str]]:
    """Every call about every thing that there is: the statuses by call, and the answers that are not as described."""
    met: dict[str, set[int]] = {}
    found = []
    calls = [result.ok() for result in schemathesis.openapi.from_dict(description).get_all_operations()]
    for call in sorted(calls, key=lambda one: ORDER.index(one.method)):
        names = [one.name for one in call.path_parameters]
        noun = call.path.removeprefix("/api/v1/").partition("/")[0]
        for id in known[noun] if names else []:
            case = call.Case(path_parameters=dict.fromkeys(names, id))
            answer = case.call(base_url=server.base, session=session, timeout=30)
            met.setdefault(call.label.replace("/api/v1", ""), set()).add(answer.status_code)
            try:
                case.validate_response(answer, checks=CHECKS)
            except (Exception, BaseExceptionGroup) as error:
                found.append(f"{call.label}: {error}")
    return met, found


def enumerate_ids(description: dict[str, Any], known: dict[str, list[Any]]) -> None:
    """What the paths and queries of the description are about becomes a choice of what there is, and a wrong one."""
    queries = {"host_id": "vm-hosts", "system_id": "machines", "operation": "operations"}
    for path, calls in description["paths"].items():
        noun = path.removeprefix("/api/v1/").partition("/")[0]
        for call in calls.values():
            for one in call.get("parameters", ()):
                if of := noun if one["in"] == "path" else queries.get(one["name"]):
                    one["schema"] = {"enum": [*known[of], 99 if of == "vm-hosts" else "x"]}


def test_the_native_api(inn: tuple[Server, requests.Session]) -> None:
    """First of each thing as an administrator and as a user, to whom some of it is forbidden; then all that could be
    sent."""
    server, session = inn
    furnished = furnish(server, session)
    host = session.get(f"{server.base}/MAAS/api/2.0/vm-hosts/").json()[0]["id"]
    known: dict[str, list[Any]] = {"machines": furnished["system_id"], "vm-hosts": [host]}
    known["operations"] = operations_in(server, host)
    known["operations"] += [one["id"] for one in session.get(f"{server.base}/api/v1/operations").json()][-1:]
    description = session.get(f"{server.base}/api/v1/openapi.json").json()
    with speaking(server.key("ann")) as ann:
        of_ann, wrong_to_ann = about_what_there_is(description, known, server, ann)
    of_admin, wrong_to_admin = about_what_there_is(description, known, server, session)
    enumerate_ids(description, known)
    found = wrong(description, server, session, without="/stream")  # which never ends: tests/api/test_stream.py
    found += wrong_to_ann + wrong_to_admin
    assert found == [], f"{len(found)} calls:\n" + "\n\n".join(found)
    assert of_admin == {
        "GET /operations/{id}": {200},
        "POST /operations/{id}/cancel": {200, 409},
        "POST /operations/{id}/resume": {200, 409},
        "GET /vm-hosts/{id}/inventory": {200},
        "GET /vm-hosts/{id}/figures": {200},
        "GET /vm-hosts/{id}/storage-pools": {200},
        "GET /machines/{system_id}/placement": {200, 404},
        "GET /machines/{system_id}/console": {200},
    }
    assert {call: statuses for call, statuses in of_ann.items() if 403 in statuses} == {
        "POST /operations/{id}/cancel": {403},
        "POST /operations/{id}/resume": {403},
        "GET /machines/{system_id}/console": {403, 404},
    }
    assert "Traceback" not in server.log.read_text()
