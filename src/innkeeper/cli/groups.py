"""A group of commands that are known only when the program runs."""

from __future__ import annotations

import click

from innkeeper.cli.failures import CommandFailed


class OpenGroup(click.Group):
    """A group over data. Before it refuses a word it looks again, and it refuses in its own words."""

    def look_again(self) -> None:
        """Bring the commands up to date, where that can be done."""

    def refusal(self, ctx: click.Context, word: str) -> CommandFailed:
        """The error for a word that is no command here."""
        raise NotImplementedError

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command for the first word. Raises CommandFailed when there is none."""
        word = args[0]
        command = self.get_command(ctx, word)
        # Completion of a half-typed line (resilient) neither asks a server nor complains.
        if command is None and not ctx.resilient_parsing and not word.startswith("-"):
            self.look_again()
            command = self.get_command(ctx, word)
            if command is None:
                raise self.refusal(ctx, word)
        return (word, command, args[1:]) if command else super().resolve_command(ctx, args)
