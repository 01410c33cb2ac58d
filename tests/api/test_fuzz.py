"""Both APIs called by their own descriptions with all that could be sent: no 5xx, no answer that is not described.

The examples are the same in every run. What may be sent to hosts is sent to simulated ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode, checks

from innkeeper.api.app import ROUTES
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


@pytest.fixture(scope="module")
def inn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, requests.Session]]:
    """A server with something of everything in it, and a connection of its administrator."""
    data = tmp_path_factory.mktemp("inn")
    (data / "hosts").mkdir()
    server = Server(data, hosts=data / "hosts", compose_wait=2.0)
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = oauth(server.key())
    with running(server), session:
        yield server, session


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


def test_the_native_api(inn: tuple[Server, requests.Session]) -> None:
    server, session = inn
    description = session.get(f"{server.base}/api/v1/openapi.json").json()
    found = wrong(description, server, session, without="/stream")  # which never ends: tests/api/test_stream.py
    assert found == [], f"{len(found)} calls:\n" + "\n\n".join(found)
    assert "Traceback" not in server.log.read_text()
