"""`maas PROFILE RESOURCE ACTION …`: the bytes that are sent, and what becomes of the answer."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from innkeeper import __version__
from innkeeper.cli.profiles import read_profiles
from tests.unit.cli.conftest import Run, Shell
from tests.unit.cli.fake import KEY, FakeServer, describe, serving

API = "/MAAS/api/2.0"
FORM = "application/x-www-form-urlencoded"


def test_a_read_is_a_bare_get(admin: FakeServer, run: Run) -> None:
    admin.answer(f"GET {API}/vm-hosts/5/", {"id": 5})
    assert run("admin", "vm-host", "read", "5").exit_code == 0
    request = admin.only()
    assert (request.method, request.target, request.body) == ("GET", f"{API}/vm-hosts/5/", b"")
    headers = dict(request.headers)
    assert headers.pop("Authorization").startswith('OAuth oauth_version="1.0", oauth_signature_method="PLAINTEXT", ')
    assert headers == {
        "Host": f"127.0.0.1:{admin.server_port}",
        "Accept-Encoding": "identity",
        "User-Agent": f"innkeeper/{__version__}",
    }


@pytest.mark.parametrize(
    ("words", "request_line", "body", "content_type"),
    [
        ("machines read", "GET /machines/", b"", None),
        ("machines read id=b hostname=x id=a", "GET /machines/?id=b&hostname=x&id=a", b"", None),
        ("vm-host parameters 5", "GET /vm-hosts/5/?op=parameters", b"", None),
        ("vm-host parameters 5 x=1&y", "GET /vm-hosts/5/?op=parameters&x=1%26y", b"", None),
        ("vm-host delete 5", "DELETE /vm-hosts/5/", b"", None),
        ("vm-host delete 5 decompose=true", "DELETE /vm-hosts/5/?decompose=true", b"", None),
        ("vm-host update 5 name=2.5 pool=", "PUT /vm-hosts/5/", b"name=2.5&pool=", FORM),
        ("pod update 5", "PUT /pods/5/", b"", None),
        ("vm-host compose 5", "POST /vm-hosts/5/?op=compose", b"", None),
        (
            "vm-host compose 5 cores=2 pinned_cores=0 pinned_cores=1 storage=root:8(fast)",
            "POST /vm-hosts/5/?op=compose",
            b"cores=2&pinned_cores=0&pinned_cores=1&storage=root%3A8%28fast%29",
            FORM,
        ),
        ("vm-host add-tag 5 tag=ssd", "POST /vm-hosts/5/?op=add_tag", b"tag=ssd", FORM),
        ("vm-hosts create type=lxd", "POST /vm-hosts/", b"type=lxd", FORM),
        ("vm-hosts create nonsense=1", "POST /vm-hosts/", b"nonsense=1", FORM),
        ("tag read a/b?c#d", "GET /tags/a%2Fb%3Fc%23d/", b"", None),
        ("tag read {name}", "GET /tags/%7Bname%7D/", b"", None),
        ("partition read abc 2 3", "GET /nodes/abc/blockdevices/2/partition/3", b"", None),
        ("version read", "GET /version/", b"", None),
    ],
)  # fmt: skip
def test_what_is_sent(
    admin: FakeServer, run: Run, words: str, request_line: str, body: bytes, content_type: str | None
) -> None:
    method, target = request_line.split(" ")
    admin.answer(f"{method} {API}{target}", {})
    result = run("admin", *words.split(" "))
    assert result.exit_code == 0, result.output
    request = admin.only()
    assert (request.method, request.target, request.body) == (method, API + target, body)
    assert request.headers.get("Content-Type") == content_type
    if method in ("POST", "PUT"):
        assert request.headers["Content-Length"] == str(len(body))


def test_a_file_is_sent_as_multipart(admin: FakeServer, run: Run, tmp_path: Path) -> None:
    admin.answer(f"POST {API}/vm-hosts/", {})
    (tmp_path / "cert.pem").write_bytes(b"PEM\r\n\x00\xff")
    result = run("admin", "vm-hosts", "create", "type=lxd", f"certificate@={tmp_path}/cert.pem", "key@=-", stdin=b"K\n")
    assert result.exit_code == 0, result.output
    request = admin.only()
    boundary = request.headers["Content-Type"].removeprefix("multipart/form-data; boundary=")
    lines = [
        f"--{boundary}", 'Content-Disposition: form-data; name="type"', "", "lxd",
        f"--{boundary}", 'Content-Disposition: form-data; name="certificate"; filename="cert.pem"',
        "Content-Type: application/octet-stream", "", "PEM\r\n\x00\xff",
        f"--{boundary}", 'Content-Disposition: form-data; name="key"; filename="stdin"',
        "Content-Type: application/octet-stream", "", "K\n",
        f"--{boundary}--", "",
    ]  # fmt: skip
    assert request.body == "\r\n".join(lines).encode("latin-1")


def test_a_file_in_a_get_is_refused_before_anything_is_sent(admin: FakeServer, run: Run, tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("a")
    result = run("admin", "machines", "read", f"id@={tmp_path}/ids")
    assert result.exit_code == 2
    assert "A file cannot be sent as id here." in result.stderr
    assert admin.requests == []


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_an_id_that_would_bend_the_path_is_refused(admin: FakeServer, run: Run, value: str) -> None:
    result = run("admin", "vm-host", "delete", value)
    assert result.exit_code == 2
    assert f"Error: {value!r} cannot be the id of a vm-host." in result.stderr
    assert admin.requests == []


def test_a_word_that_is_no_parameter_is_refused(admin: FakeServer, run: Run) -> None:
    result = run("admin", "vm-host", "compose", "5", "cores")
    assert result.exit_code == 2
    assert "'cores' is not a parameter." in result.stderr
    assert admin.requests == []


def test_the_word_of_sshkeys_import_is_its_keysource(admin: FakeServer, run: Run) -> None:
    """As MAAS's own command sends it: the server says what to do instead."""
    admin.answer(f"POST {API}/account/prefs/sshkeys/?op=import", b"Not done: send the key itself.", status=400)
    result = run("admin", "sshkeys", "import", "lp:ann")
    assert (result.exit_code, result.stdout) == (2, "Not done: send the key itself.")
    assert admin.only().body == b"keysource=lp%3Aann"


def test_the_host_of_the_profile_counts_not_that_of_the_description(admin: FakeServer, run: Run) -> None:
    admin.answer(f"GET {API}/zones/", [])
    assert run("admin", "zones", "read").stdout == "[]"
    assert admin.only().headers["Host"] == f"127.0.0.1:{admin.server_port}"


@pytest.mark.parametrize("body", [b'{\n    "id": 5\n}', b"plain \xff text\n", b'"a string"'])
def test_the_body_is_printed_as_it_came(admin: FakeServer, shell: Shell, body: bytes) -> None:
    admin.answer(f"GET {API}/zones/", body)
    result = shell("admin", "zones", "read")
    assert (result.returncode, result.stdout, result.stderr) == (0, body, b"")


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500, 503, 301])
def test_errors_show_their_body_and_end_with_2(admin: FakeServer, shell: Shell, status: int) -> None:
    body = b'{"cores": ["Not more than 4."]}'
    admin.answer(f"POST {API}/vm-hosts/5/?op=compose", body, status=status)
    result = shell("admin", "vm-host", "compose", "5", "cores=5")
    assert (result.returncode, result.stdout, result.stderr) == (2, body, b"")
    assert len(admin.requests) == 1


def test_an_error_without_words_shows_its_status(admin: FakeServer, run: Run) -> None:
    admin.answer(f"GET {API}/zones/", b"", status=403)
    result = run("admin", "zones", "read")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "Error: 403 Forbidden\n")


def test_a_key_that_is_no_longer_accepted_says_what_to_do(admin: FakeServer, run: Run) -> None:
    admin.answer(f"GET {API}/zones/", b"Authorization Error: Invalid API key.", status=401, content_type="text/plain")
    result = run("admin", "zones", "read")
    assert (result.exit_code, result.stdout) == (2, "Authorization Error: Invalid API key.")
    assert f"Log in again: maas login admin {admin.url}\n" in result.stderr


def test_204_prints_nothing(admin: FakeServer, run: Run) -> None:
    admin.answer(f"DELETE {API}/machines/abc/", b"", status=204)
    result = run("admin", "machine", "delete", "abc")
    assert (result.exit_code, result.output) == (0, "")


def test_debug_shows_the_exchange_without_the_key(admin: FakeServer, run: Run) -> None:
    admin.answer(f"POST {API}/vm-hosts/", {"id": 1})
    result = run("admin", "vm-hosts", "create", "type=lxd", "-d")
    assert json.loads(result.stdout) == {"id": 1}
    assert f"> POST {API}/vm-hosts/\n> Content-Type: {FORM}\n< 200 OK\n" in result.stderr
    assert "< X-MAAS-API-Hash: hash-one\n" in result.stderr
    assert "secret" not in result.stderr


def test_a_changed_api_refreshes_the_profile_silently(admin: FakeServer, run: Run) -> None:
    admin.answer(f"GET {API}/zones/", [])
    admin.description = describe(digest="hash-two", extra_action="dance")
    result = run("admin", "zones", "read")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "[]", "")
    assert admin.targets() == [f"GET {API}/zones/", f"GET {API}/describe/"]
    assert read_profiles()["admin"].description == admin.description
    admin.requests.clear()
    run("admin", "zones", "read")
    assert admin.targets() == [f"GET {API}/zones/"]


def test_a_refresh_that_fails_disturbs_nothing(admin: FakeServer, run: Run) -> None:
    admin.answer(f"GET {API}/zones/", [])
    admin.sent_hash = "hash-two"
    admin.description = {"hash": "hash-two"}
    result = run("admin", "zones", "read")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "[]", "")
    assert read_profiles()["admin"].description["hash"] == "hash-one"


def test_an_action_that_is_new_is_found_by_asking_once(admin: FakeServer, run: Run) -> None:
    admin.description = describe(digest="hash-two", extra_action="dance")
    admin.answer(f"POST {API}/vm-hosts/5/?op=dance", {"ok": True})
    result = run("admin", "vm-host", "dance", "5")
    assert json.loads(result.stdout) == {"ok": True}
    assert admin.targets() == [f"GET {API}/describe/", f"POST {API}/vm-hosts/5/?op=dance"]
    assert read_profiles()["admin"].description["hash"] == "hash-two"


def test_a_resource_that_is_new_is_found_by_asking_once(admin: FakeServer, run: Run) -> None:
    for entry in admin.description["resources"]:
        if entry["name"] == "ZonesHandler":
            entry["name"] = entry["auth"]["name"] = "AreasHandler"
    admin.answer(f"GET {API}/zones/", [])
    assert run("admin", "areas", "read").stdout == "[]"
    assert admin.targets() == [f"GET {API}/describe/", f"GET {API}/zones/"]


def test_an_unknown_resource_is_refused_after_asking_once(admin: FakeServer, run: Run) -> None:
    result = run("admin", "vm-hots", "read")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: There is no resource 'vm-hots' at {admin.url}/.\nDid you mean: vm-host")
    assert "See them all: maas admin --help" in result.stderr
    assert admin.targets() == [f"GET {API}/describe/"]


def test_an_unknown_action_is_refused_with_the_known_ones(admin: FakeServer, run: Run) -> None:
    result = run("admin", "vm-host", "dance", "5")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: vm-host has no action 'dance'.\nIt has: add-tag, compose, delete, parameters, read, update\n"
        "See what each does: maas admin vm-host --help\n"
    )
    assert admin.targets() == [f"GET {API}/describe/"]


def test_unknown_things_are_refused_too_when_the_server_is_down(run: Run) -> None:
    with serving() as gone:
        run("login", "admin", gone.url, KEY)
    result = run("admin", "nonsense", "read")
    assert result.exit_code == 2
    assert "There is no resource 'nonsense'" in result.stderr


def test_a_server_that_is_down_is_explained(run: Run) -> None:
    with serving() as gone:
        run("login", "admin", gone.url, KEY)
    result = run("admin", "vm-hosts", "read")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        f"Error: Cannot reach {gone.url}/.\nNothing listens there: connection refused.\n"
        "Check that the server runs, and that the address is right: maas list\n"
    )


def test_a_name_without_address_is_explained(run: Run) -> None:
    result = run("login", "admin", "http://no-such-host.invalid:5240/MAAS", KEY)
    assert result.exit_code == 2
    assert "The name no-such-host.invalid has no address" in result.stderr


def _closes(connection: socket.socket) -> None:
    connection.recv(65536)


def _talks_nonsense(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def _breaks_off(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


@pytest.mark.parametrize(
    ("behaviour", "words", "expected"),
    [
        (_closes, "zones read", "closed the connection without an answer.\nTry again"),
        (_closes, "vm-hosts create", "closed the connection without an answer.\nWhether it did what was asked is"),
        (_talks_nonsense, "zones read", "What came is not HTTP."),
        (_breaks_off, "zones read", "IncompleteRead"),
    ],
)  # fmt: skip
def test_a_server_that_does_not_answer_is_explained(
    admin: FakeServer, run: Run, profiles: Path, behaviour: Callable[[socket.socket], None], words: str, expected: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        profiles.write_text(profiles.read_text().replace(f"127.0.0.1:{admin.server_port}", address))

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                behaviour(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        result = run("admin", *words.split(" "))
        thread.join()
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: http://{address}/MAAS/ did not answer.\n")
    assert expected in result.stderr
