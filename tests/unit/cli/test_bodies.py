"""Parameters, typed and encoded; multipart is read back by the standard library's own parser."""

from __future__ import annotations

from email import message_from_bytes
from pathlib import Path

import pytest

from innkeeper.cli.bodies import Parameter, as_body, as_query, parse_parameter
from innkeeper.cli.failures import CommandFailed


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ("cores=2", "cores", b"2"),
        ("name=", "name", b""),
        ("storage=root:8(fast),data:4", "storage", b"root:8(fast),data:4"),
        ("interfaces=eth0:space=1;eth1:ip=192.0.2.1", "interfaces", b"eth0:space=1;eth1:ip=192.0.2.1"),
        ("comment=a=b@=c", "comment", b"a=b@=c"),
        ("description=é\n", "description", "é\n".encode()),
        ("raw=\udcff", "raw", b"\xff"),
    ],
)
def test_typed_values(typed: str, name: str, value: bytes) -> None:
    assert parse_parameter(typed) == Parameter(name=name, value=value)


def test_a_file_sends_its_content(tmp_path: Path) -> None:
    path = tmp_path / "user=data.bin"
    path.write_bytes(b"\x00\r\n\xff")
    expected = Parameter(name="user_data", value=b"\x00\r\n\xff", filename="user=data.bin")
    assert parse_parameter(f"user_data@={path}") == expected


@pytest.mark.parametrize("typed", ["cores", "", "=2", "@=file", "-x"])
def test_what_is_no_parameter(typed: str) -> None:
    with pytest.raises(CommandFailed, match="is not a parameter") as caught:
        parse_parameter(typed)
    assert "key=value, or key@=file" in caught.value.resolution


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match=r"Cannot read '.*/absent' for content\.") as caught:
        parse_parameter(f"content@={tmp_path}/absent")
    assert caught.value.details == "No such file or directory"


def test_queries_repeat_keys_and_keep_their_order() -> None:
    parameters = [parse_parameter(text) for text in ("id=b", "mac=a:b c", "id=a", "empty=")]
    assert as_query(parameters) == "id=b&mac=a%3Ab+c&id=a&empty="


def test_a_query_takes_no_file() -> None:
    with pytest.raises(CommandFailed, match=r"A file cannot be sent as key here\."):
        as_query([Parameter(name="key", value=b"", filename="x")])


def test_bodies_without_files_are_forms() -> None:
    parameters = [parse_parameter(text) for text in ("tags=a,b", "pinned_cores=0", "pinned_cores=1", "name=é&")]
    expected = b"tags=a%2Cb&pinned_cores=0&pinned_cores=1&name=%C3%A9%26"
    assert as_body(parameters) == (expected, "application/x-www-form-urlencoded")


def test_nothing_to_send_is_no_body() -> None:
    assert as_body([]) == (None, "")


def test_a_file_makes_the_body_multipart() -> None:
    content = b"--\r\n\x00\xff\r\n"
    body, content_type = as_body(
        [
            Parameter(name="tag", value=b"one"),
            Parameter(name="tag", value="zwö".encode()),
            Parameter(name='a"b\r\n', value=content, filename='c"d\n.pem'),
        ]
    )
    assert body is not None
    boundary = content_type.removeprefix("multipart/form-data; boundary=").encode()
    assert body == (
        b'--%b\r\nContent-Disposition: form-data; name="tag"\r\n\r\none\r\n'
        b'--%b\r\nContent-Disposition: form-data; name="tag"\r\n\r\nzw\xc3\xb6\r\n'
        b'--%b\r\nContent-Disposition: form-data; name="a%%22b%%0D%%0A"; filename="c%%22d%%0A.pem"\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n%b\r\n"
        b"--%b--\r\n"
    ) % (boundary, boundary, boundary, content, boundary)
    parsed = message_from_bytes(b"Content-Type: %b\r\n\r\n%b" % (content_type.encode(), body))
    assert [part.get_payload(decode=True) for part in parsed.get_payload()] == [b"one", "zwö".encode(), content]
