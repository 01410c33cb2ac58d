"""What a command says when it cannot do its work."""

from __future__ import annotations

from typing import IO, Any

import click


class CommandFailed(click.ClickException):
    """Ends the program with exit code 2 and `brief`, `details`, `resolution` on standard error."""

    exit_code = 2

    def __init__(self, brief: str, *, details: str = "", resolution: str = "") -> None:
        super().__init__(brief)
        self.brief, self.details, self.resolution = brief, details, resolution

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the parts that are there, one a line, to `file` (default: standard error)."""
        for part in (f"Error: {self.brief}", self.details, self.resolution):
            if part:
                click.echo(part, file=file, err=file is None)
