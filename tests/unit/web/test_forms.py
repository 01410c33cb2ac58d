"""Forms as they are sent: no file in place of text, no NUL, and nobody reads one another way."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.types import Message

import innkeeper.web
from innkeeper.errors import Invalid
from innkeeper.web import forms


def sent(*parts: tuple[str, bytes]) -> Request:
    """A multipart form of these parts: what stands after `name=`, and the content."""
    pieces = [
        b"--x\r\nContent-Disposition: form-data; name=%s\r\n\r\n%s\r\n" % (name.encode(), body) for name, body in parts
    ]
    body = b"".join(pieces) + b"--x--\r\n"

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    headers = [(b"content-type", b"multipart/form-data; boundary=x")]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def test_a_file_is_taken_only_where_one_is_asked_for() -> None:
    name, file = ('"username"', b"ann"), ('"password"; filename="a"', b"secret")
    with pytest.raises(Invalid, match="password") as refused:
        await forms.read(sent(name, file))
    assert list(refused.value.fields) == ["password"]
    assert refused.value.status == 400
    async with forms.opened(sent(name, file), "password") as form:
        content = form["password"]
        assert form["username"] == "ann"
    assert not isinstance(content, str)
    assert content.file.closed


async def test_a_nul_is_refused_by_the_name_of_its_field() -> None:
    with pytest.raises(Invalid) as refused:
        await forms.read(sent(('"email"', b"a\0b"), ('"name"', b"good\tas it\nis")))
    assert list(refused.value.fields) == ["email"]


def test_no_page_reads_a_form_another_way() -> None:
    pages = sorted(Path(innkeeper.web.__file__).parent.glob("*.py"))
    assert [one.name for one in pages if "request.form(" in one.read_text()] == ["forms.py"]
