"""`maas PROFILE RESOURCE ACTION …`: commands made from what the profile's server describes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import click

from innkeeper.cli.bodies import parse_parameter
from innkeeper.cli.calls import Call, perform
from innkeeper.cli.catalogue import Catalogue
from innkeeper.cli.describe import Action, Resource
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.groups import OpenGroup
from innkeeper.cli.output import emit
from innkeeper.cli.profiles import Profile

HELP = {"help_option_names": ["-h", "--help"]}


class ProfileGroup(OpenGroup):
    """The resources of one server."""

    def __init__(self, profile: Profile) -> None:
        super().__init__(
            profile.name,
            help=f"Work with {profile.address}/ as {profile.username or 'the owner of the key'}.",
            subcommand_metavar="RESOURCE ACTION [ARGS]...",
            context_settings=HELP,
        )
        self._catalogue = Catalogue(profile)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All resources, by name."""
        return sorted(self._catalogue.resources)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The resource's group, None when the server has no such resource."""
        found = self._catalogue.resources.get(cmd_name)
        return ResourceGroup(self._catalogue, found) if found else None

    def look_again(self) -> None:
        """Ask the server what it offers now."""
        self._catalogue.renew()

    def refusal(self, ctx: click.Context, word: str) -> CommandFailed:
        """The error for an unknown resource; it names those that are near."""
        return CommandFailed(
            f"There is no resource {word!r} at {self._catalogue.profile.address}/.",
            details=_near(word, self._catalogue.resources),
            resolution=f"See them all: {ctx.command_path} --help",
        )


class _Documented(click.Command):
    """A command whose help is a text of the API, taken apart only when help is asked for."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The text, with a table of the parameters it names."""
        from innkeeper.cli.doctext import read_doc, write_doc

        write_doc(doc=read_doc(self.help or ""), formatter=formatter)

    def get_short_help_str(self, limit: int = 45) -> str:
        """The text's first paragraph, cut to `limit` characters."""
        from innkeeper.cli.doctext import read_doc

        summary = read_doc(self.help or "").summary
        return summary if len(summary) <= limit else f"{summary[: limit - 1].rstrip()}…"


class ResourceGroup(_Documented, OpenGroup):
    """The actions of one resource."""

    def __init__(self, catalogue: Catalogue, resource: Resource) -> None:
        super().__init__(
            resource.command, help=resource.doc, context_settings=HELP,
            subcommand_metavar="ACTION [ARGS]...",
        )  # fmt: skip
        self._catalogue, self._resource = catalogue, resource

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All actions, by name."""
        return sorted(self._resource.actions)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The action's command, None when the server has no such action."""
        action = self._resource.actions.get(cmd_name)
        return ActionCommand(self._catalogue, self._resource, action) if action else None

    def look_again(self) -> None:
        """Ask the server what it offers now."""
        self._catalogue.renew()
        self._resource = self._catalogue.resources.get(self._resource.command, self._resource)

    def refusal(self, ctx: click.Context, word: str) -> CommandFailed:
        """The error for an unknown action; it lists the known ones."""
        return CommandFailed(
            f"{self._resource.command} has no action {word!r}.",
            details=f"It has: {', '.join(self.list_commands(ctx))}",
            resolution=f"See what each does: {ctx.command_path} --help",
        )


class ActionCommand(_Documented):
    """One action: the holes of the path as arguments, then any number of key=value."""

    def __init__(self, catalogue: Catalogue, resource: Resource, action: Action) -> None:
        super().__init__(
            action.command,
            help=action.doc,
            context_settings=HELP,
            params=[*_path_arguments(resource), _data_argument(), *_options()],
        )
        self._catalogue, self._resource, self._action = catalogue, resource, action

    def invoke(self, ctx: click.Context) -> None:
        """Call the server. Raises CommandFailed, or click's Exit when the answer is an error."""
        typed = ctx.params
        profile = self._catalogue.profile
        if typed["insecure"]:
            profile = replace(profile, insecure=True)
        table = typed["table"] or typed["format"] == "table"
        if (self._resource.command, self._action.command) == ("boot-resources", "create") and self._upload(
            typed["data"], profile=profile, table=table
        ):
            return
        names = self._resource.params
        asked = Call(
            resource=self._resource,
            action=self._action,
            path_values=[typed[f"path_{index}"] for index in range(len(names))],
            parameters=[parse_parameter(text) for text in self._meant(typed["data"])],
        )
        perform(catalogue=self._catalogue, profile=profile, asked=asked, table=table, debug=typed["debug"])

    def _meant(self, data: Sequence[str]) -> list[str]:
        """What was typed; the word of `sshkeys import lp:ann` is the parameter that MAAS's own command makes of it."""
        if (self._resource.command, self._action.command) != ("sshkeys", "import"):
            return list(data)
        return [text if "=" in text else f"keysource={text}" for text in data]

    def _upload(self, data: Sequence[str], *, profile: Profile, table: bool) -> bool:
        """Send the file of an image in pieces, if there is one. Raises click's Exit when it is refused."""
        from innkeeper.cli.image_upload import content_file, upload

        if not (file := content_file(data)):
            return False
        fields = [parse_parameter(text) for text in data if text != f"content@={file}"]
        answer = upload(profile, Path(file), fields, tell=lambda sent, size: None)
        emit(answer=answer, resource=self._resource.command, table=table)
        if not answer.ok:
            raise click.exceptions.Exit(2)
        return True


def _path_arguments(resource: Resource) -> list[click.Argument]:
    # Numbered, because a server may name a hole like one of the options.
    return [click.Argument([f"path_{index}"], metavar=name.upper()) for index, name in enumerate(resource.params)]


def _data_argument() -> click.Argument:
    return click.Argument(["data"], nargs=-1, type=click.UNPROCESSED, metavar="[KEY=VALUE | KEY@=FILE]...")


def _options() -> list[click.Option]:
    return [
        click.Option(["-t", "--table"], is_flag=True, help="Show the answer as a table."),
        click.Option(
            ["--format"], type=click.Choice(["json", "table"]), default="json", help="How to show the answer.",
            show_default=True,
        ),
        click.Option(["-d", "--debug"], is_flag=True, help="Show request and answer headers on standard error."),
        click.Option(["-k", "--insecure"], is_flag=True, help="Do not check the server's certificate."),
    ]  # fmt: skip


def _near(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(known))
    return f"Did you mean: {', '.join(close)}?" if close else ""
