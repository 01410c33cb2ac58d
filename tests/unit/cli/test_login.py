"""Logging in and out, against a server that answers well and badly."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trustme

from innkeeper.cli.profiles import read_profiles
from tests.unit.cli.conftest import Run
from tests.unit.cli.fake import KEY, FakeServer, as_json, describe, serving

WHOAMI = "GET /MAAS/api/2.0/users/?op=whoami"


def test_login_checks_the_key_and_keeps_the_description(server: FakeServer, run: Run, profiles: Path) -> None:
    result = run("login", "admin", server.url, KEY)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        f"Logged in to {server.url}/ as mara (administrator).\nSee what you can do: maas admin --help\n"
    )
    assert server.targets() == [WHOAMI, "GET /MAAS/api/2.0/describe/"]
    whoami = server.requests[0]
    assert whoami.headers["Authorization"].startswith("OAuth oauth_version=")
    assert 'oauth_signature="%26secret"' in whoami.headers["Authorization"]
    assert whoami.headers["Host"] == f"127.0.0.1:{server.server_port}"
    assert whoami.body == b""
    assert stat.S_IMODE(profiles.stat().st_mode) == 0o600
    stored = json.loads(profiles.read_text())["profiles"]["admin"]
    assert (stored["url"], stored["key"], stored["username"]) == (server.url, KEY, "mara")
    assert stored["description"] == server.description


@pytest.mark.parametrize("form", ["{url}", "{url}/", "{bare}", "{bare}/", "{url}/api/2.0", "{bare}/api/2.0/"])
def test_login_takes_every_form_of_the_address(server: FakeServer, run: Run, form: str) -> None:
    typed = form.format(url=server.url, bare=server.url.removeprefix("http://"))
    assert run("login", "admin", typed, KEY).exit_code == 0
    assert server.targets()[0] == WHOAMI
    assert str(read_profiles()["admin"].address) == server.url


def test_the_key_may_come_from_standard_input(server: FakeServer, run: Run) -> None:
    assert run("login", "admin", server.url, "-", stdin=f"{KEY}\n").exit_code == 0
    assert read_profiles()["admin"].key == KEY


def test_without_a_key_and_without_a_terminal_it_says_so(server: FakeServer, run: Run) -> None:
    result = run("login", "admin", server.url, stdin=KEY)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: No API key was given.\n")
    assert server.requests == []


def test_on_a_terminal_it_asks_for_the_key(server: FakeServer) -> None:
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "innkeeper.cli.entry", "login", "admin", server.url]
    with subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stderr is not None
        prompt = process.stderr.read(len(b"API key: "))  # what is typed before it is thrown away
        os.write(controller, f"{KEY}\n".encode())
        stdout, stderr = process.communicate(timeout=20)
    os.close(controller)
    os.close(terminal)
    assert process.returncode == 0, stderr
    assert prompt == b"API key: "
    assert KEY.encode() not in stdout + stderr
    assert read_profiles()["admin"].key == KEY


def test_a_second_login_replaces_the_first(admin: FakeServer, run: Run) -> None:
    assert run("login", "admin", admin.url, "new:key:here").exit_code == 0
    assert run("login", "other", admin.url, KEY).exit_code == 0
    assert {name: profile.key for name, profile in read_profiles().items()} == {"admin": "new:key:here", "other": KEY}


@pytest.mark.parametrize("name", ["login", "list", "up", "createadmin", "", "a\nb"])
def test_a_profile_cannot_be_named_like_a_command(server: FakeServer, run: Run, name: str) -> None:
    result = run("login", name, server.url, KEY)
    assert result.exit_code == 2
    assert f"A profile cannot be named {name!r}." in result.stderr
    assert server.requests == []
    assert read_profiles() == {}


def test_a_wrong_key_is_refused_in_the_servers_words(server: FakeServer, run: Run) -> None:
    server.answer(WHOAMI, b"Authorization Error: Invalid API key.", status=401, content_type="text/plain")
    result = run("login", "admin", server.url, KEY)
    assert result.exit_code == 2
    assert result.stderr == (
        f"Error: {server.url}/ does not accept this key.\nAuthorization Error: Invalid API key.\n"
        "The server prints keys: maas apikey --username NAME\n"
    )
    assert read_profiles() == {}


def test_something_that_is_no_key_is_not_sent(server: FakeServer, run: Run) -> None:
    assert "This is not an API key." in run("login", "admin", server.url, "password").stderr
    assert server.requests == []


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"[]", b'{"name": "x"}'])
def test_another_kind_of_server_is_recognised(server: FakeServer, run: Run, body: bytes) -> None:
    server.answer(WHOAMI, body)
    result = run("login", "admin", server.url, KEY)
    assert result.exit_code == 2
    assert "does not answer like a MAAS API." in result.stderr
    assert f"users/?op=whoami: 200 {body.decode()}" in result.stderr


def test_a_wrong_path_is_shown(server: FakeServer, run: Run) -> None:
    result = run("login", "admin", f"{server.url}/UI", KEY)
    assert result.exit_code == 2
    assert "GET /MAAS/UI/api/2.0/users/?op=whoami: 404 Unknown API endpoint" in result.stderr
    assert "usually ends in /MAAS" in result.stderr


@pytest.mark.parametrize("document", [{"hash": "x"}, {"resources": [{}]}, []])
def test_a_description_that_makes_no_sense_is_refused(server: FakeServer, run: Run, document: Any) -> None:
    server.description = document
    server.sent_hash = "x"
    result = run("login", "admin", server.url, KEY)
    assert result.exit_code == 2
    assert "description of its API cannot be understood" in result.stderr
    assert read_profiles() == {}


def test_a_redirect_is_told_not_followed(server: FakeServer, run: Run) -> None:
    server.answer(WHOAMI, b"", status=301, headers={"Location": "https://safe.example/MAAS/"})
    result = run("login", "admin", server.url, KEY)
    assert result.exit_code == 2
    assert "301, to https://safe.example/MAAS/" in result.stderr
    assert len(server.requests) == 1


def test_logout_forgets_one_profile(admin: FakeServer, run: Run, profiles: Path) -> None:
    run("login", "other", admin.url, "other:key:gone")
    assert run("logout", "other").exit_code == 0
    assert list(read_profiles()) == ["admin"]
    assert "other:key:gone" not in profiles.read_text()
    result = run("logout", "other")
    assert result.exit_code == 2
    assert "There is no profile 'other'.\nProfiles: admin\n" in result.stderr


def test_list_shows_keys_only_when_asked(admin: FakeServer, run: Run) -> None:
    assert run("list").stdout == f"admin {admin.url}/api/2.0/ mara\n"
    assert run("list", "--show-keys").stdout == f"admin {admin.url}/api/2.0/ {KEY}\n"


def test_list_of_nothing_is_empty(run: Run) -> None:
    assert (run("list").exit_code, run("list").output) == (0, "")


def test_refresh_reads_the_description_anew(admin: FakeServer, run: Run) -> None:
    run("login", "other", admin.url, KEY)
    admin.description = describe(digest="hash-two", extra_action="dance")
    assert run("refresh", "admin").exit_code == 0
    assert {n: p.description["hash"] for n, p in read_profiles().items()} == {"admin": "hash-two", "other": "hash-one"}
    assert run("refresh").exit_code == 0
    assert read_profiles()["other"].description["hash"] == "hash-two"
    assert run("refresh", "nobody").exit_code == 2


def test_refresh_goes_on_after_a_server_that_is_down(admin: FakeServer, run: Run) -> None:
    with serving() as gone:
        run("login", "a-first", gone.url, KEY)
    admin.description = describe(digest="hash-two")
    result = run("refresh")
    assert result.exit_code == 2
    assert result.stderr.startswith(f"a-first:\nError: Cannot reach {gone.url}/.\n")
    assert read_profiles()["admin"].description["hash"] == "hash-two"


def test_certificates_are_checked_unless_told_otherwise(server: FakeServer, run: Run, tmp_path: Path) -> None:
    authority = trustme.CA()
    url = server.use_tls(authority)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(bundle))

    result = run("login", "admin", url, KEY)
    assert result.exit_code == 2
    assert "Its certificate is not trusted" in result.stderr
    assert "--cacerts FILE" in result.stderr
    assert server.requests == []

    assert run("login", "admin", url, KEY, "--cacerts", str(bundle)).exit_code == 0
    server.answer("GET /MAAS/api/2.0/vm-hosts/", [])
    assert run("admin", "vm-hosts", "read").stdout == "[]"

    assert run("login", "loose", url, KEY, "--insecure").exit_code == 0
    assert run("loose", "vm-hosts", "read").stdout == "[]"

    assert run("login", "bad", url, KEY, "--cacerts", str(tmp_path / "absent")).exit_code == 2
    bundle.unlink()
    assert "Cannot use the certificates in" in run("admin", "vm-hosts", "read").stderr


def test_tls_to_a_server_without_it_is_explained(server: FakeServer, run: Run) -> None:
    result = run("login", "admin", server.url.replace("http:", "https:"), KEY)
    assert result.exit_code == 2
    assert "It does not speak TLS as expected" in result.stderr
    assert "begins with http://" in result.stderr


def test_a_plain_user_is_told_as_such(server: FakeServer, run: Run) -> None:
    server.answer(WHOAMI, as_json({"username": "guest", "is_superuser": False}))
    assert "as guest (user)." in run("login", "me", server.url, KEY).stdout
