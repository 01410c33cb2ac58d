"""What can be done with a machine, in words. When is `machine_case`'s to say; the API checks again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from innkeeper.model.lifecycle import Status
from innkeeper.model.machine import Origin, PowerState
from innkeeper.web.machine_case import Case

Test = Callable[[Case], bool]


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something that can be done. `name`: in the address; `op`: the API's, "" for one with a page of its own;
    `comment`: whether it takes one; `destroys`: whether what is on its disks is lost for good.

    `does`: what will happen, for who is asked; `done`: what has happened, after the machine's name.
    """

    name: str
    title: str
    when: Test
    op: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    comment: bool = True
    destroys: bool = False
    tone: str = ""
    does: Callable[[Case], str] = lambda _: ""
    done: str = ""


def _release(case: Case) -> str:
    if case.one.dynamic:
        return "It was composed for an allocate: releasing it deletes it, with its disks and all that is on them."
    return "It is Ready for others again. What is on its disks is wiped, and what was noted on it is forgotten."


def _abort(case: Case) -> str:
    if case.status == Status.DEPLOYING:
        return "The deployment is called off and undone; the machine is Allocated again, with empty disks."
    return "What is under way is called off and undone."


def _broken(case: Case) -> str:
    gone = " It is no longer allocated to its owner." if case.status == Status.ALLOCATED else ""
    return f"Nobody is given the machine until it is marked fixed.{gone} Nothing on it changes."


ACTIONS = (
    Action(
        name="deploy",
        title="Deploy",
        when=lambda case: case.deployable,
        tone="positive",
    ),
    Action(
        name="allocate",
        title="Allocate",
        when=lambda case: case.free,
        op="allocate",
        does=lambda _: "It becomes yours: nobody else is given it until you release it.",
        done="was allocated to you",
    ),
    Action(
        name="power-on",
        title="Power on",
        when=lambda case: case.powered and case.one.power_state != PowerState.ON,
        op="power_on",
        does=lambda _: "The machine starts.",
        done="is being powered on",
    ),
    Action(
        name="power-off",
        title="Power off",
        when=lambda case: case.powered and case.one.power_state != PowerState.OFF,
        op="power_off",
        fields=(("stop_mode", "soft"),),
        does=lambda _: "The guest is asked to shut down. If it does not, it is stopped by force after a minute.",
        done="is being powered off",
    ),
    Action(
        name="force-off",
        title="Force off",
        when=lambda case: case.powered and case.one.power_state != PowerState.OFF,
        op="power_off",
        fields=(("stop_mode", "hard"),),
        tone="negative",
        does=lambda _: "The machine stops at once, like one whose plug is pulled: what is not on its disks is lost.",
        done="is being stopped by force",
    ),
    Action(
        name="abort",
        title="Abort",
        when=lambda case: case.abortable,
        op="abort",
        tone="negative",
        does=_abort,
        done="was called off",
    ),
    Action(
        name="release",
        title="Release",
        when=lambda case: case.releasable,
        op="release",
        destroys=True,
        tone="negative",
        does=_release,
        done="is being released",
    ),
    Action(
        name="mark-fixed",
        title="Mark fixed",
        when=lambda case: case.fixable,
        op="mark_fixed",
        tone="positive",
        does=lambda case: (
            "It is Deployed again." if case.before == Status.DEPLOYED else "It is Ready: others may take it."
        ),
        done="was marked fixed",
    ),
    Action(
        name="commission",
        title="Commission",
        when=lambda case: case.commissionable,
        op="commission",
        comment=False,
        does=lambda _: "What its VM host really has of it is read and compared with its record. Nothing is booted.",
        done="is being commissioned",
    ),
    Action(name="edit", title="Edit", when=lambda case: case.unlocked),
    Action(name="resize", title="Resize", when=lambda case: case.resizable and not case.work),
    Action(
        name="mark-broken",
        title="Mark broken",
        when=lambda case: case.breakable,
        op="mark_broken",
        does=_broken,
        done="was marked broken",
    ),
    Action(
        name="lock",
        title="Lock",
        when=lambda case: case.mine and not case.one.locked and case.one.origin != Origin.HOST,
        op="lock",
        does=lambda _: "Nothing powers, changes, releases or deletes it until it is unlocked.",
        done="was locked",
    ),
    Action(
        name="unlock",
        title="Unlock",
        when=lambda case: case.mine and case.one.locked,
        op="unlock",
        does=lambda case: (
            "It was there before Innkeeper: once unlocked it can be powered, changed and deleted from here."
            if case.one.origin == Origin.ADOPTED
            else "It can be powered, changed, released and deleted again."
        ),
        done="was unlocked",
    ),
    Action(
        name="delete",
        title="Delete",
        when=lambda case: case.deletable,
        tone="negative",
    ),
)


def offered(case: Case) -> tuple[Action, ...]:
    """What can be done as things stand, the most likely first."""
    return tuple(one for one in ACTIONS if one.when(case))
