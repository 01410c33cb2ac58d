"""The states of a machine, with MAAS's numbers and names."""

from __future__ import annotations

import pytest

from innkeeper.model.lifecycle import MOVES, Status, allowed, named


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
