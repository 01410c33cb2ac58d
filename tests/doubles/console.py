"""The console of the double: two websockets of one operation, and a daemon that dies of a half-open one."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.doubles.world import RUNNING, SUCCESS, Json, Operation, Refusal, World


@dataclass
class DoubleConsole:
    """One open console: what was typed, the order in which things happened, and its two ends."""

    operation: Operation
    typed: bytes = b""
    story: list[str] = field(default_factory=list)  # "control opened", "text opened", "text closed" …
    ends: dict[str, web.WebSocketResponse] = field(default_factory=dict)

    @property
    def crashed(self) -> bool:
        """Whether LXD 5.0.2 would have died of it: the text was opened before its control was there."""
        return "text opened" in self.story and "control opened" not in self.story[: self.story.index("text opened")]

    async def prints(self, text: bytes) -> None:
        await self.ends["text"].send_bytes(text)


def open_console(world: World, project: str, name: str, body: Json) -> tuple[DoubleConsole, Json]:
    """A console, and the answer that tells of it. Raises Refusal."""
    if (project, name) not in world.instances:
        raise Refusal(404, "Instance not found")
    if world.instances[project, name]["status_code"] != RUNNING[0]:
        raise Refusal(400, "Instance is not running")
    assert body == {"type": "console", "width": 80, "height": 24}
    id = f"00000000-0000-4000-9000-{len(world.operations):012d}"
    operation = Operation(id, "Showing console", [f"/1.0/instances/{name}"], project, cls="websocket")
    world.operations[id] = operation
    metadata = {**operation.shape(), "metadata": {"fds": {"0": "secret-0", "control": "secret-c"}}}
    return DoubleConsole(operation), {
        "type": "async",
        "status": "Operation created",
        "status_code": 100,
        "operation": f"/1.0/operations/{id}?project={project}",
        "error_code": 0,
        "error": "",
        "metadata": metadata,
    }


async def serve(console: DoubleConsole, request: web.Request) -> web.WebSocketResponse:
    """One of its websockets, until its client closes it."""
    end = {"secret-0": "text", "secret-c": "control"}[request.query["secret"]]
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    console.ends[end] = socket
    console.story.append(f"{end} opened")
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            console.typed += message.data
    console.story.append(f"{end} closed")
    console.operation.state = SUCCESS
    console.operation.ended.set()
    return socket
