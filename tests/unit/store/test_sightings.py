"""Reality moves, and claims and machines follow it; nothing is judged by a listing that is older than it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from innkeeper.model.constraints import DiskRequest
from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import DiskFacts, InstanceFacts, PowerState
from innkeeper.model.request import Request
from innkeeper.store import machines
from innkeeper.store.operations import State
from tests.unit.store.seen import GB, INVENTORY, THEIRS, Seen

TWO = (DiskRequest(label="root", size=8 * GB, tags=("os",)), DiskRequest(size=5 * GB, tags=("slow", "data")))


def gone(seen: Seen, name: str) -> InstanceFacts:
    return seen.there.pop(("default", name))


def test_V10_V16_a_vm_that_was_there_is_adopted_as_it_is(seen: Seen) -> None:
    seen.put(replace(THEIRS, power=PowerState.ON))
    seen.look()
    one = seen.machines["theirs"]
    assert (one.status, one.locked, one.origin, one.power_state) == (Status.DEPLOYED, True, "adopted", "on")
    assert seen.claims == {"theirs": ("adopted", 2, 1024, (10 * GB,))}


def test_V13_V14_other_projects_count_as_others(seen: Seen) -> None:
    """The same name in another project is another VM, and no machine of ours."""
    seen.put(THEIRS, replace(THEIRS, project="maas", cores=5))
    seen.look()
    assert len(seen.machines) == 1
    cores = seen.figures.cores
    assert cores is not None
    assert (cores.claimed, cores.others) == (2, 5)
    assert dict(seen.figures.storage)["fast"].others == 10 * GB


def test_V18_host_names_are_valid_and_unique(seen: Seen) -> None:
    seen.put(*(replace(THEIRS, name=name) for name in ("My_VM", "my-vm", "666", "web")))
    seen.look()
    names = {one.instance: one.hostname for one in seen.machines.values()}
    assert len(set(names.values())) == 4
    assert names["666"] == "vm-666"
    assert {names["My_VM"][:5], names["my-vm"][:5]} == {"my-vm"}


def test_O05_a_vm_with_three_disks_is_counted_once(seen: Seen) -> None:
    disks = tuple(DiskFacts(device=f"d{number}", pool="fast", size=GB) for number in range(3))
    seen.put(replace(THEIRS, cores=4, disks=disks))
    seen.look()
    cores = seen.figures.cores
    assert cores is not None
    assert cores.used == 4
    assert dict(seen.figures.storage)["fast"].used == 3 * GB


def test_V07_what_is_in_no_pool_takes_nothing(seen: Seen) -> None:
    seen.put(replace(THEIRS, disks=(*THEIRS.disks, DiskFacts(device="iso"), DiskFacts(device="config"))))
    seen.look()
    assert seen.claims["theirs"][3] == (10 * GB,)


def test_V09_a_volume_counts_with_its_own_size(seen: Seen) -> None:
    """The device names no size; the pool's list does."""
    data = DiskFacts(device="data", pool="slow", volume="big", size=50 * GB)
    seen.put(replace(THEIRS, disks=(*THEIRS.disks, data)))
    seen.look_at_all()
    seen.put(replace(THEIRS, disks=(*THEIRS.disks, replace(data, size=None))))
    seen.look()
    assert seen.claims["theirs"][3] == (10 * GB, 50 * GB)


def test_V21_a_vm_that_moves_to_another_member_is_followed(seen: Seen) -> None:
    seen.put(replace(THEIRS, location="a"))
    seen.look()
    before = seen.machines["theirs"]
    seen.put(replace(THEIRS, location="b"))
    seen.look()
    assert seen.machines["theirs"].system_id == before.system_id
    assert len(seen.claims) == 1


def test_a_change_outside_is_followed_over_the_limit_and_said(seen: Seen) -> None:
    one = seen.compose(cores=2)
    seen.put(replace(seen.there["default", "web"], cores=20))
    seen.look()
    cores = seen.figures.cores
    assert cores is not None
    assert (cores.used, cores.over) == (20, 4)
    assert seen.machines["web"].cores == 20
    (told,) = seen.told("changed")
    assert told == "web was changed on alpha: 2 cores, 2048 MiB → 20 cores, 2048 MiB; cores of alpha over by 4 cores"
    assert one.system_id == seen.machines["web"].system_id


def test_a_change_outside_keeps_what_only_we_know(seen: Seen) -> None:
    before = seen.compose(disks=TWO).disks
    seen.put(replace(seen.there["default", "web"], memory=4096))
    seen.look()
    after = seen.machines["web"].disks
    assert [(disk.tags, disk.why, disk.size) for disk in after] == [(d.tags, d.why, d.size) for d in before]


def test_a_size_that_the_host_cannot_tell_now_stays(seen: Seen) -> None:
    """The list of volumes is older than the machine, and the device names no size: its claim must not shrink."""
    seen.compose(disks=TWO)
    facts = seen.there["default", "web"]
    seen.put(replace(facts, disks=tuple(replace(disk, size=None) for disk in facts.disks)))
    seen.look()
    assert seen.claims["web"][3] == (8 * GB, 5 * GB)
    assert [disk.size for disk in seen.machines["web"].disks] == [8 * GB, 5 * GB]
    assert seen.told("changed") == []


def test_a_composed_one_that_vanishes_is_missing_and_found_again(seen: Seen) -> None:
    seen.compose()
    before = seen.claims
    facts = replace(gone(seen, "web"), power=PowerState.ON)
    seen.look()
    one = seen.machines["web"]
    assert (one.status, one.status_message) == (Status.MISSING, "the instance web is not on alpha any more")
    assert seen.claims == before  # what it holds is kept for it
    seen.look()
    assert len(seen.told("status")) == 2  # Commissioning → Ready → Missing, said once
    seen.put(facts)
    seen.look()
    assert (seen.machines["web"].status, seen.machines["web"].power_state) == (Status.READY, "on")
    assert seen.told("found") == ["web is back on alpha"]


def test_power_is_known_again_when_it_comes_back_as_it_was(seen: Seen) -> None:
    seen.compose()
    facts = gone(seen, "web")
    seen.look()
    assert seen.machines["web"].power_state == "unknown"
    seen.put(replace(facts, power=PowerState.OFF))
    seen.look()
    assert seen.machines["web"].power_state == "off"


def test_an_adopted_one_that_is_deleted_goes(seen: Seen) -> None:
    seen.put(THEIRS)
    seen.look()
    gone(seen, "theirs")
    seen.look()
    assert (seen.machines, seen.claims) == ({}, {})
    assert len(seen.told("gone")) == 1


def test_a_rename_is_followed_by_our_mark(seen: Seen) -> None:
    before = seen.compose()
    seen.put(replace(gone(seen, "web"), name="www"))
    seen.look()
    assert seen.machines["www"].system_id == before.system_id
    assert seen.machines["www"].status == Status.READY
    assert set(seen.claims) == {"www"}


def test_a_copy_carries_our_mark_and_is_not_the_machine(seen: Seen) -> None:
    """Copied marks must not move the record to the copy, nor back at the next look."""
    before = seen.compose()
    copy = replace(seen.there["default", "web"], name="copy", cores=3)
    seen.there = {("default", "copy"): copy, **seen.there}
    for _ in range(2):
        seen.look()
        assert seen.machines["web"].system_id == before.system_id
        assert seen.machines["copy"].origin == "adopted"
        assert seen.claims["copy"][:2] == ("adopted", 3)
    assert seen.told("renamed") == []
    gone(seen, "web")
    seen.look()
    assert seen.machines["web"].status == Status.MISSING  # the copy is known by now: it is not a rename
    assert seen.machines["copy"].origin == "adopted"


def test_names_handed_on_are_followed(seen: Seen) -> None:
    """b → c, then a → b, and nobody looked in between."""
    a, b = seen.compose("a"), seen.compose("b")
    was_a, was_b = gone(seen, "a"), gone(seen, "b")
    seen.put(replace(was_a, name="b"), replace(was_b, name="c"))
    seen.look()
    assert {name: one.system_id for name, one in seen.machines.items()} == {"b": a.system_id, "c": b.system_id}
    assert {one.status for one in seen.machines.values()} == {Status.READY}


def test_renamed_to_the_name_of_an_adopted_one_that_is_gone(seen: Seen) -> None:
    seen.put(THEIRS)
    seen.look()
    one = seen.compose()
    gone(seen, "theirs")
    seen.put(replace(gone(seen, "web"), name="theirs"))
    seen.look()
    assert seen.machines["theirs"].system_id == one.system_id
    assert len(seen.machines) == len(seen.claims) == 1


def test_another_in_a_machines_place_is_not_the_machine_and_is_counted(seen: Seen) -> None:
    one = seen.compose(cores=2)
    gone(seen, "web")
    seen.put(replace(THEIRS, name="web", cores=9))
    seen.look()
    assert (seen.machines["web"].status, seen.machines["web"].system_id) == (Status.MISSING, one.system_id)
    cores = seen.figures.cores
    assert cores is not None
    assert cores.used == 9
    seen.end(seen.remove(seen.machines["web"]), State.DONE)
    seen.look()
    assert seen.machines["web"].origin == "adopted"


def test_another_in_an_adopted_ones_place_is_adopted_anew(seen: Seen) -> None:
    seen.put(THEIRS)
    seen.look()
    before = seen.machines["theirs"].system_id
    seen.put(replace(THEIRS, tags=(("machine", "abc"), ("installation", "another"))))
    seen.look()
    assert seen.machines["theirs"].system_id != before
    assert len(seen.machines) == 1


@pytest.mark.parametrize("full", [False, True])
def test_an_older_listing_changes_nothing(seen: Seen, full: bool) -> None:
    seen.put(THEIRS)
    old, before = seen.moment(), dict(seen.there)
    gone(seen, "theirs")
    seen.put(replace(THEIRS, name="newer"))
    seen.look_at_all() if full else seen.look()
    assert not seen.look(old, instances=before)
    if full:
        newer, seen.there = seen.there, before
        seen.look_at_all(old)
        seen.there = newer
    assert set(seen.machines) == {"newer"}


def test_an_older_reading_of_the_host_changes_nothing(seen: Seen) -> None:
    old = seen.moment()
    more = replace(INVENTORY, memory=128 * 2**30, pools=(replace(INVENTORY.pools[0], total=7 * GB),))
    seen.look_at_all(inventory=more)
    before = (seen.host, seen.figures)
    seen.look_at_all(old)
    assert (seen.host, seen.figures) == before
    assert seen.host.memory == 128 * 1024


def test_what_was_made_since_the_listing_began_is_not_missing(seen: Seen) -> None:
    at, before = seen.moment(), dict(seen.there)
    seen.compose()
    assert seen.look(at, instances=before)
    assert seen.machines["web"].status == Status.READY


def test_power_that_was_switched_since_the_listing_began_stays(seen: Seen) -> None:
    one = seen.compose()
    seen.put(replace(seen.there["default", "web"], power=PowerState.OFF))
    seen.look()
    at, before = seen.moment(), dict(seen.there)
    seen.database.transact(machines.update, one.system_id, power_state="on", settled_at=seen.moment())
    seen.look(at, instances=before)
    assert seen.machines["web"].power_state == "on"


def test_what_is_worked_on_is_not_judged(seen: Seen) -> None:
    """Claimed and not made yet; and being removed, and gone already."""
    _, making = seen.order(Request(hostname="a"))
    removing = seen.remove(seen.compose("b"))
    gone(seen, "b")
    seen.look()
    assert {one.status for one in seen.machines.values()} == {Status.COMMISSIONING, Status.READY}
    seen.end(removing, State.DONE)
    seen.end(making, State.FAILED)
    assert (seen.machines, seen.claims) == ({}, {})
