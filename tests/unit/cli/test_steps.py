"""Events folded into steps."""

from __future__ import annotations

from innkeeper.cli.steps import Step, Steps, advance, settled


def _fold(*events: tuple[str, str, str] | tuple[str, str, str, str]) -> Steps:
    """Steps after events (operation, state, step[, text]), one a second."""
    steps: Steps = ()
    for now, (operation, state, step, *text) in enumerate(events):
        event = {
            "operation": operation,
            "state": state,
            "step": step,
            "text": "".join(text),
            "subject": f"vm-{operation}",
        }
        steps = advance(steps, event, now=float(now))
    return steps


def _seen(steps: Steps) -> list[tuple[str, str]]:
    return [(step.name, step.state) for step in steps]


def test_a_step_ends_where_the_next_begins() -> None:
    steps = _fold(("1", "running", "volumes"), ("1", "running", "instance", "8 GB"))
    assert steps == (
        Step(operation="1", subject="vm-1", name="volumes", state="done", text="", began=0, ended=1),
        Step(operation="1", subject="vm-1", name="instance", state="running", text="8 GB", began=1),
    )
    assert not settled(steps)


def test_the_same_step_told_again_only_changes_its_text() -> None:
    steps = _fold(("1", "running", "copy", "10 %"), ("1", "running", "copy", "60 %"), ("1", "running", "copy"))
    assert [(step.name, step.text, step.began) for step in steps] == [("copy", "60 %", 0)]


def test_done_ends_the_last_step() -> None:
    steps = _fold(("1", "running", "read back"), ("1", "done", ""))
    assert _seen(steps) == [("read back", "done")]
    assert steps[0].ended == 1
    assert settled(steps)


def test_a_failure_marks_its_step_and_the_undos_follow() -> None:
    steps = _fold(
        ("1", "running", "volumes"),
        ("1", "running", "instance"),
        ("1", "undoing", "instance"),
        ("1", "undoing", "volumes"),
        ("1", "failed", "", "No space left."),
    )
    assert _seen(steps) == [
        ("volumes", "done"),
        ("instance", "failed"),
        ("instance", "undone"),
        ("volumes", "undone"),
        ("failed", "failed"),
    ]
    assert steps[-1].text == "No space left."
    assert settled(steps)


def test_a_failure_without_undo_keeps_its_reason_at_the_step() -> None:
    steps = _fold(("1", "running", "power on"), ("1", "failed", "power on", "Host down."))
    assert [(step.name, step.state, step.text) for step in steps] == [("power on", "failed", "Host down.")]


def test_operations_beside_each_other_do_not_mix() -> None:
    steps = _fold(("1", "running", "a"), ("2", "running", "b"), ("1", "done", ""), ("2", "running", "c"))
    assert _seen(steps) == [("a", "done"), ("b", "done"), ("c", "running")]
    assert {step.subject for step in steps} == {"vm-1", "vm-2"}


def test_an_operation_seen_only_at_its_end_is_shown() -> None:
    assert _seen(_fold(("1", "done", ""))) == [("done", "done")]
    assert _seen(_fold(("1", "failed", "create", "No."))) == [("create", "failed")]


def test_unknown_states_change_nothing() -> None:
    steps = _fold(("1", "running", "a"), ("1", "dancing", "b"))
    assert _seen(steps) == [("a", "running")]
    assert advance(steps, {}, now=9.0) == steps
    assert settled(())
