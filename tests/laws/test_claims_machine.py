"""Claims against reality, in any order that chance finds: composes, failures, removals, ratios, outside changes.

Sums never exceed what was allowed when they were claimed, nothing leaks, and what is shown is what a count from
scratch gives. A listing that is older than another changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    invariant,
    rule,
    run_state_machine_as_test,
)

from innkeeper.model.lifecycle import Status
from innkeeper.store import figures, hosts, storage_pools
from innkeeper.store.network_tables import address, link
from innkeeper.store.tables import claim, claim_storage, host, interface, machine, operation
from tests.laws.claims_story import ANY, pick
from tests.laws.reality import Reality, held, numbers
from tests.laws.sizes_story import SizesStory
from tests.laws.stage import Stage
from tests.laws.world import everything

pytestmark = pytest.mark.slow
MEANWHILE = st.sampled_from(["look", "compose", "remove", "end", "vanish"])


class Claims(SizesStory):
    """The rules of the story, those of looking, and what always holds."""

    # --- what is seen

    @rule(which=ANY)
    def look(self, which: int) -> None:
        self._seen(pick(self.hosts, which), True)

    @rule(which=ANY, whole=st.booleans(), meanwhile=st.lists(MEANWHILE, min_size=1, max_size=3))
    def look_that_comes_late(self, which: int, whole: bool, meanwhile: list[str]) -> None:
        """Things happen between the host's answer and its being stored: what was settled since is not judged by it."""
        one = pick(self.hosts, which)
        at, inventory, instances = self._now(), one.inventory(), dict(one.instances)
        for what in meanwhile:
            self._happens(what, which)
        (row,) = [row for row in self._rows(host) if row.id == one.id]
        before, known = everything(self.stage), {m.system_id: m for m in self._rows(machine)}
        settled = {m.system_id: m.status for m in known.values() if m.settled_at >= at}
        since = {
            (o.system_id, msgspec.json.decode(o.arguments_json)["name"])
            for o in self._rows(operation)
            if o.ended is not None and o.ended >= at
        }
        self._store(one, at, inventory if whole else None, instances)
        if at < row.listed_at:
            assert everything(self.stage) == before
        found = {m.system_id: m for m in self._rows(machine)}
        assert {system_id: found[system_id].status for system_id in settled} == settled
        for m in found.values():
            if m.system_id not in known:  # nothing is adopted that an operation has taken away since
                mark = instances[m.project, m.instance].tag("machine")
                assert (mark, m.instance) not in since or mark in known, (m.instance, mark)

    def _happens(self, what: str, which: int) -> None:
        if what == "look":
            self._seen(pick(self.hosts, which), True)
        elif what == "compose":
            self.compose(which=which, cores=1, memory=1, disks=[1, 1], ending="done")
        elif what == "remove" and self._composed():
            self.remove(which=which, forced=bool(which % 2), now=True)
        elif what == "end" and self.making:
            self.end_compose(which=which, failed=bool(which % 2), answered=False)
        elif what == "end" and self.removing:
            self.end_removal(which=which)
        elif what == "vanish" and self._all_instances():
            self.vanish(which=which, seen=False)

    # --- what always holds

    @invariant()
    def figures_are_the_count(self) -> None:
        for one in self.hosts:
            counted = self.database.ask(lambda sql, id=one.id: figures.figures(sql, [hosts.find(sql, id)])[id])
            assert counted.cores is not None
            assert counted.memory is not None
            total, limits = self.database.ask(held, one), one.limits()
            assert (counted.cores.used, counted.cores.limit) == (total["cores"], limits["cores"])
            assert (counted.memory.used, counted.memory.limit) == (total["memory"], limits["memory"])
            for name, figure in counted.storage:
                orphans = next(row for row in self.database.ask(storage_pools.listing, [one.id]) if row.name == name)
                assert figure.used == total[f"pool {name}"] + orphans.other_allocated
                assert figure.limit == limits[f"pool {name}"]

    @invariant()
    def nothing_leaks(self) -> None:
        claimed = self._rows(claim)
        ids = {row.id for row in claimed}
        assert {row.claim_id for row in self._rows(claim_storage)} <= ids
        records = {row.system_id: row for row in self._rows(machine)}
        assert {row.system_id for row in claimed if row.system_id} <= set(records)
        for row in claimed:
            assert bool(row.system_id) == (row.origin in ("composed", "adopted"))
        holders = {row.system_id for row in claimed}
        for row in records.values():
            assert (row.system_id in holders) == (row.status != Status.FAILED_COMMISSIONING)

    @invariant()
    def an_address_is_one_links(self) -> None:
        """What a link holds is taken, once; what is taken is held by a link that shows it."""
        links = {row.id: row for row in self._rows(link)}
        taken = {row.ip: row.link_id for row in self._rows(address)}
        held = [row.ip for row in links.values() if row.ip and not row.learnt]
        assert sorted(held) == sorted(taken)
        assert all(links[link_id].ip == ip for ip, link_id in taken.items())
        nics = {row.id: row.system_id for row in self._rows(interface)}
        holders = {nics[row.interface_id] for row in links.values()}
        failed = {row.system_id for row in self._rows(machine) if row.status == Status.FAILED_COMMISSIONING}
        assert not holders & failed

    @invariant()
    def adopted_ones_are_locked(self) -> None:
        for row in self._rows(machine):
            if row.origin == "adopted":
                assert row.locked
                assert row.status == Status.DEPLOYED

    def _agrees(self, one: Reality, *, adopted_before: set[str]) -> None:
        """After a look nothing is unknown: each instance has one claim with its numbers, unless it is worked on."""
        busy = {each.system_id for each in self.making} | {each.system_id for each in self.removing}
        names = {each.facts.name for each in self.making} | {each.name for each in self.removing}
        rows = [row for row in self._rows(claim) if row.host_id == one.id]
        by_key = {(row.project, row.instance): row for row in rows}
        storage = self._rows(claim_storage)
        for facts in one.instances.values():
            if facts.name in names or facts.tag("machine") in busy:
                continue
            row = by_key.pop(facts.key)
            sizes = tuple((each.pool, each.size) for each in storage if each.claim_id == row.id)
            assert (row.cores, row.memory, sizes) == numbers(facts)
        records = {row.system_id: row for row in self._rows(machine)}
        for row in by_key.values():
            if row.mark not in busy and row.system_id not in busy:
                assert records[row.system_id].status == Status.MISSING, row
        for record in records.values():
            if record.origin != "composed" or record.host_id != one.id or record.system_id in busy:
                continue
            marked = {f.name for f in one.instances.values() if f.tag("machine") == record.system_id}
            if record.instance in marked:
                assert record.status in (Status.READY, Status.FAILED_COMMISSIONING)
            else:
                assert record.status in (Status.MISSING, Status.FAILED_COMMISSIONING)
                assert marked <= adopted_before  # else it was a rename, and had been followed


@pytest.fixture
def plain_stage(module_url: str, tmp_path: Path) -> Iterator[Stage]:
    made = Stage.open(tmp_path / "stage", module_url)
    yield made
    made.wipe()
    made.services.database.close()


def test_claims_follow_reality_and_keep_the_limits(plain_stage: Stage) -> None:
    """Fewer examples on PostgreSQL: the statements are the same, only slower."""
    examples = 40 if plain_stage.services.database.is_sqlite else 12
    chosen = settings(
        max_examples=examples,
        stateful_step_count=35,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    run_state_machine_as_test(type("OnThatStage", (Claims,), {"stage": plain_stage}), settings=chosen)
