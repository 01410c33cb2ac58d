"""The wire rules of the API: paths, ops, methods, statuses, headers, and the answers clients insist on."""

from __future__ import annotations

import re

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from innkeeper.api.auth import ApiKey
from innkeeper.api.maas.dispatch import Dispatch
from tests.unit.api.sample import ADMIN, ANN, ROUTES, Ring, app, client, key

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@pytest.fixture
async def http():
    async with client(headers=key(ADMIN)) as http:
        yield http


async def test_json_is_pretty(http):
    answer = await http.get("/vm-hosts/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, JSON)
    assert answer.text.startswith(
        '[\n    {\n        "system_id": "abc",\n        "memory": 2048,\n        "ratio": 1.0'
    )
    assert answer.json()[1] == {"name": "é"}
    assert (await http.get("/vm-hosts/7/?op=parameters")).text == '[{"already":1}]'


async def test_both_families(http):
    for path in ("/vm-hosts/7/", "/pods/7/"):
        assert (await http.get(path)).json()["system_id"] == "abc"


@pytest.mark.parametrize(
    "path", ["nothing/", "vm-hosts", "vm-hosts/7", "", "vm-hosts//", "vm-hosts/7/op-", "static-routes/"]
)
async def test_unknown_endpoint(http, path):
    for answer in (await http.get(f"/{path}"), await http.post(f"/{path}")):
        assert (answer.status_code, answer.reason_phrase) == (404, "Not Found")
        assert answer.headers["content-type"] == TEXT
        assert answer.text == f"Unknown API endpoint: /MAAS/api/2.0/{path}."


async def test_thing_that_is_not_there(http):
    for path in ("8", "abc", "9" * 40, "7.0", "-", "٧"):
        answer = await http.get(f"/vm-hosts/{path}/")
        assert (answer.status_code, answer.headers["content-type"]) == (404, TEXT)
        assert answer.text == "No Pod matches the given query."
    assert (await http.get("/fabrics/a/vlans/1/")).text == "Not Found"
    assert (await http.get("/fabrics/-1/vlans/2/")).json()["path"] == {"fabric_id": "-1", "vid": "2"}
    assert (await http.get("/resourcepool/a%20b/")).json()["path"] == {"id": "a b"}


@pytest.mark.parametrize(
    ("url", "body"),
    [
        ("/vm-hosts/7/?op=compose", {"cores": "4"}),
        ("/vm-hosts/7/op-compose", {"cores": "4"}),
        ("/vm-hosts/7/", {"cores": "4", "op": "compose"}),
        ("/vm-hosts/7/?op=", {"cores": "4", "op": "compose"}),
        ("/vm-hosts/7/?op=compose", {"cores": "4", "op": "compose"}),
        ("/vm-hosts/7/?op=compose&cores=4", {}),
    ],
)
async def test_op(http, url, body):
    answer = await http.post(url, data=body)
    assert answer.status_code == 200
    assert (answer.json()["route"], answer.json()["items"]) == (["VmHost", "compose"], {"cores": ["4"]})


async def test_empty_op_is_none(http):
    answer = await http.post("/vm-hosts/?op=", data={"name": "a"})
    assert answer.json()["route"] == ["VmHosts", None]


@pytest.mark.parametrize(
    ("method", "url", "says"),
    [
        ("POST", "/vm-hosts/7/?op=explode", "method POST with op 'explode'"),
        ("GET", "/vm-hosts/7/?op=compose", "method GET with op 'compose'"),
        ("POST", "/vm-hosts/7/", "method POST with no op"),
        ("POST", "/vm-hosts/7/?op=compose&op=refresh", "more than one op"),
        ("POST", "/vm-hosts/7/op-compose?op=refresh", "more than one op"),
    ],
)
async def test_unknown_op(http, method, url, says):
    answer = await http.request(method, url)
    assert (answer.status_code, answer.headers["content-type"]) == (400, TEXT)
    assert says in answer.text


async def test_method_not_allowed(http):
    answer = await http.put("/vm-hosts/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert (await http.get("/machines/x/")).headers["allow"] == "POST"
    assert (await http.options("/vm-hosts/")).status_code == 405


async def test_head_is_get_without_a_body(http):
    for path in ("/vm-hosts/", "/vm-hosts/8/", "/nothing/"):
        get, head = await http.get(path), await http.head(path)
        assert (head.status_code, head.content) == (get.status_code, b"")
        assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))


async def test_204_has_a_content_type_and_no_body(http):
    answer = await http.delete("/vm-hosts/7/")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (204, b"", TEXT)
    assert "content-length" not in answer.headers


async def test_libmaas_deletes_with_a_header_less_empty_part(http):
    body = b"--B\r\n\r\n--B--"
    headers = {"Content-Type": "multipart/form-data; boundary=B"}
    assert (await http.request("DELETE", "/vm-hosts/7/", content=body, headers=headers)).status_code == 204


async def test_parameter_problems_are_json_by_name(http):
    answer = await http.post("/vm-hosts/7/?op=compose", data={"corse": "4", "memory": "much"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, JSON)
    assert list(answer.json()) == ["corse", "memory"]
    assert answer.json()["memory"] == ["'much' is not a whole number."]


async def test_permission_comes_before_the_values():
    async with client(headers=key(ANN)) as http:
        assert (await http.post("/vm-hosts/7/?op=compose", data={"corse": "4"})).status_code == 403
    async with client() as http:
        assert (await http.post("/vm-hosts/7/?op=compose", data={"corse": "4"})).status_code == 401
        assert (await http.post("/vm-hosts/7/?op=compose", json={"corse": "4"})).status_code == 401


async def test_malformed_body_is_text(http):
    answer = await http.post("/vm-hosts/", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, TEXT)
    assert "not JSON" in answer.text


@pytest.mark.parametrize(
    ("op", "status", "text"),
    [
        ("away", 503, "Host a does not answer. Is it on?"),
        ("over", 409, "Cores: 3 free, 4 asked."),
        ("busy", 409, "It is locked."),
    ],
)
async def test_errors_are_text_without_retry_after(http, op, status, text):
    answer = await http.post(f"/machines/abc/?op={op}")
    assert (answer.status_code, answer.text, answer.headers["content-type"]) == (status, text, TEXT)
    assert "retry-after" not in answer.headers


async def test_unexpected_errors_show_a_reference_only(http):
    with capture_logs() as logs:
        answer = await http.post("/machines/abc/?op=crash&oauth_token=hidden")
    assert (answer.status_code, answer.headers["content-type"]) == (500, TEXT)
    found = re.fullmatch(r"Internal server error \(reference ([0-9a-f]{12})\)\.", answer.text)
    assert found is not None
    [entry] = [entry for entry in logs if entry["event"] == "internal error"]
    assert (entry["reference"], entry["path"]) == (found[1], "/MAAS/api/2.0/machines/abc/")
    assert "hidden" not in str(entry)


async def test_headers_of_every_answer(http):
    hashes = set()
    for path in ("/version/", "/vm-hosts/", "/nothing/", "/vm-hosts/8/", "/describe/", "/files/?op=x"):
        answer = await http.get(path, headers={"MAAS-trace-id": "trace-1"})
        assert (answer.headers["vary"], answer.headers["maas-trace-id"]) == ("Authorization", "trace-1")
        hashes.add(answer.headers["x-maas-api-hash"])
    assert len(hashes) == 1
    made = {
        (await http.get("/version/", headers=h)).headers["maas-trace-id"] for h in ({}, {}, {"MAAS-trace-id": "a b"})
    }
    assert len(made) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", trace) for trace in made)


async def test_anonymous_and_closed_calls_of_one_path():
    async with client() as http:
        assert (await http.get("/files/?op=get_by_key&key=a")).json()["actor"] is None
        assert (await http.get("/files/")).status_code == 401
    async with client(headers=key(ANN)) as http:
        assert (await http.get("/files/?op=get_by_key&key=a")).json()["actor"] == "ann"


async def test_any_other_key(http):
    answer = await http.post("/machines/abc/?op=set_owner_data", data={"juju-composed": "true", "gone": ""})
    assert answer.json()["other"] == {"juju-composed": "true", "gone": ""}


async def test_upload_and_whole_answer(http):
    answer = await http.post("/files/", data={"filename": "f"}, files={"file": b"\x00\xff"})
    assert (answer.status_code, answer.content) == (201, b"\x00\xff")
    assert answer.headers["content-type"] == "application/octet-stream"


async def test_mounted_in_an_application():
    outer = FastAPI()
    outer.mount("/MAAS/api/2.0", app())
    async with client(outer, headers=key(ADMIN)) as http:
        assert (await http.get("/vm-hosts/7/")).status_code == 200
        assert (await http.get("/vm-hosts")).text == "Unknown API endpoint: /MAAS/api/2.0/vm-hosts."


def scope(**changes):
    """A raw POST to vm-hosts/."""
    headers = [(b"authorization", key(ADMIN)["Authorization"].encode()), (b"content-type", b"application/json")]
    return {
        "type": "http",
        "method": "POST",
        "path": "/MAAS/api/2.0/vm-hosts/",
        "query_string": b"",
        "headers": headers,
        **changes,
    }


async def test_client_that_goes_away_while_sending():
    sent = []
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    await app()(scope(), receive, send)
    assert sent == []


async def test_client_that_goes_away_before_the_answer():
    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        raise OSError

    await app()(scope(), receive, send)


async def test_websocket_is_closed():
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message["type"])

    await app()(scope(type="websocket"), receive, send)
    assert sent == ["websocket.close"]


async def test_identifiers_are_tried_in_order():
    class Always:
        async def identify(self, request, *, oauth):
            return ANN

    async with client(Dispatch(ROUTES, identifiers=[ApiKey(Ring()), Always()])) as http:
        assert (await http.get("/resourcepool/0/")).json()["actor"] == "ann"
        assert (await http.get("/resourcepool/0/", headers=key(ADMIN))).json()["actor"] == "root"
