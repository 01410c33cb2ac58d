"""Documentation texts of the API as help on a terminal: summary, paragraphs, parameters."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

import click

_FIELD = re.compile(r":(param|type)\s+(?:[^\s:]+\s+)?([^\s:]+):\s*(.*)")


@dataclass(frozen=True, kw_only=True)
class Doc:
    """A text taken apart. `parameters` are (name, what is known of it) in their order."""

    summary: str
    paragraphs: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]


def read_doc(text: str) -> Doc:
    """Take a doc text apart: blank lines divide, `:param x:` and `:type x:` describe parameters."""
    paragraphs: list[list[str]] = [[]]
    parameters: dict[str, list[str]] = {}
    target = paragraphs[0]
    for line in (line.strip() for line in inspect.cleandoc(text).splitlines()):
        if match := _FIELD.match(line):
            kind, name, words = match.groups()
            target = parameters.setdefault(name, [])
            target.append(f"[{words}]" if kind == "type" else words)
        elif line:
            target.append(line)
        else:
            target = []
            paragraphs.append(target)
    texts = tuple(" ".join(lines) for lines in paragraphs if lines)
    return Doc(
        summary=texts[0] if texts else "",
        paragraphs=texts,
        parameters=tuple((name, " ".join(lines).strip()) for name, lines in parameters.items()),
    )


def write_doc(*, doc: Doc, formatter: click.HelpFormatter) -> None:
    """Write paragraphs and the table of parameters into a help page."""
    with formatter.indentation():
        for paragraph in doc.paragraphs:
            formatter.write_paragraph()
            formatter.write_text(paragraph)
    if doc.parameters:
        with formatter.section("Parameters (key=value)"):
            formatter.write_dl(list(doc.parameters))
