"""The bytes that MAAS's clients really send, over a real socket, and what they get back."""

from __future__ import annotations

import asyncio

import pytest

from innkeeper.hypervisors.simulated_world import Fault, world
from tests.kit.client import oauth
from tests.kit.server import Server
from tests.kit.wire import ANSIBLE_NOTHING, API, FORM, LIBMAAS_NOTHING, multipart, part, wire


async def test_one_conversation_of_every_client(shared_server: Server) -> None:
    async with wire(shared_server) as on:
        # The CLI and libmaas: base64 parts.
        body = multipart(part("type", "simulated"), part("power_address", "alpha"), part("tags", "a,é"))
        made = await on.send("POST", "vm-hosts/", *body)
        assert (made.line, made.json["tags"]) == ("HTTP/1.1 200 OK", ["a", "é"])
        host = f"vm-hosts/{made.json['id']}/"
        # Go: op empty on a plain create, a form.
        go = await on.send("POST", "pods/?op=", b"type=simulated&power_address=beta&tags=", FORM)
        assert (go.status, go.json["tags"]) == (200, [])
        # JSON bodies, a list being a repeated key.
        composed = await on.send(
            "POST",
            f"{host}?op=compose",
            b'{"cores": 2, "pinned_cores": [1, 3], "hugepages_backed": false}',
            "application/json",
        )
        assert composed.status == 200
        machine = f"machines/{composed.json['system_id']}/"
        assert (await on.send("GET", machine)).json["pinned_cores"] == [1, 3]
        # libmaas: a POST of nothing is one part without headers, an op in the query.
        assert (await on.send("POST", f"{machine}?op=power_on", *LIBMAAS_NOTHING)).json["power_state"] == "on"
        # Ansible: a POST of nothing is an end boundary only, without a line end.
        assert (await on.send("POST", f"{machine}?op=lock", *ANSIBLE_NOTHING)).json["locked"] is True
        # The CLI: a POST of nothing has no body at all. The op may be in the path, and in the body.
        assert (await on.send("POST", f"{machine}?op=unlock")).json["locked"] is False
        assert (await on.send("POST", f"{machine}op-lock")).json["locked"] is True
        assert (await on.send("POST", machine, b"op=unlock", FORM)).json["locked"] is False
        # Repeated keys in a query.
        ids = [one["system_id"] for one in (await on.send("GET", "machines/")).json]
        assert len((await on.send("GET", f"machines/?id={ids[0]}&id={ids[1]}&op=")).json) == 2
        # libmaas deletes with the part of nothing; the answer has a type, and nothing else.
        gone = await on.send("DELETE", machine, *LIBMAAS_NOTHING)
        assert (gone.line, gone.body) == ("HTTP/1.1 204 No Content", b"")
        assert gone.headers["content-type"] == "text/plain; charset=utf-8"
        # Ansible with a final slash in its host.
        assert (await on.send("GET", "/MAAS//api/2.0/vm-hosts/")).json == (await on.send("GET", "vm-hosts/")).json


async def test_404_is_text_with_its_reason(shared_server: Server) -> None:
    async with wire(shared_server) as on:
        for path, text in (
            ("machines/nobody/", "No Machine matches the given query."),
            ("vm-hosts/7/", "No Pod matches the given query."),
            ("vm-hosts", f"Unknown API endpoint: {API}vm-hosts."),
            ("nothing/at/all/", f"Unknown API endpoint: {API}nothing/at/all/."),
        ):
            answer = await on.send("GET", path)
            assert (answer.line, answer.body.decode()) == ("HTTP/1.1 404 Not Found", text)
            assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_types_of_answers(shared_server: Server) -> None:
    async with wire(shared_server) as on:
        described = await on.send("GET", "describe/", authorization="")
        assert described.headers["content-type"] == "application/json"
        listed = await on.send("GET", "vm-hosts/")
        assert listed.headers["content-type"] == "application/json; charset=utf-8"
        assert listed.headers["x-maas-api-hash"] == described.json["hash"]
        refused = await on.send("POST", "vm-hosts/", b"type=x", FORM)
        assert (refused.line, set(refused.json)) == ("HTTP/1.1 400 Bad Request", {"power_address"})
        head = await on.send("HEAD", "vm-hosts/")
        assert (head.status, head.headers["content-length"]) == (200, listed.headers["content-length"])
        method = await on.send("PATCH", "vm-hosts/")
        assert (method.status, method.headers["allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Basic YTpi", 401),
        ("OAuth oauth_consumer_key=a, oauth_token=b, oauth_signature=%26c", 401),
        ("OAuth oauth_timestamp=soon, oauth_token=b, oauth_signature=%26c", 400),
    ],
)
async def test_keys(shared_server: Server, authorization: str, status: int) -> None:
    async with wire(shared_server) as on:
        answer = await on.send("GET", "users/?op=whoami", authorization=authorization)
        assert answer.status == status
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert ("www-authenticate" in answer.headers) == (status == 401)
        assert (await on.send("GET", "version/", authorization=authorization)).status == 200


async def test_a_key_as_each_client_writes_it(shared_server: Server) -> None:
    consumer, token, secret = shared_server.key().split(":")
    plain = f'oauth_consumer_key="{consumer}"', f'oauth_token="{token}"', f'oauth_signature="%26{secret}"'
    old = 'oauth_timestamp="1"', 'oauth_nonce="1"'  # parsed, and not enforced: the same again and again
    async with wire(shared_server) as on:
        for header in (
            "OAuth " + ", ".join((*plain, *old)),
            'OAuth realm="OAuth", ' + ",".join(plain),
            'OAuth realm="MAAS API",' + ",".join((*old, *reversed(plain))),
            "OAuth " + ", ".join((*plain, *old)).replace('"', ""),
        ):
            answer = await on.send("GET", "users/?op=whoami", authorization=header)
            assert (answer.status, answer.json["username"]) == (200, "admin"), header


async def test_a_body_that_is_cut_off_hurts_nobody(shared_server: Server) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", shared_server.port)
    head = f"POST {API}zones/ HTTP/1.1\r\nHost: inn\r\nAuthorization: {oauth(shared_server.key())}\r\n"
    writer.write(f"{head}Content-Type: {FORM}\r\nContent-Length: 100\r\n\r\nname=half".encode())
    await writer.drain()
    writer.transport.abort()
    async with wire(shared_server) as on:
        assert [one["name"] for one in (await on.send("GET", "zones/")).json] == ["default"]
        cut = await on.send(
            "POST", "zones/", b"--B\r\nContent-Disposition: form-data; name=name\r\n\r\nx", multipart()[1]
        )
        assert (cut.status, b"cut short" in cut.body) == (400, True)
    assert "Traceback" not in shared_server.log.read_text()


async def test_a_client_that_hangs_up_and_asks_again_gets_the_same_machine(shared_server: Server) -> None:
    async with wire(shared_server) as on:
        host = (await on.send("POST", "vm-hosts/", b"type=simulated&power_address=gamma", FORM)).json["id"]
        with world(shared_server.data / "hosts" / "gamma.json") as gamma:
            gamma.faults.append(Fault(call="create", kind="delay", seconds=1.5))
        path, asked = f"vm-hosts/{host}/?op=compose", b"hostname=web1&cores=2"
        async with wire(shared_server) as hasty:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.7):
                    await hasty.send("POST", path, asked, FORM)
        first = (await on.send("GET", "machines/?hostname=web1")).json
        again = await on.send("POST", path, asked, FORM)
        assert (again.status, again.json["system_id"]) == (200, first[0]["system_id"])
        assert len(first) == len((await on.send("GET", "machines/?hostname=web1")).json) == 1
        # Once it was told, the name is taken.
        assert (await on.send("POST", path, asked, FORM)).status == 400
        other = await on.send("POST", path, b"hostname=web1&cores=3", FORM)
        assert other.status == 400
        assert b"there is a machine named 'web1' already" in other.body
