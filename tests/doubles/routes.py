"""The API of the TLS double: method and path → the answer of LXD, over a World."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from innkeeper.hypervisors.lxd.units import size
from tests.doubles.world import FROZEN, RUNNING, STOPPED, Json, Refusal, World


def answer(world: World, method: str, segments: list[str], query: Mapping[str, str], body: Json) -> Any:
    """Metadata for a sync answer, or a whole answer with a "type"; an awaitable for a wait. Raises Refusal."""
    project = query.get("project", "default")
    everything = query.get("all-projects") == "true"
    if not segments and method == "GET":
        return _server(world)
    if not world.trusted and [method, *segments] != ["POST", "certificates"]:
        raise Refusal(403, "not authorized")
    if world.restricted and (everything or ("project" in query and project not in world.restricted)):
        raise Refusal(403, "not authorized")
    match [method, *segments]:
        case ["GET", "resources"]:
            return world.resources
        case ["GET", "projects"]:
            visible = [n for n in world.projects if not world.restricted or n in world.restricted]
            if query.get("recursion") != "1":
                return [f"/1.0/projects/{name}" for name in visible]
            return [{**world.projects[name], "used_by": world.used_by(name)} for name in visible]
        case ["POST", "projects"]:
            return _create_project(world, body)
        case ["GET", "projects", name]:
            return {**_found(world.projects, name, "Project"), "used_by": world.used_by(name)}
        case ["DELETE", "projects", name]:
            _found(world.projects, name, "Project")
            if len(world.used_by(name)) > 1:
                raise Refusal(400, "Only empty projects can be removed")
            del world.projects[name]
            return {}
        case ["GET", "profiles"]:
            return [f"/1.0/profiles/{name}" for name in world.profiles.get(project, ["default"])]
        case ["GET", "networks"]:
            if world.restricted and "project" not in query:
                raise Refusal(403, "not authorized")
            return world.networks
        case ["GET", "networks", name, "state"]:
            return _found(world.network_states, name, "Network interface")
        case ["GET", "networks", name, "leases"]:
            return _found(world.leases, name, "Network")
        case ["GET", "storage-pools"]:
            return [{**pool, "config": None if world.restricted else pool["config"]} for pool in world.pools.values()]
        case ["GET", "storage-pools", name, "resources"]:
            return _found(world.pool_resources, name, "Storage pool")
        case ["GET", "storage-pools", name, "volumes"]:
            return world.volume_shapes(name, None if everything else {project})
        case [_, "storage-pools", pool, "volumes", "custom", *rest]:
            return _volume(world, method, pool, project, rest, body)
        case ["GET", "images"]:
            return []
        case ["GET", "instances"]:
            wanted = query.get("instance-type", "")
            return [
                instance
                for (p, _), instance in world.instances.items()
                if (everything or p == project) and wanted in ("", instance["type"])
            ]
        case ["POST", "instances"]:
            return _create(world, project, body)
        case ["GET", "instances", name]:
            return _found(world.instances, (project, name), "Instance")
        case ["GET", "instances", name, "state"]:
            instance = _found(world.instances, (project, name), "Instance")
            blank = {"processes": -1, "network": None}
            return {"status_code": instance["status_code"], **world.instance_states.get(name, blank)}
        case ["PUT", "instances", name, "state"]:
            return _power(world, project, name, body)
        case ["PATCH", "instances", name]:
            return _change(_found(world.instances, (project, name), "Instance"), body)
        case ["DELETE", "instances", name]:
            return _delete(world, project, name)
        case ["GET", "operations"]:
            listed: dict[str, list[Json]] = {}
            for operation in world.operations.values():
                if operation.project == project:
                    listed.setdefault(operation.state[1].lower(), []).append(operation.shape())
            return listed
        case ["GET", "operations", id]:
            return _found(world.operations, id, "Operation").shape()
        case ["GET", "operations", id, "wait"]:
            return _wait(world, id, float(query.get("timeout", "60")))
        case ["POST", "certificates"]:
            return _trust(world, body)
        case ["GET", "certificates", fingerprint]:
            if fingerprint not in world.certificates:
                raise Refusal(404, "Certificate not found")
            return {"fingerprint": fingerprint, "type": "client"}
        case ["DELETE", "certificates", fingerprint]:
            if fingerprint in world.certificates:
                world.certificates.remove(fingerprint)
            elif world.own in ("", fingerprint):
                world.trusted = False
            else:
                raise Refusal(404, "Certificate not found")
            return {}
    raise Refusal(404, "not found")


def _server(world: World) -> Json:
    server = {**world.server, "auth": "trusted" if world.trusted else "untrusted"}
    if not world.trusted:
        return {key: value for key, value in server.items() if key not in ("environment", "config")}
    return {**server, "config": None} if world.restricted else server


def _found(table: Mapping[Any, Any], key: Any, kind: str) -> Any:
    if key not in table:
        raise Refusal(404, f"{kind} not found")
    return table[key]


async def _wait(world: World, id: str, timeout: float) -> Json:
    operation = _found(world.operations, id, "Operation")
    try:
        async with asyncio.timeout(timeout):
            await operation.ended.wait()
    except TimeoutError:
        pass
    shape = operation.shape()
    if world.server["environment"]["server"] == "incus":
        if operation.err:
            raise Refusal(500, operation.err)
        if not operation.ended.is_set():
            raise Refusal(500, "context deadline exceeded")
    return shape


def _create_project(world: World, body: Json) -> Json:
    if body["name"] in world.projects:
        raise Refusal(400, f'Project "{body["name"]}" already exists')
    world.add_project(body["name"], **body["config"])
    world.projects[body["name"]]["description"] = body["description"]
    return {}


def _create(world: World, project: str, body: Json) -> Json:
    name = body["name"]
    devices = json.loads(json.dumps(body["devices"]))
    config = dict(body["config"])

    def work() -> None:
        if (project, name) in world.instances:
            raise Refusal(
                400,
                'Failed creating instance record: This "instances" entry already exists',
            )
        for device in devices.values():
            if device["type"] == "disk" and device["pool"] not in world.pools:
                raise Refusal(404, "Storage pool not found")
        world.add_instance(name, project=project, config=config, devices=devices, profiles=body["profiles"])
        world.instances[project, name]["architecture"] = body["architecture"]
        world.emit("instance-created", f"/1.0/instances/{name}", project, {"type": "virtual-machine"})

    return world.background("Creating instance", project, name, work)


def _power(world: World, project: str, name: str, body: Json) -> Json:
    instance = _found(world.instances, (project, name), "Instance")
    state = (instance["status_code"], instance["status"])

    def become(new: tuple[int, str], event: str) -> None:
        instance["status_code"], instance["status"] = new
        world.emit(event, f"/1.0/instances/{name}", project, None)

    def work() -> None:
        match body["action"]:
            case "start":
                if state != STOPPED:
                    raise Refusal(400, "The instance is already running")
                become(RUNNING, "instance-started")
            case "unfreeze":
                become(RUNNING, "instance-resumed")
            case "stop":
                if state == STOPPED:
                    raise Refusal(400, "The instance is already stopped")
                if world.ignores_shutdown and not body["force"]:
                    raise Refusal(400, 'Failed shutting down instance, status is "Running": context deadline exceeded')
                become(STOPPED, "instance-stopped" if body["force"] else "instance-shutdown")

    if body["action"] not in ("start", "stop", "freeze", "unfreeze"):
        raise Refusal(400, f"Unknown action: '{body['action']}'")
    if state == FROZEN and body["action"] == "start":
        raise Refusal(400, "The instance is already running")
    return world.background(
        {"start": "Starting", "stop": "Stopping"}.get(body["action"], "Unfreezing") + " instance", project, name, work
    )


def _delete(world: World, project: str, name: str) -> Json:
    instance = _found(world.instances, (project, name), "Instance")
    if instance["status_code"] != STOPPED[0]:
        raise Refusal(400, "Instance is running")

    def work() -> None:
        world.instances.pop((project, name), None)
        world.emit("instance-deleted", f"/1.0/instances/{name}", project, None)

    return world.background("Deleting instance", project, name, work)


def _change(there: Json, body: Json) -> Json:
    """Keys that are given; a device is written as a whole. A disk does not become smaller."""
    devices = body.get("devices", {})
    for name, device in devices.items():
        _must_not_shrink(there["devices"].get(name, {}), device)
    there["config"] |= body.get("config", {})
    there["devices"] |= devices
    return {}


def _must_not_shrink(before: Json, after: Json) -> None:
    if (size(after.get("size", "")) or 0) < (size(before.get("size", "")) or 0):
        raise Refusal(400, "Block volumes cannot be shrunk")


def _volume(world: World, method: str, pool: str, project: str, rest: list[str], body: Json) -> Json:
    _found(world.pools, pool, "Storage pool")
    if method == "POST":
        key = (pool, project, body["name"])
        if key in world.volumes:
            raise Refusal(409, "Volume by that name already exists")
        world.add_volume(body["name"], pool=pool, project=project, **body["config"])
        world.emit("storage-volume-created", f"/1.0/storage-pools/{pool}/volumes/custom/{body['name']}", project, None)
        return {}
    key = (pool, project, rest[0])
    _found(world.volumes, key, "Storage volume")
    shape = next(v for v in world.volume_shapes(pool, {project}) if v["name"] == rest[0] and v["type"] == "custom")
    if method == "GET":
        return shape
    if method == "PATCH":
        _must_not_shrink(shape["config"], body["config"])
        world.volumes[key]["config"] |= body["config"]
        return {}
    if shape["used_by"]:
        raise Refusal(400, "The storage volume is still in use")
    del world.volumes[key]
    return {}


def _trust(world: World, body: Json) -> Json:
    if world.trusted and "certificate" in body:
        fingerprint = hashlib.sha256(base64.b64decode(body["certificate"], validate=True)).hexdigest()
        if fingerprint in world.certificates:
            raise Refusal(400, "Certificate already in trust store")
        world.certificates.add(fingerprint)
        return None
    if world.trusted:
        raise Refusal(400, "Client is already trusted")
    incus = world.server["environment"]["server"] == "incus"
    explicit = incus or "explicit_trust_token" in world.server["api_extensions"]
    given = body.get("trust_token" if explicit else "password", "")
    for secret in world.tokens:
        if given and secret in _decoded(given):
            world.tokens.remove(secret)
            world.trusted = True
            return None
    if world.password and body.get("password") == world.password:
        world.trusted = True
        return None
    raise Refusal(
        403, "No matching certificate add operation found" if "secret" in _decoded(given) else "not authorized"
    )


def _decoded(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode()
    except ValueError:
        return ""
