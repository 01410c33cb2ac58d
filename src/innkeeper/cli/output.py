"""Answers on standard output: the body as it came, or as a table."""

from __future__ import annotations

import json
import sys

import click

from innkeeper.cli.wire import Answer, Request


def emit(*, answer: Answer, resource: str, table: bool) -> None:
    """Print an answer. `resource` is the command name that chooses a table's columns.

    Not on a terminal the bytes are exactly those of the body, errors included.
    """
    terminal = sys.stdout.isatty()
    if not answer.body:
        if not answer.ok:
            click.echo(f"Error: {answer.status} {answer.reason}", err=True)
        elif terminal:
            click.echo("Done.")
        return
    if table and answer.ok and _emit_table(answer=answer, resource=resource, terminal=terminal):
        return
    stream = sys.stdout.buffer
    stream.write(answer.body)
    if terminal and not answer.body.endswith(b"\n"):
        stream.write(b"\n")
    stream.flush()


def emit_exchange(*, request: Request, answer: Answer) -> None:
    """Print what was asked and how the answer began on standard error; keys never show."""
    click.echo(f"> {request.method} {request.target}", err=True)
    for name, value in request.headers.items():
        click.echo(f"> {name}: {value}", err=True)
    click.echo(f"< {answer.status} {answer.reason}", err=True)
    for name, value in answer.headers:
        click.echo(f"< {name}: {value}", err=True)


def _emit_table(*, answer: Answer, resource: str, terminal: bool) -> bool:
    """Whether the answer could be shown as tables: it could if it is a JSON object or list."""
    from innkeeper.cli.tables import plain_text, print_rich, tables_of

    try:
        document = json.loads(answer.body)
    except ValueError:
        return False
    if not isinstance(document, dict | list):
        return False
    tables = tables_of(document=document, resource=resource)
    if terminal:
        print_rich(tables)
    else:
        click.echo("\n".join(plain_text(table) for table in tables), nl=False)
    return True
