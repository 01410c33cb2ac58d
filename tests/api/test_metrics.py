"""/healthz, /readyz and /metrics: values are right after every change, and hold no names of things that are gone."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from prometheus_client.parser import text_string_to_metric_families

from innkeeper.hypervisors.simulated_world import Fault
from tests.kit.databases import fresh_postgres, postgres_server
from tests.kit.house import Inn, inn
from tests.kit.until import until

Labels = tuple[tuple[str, str], ...]


async def metrics(house: Inn) -> dict[tuple[str, Labels], float]:
    """All samples, as a Prometheus reads them, without a key."""
    answer = await house.nobody.call("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


def of(name: str, **labels: str) -> tuple[str, Labels]:
    return (f"innkeeper_{name}", tuple(sorted(labels.items())))


async def test_health(house: Inn) -> None:
    for path, text in (("/healthz", "ok\n"), ("/readyz", "ready\n")):
        answer = await house.nobody.call("GET", path)
        assert (answer.status_code, answer.text) == (200, text)


@pytest.mark.postgres
async def test_not_ready_without_a_database(tmp_path: Path) -> None:
    """Alive, so that nobody restarts it, and not ready, so that nobody asks it."""
    with fresh_postgres() as url:
        async with inn(tmp_path, url) as house:
            assert (await house.nobody.call("GET", "/readyz")).status_code == 200
            admin = sa.create_engine(postgres_server(), isolation_level="AUTOCOMMIT")
            name = sa.make_url(url).database
            with admin.connect() as connection:
                connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
                connection.exec_driver_sql(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                )
            answer = await house.nobody.call("GET", "/readyz")
            assert (answer.status_code, "the database does not answer" in answer.text) == (503, True)
            assert "://" not in answer.text
            assert (await house.nobody.call("GET", "/healthz")).status_code == 200
            with admin.connect() as connection:
                connection.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
            admin.dispose()
            assert (await house.nobody.call("GET", "/readyz")).status_code == 200


async def test_values_after_composes(house: Inn) -> None:
    before = await metrics(house)
    assert not [name for name, _ in before if name.startswith("innkeeper_host")]
    id = await house.add_host(cpu_over_commit_ratio="1.5", memory_over_commit_ratio=2)
    for number in range(3):
        await house.admin.compose(id, hostname=f"vm{number}", cores=2, memory=4096, storage="8,20")
    house.change("alpha", lambda world: world.faults.append(Fault(call="create", kind="refuse")))
    await house.admin.call("POST", f"vm-hosts/{id}/", op="compose")
    found = await metrics(house)
    wanted = {
        of("host_up", host="alpha"): 1,
        of("host_overcommit_ratio", host="alpha", resource="cores"): 1.5,
        of("host_overcommit_ratio", host="alpha", resource="memory"): 2,
        of("machines", status="Ready"): 3,
        of("machines", status="Deployed"): 1,
        of("operations", kind="compose", state="done"): 3,
        of("operations", kind="compose", state="failed"): 1,
        of("operations", kind="add_host", state="done"): 1,
    }
    figures = {
        "cores": {"physical": 16, "limit": 24, "claimed": 6, "others": 0, "free": 18, "over": 0},
        "memory": {"physical": 65536, "limit": 131072, "claimed": 12288, "others": 0, "free": 118784, "over": 0},
        "pool default": {"physical": 10**12, "limit": 10**12, "claimed": 84 * 10**9, "free": 916 * 10**9, "over": 0},
    }
    for resource, values in figures.items():
        for figure, value in values.items():
            wanted[of("host_resource", host="alpha", resource=resource, figure=figure)] = value
    assert {name: found.get(name) for name in wanted} == wanted
    assert 0 < found[of("operation_seconds", kind="compose", state="done")] < 60
    await house.admin.delete(f"vm-hosts/{id}/", decompose="true")
    after = await metrics(house)
    assert not [labels for _, labels in after if ("host", "alpha") in labels]
    assert of("machines", status="Ready") not in after


async def test_a_host_that_is_away(swift: Inn) -> None:
    id = await swift.add_host()

    async def live(wanted: float) -> bool:
        return (await metrics(swift))[of("host_live_events", host="alpha")] == wanted

    await until(lambda: live(1))
    swift.change("alpha", lambda world: setattr(world, "up", False))
    await until(lambda: live(0))

    async def down() -> bool:
        return (await metrics(swift))[of("host_up", host="alpha")] == 0

    await until(down)
    found = await metrics(swift)
    assert found[of("host_resource", host="alpha", resource="cores", figure="physical")] == 16  # the last numbers stay
    assert (await swift.admin.get(f"vm-hosts/{id}/"))["total"]["cores"] == 16
