"""`image`: the images that machines are deployed from."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from innkeeper.cli.bodies import Parameter, as_body
from innkeeper.cli.chosen import chosen
from innkeeper.cli.failures import CommandFailed
from innkeeper.cli.output import emit
from innkeeper.cli.profiles import Profile
from innkeeper.cli.wire import Answer, Request, call

LOOK = 0.5  # seconds between two looks at an import


@click.group()
@click.option("--profile", "name", metavar="PROFILE", help="Which server (needed when you are logged in to several).")
@click.pass_context
def image(ctx: click.Context, name: str | None) -> None:
    """The images that machines are deployed from: list, add, push, delete, sync them."""
    ctx.obj = name


@image.command("list")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to show them.")
@click.pass_obj
def listing(name: str | None, form: str) -> None:
    """List the images."""
    answer = _asked(chosen(name), "GET", "boot-resources/")
    emit(answer=answer, resource="boot-resources", table=form == "table")


@image.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, exists=True, path_type=Path))
@click.option("--name", "image_name", metavar="OS/SERIES", help="Its name (default: the file's).")
@click.option("--arch", default="amd64/generic", show_default=True, help="The architecture it is for.")
@click.option("--title", default="", help="A title; it is found by that too.")
@click.option(
    "--metadata", type=click.Path(dir_okay=False, exists=True, path_type=Path),
    help="LXD's metadata (lxd.tar.xz), when FILE is only the disk of an image.",
)  # fmt: skip
@click.option("--alias", metavar="ALIAS", help="No FILE: hosts have it already, under this alias.")
@click.pass_obj
def add(
    name: str | None,
    file: Path | None,
    image_name: str | None,
    arch: str,
    title: str,
    metadata: Path | None,
    alias: str | None,
) -> None:
    """Add an image, or a new version of one.

    FILE is an LXD image of a virtual machine (`lxc image export`), or a disk: qcow2 or raw, plain or compressed.
    """
    profile = chosen(name)
    if (file is None) == (alias is None):
        raise CommandFailed("Say what to add: a FILE, or an --alias.")
    image_name = image_name or (_stem(file) if file else alias or "")
    fields = [_field("name", image_name), _field("architecture", arch)] + ([_field("title", title)] if title else [])
    if file is None:
        answer = _asked(profile, "POST", "boot-resources/", [*fields, _field("alias", alias or "")])
        click.echo(f"{json.loads(answer.body)['name']} is what hosts have as {alias}.")
        return
    if metadata is not None:
        _sent(profile, metadata, [*fields, _field("filetype", "lxd-metadata")])
    made = _sent(profile, file, [*fields, *([_field("filetype", "lxd-disk")] if metadata else [])])
    state = "is there" if made["complete"] else "has arrived, and is being made ready"
    click.echo(f"{made['name']} for {made['architecture']} {state}.")


@image.command()
@click.argument("image_name", metavar="NAME")
@click.argument("host")
@click.option("--arch", default="", help="The architecture, where there are several of that name.")
@click.pass_obj
def push(name: str | None, image_name: str, host: str, arch: str) -> None:
    """Give the image NAME (or number) to a VM HOST now; else the first deploy there does."""
    profile = chosen(name)
    one = _find(profile, image_name, arch=arch)
    _asked(profile, "POST", f"boot-resources/{one['id']}/?op=push", [_field("host", host)])
    click.echo(f"{host} has {one['name']}.")


@image.command()
@click.argument("image_name", metavar="NAME")
@click.option("--arch", default="", help="The architecture, where there are several of that name.")
@click.pass_obj
def delete(name: str | None, image_name: str, arch: str) -> None:
    """Delete the image NAME (or number), here and on the hosts that have it. Machines deployed from it stay."""
    profile = chosen(name)
    one = _find(profile, image_name, arch=arch)
    _asked(profile, "DELETE", f"boot-resources/{one['id']}/")
    click.echo(f"{one['name']} for {one['architecture']} is deleted.")


@image.command()
@click.argument("wanted", nargs=-1, metavar="[OS/RELEASE]...")
@click.option("--source", metavar="URL", help="The tree of images that OS/RELEASE is taken from.")
@click.option("--arch", "arches", multiple=True, help="Only for this architecture (default: all).")
@click.pass_obj
def sync(name: str | None, wanted: tuple[str, ...], source: str | None, arches: tuple[str, ...]) -> None:
    """Fetch the newest version of what is selected of trees on the web; OS/RELEASE selects more of one."""
    profile = chosen(name)
    if wanted:
        _select(profile, wanted, source=source, arches=arches)
    _asked(profile, "POST", "boot-resources/?op=import")
    while json.loads(_asked(profile, "GET", "boot-resources/?op=is_importing").body):
        time.sleep(LOOK)
    ended = json.loads(_asked(profile, "GET", "", path=f"{profile.address.path}/api/v1/operations?limit=1000").body)
    error = next((one["error"] for one in ended if one["kind"] == "sync_images"), None)
    if error:
        raise CommandFailed(error["brief"], details=error["details"], resolution=error["resolution"])
    click.echo("All that is selected is there.")


def _select(profile: Profile, wanted: Sequence[str], *, source: str | None, arches: tuple[str, ...]) -> None:
    sources: list[dict[str, Any]] = json.loads(_asked(profile, "GET", "boot-sources/").body)
    if source is None and len(sources) != 1:
        raise CommandFailed("Say which tree it is taken from: --source URL")
    url = source or sources[0]["url"]
    found = next((one for one in sources if one["url"].rstrip("/") == url.rstrip("/")), None)
    found = found or json.loads(_asked(profile, "POST", "boot-sources/", [_field("url", url)]).body)
    path = f"boot-sources/{found['id']}/selections/"
    known = {(one["os"], one["release"]) for one in json.loads(_asked(profile, "GET", path).body)}
    for text in wanted:
        os, slash, release = text.partition("/")
        if not slash:
            raise CommandFailed(f"{text!r} does not say what to fetch.", resolution="Write OS/RELEASE: ubuntu/noble.")
        if (os.lower(), release) not in known:
            chosen_arches = [_field("arches", arch) for arch in arches]
            _asked(profile, "POST", path, [_field("os", os), _field("release", release), *chosen_arches])


def _sent(profile: Profile, file: Path, fields: Sequence[Parameter]) -> dict[str, Any]:
    """A file uploaded, with its progress on a terminal; the image."""
    from innkeeper.cli.image_upload import upload

    def tell(sent: int, size: int) -> None:
        if sys.stderr.isatty():
            end = "\n" if sent == size else ""
            click.echo(f"\r{file.name}: {100 * sent // size} % of {size / 1e6:.0f} MB", nl=False, err=True)
            click.echo(end, nl=False, err=True)

    answer = upload(profile, file, fields, tell=tell)
    if not answer.ok:
        raise _refused(answer)
    made: dict[str, Any] = json.loads(answer.body)
    return made


def _find(profile: Profile, text: str, *, arch: str) -> dict[str, Any]:
    """The image of that name or number."""
    known: list[dict[str, Any]] = json.loads(_asked(profile, "GET", "boot-resources/").body)
    named = [one for one in known if text in (one["name"], str(one["id"])) or one["name"] == f"custom/{text}"]
    fitting = [one for one in named if not arch or one["architecture"].partition("/")[0] == arch.partition("/")[0]]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        kinds = ", ".join(sorted(one["architecture"] for one in fitting))
        raise CommandFailed(f"There are several images {text}: for {kinds}.", resolution="Say which one: --arch")
    names = ", ".join(sorted({one["name"] for one in known}))
    raise CommandFailed(f"There is no image {text!r}.", details=f"There are: {names}" if names else "There are none.")


def _stem(file: Path) -> str:
    """The name of a file without what tells its format: "jammy.tar.gz" is "jammy"."""
    return file.name.partition(".")[0]


def _field(name: str, value: str) -> Parameter:
    return Parameter(name=name, value=value.encode(errors="surrogateescape"))


def _asked(profile: Profile, method: str, target: str, fields: Sequence[Parameter] = (), *, path: str = "") -> Answer:
    """The answer of a call that must succeed. `path`: of another part of the server than the API 2.0."""
    body, content_type = as_body(fields)
    headers = {"Content-Type": content_type} if content_type else {}
    request = Request(method=method, target=path or f"{profile.api}{target}", headers=headers, body=body)
    answer = call(profile=profile, request=request)
    if not answer.ok:
        raise _refused(answer)
    return answer


def _refused(answer: Answer) -> CommandFailed:
    """An answer that is no success, in the server's words: {field: [messages]}, or text."""
    try:
        told = json.loads(answer.body)
        words = "; ".join(f"{field}: {' '.join(messages)}" for field, messages in told.items())
        return CommandFailed(words)
    except (ValueError, AttributeError, TypeError):
        return CommandFailed(answer.text.strip() or f"The server answered with status {answer.status}.")
