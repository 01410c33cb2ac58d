"""Sentences of the API in plain words, on every page that shows one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from innkeeper.errors import Conflict, Invalid
from innkeeper.model import capacity
from innkeeper.model.capacity import Figure
from innkeeper.store.events import Event
from innkeeper.web import pages
from innkeeper.web.calls import Trouble
from innkeeper.web.wording import label, operation, plain, sentences, told

ID = "9c13a6" + "0" * 26
NAMES = {ID: operation("power_on", "inn-6"), "ctank4": "inn-4"}
MEMORY = capacity.memory(physical=102400, huge_pages=0, ratio=1.0, claimed=0, others=0)
LITTLE = capacity.memory(physical=65536, huge_pages=0, ratio=1.0, claimed=64000, others=1)
CORES = capacity.cores(physical=45, ratio=1.4, claimed=64, others=1)
POOL = capacity.storage(name="fast", total=10**12, ratio=1.0, written=0, foreign=0, claimed=142 * 10**9, others=0)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("No Pod matches the given query.", "It is not there any more."),
        ("No Static route matches the given query.", "It is not there any more."),
        (
            "storage pool fast: asked 991000000000 bytes, free 8000000000 bytes",
            "storage pool fast: asked 991 GB, free 8 GB",
        ),
        ("There is no zone 7.", "It is not there any more."),
        ("There is no zone 'nothing'.", "There is no zone 'nothing'."),
        (f"No operation {ID}.", "It is not there any more."),
        (
            "How VM host yew is reached cannot change now: refresh_host is running there.",
            "How VM host yew is reached cannot change now: refresh host is running there.",
        ),
        (
            "There is a VLAN with vid 5 in that fabric already: lab (id 4).",
            "There is a VLAN with tag 5 in that fabric already: lab.",
        ),
        ("the disk has 8000000000 bytes", "the disk has 8 GB"),
        ("cores: asked 4 cores, free 2 cores", "cores: asked 4 cores, free 2 cores"),
        ("machine 12345678 is gone", "machine 12345678 is gone"),
        ("a machine has 1024 MiB at least", "a machine has 1 GiB at least"),
        ("Not accepted: cpu_count, ratio.fast.", "Not right yet: CPU cores, Overcommit ratio of fast."),
        ("Invalid memory: it is odd.", "Memory: it is odd."),
        ("VM host yew has 1 operations running or stopped (remove_host).", "VM host yew is being removed already."),
        (
            "VM host yew has 1 operations running or stopped (power_on).",
            "VM host yew has 1 operation running or stopped: power on.",
        ),
        (
            "VM host yew has 12 operations running or stopped (compose, power_on).",
            "VM host yew has 12 operations running or stopped: compose, power on.",
        ),
        (f"Operation {ID} has ended already (done).", "“Power on” of inn-6 has ended already (done)."),
        (f"Operation {'0' * 32} is not stopped (done).", "This operation is not stopped (done)."),
        (f"An administrator can resume operation {ID}.", "An administrator can resume it."),
        (f"Operation {ID} (compose) goes on by itself.", "It goes on by itself."),
        (
            "No machine with system ID ctank4 available.",
            "inn-4 is not free any more: somebody was faster, or it is being worked on.",
        ),
        ("No machine is Ready. None is composed for a request by system_id, name or tags.", ""),
        ("on its VLAN untagged (id 5) there is the subnet lab", "on its VLAN untagged there is the subnet lab"),
        (
            "Close the host to new machines: schedulable=false closed_reason=… (PUT vm-hosts/{id}/).",
            "Close the host to new machines.",
        ),
    ],
)
def test_plain(said: str, shown: str) -> None:
    assert plain(said, NAMES) == shown


@pytest.mark.parametrize(
    ("figure", "asked", "shown"),
    [
        (
            LITTLE,
            9999999,
            "memory: asked 9.53 TiB, free 1.49 GiB; limit 64 GiB = 64 GiB × overcommit ratio 1, "
            "62.5 GiB held by machines, 1 MiB by others",
        ),
        (
            MEMORY,
            102401,
            "memory: asked 100 GiB, free 100 GiB, 1 MiB too few; limit 100 GiB = 100 GiB × overcommit ratio 1, "
            "0 MiB held by machines, 0 MiB by others",
        ),
        (
            CORES,
            1,
            "cores: asked 1 core, free 0 cores (over by 2); limit 63 = 45 × overcommit ratio 1.4, "
            "64 held by machines, 1 by others",
        ),
        (
            POOL,
            991 * 10**9,
            "storage pool fast: asked 991 GB, free 858 GB; limit 1 TB = 1 TB × overcommit ratio 1, "
            "142 GB held by machines, 0 B by others",
        ),
    ],
)
def test_what_is_missing_is_told_in_one_way_of_writing_sizes(figure: Figure, asked: int, shown: str) -> None:
    short = figure.shortfall(asked)
    assert short is not None
    assert plain(short.text) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("power_on inn-6 (a new kernel)", "powered on inn-6 (a new kernel)"),
        ("power_off inn-6", "powered off inn-6"),
        (f"resumed operation {ID}", "resumed an operation"),
        (
            "resizes inn-6: 1 cores, 2048 MiB → 2 cores, 4096 MiB",
            "resizes inn-6: 1 core, 2 GiB → 2 cores, 4 GiB",
        ),
        ("grows sda of inn-6: 8000000000 → 9000000000 bytes", "grows sda of inn-6: 8 GB → 9 GB"),
        ("removed the VM host yew, decompose=False", "removed the VM host yew, and left its VMs as they are"),
        ("removed the VM host yew, decompose=True", "removed the VM host yew with its composed machines"),
        (
            "changed the VM host: cpu_over_commit_ratio, tags, pool",
            "changed the VM host: CPU overcommit ratio, tags, resource pool",
        ),
        ("deleted the SSH key 3", "deleted an SSH key"),
        ("changed the static route 7", "changed a static route"),
        ("VM host yew was removed, 1 machines with it", "VM host yew was removed, 1 machine with it"),
        (f"volumes marked with operation {ID}", f"volumes marked with operation {ID}"),
    ],
)
def test_told(said: str, shown: str) -> None:
    assert told(said) == shown


def test_sentences_begin_as_sentences_do() -> None:
    said = "VM host yew has been unreachable. it is down. yew itself stays"
    assert sentences(said) == "VM host yew has been unreachable. It is down. yew itself stays"
    assert sentences("the host yew does not answer") == "The host yew does not answer"
    assert sentences("yew is away") == "yew is away"


def test_what_fields_are_called() -> None:
    assert [label(name) for name in ("cpu_count", "ratio.fast", "some_thing")] == [
        "CPU cores",
        "Overcommit ratio of fast",
        "Some thing",
    ]


def test_an_error_as_pages_show_it() -> None:
    shown = Trouble.of(Invalid("Not accepted: memory.", fields={"memory": ["at least 1024 MiB"]}))
    assert shown.words == "Not right yet: Memory. Memory: at least 1 GiB"
    lost = Conflict(
        "No machine with system ID ctank4 available.",
        details="No machine is Ready. None is composed for a request by system_id, name or tags.",
    )
    assert Trouble.of(lost, names=NAMES).words.startswith("inn-4 is not free any more")
    force = Conflict("Busy.", resolution="Wait for them, cancel them, or remove the host with force=true.")
    assert "“By force” on this page" in Trouble.of(force).resolution


def test_an_operation_that_somebody_cancelled_is_a_link() -> None:
    parts = pages._environment.get_template("event_parts.html").module
    event = Event(kind="audit", what="audit", text=f"cancelled operation {ID}")
    assert parts.what(SimpleNamespace(event=event)).strip() == (  # type: ignore[attr-defined]
        f'<a href="/operations/{ID}">cancelled an operation</a>'
    )
