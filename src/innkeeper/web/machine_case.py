"""A machine as one person has it before them: what its state lets be done with it, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass

from innkeeper.api.auth import Actor
from innkeeper.model.host import Host, HostState
from innkeeper.model.lifecycle import BUSY, COMMISSIONABLE, POWERLESS, RELEASABLE, RESIZABLE, Status, allowed
from innkeeper.model.machine import Machine, Origin, deletable

AWAY = (HostState.UNREACHABLE, HostState.UNTRUSTED, HostState.CHANGED)  # nothing is deployed on a host that is


@dataclass(frozen=True, kw_only=True)
class Case:
    """See the module. `before`: its status before this one; `work`: kinds of operations that are not over."""

    one: Machine
    who: Actor
    host: Host | None
    before: Status | None = None
    work: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        return Status(self.one.status)

    @property
    def mine(self) -> bool:
        """Whether they may act on it: its owner (of one that nobody owns, who composed it), or an administrator."""
        whose = self.one.composer_id if self.one.owner_id is None else self.one.owner_id
        return self.who.is_admin or whose == self.who.user_id

    @property
    def unlocked(self) -> bool:
        return self.mine and not self.one.locked

    @property
    def ours(self) -> bool:
        """Whether it was composed here, on a host that is there."""
        return self.one.origin == Origin.COMPOSED and self.host is not None

    @property
    def deletable(self) -> bool:
        """Whether they may destroy it."""
        mine = deletable(self.one, user_id=self.who.user_id, is_admin=self.who.is_admin)
        return self.unlocked and mine and self.one.origin != Origin.HOST

    @property
    def free(self) -> bool:
        """Whether anybody may take it."""
        idle = not set(self.work) - {"power_on", "power_off"}
        return self.ours and self.status == Status.READY and self.one.owner_id is None and not self.one.locked and idle

    @property
    def powered(self) -> bool:
        """Whether its power may be switched."""
        return self.unlocked and self.host is not None and self.status not in POWERLESS

    @property
    def deployable(self) -> bool:
        there = self.ours and not self.one.locked and self.host is not None and self.host.state not in AWAY
        own = self.who.is_admin or self.one.owner_id == self.who.user_id
        return there and (self.free or (self.status == Status.ALLOCATED and own))

    @property
    def releasable(self) -> bool:
        return self.unlocked and self.ours and self.status in RELEASABLE

    @property
    def abortable(self) -> bool:
        return self.unlocked and self.status in (Status.DEPLOYING, Status.COMMISSIONING)

    @property
    def commissionable(self) -> bool:
        owned = self.status == Status.BROKEN and self.one.owner_id is not None
        return self.unlocked and self.ours and self.status in COMMISSIONABLE and not owned

    @property
    def breakable(self) -> bool:
        status = self.status
        can = status not in BUSY and status != Status.BROKEN and allowed(before=status, after=Status.BROKEN)
        return self.unlocked and self.one.origin != Origin.HOST and can

    @property
    def fixable(self) -> bool:
        again = self.before == Status.DEPLOYED or self.one.owner_id is None
        return self.unlocked and self.status == Status.BROKEN and again

    @property
    def resizable(self) -> bool:
        """Whether its cores, memory and disks may change once it is off."""
        return self.unlocked and self.ours and self.status in RESIZABLE
