"""Files and API keys of users."""

from __future__ import annotations

import base64

import pytest
import sqlalchemy as sa

from innkeeper.store.account_tables import stored_file
from tests.api.facts import audits, cursor
from tests.kit.client import Client, oauth
from tests.kit.house import Inn

CONTENT = b"\x00\xffstate: 7\r\n"


async def keep(client: Client, filename: str, content: bytes) -> int:
    """Send a file as Go's clients do: multipart, as a file."""
    head = b'--B\r\nContent-Disposition: form-data; name="filename"\r\n\r\n' + filename.encode()
    head += b'\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n'
    body = head + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n--B--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=B", "Authorization": oauth(client.key or "")}
    answer = await client.http.post("/MAAS/api/2.0/files/?op=", content=body, headers=headers)
    assert (answer.content, answer.headers["content-type"]) == (b"", "text/plain; charset=utf-8")
    return answer.status_code


async def test_a_file_is_kept(house: Inn) -> None:
    ann, bob = house.client(username="ann"), house.client(username="bob")
    assert await keep(ann, "abc-provider-state", CONTENT) == 201
    assert await keep(ann, "tools/a b", b"") == 201
    [one] = await ann.get("files/", prefix="abc-")
    assert (one["filename"], one["resource_uri"]) == (
        "abc-provider-state",
        "/MAAS/api/2.0/files/abc-provider-state/",
    )
    read = await ann.get(one["resource_uri"])
    assert read == one | {"content": base64.b64encode(CONTENT).decode()}
    for client, url in ((ann, "/MAAS/api/2.0/files/?op=get&filename=abc-provider-state"), (house.nobody, "")):
        raw = await client.call("GET", url or one["anon_resource_uri"])
        assert (raw.content, raw.headers["content-type"]) == (CONTENT, "application/octet-stream")
    assert await bob.get("files/") == []
    assert [each["filename"] for each in await ann.get("files/")] == ["abc-provider-state", "tools/a b"]
    # A file of that name is replaced, and what points to it still does.
    assert await keep(ann, "abc-provider-state", b"new") == 201
    assert (await house.nobody.call("GET", one["anon_resource_uri"])).content == b"new"
    assert (await ann.get("files/tools/a%20b/"))["content"] == ""
    for name in ("abc-provider-state", "tools/a%20b"):
        await ann.delete(f"files/{name}/")
    assert await ann.get("files/") == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "files/no/"),
        ("DELETE", "files/no/"),
        ("GET", "files/?op=get&filename=no"),
        ("GET", "files/?op=get_by_key&key=no"),
    ],
)
async def test_a_file_that_is_not_there(house: Inn, method: str, path: str) -> None:
    answer = await house.admin.call(method, f"/MAAS/api/2.0/{path}")
    assert (answer.status_code, answer.text, answer.headers["workaround"]) == (404, "Not Found", "bug1123986")


async def test_what_a_file_cannot_be(house: Inn) -> None:
    for fields, field in (
        ({"filename": "x"}, "file"),
        ({"file": "x"}, "filename"),
        ({"filename": "/x", "file": "x"}, "filename"),
        ({"filename": "x" * 256, "file": "x"}, "filename"),
    ):
        answer = await house.admin.call("POST", "files/", **fields)
        assert (answer.status_code, set(answer.json())) == (400, {field})


async def test_content_is_encrypted_at_rest(house: Inn) -> None:
    await keep(house.admin, "state", b"a very secret state")
    query = sa.select(stored_file.c.content)
    stored = house.house.services.database.ask(lambda sql: sql.scalar(query))
    assert b"secret" not in stored
    assert base64.b64encode(b"a very secret state") not in stored


async def test_api_keys(house: Inn) -> None:
    ann, start = house.client(username="ann"), await cursor(house.admin)
    made = await ann.post("account/", op="create_authorisation_token", name="laptop")
    assert (set(made), made["name"]) == ({"consumer_key", "name", "token_key", "token_secret"}, "laptop")
    text = ":".join(made[part] for part in ("consumer_key", "token_key", "token_secret"))
    new = Client(house.admin.http, text)
    assert (await new.get("users/", op="whoami"))["username"] == "ann"
    assert (await ann.get("account/", op="list_authorisation_tokens"))[1] == {"name": "laptop", "token": text}
    for token, name in ((text, "desk"), (made["token_key"], "bed")):
        answer = await ann.call("POST", "account/", op="update_token_name", token=token, name=name)
        assert answer.status_code == 204
        assert (await ann.get("account/", op="list_authorisation_tokens"))[1]["name"] == name
    bob = house.client(username="bob")
    for op, fields in (
        ("delete_authorisation_token", {"token_key": made["token_key"]}),
        ("update_token_name", {"token": text, "name": "mine"}),
    ):
        answer = await bob.call("POST", "account/", op=op, **fields)
        assert (answer.status_code, "you have no such API key" in answer.text) == (400, True)
    gone = await new.call("POST", "account/", op="delete_authorisation_token", token_key=made["token_key"])
    assert gone.status_code == 204
    assert (await new.call("GET", "users/", op="whoami")).status_code == 401
    told = await audits(house.admin, after=start)
    assert "made an API key 'laptop'" in told
    assert "deleted an API key" in told
    assert made["token_secret"] not in str(told)
