"""What can be done with many machines at once: the actions of one machine, and those that are only of many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from innkeeper.api.auth import Actor
from innkeeper.model.machine import PowerState
from innkeeper.web import bulk_calls as calls
from innkeeper.web import bulk_reasons as why
from innkeeper.web.bulk_calls import Make
from innkeeper.web.bulk_reasons import Why
from innkeeper.web.machine_actions import ACTIONS
from innkeeper.web.machine_case import Case

_BY_NAME = {one.name: one for one in ACTIONS}


@dataclass(frozen=True, kw_only=True)
class Bulk:
    """Something that can be done with many machines.

    `when`: whether it can be with one of them; `why_not`: why it cannot, beside what stands in the way of everything.
    `fields`: what its form asks for; `call`: of what was filled in.
    """

    name: str
    title: str
    group: str
    when: Callable[[Case], bool]
    why_not: Why
    call: Make
    fields: tuple[str, ...] = ("comment",)
    tone: str = "positive"
    admin: bool = False
    about: str = ""

    def words(self, filled: Mapping[str, str]) -> str:
        """What is done, as it was filled in: "Set zone: north"."""
        what = next((filled[name] for name in ("distro_series", "pool", "zone", "tag") if filled.get(name)), "")
        return f"{self.title}: {what}" if what else self.title

    def refusal(self, case: Case) -> str:
        """Why it cannot be done with a machine, in words; "" when it can."""
        if self.when(case):
            return ""
        return why.barred(case, self.name) or self.why_not(case) or f"It is {case.status.label}."


def _from(name: str, group: str, why_not: Why, *, tone: str = "positive", about: str = "") -> Bulk:
    """An action of one machine, for many."""
    one = _BY_NAME[name]
    return Bulk(
        name=name,
        title=one.title,
        group=group,
        when=one.when,
        why_not=why_not,
        call=calls.ordered(one),
        fields=("comment", "typed") if one.destroys else ("comment",),
        tone=tone,
        about=about,
    )


_POWER, _LIFE, _ORDER, _END = "Power", "Life", "Organise", "Remove"
_EDIT, _DEPLOY, _GONE = _BY_NAME["edit"].when, _BY_NAME["deploy"].when, _BY_NAME["delete"].when
BULKS = (
    _from("power-on", _POWER, why.power(PowerState.ON), about="They start."),
    _from(
        "power-off",
        _POWER,
        why.power(PowerState.OFF),
        about="Each guest is asked to shut down. One that does not is stopped by force after a minute.",
    ),
    _from(
        "force-off",
        _POWER,
        why.power(PowerState.OFF),
        tone="negative",
        about="They stop at once, like ones whose plug is pulled: what is not on their disks is lost.",
    ),
    Bulk(
        name="deploy",
        title="Deploy",
        group=_LIFE,
        when=_DEPLOY,
        why_not=why.undeployable,
        call=calls.deploy,
        fields=("distro_series", "user_data", "comment"),
        about="The image is put on the root disk of each, and its guest is set up by cloud-init. What is Ready becomes "
        "yours first.",
    ),
    _from(
        "release",
        _LIFE,
        why.unreleasable,
        tone="negative",
        about="They are Ready for others again. What is on their disks is wiped; a machine that was composed for an "
        "allocate is deleted.",
    ),
    _from(
        "abort",
        _LIFE,
        why.unabortable,
        tone="negative",
        about="What is under way is called off and undone.",
    ),
    _from(
        "mark-broken",
        _LIFE,
        why.unbreakable,
        about="Nobody is given them until they are marked fixed. Nothing on them changes.",
    ),
    _from("mark-fixed", _LIFE, why.unfixable, about="What was deployed is Deployed again, the rest is Ready."),
    Bulk(
        name="set-pool",
        title="Set resource pool",
        group=_ORDER,
        when=_EDIT,
        why_not=why.nothing,
        call=calls.change("pool"),
        fields=("pool",),
    ),
    Bulk(
        name="set-zone",
        title="Set zone",
        group=_ORDER,
        when=_EDIT,
        why_not=why.nothing,
        call=calls.change("zone"),
        fields=("zone",),
    ),
    Bulk(
        name="tag",
        title="Tag",
        group=_ORDER,
        when=lambda case: case.who.is_admin,
        why_not=why.nothing,
        call=calls.tag("add"),
        fields=("tag",),
        admin=True,
    ),
    Bulk(
        name="untag",
        title="Untag",
        group=_ORDER,
        when=lambda case: case.who.is_admin and bool(case.one.tags),
        why_not=why.untagged,
        call=calls.tag("remove"),
        fields=("tag",),
        admin=True,
    ),
    _from(
        "lock",
        _ORDER,
        why.unlockable,
        about="Nothing powers, changes, releases or deletes them until they are unlocked.",
    ),
    _from(
        "unlock",
        _ORDER,
        why.not_locked,
        about="They can be powered, changed, released and deleted again; so can what was there before Innkeeper.",
    ),
    Bulk(
        name="delete",
        title="Delete",
        group=_END,
        when=_GONE,
        why_not=why.undeletable,
        call=calls.delete,
        fields=("typed",),
        tone="negative",
    ),
)
BY_NAME = {one.name: one for one in BULKS}


def offered(who: Actor, cases: Sequence[Case], *, more: bool) -> tuple[Bulk, ...]:
    """What who looks may do with any of these machines; `more`: there are others that may be chosen too."""
    allowed = [one for one in BULKS if who.is_admin or not one.admin]
    if more and any(case.mine or case.free for case in cases):
        return tuple(allowed)
    return tuple(one for one in allowed if any(one.when(case) for case in cases))
