"""What a story of an operation is, for the laws that are told with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.laws.stage import Stage

Order = Callable[[], str]  # orders the operation that is under test; its id


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`tell` makes the situation before and returns what orders the operation; `done` checks the end in words.

    `loose`: (table, column)s that a failure may change, because they tell of it, or of what was read of the host.
    """

    kind: str
    tell: Callable[[Stage], Awaitable[Order]]
    done: Callable[[Stage], None]
    loose: tuple[tuple[str, str], ...] = ()
    power_is_free: bool = False  # what was switched and then lost is switched: power holds nothing
    leaves_host: bool = False  # it changes records only, so there is nothing that the guard must look at
    only_reads: bool = False  # what was read is true, whether its reader lives to tell or not
    hostless: bool = False  # it speaks to no host
    makes_anew: bool = False  # an instance that was deleted is made again: its marks are of another operation
