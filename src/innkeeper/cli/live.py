"""Progress on a terminal: the steps of what one request started, drawn on standard error as they happen."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from innkeeper.cli.columns import cell
from innkeeper.cli.feed import Feed, open_feed
from innkeeper.cli.profiles import Profile
from innkeeper.cli.steps import Steps, advance, settled

if TYPE_CHECKING:
    from rich.table import Table

REQUEST_HEADER = "X-Innkeeper-Request"
# Seconds given to the last event after the answer: they come over two connections, in no order.
_GRACE = 0.5
_MARKS = {"done": "[green]✓[/]", "undone": "[yellow]↺[/]", "failed": "[red]✗[/]"}


@contextmanager
def following(*, profile: Profile) -> Iterator[Mapping[str, str]]:
    """Draw progress while the body runs; gives the headers that tag the request's events.

    Where the server has no feed for us the body simply runs, with no such header.
    """
    if (feed := open_feed(profile)) is None:
        yield {}
        return
    request_id = os.urandom(8).hex()
    progress = _Progress(feed=feed, request_id=request_id)
    progress.start()
    try:
        yield {REQUEST_HEADER: request_id}
        progress.settled.wait(_GRACE)
    finally:
        feed.close()
        progress.join()
        feed.release()


class _Progress(threading.Thread):
    """Reads the feed and draws, beside the request."""

    def __init__(self, *, feed: Feed, request_id: str) -> None:
        super().__init__(name="progress", daemon=True)
        self._feed, self._request_id = feed, request_id
        self._steps: Steps = ()
        self._over = False
        self.settled = threading.Event()

    def run(self) -> None:
        events = (event for event in self._feed.events() if self._is_ours(event))
        first = next(events, None)
        if first is None:
            return
        # rich is loaded only now: most commands are answered before there is anything to draw.
        from rich.console import Console
        from rich.live import Live

        self._take(first)
        with Live(
            console=Console(stderr=True),
            get_renderable=self._picture,
            refresh_per_second=10,
            redirect_stdout=False,  # the other thread's streams stay its own
            redirect_stderr=False,
        ) as live:
            for event in events:
                self._take(event)
                live.refresh()
            self._over = True

    def _is_ours(self, event: Mapping[str, object]) -> bool:
        return event.get("kind") == "operation" and event.get("request") == self._request_id

    def _take(self, event: Mapping[str, object]) -> None:
        self._steps = advance(self._steps, event, now=time.monotonic())
        if settled(self._steps):
            self.settled.set()
        else:
            self.settled.clear()

    def _picture(self) -> Table:
        return picture(self._steps, now=time.monotonic(), over=self._over)


def picture(steps: Steps, *, now: float, over: bool) -> Table:
    """The steps as lines: mark, subject where there are several, name, text, seconds.

    `over` marks what still goes on as such, instead of with a spinner.
    """
    from rich.table import Table
    from rich.text import Text

    several = len({step.operation for step in steps}) > 1
    grid = Table.grid(padding=(0, 1))
    for step in steps:
        mark = _MARKS.get(step.state) or ("…" if over else _spinner(now))
        name = f"undo {step.name}" if step.state in ("undoing", "undone") else step.name
        seconds = f"{(now if step.ended is None else step.ended) - step.began:.1f} s"
        grid.add_row(
            mark,
            *([Text(cell(step.subject))] if several else []),
            Text(cell(name)),
            Text(cell(step.text) if step.text else "", style="dim"),
            Text(seconds, style="dim"),
        )
    return grid


def _spinner(now: float) -> str:
    return "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"[int(now * 10) % 10]
