"""Bodies as every client writes them, read back; and bodies that nobody should write, refused."""

from __future__ import annotations

import contextlib
import io
import json
import quopri
from email.generator import BytesGenerator
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import HTTP
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from maas.client.utils import prepare_payload

from innkeeper.api.maas import bodies
from innkeeper.api.maas.bodies import parse, urlencoded
from innkeeper.errors import Invalid
from tests.unit.api.sample import ADMIN, client, key

names = st.from_regex(r"[a-z][a-z0-9_]{0,15}", fullmatch=True) | st.sampled_from(["né", 'qu"ote', "back\\slash", "a b"])
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=300)
raw = st.binary(max_size=300)
pairs = st.lists(st.tuples(names, text), max_size=8)


def as_bytes(values):
    """Values as bytes: what a file holds may by chance be UTF-8."""
    return [(name, value if isinstance(value, bytes) else value.encode()) for name, value in values]


@given(pairs)
def test_go_form(sent):
    assert parse("application/x-www-form-urlencoded", urlencode(sent).encode()) == tuple(sent)
    assert parse("Application/X-WWW-Form-Urlencoded; charset=UTF-8", urlencode(sent).encode()) == tuple(sent)
    assert urlencoded(urlencode(sent).encode()) == tuple(sent)


@given(st.lists(st.tuples(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), text | raw | st.integers() | st.booleans())))
def test_libmaas_and_cli_multipart(sent):
    """Both are the e-mail library's writer: every part base64, everything that is no text as a file without a name."""
    _, body, headers = prepare_payload("compose", "POST", "http://inn/", sent)
    expected = [
        (name, str(v).lower() if isinstance(v, bool) else str(v) if isinstance(v, int) else v) for name, v in sent
    ]
    assert as_bytes(parse(dict(headers)["Content-Type"], body)) == as_bytes(expected)


def test_libmaas_file():
    file = io.BytesIO(b"\x00\xffdata\r\n--x")
    _, body, headers = prepare_payload(None, "POST", "http://inn/", [("file", lambda: file)])
    assert parse(dict(headers)["Content-Type"], body) == (("file", b"\x00\xffdata\r\n--x"),)


def test_libmaas_header_less_empty_part():
    for method in ("POST", "DELETE"):
        _, body, headers = prepare_payload(None, method, "http://inn/", [])
        assert body.startswith(b"--")
        assert parse(dict(headers)["Content-Type"], body) == ()


def ansible(sent):
    """Quoted boundary, parts without an encoding, no final CRLF."""
    message = MIMEMultipart("form-data", boundary="==quoted 'b'==")
    for name, value in sent:
        part = MIMENonMultipart("text", "plain")
        del part["MIME-Version"]
        part.add_header("Content-Disposition", "form-data", name=name)
        part.set_payload(value.encode())
        message.attach(part)
    buffer = io.BytesIO()
    BytesGenerator(buffer, False, policy=HTTP).flatten(message)
    head, _, body = buffer.getvalue().partition(b"\r\n\r\n")
    content_type = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type"))
    return content_type.partition(b": ")[2].decode(), body.rstrip(b"\r\n")


@given(st.lists(st.tuples(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), lines), min_size=1))
def test_ansible_multipart(sent):
    content_type, body = ansible(sent)
    assert parse(content_type, body) == tuple(sent)


def test_ansible_empty_multipart():
    assert parse('multipart/form-data; boundary="===B=="', b"--===B==--") == ()
    assert parse('multipart/form-data; boundary="===B=="', b"--===B==--\r\n") == ()


def go_multipart(sent, boundary="f00d"):
    """Go's writer: CRLF, no encoding, quotes and backslashes escaped; bytes as a file."""
    body = b""
    for name, value in sent:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{quoted}"'.encode()
        if isinstance(value, bytes):
            body += b'; filename="f"\r\nContent-Type: application/octet-stream'
        body += b"\r\n\r\n" + (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", body + f"--{boundary}--\r\n".encode()


@given(st.lists(st.tuples(names, text | raw), min_size=1))
def test_go_multipart(sent):
    content_type, body = go_multipart(sent, boundary="x" * 60)
    assert parse(content_type, body) == tuple(sent)


def printable(value):
    """Quoted-printable: text by the standard library, bytes one by one with soft line breaks."""
    if isinstance(value, str):
        return quopri.encodestring(value.encode()).replace(b"\n", b"\r\n")
    return b"".join(b"=%02X" % byte + b"=\r\n" * (i % 20 == 19) for i, byte in enumerate(value))


@given(st.lists(st.tuples(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), lines | raw), min_size=1))
def test_quoted_printable(sent):
    body = b""
    for name, value in sent:
        body += b'--B\r\ncontent-disposition: form-data; name="%s"\r\n' % name.encode()
        body += b"content-transfer-encoding: Quoted-Printable\r\n\r\n" + printable(value) + b"\r\n"
    assert as_bytes(parse("multipart/form-data; boundary=B", body + b"--B--")) == as_bytes(sent)


@given(st.dictionaries(st.from_regex(r"[a-z_]{1,9}", fullmatch=True), text, min_size=1), raw)
def test_httpx_multipart(data, content):
    request = httpx2.Request("POST", "http://inn/", data=data, files={"zz_file9": content})
    got = parse(request.headers["content-type"], request.read())
    assert got == (*data.items(), ("zz_file9", content))


scalars = text | st.booleans() | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def word(value):
    """A JSON value as a form would write it."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value)


@given(st.dictionaries(text, scalars | st.lists(scalars)), st.booleans())
def test_json(document, escaped):
    expected = []
    for name, value in document.items():
        items = value if isinstance(value, list) else [value]
        expected += [(name, word(item)) for item in items or [None]]
    body = json.dumps(document, ensure_ascii=escaped).encode()
    assert parse("application/json; charset=utf-8", body) == tuple(expected)


def test_json_numbers_stay_as_written():
    assert parse("application/json", b'{"r": 1.10, "n": 12345678901234567890123}') == (
        ("r", "1.10"),
        ("n", "12345678901234567890123"),
    )


def test_no_body_is_no_values_whatever_its_type():
    for content_type in ("", "multipart/form-data", "multipart/form-data; boundary=B", "application/json", "image/png"):
        assert parse(content_type, b"") == ()


def test_form_values_that_are_no_utf8_are_bytes():
    assert urlencoded(b"a=%ff&b=%C3%A9&c=\xff&d=%zz&e&f=+") == (
        ("a", b"\xff"), ("b", "é"), ("c", b"\xff"), ("d", "%zz"), ("e", ""), ("f", " "),
    )  # fmt: skip


def test_multipart_oddities():
    content_type = "multipart/form-data; boundary=B"
    part = b'Content-Disposition: form-data; name="a"'
    # A preamble, an epilogue, padding after the boundary, a longer boundary inside, line ends of another system.
    assert parse(content_type, b"hello\r\n--B \r\n" + part + b"\r\n\r\n1\r\n--B--\r\nbye") == (("a", "1"),)
    assert parse(content_type, b"--B\r\n" + part + b"\r\n\r\n\r\n--Bx\r\n--B--") == (("a", "\r\n--Bx"),)
    assert parse(content_type, b"--B\n" + part + b"\n\n1\n2\n--B--\n") == (("a", "1\n2"),)
    assert parse(content_type, b"--B\r\n" + part + b"\r\n\r\n\r\n--B--") == (("a", ""),)
    assert parse(content_type, b"--B\r\n" + part + b"\r\n--B--") == (("a", ""),)
    assert parse(content_type, b"--B\r\n" + part + b"\r\n\r\nx--B--\r\n--B--") == (("a", "x--B--"),)
    assert parse(content_type, b"--B\r\n--B--") == ()
    encoded = b"--B\r\nContent-Disposition: form-data; name*=utf-8''n%C3%A9\r\n\r\n1\r\n--B--"
    assert parse(content_type, encoded) == (("né", "1"),)


@pytest.mark.parametrize(
    ("content_type", "body", "says"),
    [
        ("", b"a=1", "no Content-Type"),
        ("image/png", b"a=1", "'image/png' is not understood"),
        ("multipart/form-data", b"--B--", "no boundary"),
        ("multipart/form-data; boundary=B", b"nothing", "cut short"),
        ("multipart/form-data; boundary=B", b'--B\r\ncontent-disposition: form-data; name="a"\r\n\r\n1', "cut short"),
        ("multipart/form-data; boundary=B", b"--B\r\n\r\nvalue\r\n--B--", "no name"),
        ("multipart/form-data; boundary=B", b"--B\r\nno header\r\n\r\nvalue\r\n--B--", "no name"),
        ("multipart/form-data; boundary=B", b"--B\r\nx: " + b"y" * 5000 + b"\r\n\r\n1\r\n--B--", "more headers"),
        (
            "multipart/form-data; boundary=B",
            b"--B\r\ncontent-disposition: form-data; name=a\r\ncontent-transfer-encoding: base64\r\n\r\n!!\r\n--B--",
            "'a' is not the base64",
        ),
        (
            "multipart/form-data; boundary=B",
            b"--B\r\ncontent-disposition: form-data; name=a\r\ncontent-transfer-encoding: base64\r\n\r\nYQ\r\n--B--",
            "'a' is not the base64",
        ),
        (
            "multipart/form-data; boundary=B",
            b"--B\r\ncontent-disposition: form-data; name=a\r\ncontent-transfer-encoding: gzip\r\n\r\nx\r\n--B--",
            "'gzip'",
        ),
        (
            "multipart/form-data; boundary=B",
            b"--B\r\ncontent-disposition: form-data; name=a\r\ncontent-type: text/a; charset=utf-7\r\n\r\n\r\n--B--",
            "'utf-7'",
        ),
        ("multipart/form-data; boundary=B", b"--B\r\nx: " + b";" * 100 + b"\r\n\r\n1\r\n--B--", "more headers"),
        ("multipart/form-data; boundary=B", b"--B\r\n" * 20_000 + b"--B--", "too many"),
        ("application/x-www-form-urlencoded", b"%ff=1", "not UTF-8"),
        ("application/x-www-form-urlencoded", b"a&" * 20_000, "too many"),
        ("application/json", b"{", "not JSON"),
        ("application/json", b"\xff", "not JSON"),
        ("application/json", b"[" * 100_000, "not JSON"),
        ("application/json", b"[1]", "must be an object"),
        ("application/json", b'{"a": NaN}', "NaN"),
        ("application/json", b'{"a": 1, "a": 2}', "'a' twice"),
        ("application/json", b'{"a": {"b": 1}}', "at 'a'"),
        ("application/json", b'{"a": [[1]]}', "at 'a'"),
        ("application/json", rb'{"a": "\ud800"}', "surrogate"),
        ("application/json", rb'{"\ud800": 1}', "surrogate"),
        ("application/json", b'{"a": [' + b"1," * 20_000 + b"1]}", "too many"),
    ],
)
def test_flaws_are_named(content_type, body, says):
    with pytest.raises(Invalid, match=says):
        parse(content_type, body)


kinds = st.sampled_from(
    ["multipart/form-data; boundary=B", "application/json", "application/x-www-form-urlencoded", "multipart/form-data"]
)
pieces = st.sampled_from(
    [b"--B", b"--", b"\r\n", b"\n", b"\r", b"Content-Disposition: form-data; ", b'name="a"', b'name*="', b"filename=",
     b"Content-Transfer-Encoding: base64", b"Content-Type: multipart/mixed; boundary=B", b":", b'"', b"=", b"{", b"%"]
)  # fmt: skip


@given(kinds | st.text(max_size=40), st.lists(pieces | st.binary(max_size=6), max_size=30).map(b"".join))
def test_any_body_is_read_or_refused(content_type, body):
    with contextlib.suppress(Invalid):
        for name, _ in parse(content_type, body):
            assert name.encode() is not None


async def test_size_limit(monkeypatch):
    monkeypatch.setattr(bodies, "LIMIT", 1000)
    monkeypatch.setattr(bodies, "ANONYMOUS_LIMIT", 100)
    async with client() as http:
        for size, headers, status in ((990, key(ADMIN), 200), (1200, key(ADMIN), 400), (990, {}, 400), (50, {}, 401)):
            answer = await http.post("/vm-hosts/", data={"name": "a" * size}, headers=headers)
            assert answer.status_code == status
            assert ("too large" in answer.text) == (status == 400)


def test_a_big_body_is_read_at_memory_speed():
    content_type, body = go_multipart([("file", b"\r\n".join([b"A" * 76] * 200_000))])
    assert len(dict(parse(content_type, body))["file"]) == 200_000 * 78 - 2
