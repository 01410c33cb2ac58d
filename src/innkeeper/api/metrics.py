"""Prometheus metrics, counted when they are asked for; operation times as they end."""

from __future__ import annotations

import time
from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from innkeeper.model.host import HostState
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin
from innkeeper.model.notices import Kind
from innkeeper.store import hosts, notices
from innkeeper.store.database import Database
from innkeeper.store.figures import figures
from innkeeper.store.tables import machine, operation

_UP = (HostState.READY, HostState.DEGRADED)


class _Inn(Collector):
    def __init__(self, sql: sa.Connection) -> None:
        self._sql = sql

    def collect(self) -> Iterator[Metric]:
        yield from self._hosts()
        count = GaugeMetricFamily("innkeeper_machines", "Machines by status.", labels=["status"])
        no_device = machine.c.origin != Origin.DEVICE
        counted = sa.select(machine.c.status, sa.func.count()).where(no_device).group_by(machine.c.status)
        for status, number in self._sql.execute(counted):
            count.add_metric([Status(status).label], number)
        yield count
        op = operation.c
        ops = GaugeMetricFamily("innkeeper_operations", "Operations kept, by kind and state.", labels=["kind", "state"])
        spent = GaugeMetricFamily(
            "innkeeper_operation_seconds", "Mean time of kept operations, by kind and state.", labels=["kind", "state"]
        )
        query = sa.select(op.kind, op.state, sa.func.count(), sa.func.avg(op.ended - op.created))
        for kind, state, number, mean in self._sql.execute(query.group_by(op.kind, op.state)):
            ops.add_metric([kind, state], number)
            if mean is not None:
                spent.add_metric([kind, state], float(mean))
        yield ops
        yield spent

    def _hosts(self) -> Iterator[Metric]:
        many = hosts.listing(self._sql)
        counted = figures(self._sql, many)
        up = GaugeMetricFamily("innkeeper_host_up", "Whether a VM host answers.", labels=["host"])
        live = GaugeMetricFamily("innkeeper_host_live_events", "Whether its event stream is open.", labels=["host"])
        days = GaugeMetricFamily(
            "innkeeper_host_certificate_days_left", "Days until our certificate ends.", labels=["host"]
        )
        ratio = GaugeMetricFamily("innkeeper_host_overcommit_ratio", "Overcommit ratios.", labels=["host", "resource"])
        amount = GaugeMetricFamily(
            "innkeeper_host_resource", "Cores, MiB or bytes, by figure.", labels=["host", "resource", "figure"]
        )
        noticed = GaugeMetricFamily(
            "innkeeper_notices", "What somebody should look at, by what it is about.", labels=["host", "kind"]
        )
        notes = notices.counted(self._sql)
        for one in many:
            for kind in Kind:
                noticed.add_metric([one.name, kind], notes.get((one.name, kind), 0))
            up.add_metric([one.name], float(one.state in _UP))
            live.add_metric([one.name], float(one.live))
            if one.certificate_expires:
                days.add_metric([one.name], (one.certificate_expires - time.time()) // 86400)
            ratio.add_metric([one.name, "cores"], one.cpu_over_commit_ratio)
            ratio.add_metric([one.name, "memory"], one.memory_over_commit_ratio)
            mine = counted[one.id]
            named = [("cores", mine.cores), ("memory", mine.memory), ("huge_pages", mine.huge_pages)]
            for resource, figure in [*named, *((f"pool {name}", each) for name, each in mine.storage)]:
                if figure is not None:
                    for name in ("physical", "limit", "claimed", "others", "free", "over"):
                        amount.add_metric([one.name, resource, name], float(getattr(figure, name)))
        yield from (up, live, days, ratio, amount, noticed)


def render(database: Database) -> bytes:
    """All metrics as Prometheus text. Runs SQL: call it in a thread."""
    with database.read() as sql:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Inn(sql))
        return generate_latest(registry)
