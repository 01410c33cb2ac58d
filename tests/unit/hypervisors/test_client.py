"""The HTTPS client: time limits, cuts, the guard, garbage, the host's words."""

from __future__ import annotations

import asyncio
import gc
import json
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from innkeeper.errors import (
    HostFailure,
    HostRefused,
    HostUnreachable,
    HostUntrusted,
    Invalid,
)
from innkeeper.hypervisors import registry
from innkeeper.hypervisors.lxd import answers, shapes, tls
from innkeeper.hypervisors.lxd.client import Client, Connection, Exchange, Timeouts, path, unobserved
from innkeeper.hypervisors.lxd.driver import Lxd, connect
from tests.doubles.lxd import Cut, Delay, Garbage, LxdDouble, Refuse, server_certificate

QUICK = Timeouts(connect=5.0, answer=1.0, change=1.0)
STATE = "/1.0/instances/vm/state"


@pytest.fixture
async def client(double: LxdDouble) -> AsyncIterator[Client]:
    one = Client(Connection(double.target(), timeouts=QUICK, observe=unobserved))
    yield one
    await one.close()


async def test_down(driver: Lxd, double: LxdDouble) -> None:
    await double.stop()
    with pytest.raises(HostUnreachable, match="Connection refused"):
        await driver.identify()
    await double.start()
    assert (await driver.identify()).trusted


async def test_a_change_that_could_not_be_sent_says_nothing_of_an_unknown_outcome(
    client: Client, double: LxdDouble
) -> None:
    await double.stop()
    with pytest.raises(HostUnreachable) as away:
        await client.change("PUT", STATE, {})
    assert "unknown" not in away.value.details


async def test_too_slow(client: Client, double: LxdDouble) -> None:
    double.faults["GET /1.0"] = Delay(1.3)
    double.faults[f"PUT {STATE}"] = Delay(1.3)
    with pytest.raises(HostUnreachable) as slow:
        await client.get("/1.0", shapes.Server)
    assert slow.value.details == "No answer in time."
    with pytest.raises(HostUnreachable, match="The outcome is unknown"):
        await client.change("PUT", STATE, {})
    assert double.counted() == {"GET /1.0": 1, f"PUT {STATE}": 1}  # slowness is not tried again


async def test_waiting_for_our_own_requests_is_not_the_hosts_slowness(client: Client, double: LxdDouble) -> None:
    double.faults["GET /1.0"] = Delay(0.3)
    await asyncio.gather(*(client.get("/1.0", shapes.Server) for _ in range(16)))  # 4 at once: 1.2 s in all
    assert double.counted()["GET /1.0"] == 16


async def test_a_wait_does_not_keep_others_out(driver: Lxd, double: LxdDouble) -> None:
    double.world.takes_seconds = 1.5
    for number in range(8):
        double.world.add_instance(f"vm{number}")
    starts = [asyncio.create_task(driver.start(name=f"vm{number}")) for number in range(8)]
    await asyncio.sleep(0.5)
    assert sum("/wait" in request for request in double.requests) > 4
    await driver.identify()
    assert not any(start.done() for start in starts)
    await asyncio.gather(*starts)


async def test_a_read_on_a_closed_connection_is_tried_again(client: Client, double: LxdDouble) -> None:
    await client.get("/1.0", shapes.Server)
    double.faults["GET /1.0"] = Cut(times=1)
    assert (await client.get("/1.0", shapes.Server)).auth == "trusted"
    assert double.counted()["GET /1.0"] == 3


async def test_a_read_that_is_cut_twice_has_failed(client: Client, double: LxdDouble) -> None:
    double.faults["GET /1.0"] = Cut(times=9)
    with pytest.raises(HostUnreachable, match="cut"):
        await client.get("/1.0", shapes.Server)
    assert double.counted()["GET /1.0"] == 2


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST", "PATCH"])
@pytest.mark.parametrize("done", [False, True])
async def test_change_is_never_repeated(client: Client, double: LxdDouble, method: str, done: bool) -> None:
    """Neither by us nor by the library below, which would repeat a PUT or DELETE on a kept connection."""
    await client.get("/1.0", shapes.Server)
    double.faults[f"{method} {STATE}"] = Cut(done=done, times=9)
    with pytest.raises(HostUnreachable, match="The outcome is unknown"):
        await client.change(method, STATE, {"action": "start"})
    assert double.counted()[f"{method} {STATE}"] == 1


async def test_guard_is_asked_before_each_change_and_never_before_a_read(driver: Lxd, double: LxdDouble) -> None:
    asked = 0

    def guard() -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise RuntimeError("not ours any more")

    guarded = driver.guarded(guard)
    vm = double.world.add_instance("vm", config={"user.innkeeper.machine": "m"})
    await guarded.describe()
    await guarded.instances()
    assert asked == 0
    await guarded.start(name="vm")
    assert asked == 1
    with pytest.raises(RuntimeError, match="not ours"):
        await guarded.delete(name="vm", machine="m")  # the stop goes through, the delete does not
    assert vm["status"] == "Stopped"
    assert [name for name, _ in double.bodies] == [f"PUT {STATE}", f"PUT {STATE}"]
    await driver.delete(name="vm", machine="m")  # the unguarded one is as it was


@pytest.mark.parametrize(
    "garbage",
    [
        Garbage(),
        Garbage(body=b"", content_type="application/json"),
        Garbage(body=b"null", content_type="application/json"),
        Garbage(body=b"[1, 2]", content_type="application/json"),
        Garbage(body=b'{"hello": "world"}', content_type="application/json"),
        Garbage(body=b'{"type": "sync", "metadata": {"auth": 7}}', content_type="application/json"),
        Garbage(body=b'{"type": "sync", "metadata": [1]}', content_type="application/json"),
        Garbage(body=b'{"type": "sync"}', content_type="application/json"),
        Garbage(body=b'{"type": "party", "metadata": {}}', content_type="application/json"),
        Garbage(body=b"\xff\xfe\x00", content_type="application/octet-stream"),
        Garbage(status=502),
        Garbage(status=302),
        Garbage(status=204, body=b""),
    ],
)
async def test_garbage_is_named(client: Client, double: LxdDouble, garbage: Garbage) -> None:
    double.faults["GET /1.0"] = garbage
    with pytest.raises(HostRefused, match="answered something that is not LXD") as stranger:
        await client.get("/1.0", shapes.Server)
    assert stranger.value.details
    assert stranger.value.code == 0


async def test_a_strangers_404_is_not_an_absence(driver: Lxd, double: LxdDouble) -> None:
    """A proxy's error page must not make an instance look gone."""
    double.world.add_instance("vm")
    double.faults["GET /1.0/instances/vm"] = Garbage(status=404)
    with pytest.raises(HostRefused, match="not LXD"):
        await driver.instance(name="vm")
    double.faults["GET /1.0/instances/vm"] = Refuse(404, "Instance not found")
    assert await driver.instance(name="vm") is None


async def test_garbage_to_a_change(client: Client, double: LxdDouble) -> None:
    double.faults[f"PUT {STATE}"] = Garbage(body=b'{"type": "async", "metadata": {"no": "id"}}')
    with pytest.raises(HostRefused, match="not LXD"):
        await client.change("PUT", STATE, {})


async def test_an_endless_answer_is_ended(client: Client, double: LxdDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("innkeeper.hypervisors.lxd.client._LARGEST", 1000)
    double.faults["GET /1.0"] = Garbage(body=b" " * 5000)
    with pytest.raises(HostRefused, match="more than 0 MiB"):
        await client.get("/1.0", shapes.Server)


@pytest.mark.parametrize("words", [b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\nX: y\r\nno header\r\n\r\n"])
async def test_tls_without_http(words: bytes) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served = server_certificate()
    tls.present(context, served)

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        while await reader.read(1024):
            continue
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        base = LxdDouble().target()
        target = replace(base, address=f"https://127.0.0.1:{port}", server_certificate=served.certificate)
        driver = await connect(target, timeouts=QUICK)
        with pytest.raises(HostFailure):
            await driver.identify()
        await driver.close()
        await asyncio.sleep(0.05)


async def test_refusals_carry_the_hosts_words_and_code(client: Client, double: LxdDouble) -> None:
    double.faults["GET /1.0/x"] = Refuse(409, "This is in use")
    with pytest.raises(HostRefused) as refused:
        await client.get("/1.0/x", shapes.Server)
    assert (refused.value.details, refused.value.code) == ("This is in use", 409)


async def test_an_error_body_counts_even_with_status_200(client: Client, double: LxdDouble) -> None:
    body = json.dumps({"type": "error", "error_code": 500, "error": "no", "metadata": None}).encode()
    double.faults["GET /1.0"] = Garbage(body=body, content_type="application/json")
    with pytest.raises(HostRefused) as refused:
        await client.get("/1.0", shapes.Server)
    assert (refused.value.details, refused.value.code) == ("no", 500)


async def test_forbidden_is_untrusted_only_when_we_are(client: Client, double: LxdDouble) -> None:
    double.faults["GET /1.0/networks"] = Refuse(403, "not authorized")
    with pytest.raises(HostRefused) as refused:
        await client.get("/1.0/networks", list[shapes.NetworkEntry])
    assert refused.value.code == 403
    double.world.trusted = False
    with pytest.raises(HostUntrusted, match="not authorized"):
        await client.get("/1.0/networks", list[shapes.NetworkEntry])


def test_paths_are_quoted() -> None:
    assert path("instances", "a/b c", project="p&q", all_projects=None) == "/1.0/instances/a%2Fb%20c?project=p%26q"
    assert path("instances", recursion=1, all_projects="true") == "/1.0/instances?recursion=1&all-projects=true"
    assert path() == "/1.0"


async def test_odd_names_arrive_as_they_are(driver: Lxd, double: LxdDouble) -> None:
    double.world.add_volume("a b%/ü?&#", size="1GiB")
    assert await driver.volume_tags(pool="default", name="a b%/ü?&#") == ()


def test_null_lists_are_empty() -> None:
    envelope = answers.opened(b'{"type": "sync", "metadata": null}')
    assert answers.content(envelope, list[shapes.Volume]) == []
    assert answers.content(envelope, dict[str, list[str]]) == {}


async def test_observer_sees_every_exchange(double: LxdDouble) -> None:
    seen: list[Exchange] = []
    driver = await connect(double.target(), observe=seen.append, timeouts=QUICK)
    await driver.identify()
    await double.stop()
    with pytest.raises(HostUnreachable):
        await driver.describe()
    assert [(one.method, one.path, one.status) for one in seen] == [("GET", "/1.0", 200), ("GET", "/1.0", 0)]
    assert seen[0].seconds > 0
    await driver.close()


async def test_registry(double: LxdDouble) -> None:
    host = await registry.connect("lxd", double.target())
    assert (await host.identify()).trusted
    await host.close()
    with pytest.raises(Invalid) as unknown:
        await registry.connect("vmware", double.target())
    assert "'vmware'" in unknown.value.fields["type"][0]


def test_double_runs_without_a_loop() -> None:
    async def ask(double: LxdDouble) -> bool:
        driver = await connect(double.target(), timeouts=QUICK)
        try:
            return (await driver.identify()).trusted
        finally:
            await driver.close()

    with LxdDouble() as double:
        assert asyncio.run(ask(double))
        assert double.requests == ["GET /1.0"]
    gc.collect()
