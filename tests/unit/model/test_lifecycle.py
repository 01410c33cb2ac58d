"""The states of a machine, with MAAS's numbers and names."""

from __future__ import annotations

import pytest

from innkeeper.model.lifecycle import COMMISSIONABLE, MOVES, RELEASABLE, Status, allowed, found_again, named, safe


@pytest.mark.parametrize(
    ("status", "number", "label"),
    [
        (Status.NEW, 0, "New"),
        (Status.COMMISSIONING, 1, "Commissioning"),
        (Status.FAILED_COMMISSIONING, 2, "Failed commissioning"),
        (Status.MISSING, 3, "Missing"),
        (Status.READY, 4, "Ready"),
        (Status.DEPLOYED, 6, "Deployed"),
        (Status.DEPLOYING, 9, "Deploying"),
        (Status.ALLOCATED, 10, "Allocated"),
        (Status.RELEASING, 12, "Releasing"),
        (Status.FAILED_ENTERING_RESCUE_MODE, 18, "Failed to enter rescue mode"),
        (Status.TESTING, 21, "Testing"),
    ],
)
def test_numbers_and_names(status: Status, number: int, label: str) -> None:
    assert (int(status), status.label) == (number, label)


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_known_by_each_of_its_names(status: Status) -> None:
    for text in (
        status.label,
        status.label.upper(),
        status.name,
        status.name.lower(),
        str(int(status)),
        f" {status.label} ",
    ):
        assert named(text) is status


def test_unknown_names() -> None:
    assert named("sleeping") is None
    assert named("") is None
    assert named("99") is None


def test_moves() -> None:
    """What clients watch: after a compose only Commissioning before Ready, and never from Deployed to Ready."""
    assert allowed(before=Status.COMMISSIONING, after=Status.READY)
    assert allowed(before=Status.COMMISSIONING, after=Status.FAILED_COMMISSIONING)
    assert allowed(before=Status.MISSING, after=Status.READY)
    assert not allowed(before=Status.DEPLOYED, after=Status.READY)
    assert not allowed(before=Status.READY, after=Status.DEPLOYED)
    for status in Status:
        assert allowed(before=status, after=status)
        assert status not in MOVES.get(status, frozenset())


def test_a_composed_machine_is_never_new() -> None:
    assert not any(Status.NEW in after for after in MOVES.values())


def test_what_clients_watch_from_deploy_to_release() -> None:
    """Deploying until Deployed, Releasing until Ready, and no way around."""
    assert allowed(before=Status.READY, after=Status.ALLOCATED)
    assert allowed(before=Status.ALLOCATED, after=Status.DEPLOYING)
    assert not allowed(before=Status.READY, after=Status.DEPLOYING)
    assert not allowed(before=Status.DEPLOYING, after=Status.READY)
    assert allowed(before=Status.DEPLOYING, after=Status.ALLOCATED)  # abort
    assert [one for one in MOVES if Status.READY in MOVES[one] and one in (Status.DEPLOYED, Status.DEPLOYING)] == []


@pytest.mark.parametrize("status", sorted(RELEASABLE))
def test_what_can_be_released_can_become_releasing(status: Status) -> None:
    assert allowed(before=status, after=Status.RELEASING)


@pytest.mark.parametrize("status", sorted(COMMISSIONABLE))
def test_what_can_be_commissioned_can_become_commissioning(status: Status) -> None:
    assert allowed(before=status, after=Status.COMMISSIONING)


@pytest.mark.parametrize("status", [one for one, after in MOVES.items() if Status.MISSING in after])
def test_what_was_missing_is_found_again_as_something_that_it_may_become(status: Status) -> None:
    back = found_again(status)
    assert allowed(before=Status.MISSING, after=back)
    assert back not in (Status.MISSING, Status.RELEASING, Status.COMMISSIONING)
    if status in (Status.READY, Status.ALLOCATED, Status.DEPLOYED, Status.DEPLOYING, Status.BROKEN):
        assert back == status


def test_one_of_whom_nothing_is_known_is_found_ready() -> None:
    assert found_again(None) == Status.READY
    assert found_again(Status.MISSING) == Status.READY


@pytest.mark.parametrize("before", [status for status in Status if allowed(before=status, after=Status.READY)])
@pytest.mark.parametrize("earlier", [None, *Status])
def test_what_ran_is_broken_instead_of_ready(before: Status, earlier: Status | None) -> None:
    """Only what was Ready already is that still, or again when it was missing."""
    was_ready = before == Status.READY or (before, earlier) == (Status.MISSING, Status.READY)
    led_to = safe(before=before, earlier=earlier, after=Status.READY, used=True)
    assert led_to == (Status.READY if was_ready else Status.BROKEN)
    assert allowed(before=before, after=led_to)
    assert safe(before=before, earlier=earlier, after=Status.READY, used=False) == Status.READY
    assert safe(before=before, earlier=earlier, after=Status.MISSING, used=True) == Status.MISSING
