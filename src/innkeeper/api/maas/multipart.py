"""multipart/form-data, as MAAS's clients write it, → names and values.

Why it is read here: Starlette's reader hands base64 parts on undecoded and refuses the empty messages that these
clients send; the standard library's e-mail parser reads both, but takes a body that was cut short for a whole one.
The headers of a part, where the syntax is rich, are left to the e-mail parser.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value

from innkeeper.api.maas.values import Pairs, Value, text_or_bytes
from innkeeper.errors import Invalid

_MOST_HEADER = 4096  # bytes of a part's headers
_MOST_FACTS = 20  # semicolons in them: the e-mail parser's time grows with their square
_REST = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")  # of a delimiter line
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


def parse(body: bytes, *, content_type: str, most: int) -> Pairs:
    """The values of a multipart body, at most `most` of them. Raises Invalid."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_boundary("")
    if not boundary or not boundary.isascii():
        raise Invalid("The Content-Type of the multipart body names no boundary.")
    parts = (_part(segment) for segment in _segments(body, boundary.encode("ascii"), most=most))
    return tuple(part for part in parts if part is not None)


def _segments(body: bytes, boundary: bytes, *, most: int) -> Iterator[bytes]:
    """What stands between the delimiter lines, without the line ends that belong to those."""
    body = b"\r\n" + body  # so that the first line is like the others
    mark = b"\n--" + boundary
    begin = None
    at = body.find(mark)
    for _ in range(most + 1):  # a delimiter before each value, one at the end
        if at < 0:
            raise Invalid("The multipart body is cut short: its end boundary is missing.")
        if rest := _REST.match(body, at + len(mark)):
            if begin is not None:
                end = at - 1 if body[at - 1 : at] == b"\r" else at
                yield body[begin : max(begin, end)]
            if rest[1]:
                return
            begin = rest.end()
        at = body.find(mark, at + 1)
    raise Invalid(f"The request holds too many values: at most {most} are taken.")


def _part(segment: bytes) -> tuple[str, Value] | None:
    """Name and value of one part; None for the empty part that stands for "no values"."""
    if segment.startswith((b"\r\n", b"\n")):
        head, content = b"", segment[segment.index(b"\n") + 1 :]
    elif blank := _BLANK_LINE.search(segment):
        head, content = segment[: blank.start()], segment[blank.end() :]
    else:
        head, content = segment, b""
    if not head and not content:
        return None
    if len(head) > _MOST_HEADER or head.count(b";") > _MOST_FACTS:
        raise Invalid("A part of the multipart body has more headers than its value can need.")
    headers = HeaderParser().parsestr(head.decode("utf-8", "replace"))
    name = headers.get_param("name", header="content-disposition")
    if headers.defects or name is None:
        raise Invalid("A part of the multipart body has no name.")
    name = collapse_rfc2231_value(name)
    content = _decoded(content, encoding=str(headers.get("content-transfer-encoding", "")), name=name)
    if headers.get_filename() is not None:
        return name, content
    charset = str(headers.get_content_charset("utf-8")).lower()
    if charset not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise Invalid(f"Part {name[:80]!r} is written in {charset[:40]!r}; send UTF-8.")
    return name, text_or_bytes(content)


def _decoded(content: bytes, *, encoding: str, name: str) -> bytes:
    match encoding.strip().lower():
        case "" | "7bit" | "8bit" | "binary":
            return content
        case "quoted-printable":
            return binascii.a2b_qp(content)
        case "base64":
            try:
                return binascii.a2b_base64(content.translate(None, b"\r\n\t "), strict_mode=True)
            except binascii.Error as error:
                raise Invalid(f"Part {name[:80]!r} is not the base64 that it says it is: {error}.") from None
        case other:
            raise Invalid(f"Part {name[:80]!r} has an encoding that is not understood: {other[:40]!r}.")
