"""The program, under its two names `innkeeper` and `maas`. Starts fast: the standard library and click."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from innkeeper import __version__
from innkeeper.cli import words
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.groups import OpenGroup
from innkeeper.cli.profiles import Profile, find_profile, read_profiles

_INTERRUPTED = 130  # what a shell reports for a program ended by Ctrl-C


class Program(OpenGroup):
    """The commands of this program; any other first word is the name of a profile."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands of this program, then the profiles."""
        return [*words.SERVER, *words.PROFILES, *_profiles_for_help()]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command or the profile of that name, None when there is neither."""
        if cmd_name in words.SERVER:
            from innkeeper.cli import server

            return server.COMMANDS[cmd_name]
        if cmd_name == "console":
            from innkeeper.cli.console import console

            return console
        if cmd_name == "image":
            from innkeeper.cli.image import image

            return image
        if cmd_name in words.PROFILES:
            from innkeeper.cli import login

            return login.COMMANDS[cmd_name]
        if (profile := find_profile(cmd_name)) is None:
            return None
        from innkeeper.cli.remote import ProfileGroup

        return ProfileGroup(profile)

    def refusal(self, ctx: click.Context, word: str) -> CommandFailed:
        """The error for a word that is neither command nor profile; it lists the profiles."""
        from innkeeper.cli.login import unknown_profile

        return unknown_profile(word, known=read_profiles(), program=ctx.command_path)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Three groups: the server's commands, the profiles' commands, the profiles."""
        for title, names in (("Server", words.SERVER), ("Profiles", words.PROFILES)):
            commands = [(name, self.get_command(ctx, name)) for name in names]
            with formatter.section(title):
                formatter.write_dl([(n, c.get_short_help_str(limit=90)) for n, c in commands if c])
        if profiles := _profiles_for_help():
            with formatter.section("Logged in"):
                formatter.write_dl([(name, f"{profile.address}/") for name, profile in profiles.items()])

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run and exit. Unlike click's own, an interrupt ends quietly with the code that shells expect."""
        options["standalone_mode"] = False
        try:
            code = super().main(*args, **options)
        except click.ClickException as failure:
            failure.show()
            sys.exit(failure.exit_code)
        except (click.Abort, KeyboardInterrupt):
            sys.exit(_INTERRUPTED)
        sys.exit(code if isinstance(code, int) else 0)


def _profiles_for_help() -> dict[str, Profile]:
    """The profiles by name; none when the file is broken, for help must come all the same."""
    try:
        return dict(sorted(read_profiles().items()))
    except CommandFailed:
        return {}


program = Program(
    help="Compose virtual machines on your hosts: run the server, or work with one over its API.",
    epilog="PROFILE --help lists what the server of a profile offers.",
    subcommand_metavar="COMMAND | PROFILE RESOURCE ACTION [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
click.version_option(__version__, prog_name="innkeeper", message="%(prog)s %(version)s")(program)


def innkeeper() -> None:
    """Entry point of the command `innkeeper`."""
    program.main(prog_name="innkeeper")


def maas() -> None:
    """Entry point of the command `maas`."""
    program.main(prog_name="maas")


if __name__ == "__main__":
    maas()
